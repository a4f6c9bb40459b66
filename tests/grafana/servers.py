"""``himari serve`` with real RL against ``himari inference``, in processes of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tools.chaos.service import ROOT, wait_until_ready


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two answer, and the inference server's process."""

    service_port: int
    inference_port: int
    inference: subprocess.Popen[bytes]

    def hang(self) -> None:
        """Stop the inference server in its tracks: it accepts connections and says nothing."""
        self.inference.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self.inference.send_signal(signal.SIGCONT)


@contextmanager
def both_servers(folder: Path, service_port: int, inference_port: int) -> Iterator[Servers]:
    """Run both until the block ends; the model is the one that ships and has no opinion."""
    model = {
        "HIMARI_INFERENCE_PORT": str(inference_port),
        "HIMARI_INFERENCE_MODEL": "dummy-1",
        "HIMARI_INFERENCE_DRAIN_SEC": "0",
    }
    service = {
        "HIMARI_PORT": str(service_port),
        "HIMARI_ENABLE_RL": "true",
        "HIMARI_RL_ENDPOINT": f"http://127.0.0.1:{inference_port}/predict",
        "HIMARI_RL_TIMEOUT_SEC": "0.3",
        # each step of the load is a bar of its own, so that correlations are learnt
        "HIMARI_MARKET__BAR_SEC": "60",
        "HIMARI_CIRCUIT_BREAKER__INITIAL_TIMEOUT_SEC": "3",
        "HIMARI_DATABASE_URL": f"sqlite:///{folder / 'journal.db'}",
        "HIMARI_DRAIN_SEC": "0",
        "HIMARI_LOG_LEVEL": "ERROR",
    }
    with (
        _himari("inference", model, inference_port, folder) as inference,
        _himari("serve", service, service_port, folder),
    ):
        yield Servers(service_port, inference_port, inference)


@contextmanager
def _himari(
    command: str, variables: Mapping[str, str], port: int, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HIMARI_")}
    log = folder / f"{command}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", command],
            cwd=ROOT, env={**clean, **variables}, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        wait_until_ready(process, port, log)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.wait(5)
