"""The rim: sockets, disk, clock and metrics behind the pipeline's ports."""
