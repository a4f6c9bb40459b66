"""The pipeline against fakes."""
