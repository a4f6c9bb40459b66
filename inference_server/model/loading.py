"""Load the model of a version's folder, and run it once before it is served."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from inference_server.errors import ModelRefused
from inference_server.model.card import ModelCard
from inference_server.model.kinds import KINDS, Kinds, find_setup
from inference_server.model.policy import Policy, leading_rows
from inference_server.model.rows import Action, Regime, SignalRow, is_in_range
from inference_server.model.store import current_version, verify_model

_DAY_SEC: Final = 86_400.0


@dataclass(frozen=True, slots=True, eq=False)
class ServedModel:
    """A policy that was run once, its card, and when it was loaded."""

    card: ModelCard
    policy: Policy
    loaded_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def load_model(
    store: Path,
    version: str | None,
    *,
    threads: int,
    warm_rows: int,
    kinds: Kinds = KINDS,
) -> ServedModel:
    """Verify a version, set its policy up, and run it on one row and on ``warm_rows``.

    Parameters
    ----------
    store : Path
    version : str or None
        None: what the store's ``current`` file names.
    threads : int
        For the arithmetic of one run, count.
    warm_rows : int
        Rows of the largest run, count.
    kinds : mapping of kind to setup, or to its module and name

    Raises
    ------
    ModelRefused
        If the folder, the card, the policy or an answer of it is unusable.
    """
    try:
        verified = verify_model(store, version or current_version(store))
        policy = find_setup(verified.card.kind, kinds)(verified.folder, verified.card, threads)
        for rows in sorted({1, warm_rows}):
            _warm_up(policy, rows)
    except ModelRefused:
        raise
    except Exception as error:
        named = f"model {version}" if version else "the current model"
        raise ModelRefused(f"{named} does not work: {error}") from error
    return ServedModel(verified.card, policy)


def warm_up_rows(count: int) -> tuple[SignalRow, ...]:
    """Return rows of ordinary content, each of another symbol, with a full history.

    Returns
    -------
    tuple of SignalRow
        Daily returns of 1 % volatility from a fixed seed.
    """
    draws = np.random.default_rng(0).normal(0.0, 0.01, (count, 256)).astype(np.float32)
    return tuple(
        SignalRow(
            symbol=f"REHEARSAL-{index}",
            action=Action.BUY if index % 2 == 0 else Action.SELL,
            confidence=0.6,
            risk_score=0.3,
            regime=Regime.RANGING,
            expected_return=0.001,
            predicted_volatility=0.01,
            baseline_pct=0.05 if index % 2 == 0 else -0.05,
            current_pct=0.0,
            returns=returns,
            interval_sec=_DAY_SEC,
        )
        for index, returns in enumerate(draws)
    )


def _warm_up(policy: Policy, count: int) -> None:
    rows = warm_up_rows(count)
    decoded = policy.decode(rows)
    known = leading_rows(decoded.inputs)
    outputs = policy.predict(decoded.inputs) if known else {}
    if leading_rows(outputs) != known:
        raise ModelRefused(f"{known} rows must have as many outputs, was {leading_rows(outputs)}")
    predictions = policy.encode(outputs, decoded)
    if len(predictions) != count:
        raise ModelRefused(f"{count} signals must have as many answers, was {len(predictions)}")
    for prediction in predictions:
        if not is_in_range(prediction):
            raise ModelRefused(f"an answer must be finite and in range, was {prediction}")
