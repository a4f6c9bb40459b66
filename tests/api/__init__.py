"""The API over ASGI, against a fake service."""
