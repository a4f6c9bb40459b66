"""Servers in processes of their own on free loopback ports, stopped at the end in any case.

``service.py`` starts the service or any other application, ``inference.py`` the inference server.
"""
