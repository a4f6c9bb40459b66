r"""Play the served portfolio exactly: what ``POST /allocate`` answers day by day, from a tape.

Blend, projection on the limits, smoothing and closing as the contract has them, for portfolios
that trade the whole panel every day and hold nothing else. Tests play the same days through the
service over the wire and find the same returns, for Phase 2 and for a policy that depends on the
weights held. Used for every figure of the evidence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import daqp
import numpy as np
from numpy.typing import NDArray

from inference_server.training.play.tape import Array, Tape

_TOLERANCE: Final = 1e-12

# row of the tape and signed weights held (N,) -> multipliers (N,), 1 where no model acts
PolicyFunction = Callable[[int, Array], Array]


@dataclass(frozen=True, slots=True)
class TradingTerms:
    """Smoothing, cost, delay and confidence of a played portfolio.

    ``cost_bps`` of traded notional; ``delay`` in closes between decision and trade (0 or 1);
    ``confidence`` is what the service blends by.
    """

    span: float = 10.0
    cost_bps: float = 5.0
    delay: int = 0
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class PlayedPortfolio:
    """Net return and turnover of each day, shape (T - 1,), and weights traded to, (T - 1, N).

    ``held`` are the weights before each day's trade, shape (T, N); ``multiplier`` are
    those of each day, (T - 1, N), 1 where there was no policy.
    """

    returns: Array
    turnover: Array
    weights: Array
    held: Array
    multiplier: Array


def play_multiplier(
    tape: Tape,
    multiplier: Array | None,
    rows: slice,
    terms: TradingTerms,
    ahead: Array | None = None,
) -> PlayedPortfolio:
    """Play Phase 2 times known multipliers (T, N) over ``rows``; see `play_policy`.

    None plays Phase 2.
    """
    if multiplier is None:
        return play_policy(tape, None, rows, terms, ahead)
    return play_policy(tape, lambda row, _: multiplier[row - rows.start], rows, terms, ahead)


def play_policy(
    tape: Tape,
    policy: PolicyFunction | None,
    rows: slice,
    terms: TradingTerms,
    ahead: Array | None = None,
) -> PlayedPortfolio:
    """Play Phase 2 times the multipliers of a policy, day by day.

    The last row has no trade; it only gives the weights held at the end.

    Parameters
    ----------
    tape : Tape
    policy : callable, or None
        Called once a day with what is held then; None plays Phase 2.
    rows : slice
    terms : TradingTerms
    ahead : ndarray of shape (T, N), optional
        Returns to earn instead of the tape's own, over ``rows``.
    """
    baseline = tape.baseline[rows]
    earned = tape.ahead[rows] if ahead is None else ahead
    days = len(baseline) - 1
    net, traded = np.zeros(days), np.zeros(days)
    weights, multipliers = np.zeros((days, baseline.shape[1])), np.ones((days, baseline.shape[1]))
    before = np.zeros(baseline.shape)
    held = np.zeros(baseline.shape[1])
    ordered: Array | None = None
    limits = _Limits.of(tape)
    for day in range(days):
        now = _Day.of(tape, rows.start + day)
        aim = baseline[day]
        filled = held if ordered is None else ordered
        if policy is not None:
            multipliers[day] = policy(rows.start + day, filled)
            aim = _blended(aim, multipliers[day], now.share, limits, terms.confidence)
        target = _settled(aim, filled, now, limits, terms.span)
        if terms.delay:
            ordered, target = target, filled
        traded[day] = np.abs(target - held).sum()
        net[day] = float(target @ earned[day]) - terms.cost_bps * 1e-4 * traded[day]
        weights[day] = target
        held = target * (1.0 + earned[day]) / (1.0 + net[day])
        before[day + 1] = held
        if ordered is not None:
            ordered = ordered * (1.0 + earned[day]) / (1.0 + net[day])
    return PlayedPortfolio(net, traded, weights, before, multipliers)


def play_aims(
    tape: Tape, aims: Array, rows: slice, terms: TradingTerms, ahead: Array | None = None
) -> PlayedPortfolio:
    """Play given long target weights (T, N) of the whole tape, with the same smoothing."""
    earned = tape.ahead[rows] if ahead is None else ahead
    days = len(earned) - 1
    net, traded = np.zeros(days), np.zeros(days)
    weights, before = np.zeros((days, earned.shape[1])), np.zeros(earned.shape)
    held = np.zeros(earned.shape[1])
    for day in range(days):
        target = held + 2.0 / (terms.span + 1.0) * (aims[rows][day] - held)
        traded[day] = np.abs(target - held).sum()
        net[day] = float(target @ earned[day]) - terms.cost_bps * 1e-4 * traded[day]
        weights[day] = target
        held = target * (1.0 + earned[day]) / (1.0 + net[day])
        before[day + 1] = held
    return PlayedPortfolio(net, traded, weights, before, np.ones_like(weights))


@dataclass(frozen=True, slots=True, eq=False)
class _Day:
    """The strategies' shares and claims of a day, and the symbols without any claim."""

    share: Array
    leaning: Array
    claims: Array
    silent: NDArray[np.bool_]

    @staticmethod
    def of(tape: Tape, row: int) -> "_Day":
        claims = tape.claims[row]
        return _Day(tape.share[row], tape.leaning[row], claims, np.isnan(claims).all(axis=1))

    def supports(self, side: Array) -> NDArray[np.bool_]:
        """Return where a signal of that side supports it and is not overruled; 0 needs none."""
        spoken = (np.copysign(1.0, self.claims) == side[:, None]) & ~np.isnan(self.claims)
        held: NDArray[np.bool_] = (side == 0.0) | (
            spoken.any(axis=1) & (side * self.leaning >= 0.0)
        )
        return held

    def share_on(self, side: Array) -> Array:
        """Return the shares, made anew where the side held is not that of the net claim."""
        turned = (side != 0.0) & (side != np.where(self.leaning < 0.0, -1.0, 1.0)) & ~self.silent
        if not turned.any():
            return self.share
        claims = self.claims[turned]
        mine = np.copysign(1.0, claims) == side[turned][:, None]
        mine &= ~np.isnan(claims)
        size = np.where(mine, np.abs(np.nan_to_num(claims)), 0.0)
        none = size.sum(axis=1, keepdims=True) <= 0.0
        size = np.where(none & mine, 1.0, size)
        share = self.share.copy()
        share[turned] = size / np.maximum(size.sum(axis=1, keepdims=True), 1e-300)
        return share


@dataclass(frozen=True, slots=True)
class _Limits:
    position: float
    strategy: float
    portfolio: float

    @staticmethod
    def of(tape: Tape) -> "_Limits":
        settings = tape.settings
        return _Limits(
            settings["max_position_pct"],
            settings["max_strategy_pct"],
            settings["max_portfolio_pct"],
        )


def _blended(
    baseline: Array, multiplier: Array, share: Array, limits: _Limits, confidence: float
) -> Array:
    size, side = np.abs(baseline), np.sign(baseline)
    wanted = np.minimum(np.clip(size * multiplier, 0.0, 1.0), limits.position)
    moved = size + confidence * (wanted - size)
    spoken = (multiplier != 1.0) & (side != 0.0)
    if not spoken.any():
        return baseline
    fixed = np.where(spoken, 0.0, size)
    inside = fixed.copy()
    inside[spoken] = _project(
        moved[spoken], share[spoken], limits, np.append(fixed @ share, fixed.sum())
    )
    return side * inside


def _settled(aim: Array, held: Array, now: _Day, limits: _Limits, span: float) -> Array:
    moved = held + 2.0 / (span + 1.0) * (aim - held)
    closing = (aim == 0.0) & ~now.supports(np.sign(held))
    target = np.where((aim * held < 0.0) | closing, aim, moved)
    side = np.sign(target)
    share = now.share_on(side)
    kept = np.where(now.silent, np.clip(held, -limits.position, limits.position), 0.0)
    used = np.append(np.zeros(share.shape[1]), np.abs(kept).sum())
    size = _project(np.where(now.silent, 0.0, np.abs(target)), share, limits, used)
    settled: Array = np.where(now.silent, kept, side * size)
    return settled


def _project(target: Array, share: Array, limits: _Limits, used: NDArray[np.float64]) -> Array:
    """Return the nearest point within the caps, the strategies' shares and the gross limit."""
    upper = np.minimum(np.maximum(target, 0.0), limits.position)
    rows = np.concatenate([share.T, np.ones((1, len(target)))])
    full = np.append(np.full(share.shape[1], limits.strategy), limits.portfolio)
    room = np.maximum(full - used, 0.0)
    over = rows @ upper > room + _TOLERANCE
    if not over.any():
        return upper
    binding = (rows @ np.full(len(target), limits.position)) > room
    scale = float(upper.max())
    matrix = np.ascontiguousarray(rows[binding])
    count, narrow = len(target), int(binding.sum())
    solution, _, flag, _ = daqp.solve(
        np.eye(count),
        -upper / scale,
        matrix,
        np.concatenate([upper / scale, room[binding] / scale]),
        np.concatenate([np.zeros(count), np.full(narrow, -1e30)]),
        np.zeros(count + narrow, dtype=np.int32),
    )
    if flag != 1:
        raise ArithmeticError(f"the projection must end optimal, was flag {flag}")
    nearest: Array = np.clip(solution * scale, 0.0, upper)
    return nearest
