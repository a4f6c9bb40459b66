"""Why there are no prices."""

from app.core.errors import HimariError


class PricesMissing(HimariError):
    """The data package or the price file is not there."""


class PricesInvalid(HimariError):
    """A price table is malformed; the message names line and column, and what to do."""
