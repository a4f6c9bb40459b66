"""Plain FastAPI with pydantic models for a batch, and no model behind them."""

from typing import Any

from fastapi import FastAPI

from inference_server.api.schemas import BatchAnswer, BatchBody

app = FastAPI()


@app.get("/health/ready")
async def get_readiness() -> dict[str, str]:
    """Answer once it is up."""
    return {"status": "ready"}


@app.post("/predict/batch", response_model=BatchAnswer)
async def predict_batch(batch: BatchBody) -> dict[str, Any]:
    """Answer each baseline as it came, like the dummy model."""
    predictions = [
        {
            "position_pct": signal.baseline_pct or 0.0,
            "confidence": 0.5,
            "predicted_return": signal.expected_return or 0.0,
            "predicted_volatility": signal.predicted_volatility or 0.0,
        }
        for signal in batch.signals
    ]
    return {"predictions": predictions, "model_version": "plain"}
