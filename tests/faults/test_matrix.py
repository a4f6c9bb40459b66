"""The whole matrix once: every fault in every state of the breaker, against a real service."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.faults.services import DEADLINE_SEC
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.catalogue import FAULTS
from tests.tools.chaos.fault import Fault
from tests.tools.chaos.matrix import LARGE, WAIT_SEC
from tests.tools.chaos.memory import MOST_GROWTH_BYTES, measure_growth
from tests.tools.chaos.service import Service
from tests.tools.chaos.walk import ALLOWANCE_SEC, STATES, Walker


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.family}: {fault.name}")
async def test_in_every_state_a_fault_ends_in_phase_2_within_the_deadline_and_20_ms(
    services: dict[str, Service], phase2: Mapping[str, Any], fault: Fault
) -> None:
    service = services[fault.service]
    caller = service.caller()
    measured = (await Walker(service, caller, phase2, WAIT_SEC).walk(fault)).answers
    caller.close()
    assert [(answer.state, answer.problems) for answer in measured] == [(s, ()) for s in STATES]
    late = [
        f"{answer.state}: {answer.elapsed_sec:.3f} s, machine withheld {answer.withheld_sec:.3f} s"
        for answer in measured
        if answer.elapsed_sec - answer.withheld_sec > DEADLINE_SEC + ALLOWANCE_SEC
    ]
    assert not late, late


def test_every_fault_has_a_name_of_its_own_and_every_reason_occurs() -> None:
    assert len({(fault.family, fault.name) for fault in FAULTS}) == len(FAULTS)
    reasons = {reason for fault in FAULTS for reason in fault.reasons}
    assert reasons == {None, "timeout", "connection_error", "bad_status", "invalid_prediction"}
    outcomes = {fault.outcome(reason) for fault in FAULTS for reason in fault.reasons}
    assert outcomes == {"failure", "neutral", "success"}


@pytest.mark.parametrize("fault", LARGE, ids=lambda fault: fault.name)
async def test_a_large_reply_grows_memory_by_less_than_10_mb(
    plain: tuple[Service, Caller], fault: Fault
) -> None:
    assert await measure_growth(*plain, fault) < MOST_GROWTH_BYTES
