"""Stage 3: sentiment tilts a size a little, mirrored for shorts.

See docs/concepts.md#sentiment.
"""

import numpy as np

from app.core.params import SentimentParams
from app.core.types import FloatArray


def sentiment_factors(
    score: FloatArray, confidence: FloatArray, direction: FloatArray, params: SentimentParams
) -> FloatArray:
    r"""Return the factor of sentiment on each signal's size.

    .. math:: 1 \pm 0.15 \, c \, \min(1, \mathrm{distance} / 0.4)

    Parameters
    ----------
    score : ndarray of shape (n_signals,), 0 bearish to 1 bullish
        NaN (not given) is neutral.
    confidence : ndarray of shape (n_signals,), in [0, 1]
        NaN (not given) gives the factor 1.
    direction : ndarray of shape (n_signals,), +1, -1 or 0
    params : SentimentParams

    Returns
    -------
    ndarray of shape (n_signals,), dimensionless, within 1 +- max_tilt
    """
    above = np.maximum(score - params.neutral_high, 0.0) / params.full_distance
    below = np.maximum(params.neutral_low - score, 0.0) / params.full_distance
    tilt = np.minimum(above, 1.0) - np.minimum(below, 1.0)
    factors = 1.0 + params.max_tilt * confidence * tilt * direction
    return np.where(np.isnan(factors), 1.0, factors)
