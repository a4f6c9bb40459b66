"""Faults around the service and below it, injected for real.

proxy.py, toxics.py     a TCP proxy that delays, throttles, cuts and swallows
upstreams.py            servers that break every rule, in the place of the policy
broken_*.py             each fault by name: what is arranged, what must come out (fault.py)
catalogue.py            all of them
host.py, service.py     real uvicorn servers in a process of their own, and how to ask them
caller.py, batch.py     who asks, and what
walk.py                 one fault through every state of the breaker
machine.py, memory.py   what the kernel tells of the process meanwhile
matrix.py               all faults, many times, as a page: ``python -m tests.tools.chaos.matrix``
flapping.py, flaps.py   a server that comes and goes: ``python -m tests.tools.chaos.flaps``
outage.py               a server that stays away: ``python -m tests.tools.chaos.outage``
crash*.py               kill -9 under load: ``python -m tests.tools.chaos.crash``
disk*.py                the journal's disk at fault: ``python -m tests.tools.chaos.disk``
liar*.py                wrong numbers beside an honest caller: ``python -m tests.tools.chaos.liar``
fuzz.py                 requests made from OpenAPI: ``python -m tests.tools.chaos.fuzz``
"""
