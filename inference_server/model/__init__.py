"""What is served: rows in, predictions out, and the folders that models come from."""
