"""What an answer says of the model that was asked."""

from pathlib import Path

import pytest

from app.core.types import Prediction
from tests.fakes import FakePolicyClient
from tests.pipeline.builders import LONG_ONLY, batch_of, service_on


@pytest.mark.parametrize(
    ("confidence", "reason"), [(0.9, None), (0.0, "low_confidence")], ids=["used", "abstained"]
)
async def test_an_answer_names_the_model_also_where_it_abstained(
    tmp_path: Path, confidence: float, reason: str | None
) -> None:
    said = Prediction(0.01, confidence, 0.0, 0.02, "v7", reason="too little history: 0 of 250")
    service = service_on(tmp_path / "j.db", LONG_ONLY, FakePolicyClient(answer=said))
    await service.start()
    answer = (await service.allocate(batch_of(0))).answer
    await service.stop()
    assert (answer["fallback_reason"], answer["model_version"]) == (reason, "v7")
