"""How much a large reply grows the process that has to refuse it."""

from tests.faults.batch import BATCH
from tests.faults.caller import Caller
from tests.faults.fault import Fault
from tests.faults.machine import forget_peak, peak_bytes, resident_bytes
from tests.faults.service import Service

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
