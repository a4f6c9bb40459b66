"""The model card: what a version is, how far each case is used, and the evidence."""

import json
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from inference_server.errors import ModelRefused

VERSION_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
CASES: Final = ("long_flat", "long_short")

Case = Literal["long_flat", "long_short"]


def _every_case(values: dict[Case, float]) -> dict[Case, float]:
    if set(values) != set(CASES):
        raise ValueError(f"must name {' and '.join(CASES)}")
    return values


def _zero_or_half(confidence: float) -> float:
    if confidence != 0.0 and confidence < 0.5:
        raise ValueError("must be 0 or at least 0.5")
    return confidence


_Fraction = Annotated[float, Field(ge=0, le=1)]
_Confidence = Annotated[_Fraction, AfterValidator(_zero_or_half)]


class ModelCard(BaseModel):
    """``card.json`` of a model folder, read strictly.

    Attributes
    ----------
    version : str
        The name of its folder.
    kind : str
        Which ``setup`` makes a policy of it.
    created : date
    description : str
    alpha : dict of case to fraction
        How much of the learned multiplier is served, m' = 1 + alpha (m - 1); 0 where the
        acceptance report did not pass.
    confidence : dict of case to fraction
        What the service blends by: 0 or at least 0.5.
    min_returns : int
        Returns of history below which the model is not used, count.
    details : dict
        The policy's own, such as the trained ranges of features.
    evidence : dict
        Figures of the acceptance report, for the reader.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    version: Annotated[str, Field(pattern=VERSION_PATTERN)]
    kind: Annotated[str, Field(min_length=1, max_length=100)]
    created: date
    description: Annotated[str, Field(max_length=10_000)]
    alpha: Annotated[dict[Case, _Fraction], AfterValidator(_every_case)]
    confidence: Annotated[dict[Case, _Confidence], AfterValidator(_every_case)]
    min_returns: Annotated[int, Field(ge=0, le=256)] = 250
    details: dict[str, Any] = Field(default_factory=dict)
    evidence: dict[str, Any] = Field(default_factory=dict)


def parse_card(raw: bytes) -> ModelCard:
    """Read a card.

    Raises
    ------
    ModelRefused
        If it is not JSON, names a key twice, or breaks the schema; says where.
    """
    try:
        json.loads(raw, object_pairs_hook=_unique)
        return ModelCard.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise ModelRefused(f"card.json: {place}: {first['msg']}") from error
    except (ValueError, RecursionError) as error:
        raise ModelRefused(f"card.json cannot be read: {error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("an object names a key twice")
    return unique
