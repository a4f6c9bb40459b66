"""Read the ``details`` of a multiplier's card, and find what lies outside its training data."""

import json
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from inference_server.errors import ModelRefused
from inference_server.model.card import ModelCard
from inference_server.model.features import FEATURES, Array

# a feature counts as known up to this part of the trained range beyond it
_MARGIN: Final = 0.25
# what float32 and the card's decimals may differ by where a feature never varied
_ROUNDING: Final = 1e-6

_Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class MultiplierDetails:
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
class FeatureBounds:
    """Lowest and highest known value of each feature, each of shape (F,)."""

    low: Array
    high: Array


_DETAILS: Final = TypeAdapter(MultiplierDetails)


def read_details(card: ModelCard) -> MultiplierDetails:
    """Read the details of a card.

    Raises
    ------
    ModelRefused
        If they break the schema, name other features than this server builds, or a range is empty.
    """
    try:
        # by way of JSON, where a list may stand for a tuple and nothing else is lax
        details = _DETAILS.validate_json(json.dumps(card.details))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(("details", *map(str, first["loc"])))
        raise ModelRefused(f"card.json: {place}: {first['msg']}") from error
    if problem := _find_problem(details):
        raise ModelRefused(f"card.json: details.{problem}")
    return details


def feature_bounds(details: MultiplierDetails) -> FeatureBounds:
    """Return the trained range of each feature, widened by a quarter on either side."""
    low, high = np.array(details.low), np.array(details.high)
    margin = _MARGIN * (high - low) + _ROUNDING
    return FeatureBounds(low - margin, high + margin)


def check_features(features: NDArray[np.float32], bounds: FeatureBounds) -> list[str | None]:
    """Return for each row the first feature outside the range of training.

    Parameters
    ----------
    features : ndarray of shape (n, F), float32, finite
    bounds : FeatureBounds

    Returns
    -------
    list of n str or None
        The feature, its value and its bound; None where every feature is inside.
    """
    outside = (features < bounds.low) | (features > bounds.high)
    reasons: list[str | None] = [None] * len(features)
    for row in np.flatnonzero(outside.any(axis=1)).tolist():
        place = int(outside[row].argmax())
        was, low, high = (float(a[place]) for a in (features[row], bounds.low, bounds.high))
        reasons[row] = f"outside the trained range: {FEATURES[place]} was {was:.3g}, " + (
            f"at most {high:.3g}" if was > high else f"at least {low:.3g}"
        )
    return reasons


def check_interval(interval_sec: float | None, details: MultiplierDetails) -> str | None:
    """Return why an interval between returns is outside those of training, or None.

    Parameters
    ----------
    interval_sec : float or None, seconds between two returns
        None passes.
    details : MultiplierDetails
    """
    low, high = details.interval_sec_min, details.interval_sec_max
    if interval_sec is None or low <= interval_sec <= high:
        return None
    bound = f"at most {high:g}" if interval_sec > high else f"at least {low:g}"
    return f"outside the trained interval: {interval_sec:g} s between returns, {bound}"


def _find_problem(details: MultiplierDetails) -> str | None:
    if details.features != FEATURES:
        return "features must be the features that this server builds, in their order"
    for name, values in (("low", details.low), ("high", details.high)):
        if len(values) != len(FEATURES):
            return f"{name} must have {len(FEATURES)} numbers, was {len(values)}"
    for feature, low, high in zip(FEATURES, details.low, details.high, strict=True):
        if low > high:
            return f"low of {feature} must be <= {high:g}, was {low:g}"
    if details.interval_sec_min > details.interval_sec_max:
        return (
            f"interval_sec_min must be <= {details.interval_sec_max:g}, "
            f"was {details.interval_sec_min:g}"
        )
    return None
