"""The compose stack, built and run for real; ``python -m tests.tools.stack`` on a machine without Docker.

Podman stands in for the engine, the compose binary is the real one, ``Dockerfile`` and
``docker-compose.yml`` are used as they are. Base images are made from Debian's packages.
"""
