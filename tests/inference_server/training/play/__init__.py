"""Tests of inference_server/training/play."""
