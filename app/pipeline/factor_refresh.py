"""Estimate factors of the correlations in a thread, and adopt them between decisions."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy

import structlog

from app.core.books.market import MarketBook
from app.core.params import MarketParams
from app.core.portfolio.factors import FactorModel, estimate_factors
from app.pipeline import events
from app.pipeline.engine import Engine

Estimate = Callable[[MarketBook, MarketParams], FactorModel]
_LOG = structlog.get_logger(__name__)


class FactorRefresh:
    """Estimates factors in a thread where a batch is too large for a dense matrix.

    Parameters
    ----------
    engine : Engine
    estimate : callable taking a MarketBook of its own and MarketParams, optional
    """

    def __init__(self, engine: Engine, estimate: Estimate = estimate_factors) -> None:
        self._engine = engine
        self._estimate_factors = estimate
        self._estimate: Future[FactorModel] | None = None
        self._worker: ThreadPoolExecutor | None = None
        self._retry_version = 0

    def stop(self) -> None:
        """Wait for a running estimate to end, and start no other."""
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)

    def begin(self, symbols: list[str]) -> None:
        """Start an estimate if these symbols need one, the factors are stale, and none runs."""
        beliefs, params = self._engine.beliefs, self._engine.params.market
        structure, market = beliefs.structure, beliefs.market
        large = len(symbols) > params.dense_up_to
        if not large or self._estimate is not None or not structure.factors_are_stale():
            return
        if market.version < self._retry_version or not market.any_history(symbols):
            return
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="factors")
        self._estimate = self._worker.submit(self._estimate_factors, deepcopy(market), params)

    def adopt(self) -> None:
        """Take over and journal an estimate that is ready."""
        if self._estimate is None or not self._estimate.done():
            return
        estimate, self._estimate = self._estimate, None
        if estimate.cancelled():
            return
        if (error := estimate.exception()) is not None:
            # a retry with the next batch would most likely fail again
            version = self._engine.beliefs.market.version
            self._retry_version = version + self._engine.params.market.factor_refresh
            _LOG.error("factors_failed", exc_info=error)
            return
        model = estimate.result()
        self._engine.beliefs.structure.factors = model
        self._engine.append(events.FACTORS, lambda: events.encode(model.export()))
