"""Servers as processes of their own on free loopback ports, always stopped at the end.

``service.py`` starts the service or any other application, ``inference.py`` the inference server.
"""
