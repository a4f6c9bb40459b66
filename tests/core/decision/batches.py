"""Whole decisions on small batches whose numbers a reader can work out.

A unit costs 100 USD and the portfolio is worth 100,000 USD, so 10 units are a weight of 0.01;
symbols are uncorrelated and shorts are on, so that each size stands for itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.core.beliefs import Beliefs, TradingStatus
from app.core.decision.draft import Draft, draft
from app.core.decision.finish import Finished, finish
from app.core.decision.observe import Observation, observe_batch
from app.core.decision.targets import Targets, build_targets
from app.core.params import EngineParams, KellyParams, LimitParams, MarketParams
from app.core.types import (
    Action,
    Batch,
    CascadeIndicators,
    FallbackReason,
    PolicyAnswer,
    Prediction,
    Signal,
    TradingState,
)
from tests.strategies import NOW_NS, make_batch, make_signal

PARAMS: Final = EngineParams(
    # sizes are what is wished for, whatever claim it takes
    kelly=KellyParams(max_sharpe=10.0),
    market=MarketParams(prior_correlation=0.0),
    limits=LimitParams(allow_short=True),
)
ACTIVE: Final = TradingStatus()
REDUCING: Final = TradingStatus(TradingState.REDUCING)
HALTED: Final = TradingStatus(TradingState.HALTED)
FLATTENED: Final = TradingStatus(TradingState.HALTED, flatten=True)
NO_POLICY: Final = PolicyAnswer(reason=FallbackReason.RL_DISABLED)
# 0.25 for whales and 0.25 for open interest: a score of 0.5, above 0.4
HALVED: Final = CascadeIndicators(onchain_whale_pressure=1.0, oi_change_pct=-0.3)
# and 0.2 for funding and 0.15 for volume: 0.85, above 0.8
EXIT: Final = replace(HALVED, funding_rate=0.01, volume_ratio=10.0)


def wish(strategy: str, symbol: str, size: float, **changes: Any) -> Signal:
    """Signal that Phase 1 sizes to ``size``, a SELL where it is negative.

    The claim is 0.5 x 0.8008 x size: 0.25 x 1000 / 1001 x 0.4004 x size / 0.1 = size.
    """
    claimed = {
        "action": Action.BUY if size > 0.0 else Action.SELL,
        "confidence": 0.5,
        "expected_return": 0.08008 * abs(size),
        "predicted_volatility": 0.1,
    }
    return make_signal(strategy_id=strategy, symbol=symbol, **{**claimed, **changes})


def hold(strategy: str, symbol: str) -> Signal:
    """HOLD signal."""
    return wish(strategy, symbol, 0.0, action=Action.HOLD)


def batch_of(*signals: Signal, held: Mapping[str, float] | None = None, **changes: Any) -> Batch:
    """Batch of these signals on top of held weights, each symbol at 100 USD."""
    units = None if held is None else {symbol: 1000.0 * held[symbol] for symbol in held}
    names = {signal.symbol for signal in signals} | set(held or ())
    prices = dict.fromkeys(sorted(names), 100.0)
    return make_batch(*signals, **{"positions": units, "prices": prices, **changes})


def owned_position(symbol: str, usd: float, **parts: float) -> dict[str, Any]:
    """Position of an answer, as far as owners are learnt from it: USD in all, and by strategy."""
    contributions = [{"strategy_id": name, "final_usd": part} for name, part in parts.items()]
    return {"symbol": symbol, "target_usd": usd, "contributions": contributions}


def prediction(weight: float, confidence: float = 0.8) -> Prediction:
    """Prediction that wants this weight."""
    return Prediction(weight, confidence, 0.01, 0.1, "v1")


def answering(*predictions: Prediction | None) -> PolicyAnswer:
    """Answer of these predictions, in the order of the policy's inputs."""
    return PolicyAnswer(predictions)


class Desk:
    """Beliefs under parameters and a kill switch, and the steps of a decision on them."""

    def __init__(self, params: EngineParams = PARAMS, status: TradingStatus = ACTIVE) -> None:
        self.params = params
        self.beliefs = Beliefs(params)
        self.beliefs.throw_switch(status)
        self._seen = 0

    def know(self, prices: Mapping[str, float], days_ago: int = 0, **changes: Any) -> None:
        """Have the beliefs learn prices from an earlier batch."""
        self._seen += 1
        at_ns = NOW_NS - 1000 + self._seen - days_ago * 86_400 * 10**9
        first = wish("early", next(iter(prices)), 0.01, timestamp_ns=at_ns)
        observe_batch(make_batch(first, prices=prices, **changes), self.beliefs, self.params)

    def observe(self, *signals: Signal, **changes: Any) -> Observation:
        """Observe a batch of these signals."""
        return observe_batch(batch_of(*signals, **changes), self.beliefs, self.params)

    def draft(self, *signals: Signal, **changes: Any) -> Draft:
        """Observe and draft."""
        return draft(self.observe(*signals, **changes), self.beliefs)

    def finish(self, answer: PolicyAnswer, *signals: Signal, **changes: Any) -> Finished:
        """Observe, draft and finish with an answer."""
        return finish(self.draft(*signals, **changes), answer)

    def targets(self, *signals: Signal, **changes: Any) -> Targets:
        """Targets of a decision without the policy."""
        finished = self.finish(NO_POLICY, *signals, **changes)
        return build_targets(finished.draft, finished.final)
