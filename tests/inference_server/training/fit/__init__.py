"""Tests of inference_server/training/fit."""
