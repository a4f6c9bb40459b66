"""Metric families that the two servers expose, read from their ``GET /metrics``."""

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from app.main import create_app as create_service
from app.settings import Settings
from inference_server.main import create_app as create_inference
from inference_server.settings import Settings as InferenceSettings

SERVICE: Final = "Allocation service"
INFERENCE: Final = "Inference server"
_BUCKET_LABELS: Final = frozenset({"le", "quantile"})


@dataclass(frozen=True, slots=True)
class Family:
    """One metric family: its `# HELP` text, its `# TYPE` and its labels."""

    server: str
    name: str
    kind: str
    text: str
    labels: tuple[str, ...]


def exposed_families() -> tuple[Family, ...]:
    """Return the families of both applications, which are started in this process."""
    return asyncio.run(_ask_both())


async def _ask_both() -> tuple[Family, ...]:
    with tempfile.TemporaryDirectory() as folder:
        journal = f"sqlite:///{Path(folder) / 'journal.db'}"
        service = create_service(Settings(database_url=journal, log_level="ERROR"))
        inference = create_inference(InferenceSettings(model="dummy-1", log_level="ERROR"))
        return (
            *_families(SERVICE, await _page(service)),
            *_families(INFERENCE, await _page(inference)),
        )


async def _page(app: FastAPI) -> str:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        # the HTTP families have labels only after the first request
        (await client.get("/health/live")).raise_for_status()
        return (await client.get("/metrics")).raise_for_status().text


def _families(server: str, page: str) -> Iterator[Family]:
    for family in text_string_to_metric_families(page):
        labels = {label for sample in family.samples for label in sample.labels} - _BUCKET_LABELS
        ending = "_total" if family.type == "counter" else ""
        yield Family(
            server, family.name + ending, family.type, family.documentation, tuple(sorted(labels))
        )
