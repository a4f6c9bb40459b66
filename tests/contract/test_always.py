"""What always holds, for any state, any mode, any valid input; one promise a test."""

from hypothesis import given

from tests.contract import promises
from tests.contract.strategies import CASCADES, Case, cases, in_cascade


@given(case=cases(rl=False))
def test_every_promise_holds_with_the_policy_off(case: Case) -> None:
    promises.assert_all(case, case.engine().allocate(case.batch))


@given(case=cases(rl=True))
def test_every_promise_holds_whatever_the_policy_answers(case: Case) -> None:
    promises.assert_all(case, case.engine().allocate(case.batch))


@given(case=cases())
def test_every_promise_holds_in_every_cascade(case: Case) -> None:
    for cascade in CASCADES:
        there = in_cascade(case, cascade)
        promises.assert_all(there, there.engine().allocate(there.batch))


@given(case=cases())
def test_every_promise_holds_on_the_second_decision_too(case: Case) -> None:
    engine = case.engine()
    engine.allocate(case.batch)
    promises.assert_all(case, engine.allocate(case.batch))
