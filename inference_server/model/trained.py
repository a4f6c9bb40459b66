"""What a multiplier was trained on: the ``details`` of its card, and what lies outside of them."""

import json
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from inference_server.errors import ModelRefused
from inference_server.model.card import ModelCard
from inference_server.model.features import FEATURES, Array

# beyond the trained range by this part of it a feature still counts as known
_MARGIN: Final = 0.25
# what float32 and the card's decimals may differ by where a feature never varied
_ROUNDING: Final = 1e-6

_Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Trained:
    """``details`` of the card of a multiplier, read strictly.

    Attributes
    ----------
    features : tuple of names
        Exactly `FEATURES`, in their order.
    low, high : tuple of F floats
        Trained range of each feature.
    hit_slope, hit_intercept : float
        Platt's calibration: the hit probability is sigmoid(slope x logit + intercept) [1]_.
    volatility_scale : float, > 0
        Calibration of the volatility head.
    interval_sec_min, interval_sec_max : float, seconds between two returns, > 0

    References
    ----------
    .. [1] Platt (1999), "Probabilistic Outputs for Support Vector Machines and Comparisons to
       Regularized Likelihood Methods", Advances in Large Margin Classifiers, 61-74.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False
    )

    features: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    hit_slope: float
    hit_intercept: float
    volatility_scale: _Positive
    interval_sec_min: _Positive
    interval_sec_max: _Positive


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """What a feature must be within, each of shape (F,)."""

    least: Array
    most: Array


_TRAINED: Final = TypeAdapter(Trained)


def read_trained(card: ModelCard) -> Trained:
    """Read the details of a card.

    Raises
    ------
    ModelRefused
        If they break the schema, name other features than this server builds, or a range is empty.
    """
    try:
        # by way of JSON, where a list may stand for a tuple and nothing else is lax
        trained = _TRAINED.validate_json(json.dumps(card.details))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(("details", *map(str, first["loc"])))
        raise ModelRefused(f"card.json: {place}: {first['msg']}") from error
    if trouble := _trouble(trained):
        raise ModelRefused(f"card.json: details.{trouble}")
    return trained


def bounds_of(trained: Trained) -> Bounds:
    """Widen the trained range of each feature by a quarter on either side."""
    low, high = np.array(trained.low), np.array(trained.high)
    margin = _MARGIN * (high - low) + _ROUNDING
    return Bounds(low - margin, high + margin)


def tell_outside(features: NDArray[np.float32], bounds: Bounds) -> list[str | None]:
    """Say of each row which feature the model has never seen the like of.

    Parameters
    ----------
    features : ndarray of shape (n, F), float32, finite
    bounds : Bounds

    Returns
    -------
    list of n: the first feature outside, what it was and its bound; None where none is
    """
    outside = (features < bounds.least) | (features > bounds.most)
    told: list[str | None] = [None] * len(features)
    for row in np.flatnonzero(outside.any(axis=1)).tolist():
        place = int(outside[row].argmax())
        was, least, most = (float(a[place]) for a in (features[row], bounds.least, bounds.most))
        told[row] = f"outside the trained range: {FEATURES[place]} was {was:.3g}, " + (
            f"at most {most:.3g}" if was > most else f"at least {least:.3g}"
        )
    return told


def tell_interval(interval_sec: float | None, trained: Trained) -> str | None:
    """Say why a series is of another pace than the trained ones; None where it is not, or unknown.

    Parameters
    ----------
    interval_sec : float or None, seconds between two returns
    trained : Trained
    """
    least, most = trained.interval_sec_min, trained.interval_sec_max
    if interval_sec is None or least <= interval_sec <= most:
        return None
    bound = f"at most {most:g}" if interval_sec > most else f"at least {least:g}"
    return f"outside the trained interval: {interval_sec:g} s between returns, {bound}"


def _trouble(trained: Trained) -> str | None:
    if trained.features != FEATURES:
        return "features must be the features that this server builds, in their order"
    for name, values in (("low", trained.low), ("high", trained.high)):
        if len(values) != len(FEATURES):
            return f"{name} must have {len(FEATURES)} numbers, was {len(values)}"
    for feature, low, high in zip(FEATURES, trained.low, trained.high, strict=True):
        if low > high:
            return f"low of {feature} must be <= {high:g}, was {low:g}"
    if trained.interval_sec_min > trained.interval_sec_max:
        return (
            f"interval_sec_min must be <= {trained.interval_sec_max:g}, "
            f"was {trained.interval_sec_min:g}"
        )
    return None
