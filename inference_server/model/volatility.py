"""EWMA volatility of returns: the model corrects it, and claims without one use it."""

from typing import Final

import numpy as np

from inference_server.model.features import WINDOW, Array

_DECAY: Final = 0.94
_WEIGHTS: Final = (1.0 - _DECAY) * _DECAY ** np.arange(WINDOW - 1, -1, -1.0)


def ewma_volatility(returns: Array) -> Array:
    r"""Estimate volatility from the returns since the first that moved.

    .. math:: \sigma^2 = \frac{\sum_{t<n} \lambda^t r_{-t}^2}{\sum_{t<n} \lambda^t},
       \quad \lambda = 0.94

    Parameters
    ----------
    returns : ndarray of shape (n, 256), simple returns, oldest first
        Zeros before the first other number are no history. Finite.

    Returns
    -------
    ndarray of shape (n,), per interval, >= 0
        0 where no return differs from zero.

    References
    ----------
    .. [1] J.P. Morgan/Reuters (1996), "RiskMetrics - Technical Document", 4th edition,
       section 5.2.
    """
    moved = returns != 0.0
    known = 1.0 - _DECAY ** (WINDOW - moved.argmax(axis=1))
    sigma: Array = np.sqrt(np.square(returns) @ _WEIGHTS / known)
    return sigma
