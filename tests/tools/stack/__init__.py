"""The compose stack, built and run for real without Docker: ``python -m tests.tools.stack``.

Podman stands in for the engine, the compose binary is the real one, ``Dockerfile`` and
``docker-compose.yml`` are used as they are. Base images are made from Debian's packages.
"""
