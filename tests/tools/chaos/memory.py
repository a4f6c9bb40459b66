"""How much a large reply grows the process that has to refuse it."""

from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.fault import Fault
from tests.tools.chaos.machine import forget_peak, peak_bytes, resident_bytes
from tests.tools.chaos.service import Service

MEGABYTE = 1024 * 1024
MOST_GROWTH_BYTES = 10 * MEGABYTE


async def measure_growth(service: Service, caller: Caller, fault: Fault, times: int = 3) -> int:
    """Ask under a fault and give the growth of the largest resident size, bytes.

    The first question does not count: whatever is made at first use is there after it.
    """
    await service.operate(caller, "disabled")
    async with fault.arrange(service.upstream_port):
        await caller.ask("POST", "/allocate", BATCH)
        before = resident_bytes(service.pid)
        forget_peak(service.pid)
        for _ in range(times):
            await caller.ask("POST", "/allocate", BATCH)
    await service.operate(caller, "auto")
    return peak_bytes(service.pid) - before
