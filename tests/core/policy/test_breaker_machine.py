"""The breaker against an independent model, over random histories of callers and operators."""

from dataclasses import dataclass, field

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.core.policy.breaker import CircuitBreaker
from app.core.policy.circuit import (
    LEGAL_MOVES,
    BreakerMode,
    BreakerParams,
    CallOutcome,
    CircuitState,
    Ticket,
    Transition,
)

THRESHOLD, INITIAL, LONGEST, GROWTH, LEASE = 3, 30.0, 300.0, 2.0, 7.0
OUTCOMES = st.sampled_from(list(CallOutcome))


@dataclass
class Model:
    """The contract as bookkeeping: who holds a permit, until when the circuit is shut.

    No generations here: a permit is valid exactly while it is in ``holders``, and every event
    that changes the circuit empties that set.
    """

    mode: str = "auto"
    shut_until: float | None = None
    timeout: float = INITIAL
    row: int = 0
    holders: set[int] = field(default_factory=set)
    probe: tuple[int, float] | None = None

    def forget_calls(self) -> None:
        self.holders, self.probe = set(), None

    def heal(self) -> None:
        self.shut_until, self.timeout, self.row = None, INITIAL, 0
        self.forget_calls()

    def shut(self, now: float) -> None:
        self.shut_until = now + self.timeout
        self.forget_calls()

    def state(self, now: float) -> str:
        if self.mode == "forced_open":
            return "open"
        if self.shut_until is None:
            return "closed"
        return "open" if now < self.shut_until else "half_open"

    def may_call(self, now: float) -> bool:
        probed = self.probe is not None and now < self.probe[1]
        return self.state(now) == "closed" or (self.state(now) == "half_open" and not probed)

    def admit(self, caller: int, now: float) -> None:
        if self.state(now) == "half_open":
            self.holders = set()
            self.probe = (caller, now + LEASE)
        self.holders.add(caller)

    def settle(self, caller: int, outcome: CallOutcome, now: float) -> None:
        if caller not in self.holders:
            return
        self.holders.discard(caller)
        probing = self.probe is not None and self.probe[0] == caller
        if outcome is CallOutcome.NEUTRAL:
            self.probe = None if probing else self.probe
        elif outcome is CallOutcome.SUCCESS and probing:
            self.heal()
        elif outcome is CallOutcome.SUCCESS:
            self.row = 0
        elif self.mode == "auto":
            self.fail(now, probing=probing)

    def fail(self, now: float, *, probing: bool) -> None:
        self.row += 1
        if probing:
            self.timeout = min(self.timeout * GROWTH, LONGEST)
        if probing or self.row >= THRESHOLD:
            self.shut(now)

    def switch(self, mode: str) -> None:
        if mode == self.mode:
            return
        self.mode = mode
        self.forget_calls()
        if mode == "disabled":
            self.heal()


@dataclass
class Reached:
    """How many histories met what the machine is for."""

    histories: int = 0
    half_open: int = 0
    late: int = 0
    hung: int = 0
    cancelled: int = 0


class BreakerMachine(RuleBasedStateMachine):
    reached = Reached()

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.model = Model()
        self.transitions: list[Transition] = []
        self.breaker = CircuitBreaker(
            BreakerParams(
                failure_threshold=THRESHOLD,
                initial_timeout_sec=INITIAL,
                max_timeout_sec=LONGEST,
                backoff_multiplier=GROWTH,
                probe_lease_sec=LEASE,
            ),
        )
        self.tickets: list[Ticket] = []
        self.met: set[str] = set()

    def call(self) -> int | None:
        allowed = self.model.may_call(self.now)
        ticket = self.breaker.acquire(self.now)
        assert (ticket is not None) == allowed
        if ticket is None:
            return None
        caller = len(self.tickets)
        self.tickets.append(ticket)
        self.model.admit(caller, self.now)
        return caller

    def finish(self, caller: int, outcome: CallOutcome) -> None:
        if caller not in self.model.holders:
            self.met.add("late")
        if self.model.probe and self.model.probe[0] == caller and outcome is CallOutcome.NEUTRAL:
            self.met.add("cancelled")
        self.breaker.report(self.tickets[caller], outcome, self.now)
        self.model.settle(caller, outcome, self.now)

    @initialize(start=st.sampled_from(["closed", "open", "half_open", "probing"]))
    def histories_begin_anywhere_on_the_way(self, start: str) -> None:
        if start != "closed":
            self.calls_fail_in_a_row(THRESHOLD)
        if start in {"half_open", "probing"}:
            self.the_timeout_runs_out()
        if start == "probing":
            self.call()

    @rule()
    def begin_a_call(self) -> None:
        self.call()

    @precondition(lambda self: self.tickets)
    @rule(data=st.data(), outcome=OUTCOMES)
    def finish_any_call_even_an_old_one(self, data: st.DataObject, outcome: CallOutcome) -> None:
        self.finish(data.draw(st.integers(0, len(self.tickets) - 1)), outcome)

    @precondition(lambda self: self.tickets)
    @rule(outcome=OUTCOMES)
    def finish_the_newest_call(self, outcome: CallOutcome) -> None:
        self.finish(len(self.tickets) - 1, outcome)

    @rule(times=st.integers(1, THRESHOLD + 1))
    def calls_fail_in_a_row(self, times: int) -> None:
        for _ in range(times):
            caller = self.call()
            if caller is not None:
                self.finish(caller, CallOutcome.FAILURE)

    @rule(seconds=st.floats(0.0, 40.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.model.state(self.now) == "open")
    @rule()
    def the_timeout_runs_out(self) -> None:
        if self.model.shut_until is not None:
            self.now = max(self.now, self.model.shut_until)

    @precondition(lambda self: self.model.state(self.now) == "half_open")
    @rule(outcome=OUTCOMES)
    def a_probe_is_answered(self, outcome: CallOutcome) -> None:
        caller = self.call()
        if caller is not None:
            self.finish(caller, outcome)

    @precondition(lambda self: self.model.state(self.now) == "half_open")
    @rule()
    def a_probe_hangs_beyond_its_lease(self) -> None:
        self.call()
        assert self.model.probe is not None
        self.now = max(self.now, self.model.probe[1])
        self.met.add("hung")

    @precondition(lambda self: self.model.may_call(self.now))
    @rule()
    def many_callers_come_at_once(self) -> None:
        half_open = self.model.state(self.now) == "half_open"
        admitted = sum(self.call() is not None for _ in range(200))
        assert admitted == (1 if half_open else 200)

    @rule()
    def an_operator_resets(self) -> None:
        self.breaker.reset(self.now)
        self.model.heal()
        self.model.mode = "auto" if self.model.mode == "forced_open" else self.model.mode

    @rule(mode=st.sampled_from([*BreakerMode, BreakerMode.AUTO, BreakerMode.AUTO]))
    def an_operator_switches(self, mode: BreakerMode) -> None:
        self.breaker.set_mode(mode, self.now)
        self.model.switch(str(mode))

    @invariant()
    def state_and_numbers_agree_with_the_model(self) -> None:
        snapshot = self.breaker.snapshot(self.now)
        expected = self.model.state(self.now)
        assert snapshot["state"] == expected
        assert snapshot["mode"] == self.model.mode
        assert snapshot["current_timeout_sec"] == self.model.timeout
        assert snapshot["consecutive_failures"] == self.model.row
        waits = expected == "open" and self.model.mode != "forced_open"
        until = (self.model.shut_until or self.now) - self.now if waits else 0.0
        assert snapshot["time_until_retry_sec"] == until
        if expected == "half_open":
            self.met.add("half_open")

    @invariant()
    def reported_moves_are_legal_and_chain(self) -> None:
        now_in, state = self.breaker.state(self.now), CircuitState.CLOSED
        self.transitions += self.breaker.take_transitions()
        for move in self.transitions:
            assert move.from_state is state
            assert move.to_state in LEGAL_MOVES[state]
            state = move.to_state
        assert state is now_in

    def teardown(self) -> None:
        self.reached.histories += 1
        for fact in self.met:
            setattr(self.reached, fact, getattr(self.reached, fact) + 1)


def test_the_breaker_agrees_with_the_model_and_half_open_is_met_in_half_of_the_histories() -> None:
    BreakerMachine.reached = Reached()
    run_state_machine_as_test(
        BreakerMachine,
        settings=settings(
            max_examples=150,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    reached = BreakerMachine.reached
    assert reached.half_open >= reached.histories / 2
    assert min(reached.late, reached.hung, reached.cancelled) >= reached.histories / 20
