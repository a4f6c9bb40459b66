"""What the ``himari`` command does, one file per word of the command line.

Each is imported only when its word is said, so that ``himari --help`` is quick.
"""
