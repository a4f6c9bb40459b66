"""The yardstick answers what the service answers today."""

import httpx

from app.api.response.decision_schemas import AllocateResponse
from tests.tools.bench.batches import wire_batch
from tests.tools.bench.echo_app import app


async def test_the_yardstick_gives_every_field_of_an_answer() -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://yardstick") as client:
        answer = await client.post("/allocate", json=wire_batch(3))
    assert answer.status_code == 200
    required = {
        name for name, field in AllocateResponse.model_fields.items() if field.is_required()
    }
    assert required <= answer.json().keys()
    assert len(answer.json()["positions"]) == 3
