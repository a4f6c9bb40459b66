"""The image, the compose file and their hardening, read as they are."""
