"""Models: rows in, predictions out, and the folders that models are loaded from."""
