"""Description of a panel: files, columns, calendar, repairs."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from inference_server.training.data.packages import Package

HOUR_SEC: Final = 3_600
DAY_SEC: Final = 86_400


@dataclass(frozen=True, slots=True)
class Column:
    """A column of closes.

    Parameters
    ----------
    header : str
        Its name in the file.
    symbol : str
        Its name here.
    volume : str or None
        The column of traded volume, where a bar without trades repeats the close before it: such a
        bar has no price of its own and is read as missing.
    """

    header: str
    symbol: str
    volume: str | None = None


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file inside an archive.

    Parameters
    ----------
    package : Package
        Whose archive.
    member : str
        Its path in the archive; ``.gz`` members are unpacked on reading.
    sha256 : str, 64 hexadecimal digits
        Of the member as it stands in the archive.
    columns : tuple of Column
        What is read; empty: every column after the first, by its own name.
    date_format : str or None
        `strptime` format of the first column, UTC; None: the file has no times, each column is the
        wealth of one unit after every day.
    skip_lines : int
        Lines before the header.
    """

    package: Package
    member: str
    sha256: str
    columns: tuple[Column, ...] = ()
    date_format: str | None = "%Y-%m-%d"
    skip_lines: int = 0


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days an undated panel is documented to cover, the base day included.

    Times are spread evenly over the business days from ``first`` to ``last``, so that panels can
    be cut at a date with little error.
    """

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Repair:
    """A stated change to the closes of a file.

    Parameters
    ----------
    kind : {"blank", "rejoin"}
        ``blank``: the closes of these bars are read as missing. ``rejoin``: the return into the
        first bar is taken out, by scaling the closes from there on.
    symbol : str
        Whose closes.
    first, last : int
        Bars of the panel, counted from 0, both included; of ``rejoin`` only the first counts.
    reason : str
        Why the file cannot be right there.
    """

    kind: Literal["blank", "rejoin"]
    symbol: str
    first: int
    last: int
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """One panel: where it comes from and what it means.

    Parameters
    ----------
    name : str
        Of the panel.
    what : str
        The instruments, what their closes are adjusted for, and what is odd about them.
    files : tuple of DataFile
        Joined on their times.
    interval_sec : int
        Length of a bar.
    calendar : Calendar or None
        Only of an undated panel.
    repairs : tuple of Repair
        Applied in this order after joining.
    """

    name: str
    what: str
    files: tuple[DataFile, ...]
    interval_sec: int = DAY_SEC
    calendar: Calendar | None = None
    repairs: tuple[Repair, ...] = ()

    @property
    def packages(self) -> tuple[Package, ...]:
        """The packages it is read from, each once."""
        return tuple(dict.fromkeys(file.package for file in self.files))
