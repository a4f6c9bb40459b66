"""What one writes on the first day: FastAPI, pydantic, and the model run inside the endpoint.

Same features and the same network as our server; no batching, gates, limits or metrics.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from fastapi import FastAPI
from numpy.typing import NDArray

from inference_server.api.schemas import PredictionAnswer, SignalBody
from inference_server.model.book import gather_book
from inference_server.model.features import build_features
from inference_server.model.rows import Action, Regime, SignalRow

Arrays = Mapping[str, NDArray[np.float32]]
Run = Callable[[Arrays], tuple[Any, Any, Any]]
STORE: Final = "HIMARI_BENCH_MODEL_FILE"


def naive_app(run: Run) -> FastAPI:
    """Serve a function of ``features``, ``path``, ``case`` and ``side``."""
    app = FastAPI()

    @app.get("/health/ready")
    async def get_readiness() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/predict", response_model=PredictionAnswer)
    async def predict(signal: SignalBody) -> dict[str, Any]:
        return answer(signal, run)

    return app


def answer(signal: SignalBody, run: Run) -> dict[str, Any]:
    """Predict one signal."""
    gathered = gather_book([_row_of(signal)])
    features, path = build_features(gathered.book)
    case, side = np.zeros(1, np.float32), gathered.book.side.astype(np.float32)
    multiplier, correction, hit = run(
        {"features": features, "path": path, "case": case, "side": side}
    )
    return {
        "position_pct": (signal.baseline_pct or 0.0) * float(multiplier[0]),
        "confidence": 1.0,
        "predicted_return": signal.expected_return or 0.0,
        "predicted_volatility": float(gathered.volatility[0] * np.exp(correction[0])),
        "hit_probability": float(1.0 / (1.0 + np.exp(-hit[0]))),
        "model_version": "naive",
    }


def _row_of(signal: SignalBody) -> SignalRow:
    return SignalRow(
        symbol=signal.symbol,
        action=Action(signal.action),
        confidence=signal.confidence,
        risk_score=signal.risk_score,
        regime=Regime(signal.regime),
        expected_return=signal.expected_return,
        predicted_volatility=signal.predicted_volatility,
        baseline_pct=signal.baseline_pct,
        current_pct=signal.current_pct,
        returns=np.array(signal.returns, np.float32),
        interval_sec=signal.interval_sec,
    )
