"""Errors of the training data.

::

    TrainingDataError
    |-- ArchiveUnavailable    the package's archive could not be downloaded
    |-- FileCorrupt           bytes are not those that were pinned
    |-- TableInvalid          a data file breaks its form; the message names file and line
    `-- UnknownPanel          no panel has that name
"""


class TrainingDataError(Exception):
    """Root of these errors; the message is for the user of the command."""


class ArchiveUnavailable(TrainingDataError):
    """The package's archive could not be downloaded."""


class FileCorrupt(TrainingDataError):
    """An archive, or a file inside it, is not the one that was pinned."""


class TableInvalid(TrainingDataError):
    """A data file breaks its form; the message names file and line."""


class UnknownPanel(TrainingDataError):
    """No panel has that name."""
