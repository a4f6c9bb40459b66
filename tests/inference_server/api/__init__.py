"""HTTP of the inference server."""
