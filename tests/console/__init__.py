"""The operator console: over ASGI, and in a real browser against a real service."""
