"""Mock policy with seeded predictions, to run the whole pipeline without a server."""

import hashlib
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, Final

from app.core.errors import Blame, PolicyFailure
from app.core.types import FallbackReason, PolicyInput, Prediction

MOCK_MODEL_VERSION: Final = "mock-1"
_NORMAL: Final = NormalDist()


class MockPolicyClient:
    """Mock policy client: predictions near the baseline, and none for a share of the rows.

    A row's prediction depends on the seed and on the row's content alone, not on its position in
    the batch or on earlier calls, so a replay or another order of signals gives the same.

    Parameters
    ----------
    seed : int
    success_rate : float in [0, 1]
        Share of rows that get a prediction.
    noise : float >= 0
        Relative standard deviation of ``position_pct`` around ``baseline_pct``.
    """

    def __init__(self, seed: int = 0, success_rate: float = 0.9, noise: float = 0.1) -> None:
        if not 0.0 <= success_rate <= 1.0:
            raise ValueError(f"success_rate must be in [0, 1], was {success_rate}")
        if not 0.0 <= noise < float("inf"):
            raise ValueError(f"noise must be finite and >= 0, was {noise}")
        self._seed = seed
        self._success_rate = success_rate
        self._noise = noise
        self._total_predictions = 0
        self._successful_predictions = 0
        self._upstream_calls = 0

    async def predict(self, inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        """Return one prediction per input, in their order; None for the rows that fail.

        Raises
        ------
        PolicyFailure
            INVALID_PREDICTION if no row succeeded.
        """
        if not inputs:
            return ()
        predictions = tuple(self._prediction(row) for row in inputs)
        successful = sum(prediction is not None for prediction in predictions)
        self._upstream_calls += 1
        self._total_predictions += len(predictions)
        self._successful_predictions += successful
        if not successful:
            detail = f"the mock failed all of {len(predictions)} rows"
            raise PolicyFailure(FallbackReason.INVALID_PREDICTION, Blame.FAILURE, detail)
        return predictions

    def resume(self) -> None:
        """Do nothing: the mock never asks for a pause."""

    def statistics(self) -> dict[str, Any]:
        """Return counts since start, under the names of the HTTP client."""
        total = self._total_predictions
        return {
            "total_predictions": total,
            "successful_predictions": self._successful_predictions,
            "success_rate": self._successful_predictions / total if total else 1.0,
            "upstream_calls": self._upstream_calls,
            "client_errors": 0,
            "in_flight": 0,
            "batch_supported": True,
            "held_for_sec": 0.0,
        }

    async def close(self) -> None:
        """Do nothing: there are no sockets."""

    def _prediction(self, row: PolicyInput) -> Prediction | None:
        luck, noise, confidence = _uniforms(self._seed, row)
        if luck >= self._success_rate:
            return None
        target = row.baseline_pct * (1.0 + self._noise * _NORMAL.inv_cdf(noise))
        return Prediction(
            position_pct=min(1.0, max(-1.0, target)),
            confidence=0.5 + 0.45 * confidence,
            predicted_return=row.expected_return,
            predicted_volatility=row.predicted_volatility,
            model_version=MOCK_MODEL_VERSION,
        )


def _uniforms(seed: int, row: PolicyInput) -> tuple[float, float, float]:
    content = (
        seed,
        row.symbol,
        row.action.value,
        float(row.confidence),
        float(row.risk_score),
        row.regime.value,
        float(row.expected_return),
        float(row.predicted_volatility),
    )
    # repr quotes the strings and writes floats exactly, so no two contents share a text.
    digest = hashlib.blake2b(repr(content).encode("utf-8", "backslashreplace")).digest()
    # 52 bits and a half step keep each number strictly inside (0, 1).
    draws = [int.from_bytes(digest[at : at + 8], "big") >> 12 for at in (0, 8, 16)]
    luck, noise, confidence = ((draw + 0.5) / 2.0**52 for draw in draws)
    return luck, noise, confidence
