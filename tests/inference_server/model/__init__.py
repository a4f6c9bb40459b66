"""Rows, cards, folders and policies."""
