"""Apply the stated changes to the closes of the files; all other closes stay as they are."""

from collections.abc import Sequence

from inference_server.training.data.errors import TableInvalid
from inference_server.training.data.sources import Repair
from inference_server.training.data.tables import FloatArray


def apply_repairs(
    closes: FloatArray, symbols: Sequence[str], repairs: Sequence[Repair]
) -> FloatArray:
    """Return closes with the repairs applied in their order.

    Parameters
    ----------
    closes : ndarray of shape (n_bars, n_symbols), price
        Not changed.
    symbols : sequence of str, length n_symbols
    repairs : sequence of Repair

    Returns
    -------
    ndarray of shape (n_bars, n_symbols), price

    Raises
    ------
    TableInvalid
        If a repair names a symbol or bars that are not there.
    """
    repaired = closes.copy()
    for repair in repairs:
        series = repaired[:, _column(symbols, repair)]
        if not 1 <= repair.first <= repair.last < len(series):
            raise TableInvalid(
                f"repair of {repair.symbol}: bars must lie in 1 to {len(series) - 1}, "
                f"were {repair.first} to {repair.last}"
            )
        if repair.kind == "blank":
            series[repair.first : repair.last + 1] = float("nan")
        else:
            series[repair.first :] *= series[repair.first - 1] / series[repair.first]
    return repaired


def _column(symbols: Sequence[str], repair: Repair) -> int:
    if repair.symbol not in symbols:
        raise TableInvalid(f"repair of {repair.symbol}: there is no such symbol")
    return symbols.index(repair.symbol)
