"""The record of a run: every step with its time and what was seen, and the sizes of the images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step: what it is for, how long it took in seconds, what it saw, whether it held."""

    purpose: str
    seconds: float
    seen: str
    held: bool


def page(
    outcomes: Sequence[Outcome], sizes: Mapping[str, tuple[float, float]], where: Mapping[str, Any]
) -> Iterator[str]:
    """Write it line by line.

    Parameters
    ----------
    outcomes : sequence of Outcome
    sizes : mapping of image to (MB in all, MB above its base image)
    where : mapping
        What `machine` and the versions of the programs say.
    """
    held = sum(outcome.held for outcome in outcomes)
    yield "# The compose stack, built and run"
    yield ""
    yield f"`{where['command']}` on {where['processor']}, {where['cores']} cores: podman"
    yield f"{where['podman']} under Docker Compose {where['compose']}. `Dockerfile` and"
    yield "`docker-compose.yml` are used as they are; the images that they name are made from"
    yield "Debian's packages (Python, Prometheus, Alertmanager, PostgreSQL), in its versions."
    yield "Grafana's image cannot be made that way: its service is checked as configuration only."
    yield ""
    yield f"{held} of {len(outcomes)} steps held."
    yield ""
    yield "| step | s | seen | |"
    yield "| --- | ---: | --- | --- |"
    for outcome in outcomes:
        verdict = "held" if outcome.held else "**broken**"
        seen = " ".join(outcome.seen.replace("|", "/").split())[:400]
        yield f"| {outcome.purpose} | {outcome.seconds:.1f} | {seen} | {verdict} |"
    yield ""
    yield "| image | MB | above its base |"
    yield "| --- | ---: | ---: |"
    for image, (whole, above) in sizes.items():
        yield f"| {image} | {whole:.0f} | {above:.0f} |"
    yield ""
    yield "The base here is Debian with its own Python; the slim image that the Dockerfile names is"
    yield "smaller, so the last column is what the project adds."
