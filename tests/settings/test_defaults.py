"""A default stands once: in the core's params, from which the settings take it."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.params import EngineParams
from app.core.policy.circuit import BreakerParams
from app.settings import Settings

ROOT = Path(__file__).parents[2]
# a process of its own: the core's defaults are others before the settings are first read
OTHER_CORE = """
from dataclasses import fields, is_dataclass

from app.core.params import EngineParams
from app.core.policy.circuit import BreakerParams


def other(name, value):
    if name == "KEPT":
        return value
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + (1.0 if name == "rebalance_span" else 0.001)
    return value


rooms = [room.type for room in fields(EngineParams) if is_dataclass(room.type)]
for params in [*rooms, EngineParams, BreakerParams]:
    names = [field.name for field in fields(params)]
    defaults = params.__init__.__defaults__
    params.__init__.__defaults__ = tuple(other(*pair) for pair in zip(names, defaults, strict=True))

from app.settings import Settings

numbers = EngineParams().to_json()
assert numbers["market"]["history"] == 257 and not BreakerParams().enabled
taken = Settings().to_engine_params().to_json()
print([
    f"{room}.{name}"
    for room in numbers if isinstance(numbers[room], dict)
    for name, number in numbers[room].items() if taken[room][name] != number
])
print(taken == numbers, Settings().to_breaker_params() == BreakerParams())
"""


def test_default_params_are_those_of_the_core() -> None:
    assert Settings().to_engine_params() == EngineParams()
    assert Settings().to_breaker_params() == BreakerParams()


# one stands for the other: both at once are refused
@pytest.mark.parametrize("kept", ["rebalance_span", "rebalance_half_life_sec"])
def test_a_changed_default_of_the_core_is_the_default_of_the_settings(kept: str) -> None:
    program = OTHER_CORE.replace("KEPT", kept)
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stdout.splitlines() == ["[]", "True True"], ran.stderr
