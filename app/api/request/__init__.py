"""What comes in: bodies read within bounds, query parameters, schemas and their examples."""
