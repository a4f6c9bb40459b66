"""``himari init``: a configuration file with every default, a batch to try, and keys."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from typer import echo

from app.commands.keys import new_key
from app.commands.refusal import CommandRefused
from app.settings import Settings
from app.settings.portfolio import BrakesGroup

CONFIG_NAME: Final = "himari.yaml"
BATCH_NAME: Final = "batch.json"
SECRETS_NAME: Final = ".env"
# brakes that are off by default because only their owner knows the account: where to begin
STARTER_BRAKES: Final[Mapping[str, tuple[float, str]]] = {
    "drawdown_from": (0.20, "a fifth below the peak is beyond what these sizes lose in most years"),
    "daily_loss_from": (0.05, "a twentieth in a day is a broken feed or a broken market"),
}


def write_starter(directory: Path, *, force: bool) -> int:
    """Write the files and say what to do next; keys that are there already are never replaced.

    Returns
    -------
    int
        0.

    Raises
    ------
    CommandRefused
        If one exists already and ``force`` is off, or the directory cannot be written.
    """
    contents = {
        directory / CONFIG_NAME: "\n".join(config_lines()) + "\n",
        directory / BATCH_NAME: json.dumps(example_batch(time.time_ns()), indent=2) + "\n",
    }
    existing = [str(path) for path in contents if path.exists()]
    if existing and not force:
        raise CommandRefused(f"{' and '.join(existing)} exist already; overwrite with --force")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            path.write_text(content, "ascii")
        made = _write_secrets(directory / SECRETS_NAME)
    except OSError as error:
        raise CommandRefused(f"{directory} cannot be written: {error.strerror}") from error
    echo(f"wrote {' and '.join(map(str, contents))}")
    secrets = directory / SECRETS_NAME
    echo(f"wrote random keys for the stack into {secrets}" if made else f"kept {secrets}")
    echo(f"next: HIMARI_CONFIG_FILE={directory / CONFIG_NAME} himari serve")
    echo(f"then: himari allocate {directory / BATCH_NAME}")
    return 0


def _write_secrets(path: Path) -> bool:
    """Write a file of mode 0600 unless there is one; say whether there was none."""
    try:
        path.touch(0o600, exist_ok=False)
    except FileExistsError:
        return False
    path.write_text("\n".join(secret_lines()) + "\n", "ascii")
    return True


def secret_lines() -> Iterator[str]:
    """Random keys for a stack of both servers, as an environment file."""
    hop = new_key()
    yield "# Keys of this stack. Keep this file to yourself, and out of version control."
    yield "# Callers send HIMARI_API_KEYS as Authorization: Bearer. It may do everything; give"
    yield "# each caller a key of its own with `himari keys new` and put the hashes here instead."
    yield f"HIMARI_API_KEYS={new_key()}"
    yield "# The service shows this one to the inference server."
    yield f"HIMARI_RL_API_KEY={hop}"
    yield f"HIMARI_INFERENCE_API_KEY={hop}"
    yield "# Grafana's user admin, and the journal's own database where the stack runs one."
    yield f"GRAFANA_ADMIN_PASSWORD={new_key()}"
    yield f"POSTGRES_PASSWORD={new_key()}"


def config_lines() -> Iterator[str]:
    """Every setting with its meaning above it: its default, or a brake to begin with; YAML."""
    yield "# Settings of HIMARI Layer 3. HIMARI_CONFIG_FILE names this file; environment variables"
    yield "# (HIMARI_PORTFOLIO_VALUE, HIMARI_KELLY__MIN_EDGE, ...) win over it."
    yield from _lines(Settings, Settings().model_dump(mode="json"), "")


def _lines(model: type[BaseModel], values: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name == "config_file":
            continue
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield ""
            yield f"# {(kind.__doc__ or '').partition(chr(10))[0]}"
            yield f"{name}:"
            yield from _lines(kind, values[name], f"{indent}  ")
        else:
            yield f"{indent}# {field.description}"
            value = values[name]
            if model is BrakesGroup and name in STARTER_BRAKES:
                value, why = STARTER_BRAKES[name]
                yield f"{indent}# To begin with {value:g}: {why}; the default is {values[name]:g}."
            yield f"{indent}{name}: {json.dumps(value)}"


def example_batch(now_ns: int) -> dict[str, Any]:
    """Two signals in a calm market, with one position held."""
    return {
        "signals": [
            {
                "strategy_id": "momentum_btc",
                "symbol": "BTC-USD",
                "action": "BUY",
                "confidence": 0.85,
                "risk_score": 0.25,
                "regime": "TRENDING_UP",
                "timestamp_ns": now_ns,
                "expected_return": 0.02,
                "predicted_volatility": 0.20,
                "sentiment_score": 0.7,
                "sentiment_confidence": 0.8,
            },
            {
                "strategy_id": "reversal_eth",
                "symbol": "ETH-USD",
                "action": "BUY",
                "confidence": 0.70,
                "risk_score": 0.35,
                "regime": "RANGING",
                "timestamp_ns": now_ns,
                "expected_return": 0.03,
                "predicted_volatility": 0.30,
            },
        ],
        "cascade_indicators": {
            "funding_rate": 0.001,
            "oi_change_pct": 0.05,
            "volume_ratio": 2.0,
            "onchain_whale_pressure": 0.30,
            "exchange_netflow_zscore": 0.5,
        },
        "current_prices": {"BTC-USD": 43500.0, "ETH-USD": 2250.0},
        "portfolio_value": 100000,
        "current_positions": {"BTC-USD": 0.10},
    }
