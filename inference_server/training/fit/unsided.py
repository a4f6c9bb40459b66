"""Features of the price alone, without the side of the baseline: the input of the forecasts.

`inference_server.model.features` measures everything from the baseline's side. How a price will
move does not depend on the side of a position, so the features of prices alone are turned back
from a short baseline to a long one. Both cases, and a symbol in either of them, then get the same
forecast.
"""

from typing import Final

import torch
from torch import Tensor

from inference_server.model.features import FEATURES

# the same from either side
_EVEN: Final = (
    "volatility_5_60",
    "volatility_20_250",
    "volatility_ewma_60",
    "volatility_60_250",
    "efficiency_20",
    "efficiency_250",
    "largest_5",
    "market_volatility",
    "market_correlation",
    "relative_volatility",
)
# these change their sign with the side
_ODD: Final = tuple(
    name
    for name in FEATURES
    if name.startswith(("momentum_", "persistence_", "skewness_", "cross_section_", "market_"))
    and name not in _EVEN
)
_PEAK, _TROUGH = "below_peak_250", "above_trough_250"
UNSIDED: Final = (*_EVEN, *_ODD, _PEAK, _TROUGH)


def _turned() -> tuple[Tensor, Tensor, Tensor]:
    """Return matrices (F, P) for a long and a short baseline, and the offset (P,) of the short."""
    pick = torch.zeros(len(FEATURES), len(UNSIDED))
    turn, add = pick.clone(), torch.zeros(len(UNSIDED))
    for place, name in enumerate(UNSIDED):
        pick[FEATURES.index(name), place] = 1.0
        if name in (_PEAK, _TROUGH):
            continue
        turn[FEATURES.index(name), place] = 1.0 if name in _EVEN else -1.0
    # the peak of a path is the trough of its mirror image: 2 x + 1 against x' - 1, x = -x'
    peak, trough = UNSIDED.index(_PEAK), UNSIDED.index(_TROUGH)
    turn[FEATURES.index(_TROUGH), peak], add[peak] = -2.0, -1.0
    turn[FEATURES.index(_PEAK), trough], add[trough] = -0.5, -0.5
    return pick, turn, add


_PICK, _TURN, _ADD = _turned()


def unsided_features(features: Tensor, side: Tensor) -> Tensor:
    """Return the features of prices as from a long baseline.

    Parameters
    ----------
    features : Tensor of shape (..., F), as `build_features` makes them
    side : Tensor of shape (...), below 0 for a short baseline

    Returns
    -------
    Tensor of shape (..., len(UNSIDED))
        The features named in `UNSIDED`, equal but for rounding.
    """
    turned = features @ _TURN + _ADD
    return torch.where(side[..., None] < 0.0, turned, features @ _PICK)
