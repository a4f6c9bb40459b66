"""The documents against the tree."""
