"""What leaves: JSON bytes, the table from an error to its problem, schemas of the OpenAPI page."""
