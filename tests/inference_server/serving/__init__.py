"""Tests of inference_server/serving."""
