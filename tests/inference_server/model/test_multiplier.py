"""The learned policy: what it says where it may speak, and the baseline everywhere else."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_server.model.book import gather_book
from inference_server.model.features import FEATURES, build_features
from inference_server.model.loading import load_model
from inference_server.model.policy import Policy, leading_rows
from inference_server.model.rows import Action, RowPrediction, SignalRow, is_in_range
from inference_server.model.signal_alone import NO_BASELINE, size_alone
from inference_server.model.volatility import ewma_volatility
from tests.inference_server.model.books import history, market, mirrored, row
from tests.inference_server.model.graphs import WIDTH, Linear, details, write_multiplier

BOTH = ("long_flat", "long_short")
LINEAR = Linear.drawn(0)


def loaded(store: Path, linear: Linear = LINEAR, **card: Any) -> Policy:
    write_multiplier(store, linear, **card)
    return load_model(store, None, threads=1, warm_rows=4).policy


def answer(policy: Policy, *rows: SignalRow) -> list[RowPrediction]:
    decoded = policy.decode(rows)
    outputs = policy.predict(decoded.inputs) if leading_rows(decoded.inputs) else {}
    return policy.encode(outputs, decoded)


def multipliers(rows: Sequence[SignalRow], linear: Linear = LINEAR) -> Any:
    return linear.multiplier(build_features(gather_book(rows).book)[0])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Load a multiplier that speaks in both cases, wherever it has a history."""
    return loaded(tmp_path_factory.mktemp("models"))


def test_the_position_is_the_baseline_times_the_multiplier(drawn: Policy) -> None:
    rows = market(1, 12)
    answers, expected = answer(drawn, *rows), multipliers(rows)
    assert np.std(expected) > 0.2
    for asked, given_back, m in zip(rows, answers, expected, strict=True):
        assert asked.baseline_pct is not None
        assert given_back.position_pct == pytest.approx(asked.baseline_pct * m, abs=1e-6)
        assert (given_back.confidence, given_back.reason) == (0.75, None)
        assert is_in_range(given_back)


def test_alpha_takes_a_part_of_the_way_by_the_case_of_the_request(store: Path) -> None:
    policy = loaded(
        store,
        alpha={"long_flat": 0.25, "long_short": 0.5},
        confidence={"long_flat": 0.5, "long_short": 1.0},
    )
    for short, alpha, confidence in ((False, 0.25, 0.5), (True, 0.5, 1.0)):
        rows = market(2, 12, short=short)
        assert any(asked.baseline_pct < 0 for asked in rows) == short  # type: ignore[operator]
        for asked, given_back, m in zip(
            rows, answer(policy, *rows), multipliers(rows), strict=True
        ):
            assert asked.baseline_pct is not None
            gated = asked.baseline_pct * (1 + alpha * (m - 1))
            assert given_back.position_pct == pytest.approx(gated, abs=1e-6)
            assert given_back.confidence == confidence


@pytest.mark.parametrize("case", BOTH)
def test_a_case_that_did_not_pass_gets_the_baseline_to_the_last_bit(store: Path, case: str) -> None:
    gates = {other: 0.0 if other == case else 1.0 for other in BOTH}
    policy = loaded(store, alpha=gates)
    rows = market(3, 12, short=case == "long_short")
    answers = answer(policy, *rows)
    assert [each.position_pct for each in answers] == [asked.baseline_pct for asked in rows]
    found = {(each.confidence, each.reason) for each in answers}
    assert found == {(0.0, f"not accepted: {case} did not pass its report")}
    # the multiplier was refused, not the volatility
    assert all(each.hit_probability is not None for each in answers)
    others = answer(policy, *market(3, 12, short=case == "long_flat"))
    assert {each.confidence for each in others} == {0.75}


def test_a_multiplier_without_confidence_says_so(store: Path) -> None:
    policy = loaded(store, confidence={"long_flat": 0.0, "long_short": 0.0})
    (given_back,) = answer(policy, row())
    assert given_back.confidence == 0.0
    assert given_back.reason == "not accepted: long_flat did not pass its report"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"returns": history(1, 249)}, "too little history: 249 of 250 returns"),
        ({"returns": history(1, 0)}, "too little history: 0 of 250 returns"),
        ({"returns": np.zeros(256, np.float32)}, "the price never moved"),
        ({"baseline_pct": 0.0}, "baseline is zero"),
        ({"baseline_pct": -0.0}, "baseline is zero"),
        (
            {"interval_sec": 60.0},
            "outside the trained interval: 60 s between returns, at least 3600",
        ),
    ],
)
def test_where_the_model_has_no_business_the_baseline_comes_back(
    drawn: Policy, changes: dict[str, Any], reason: str
) -> None:
    asked = row(**changes)
    decoded = drawn.decode([asked])
    assert leading_rows(decoded.inputs) == 0
    (given_back,) = drawn.encode({}, decoded)
    assert given_back.position_pct == asked.baseline_pct
    assert (given_back.confidence, given_back.reason) == (0.0, reason)
    assert given_back.hit_probability is None
    assert given_back.predicted_volatility == asked.predicted_volatility
    assert given_back.predicted_return == asked.expected_return


def test_they_stay_without_a_say_beside_symbols_that_have_one(drawn: Policy) -> None:
    idle = row(symbol="IDLE", baseline_pct=0.0, returns=history(9))
    fast = row(symbol="FAST", interval_sec=60.0, returns=history(8))
    rows = [idle, row(), fast]
    assert leading_rows(drawn.decode(rows).inputs) == 1
    first, spoken, last = answer(drawn, *rows)
    assert (first.confidence, first.position_pct) == (0.0, 0.0)
    assert (last.confidence, last.position_pct) == (0.0, fast.baseline_pct)
    assert spoken.position_pct == answer(drawn, row())[0].position_pct != 0.08


def test_250_returns_and_an_unknown_interval_are_enough(drawn: Policy) -> None:
    (given_back,) = answer(drawn, row(returns=history(1, 250), interval_sec=None))
    assert given_back.confidence == 0.75


def test_a_feature_outside_the_trained_range_is_named(store: Path) -> None:
    high = [100.0] * WIDTH
    high[FEATURES.index("confidence")] = 0.0
    low = [-1.0 if name == "confidence" else -100.0 for name in FEATURES]
    policy = loaded(store, details=details(low=low, high=high))
    inside, outside = row(symbol="A", confidence=0.5), row(symbol="B", confidence=0.9)
    first, second = answer(policy, inside, outside)
    assert (first.confidence, first.reason) == (0.75, None)
    assert (second.confidence, second.position_pct) == (0.0, outside.baseline_pct)
    assert second.reason == "outside the trained range: confidence was 0.8, at most 0.25"
    # the one row of the model is the first symbol's
    assert first.position_pct == answer(policy, inside)[0].position_pct


def test_symbols_without_a_history_are_nobodys_neighbours(drawn: Policy) -> None:
    rows = market(4, 6)
    young = [row(symbol=f"Y{seed}", returns=history(seed, 30)) for seed in range(4)]
    mixed = answer(drawn, *young[:2], *rows, *young[2:])
    assert mixed[2:-2] == answer(drawn, *rows)
    assert {each.reason for each in mixed[:2] + mixed[-2:]} == {
        "too little history: 30 of 250 returns"
    }


def test_a_neighbour_without_a_baseline_is_still_a_neighbour(drawn: Policy) -> None:
    rows = market(5, 6)
    silent = [*rows[:-1], replace(rows[-1], baseline_pct=None)]
    assert answer(drawn, *silent)[0].position_pct == pytest.approx(
        rows[0].baseline_pct * multipliers(silent)[0],
        abs=1e-6,
    )
    assert multipliers(silent)[0] != multipliers(rows[:-1])[0]


def test_without_a_baseline_the_signal_alone_is_sized(drawn: Policy) -> None:
    asked = row(baseline_pct=None, predicted_volatility=0.04)
    (given_back,) = answer(drawn, asked)
    # 0.25 x 0.6 x 0.001 / 0.04^2, by hand
    assert given_back.position_pct == size_alone(asked) == pytest.approx(0.09375)
    assert (given_back.confidence, given_back.reason) == (0.0, NO_BASELINE)
    assert given_back.predicted_volatility == 0.04


def test_where_nobody_knows_a_volatility_one_is_assumed_and_said(drawn: Policy) -> None:
    unknown = row(returns=history(1, 0), predicted_volatility=None)
    assert answer(drawn, unknown)[0].predicted_volatility == 0.02
    assert answer(drawn, unknown)[0].reason == (
        "too little history: 0 of 250 returns; no volatility known, 0.02 assumed"
    )
    young = replace(unknown, returns=history(1, 30))
    window = np.zeros((1, 256))
    window[0, -30:] = young.returns
    learnt = float(ewma_volatility(window)[0])
    assert answer(drawn, young)[0].predicted_volatility == learnt
    assert answer(drawn, young)[0].reason == "too little history: 30 of 250 returns"


def test_volatility_and_hit_are_calibrated_and_seen_from_each_trade(store: Path) -> None:
    linear = Linear(volatility_b=math.log(2.0), hit_b=0.5)
    calibrated = details(hit_slope=2.0, hit_intercept=-0.4, volatility_scale=0.9)
    policy = loaded(store, linear, details=calibrated)
    buy = row(baseline_pct=-0.05)
    sell, hold = replace(buy, action=Action.SELL), replace(buy, action=Action.HOLD)
    against, along, neither = answer(policy, buy, sell, hold)
    sigma = float(ewma_volatility(buy.returns.astype(np.float64)[None, :])[0])
    assert along.predicted_volatility == pytest.approx(2.0 * 0.9 * sigma, rel=1e-6)
    # sigmoid(2 x 0.5 - 0.4), for the baseline's side
    assert along.hit_probability == pytest.approx(0.6456563, abs=1e-6)
    assert against.hit_probability == pytest.approx(1 - 0.6456563, abs=1e-6)
    assert along.predicted_return == pytest.approx(
        0.7978846 * along.predicted_volatility * (2 * 0.6456563 - 1), rel=1e-5
    )
    assert against.predicted_return == pytest.approx(-along.predicted_return, rel=1e-12)
    assert neither.hit_probability is None
    assert {each.position_pct for each in (against, along, neither)} == {-0.05}


def test_signals_on_one_symbol_are_one_row_of_the_model(drawn: Policy) -> None:
    rows = market(6, 3, 4)
    assert leading_rows(drawn.decode(rows).inputs) == 3
    answers = answer(drawn, *rows)
    assert len({each.position_pct for each in answers}) == 3
    assert len(answers) == 12


def test_no_signals_get_no_answers(drawn: Policy) -> None:
    assert answer(drawn) == []


def test_an_answer_that_is_no_number_cannot_be_believed(drawn: Policy) -> None:
    rows = market(7, 3)
    decoded = drawn.decode(rows)
    outputs = {name: array.copy() for name, array in drawn.predict(decoded.inputs).items()}
    outputs["multiplier"][0] = 2.5
    outputs["log_volatility"][1] = 1e4
    outputs["hit_logit"][2] = np.nan
    assert [is_in_range(each) for each in drawn.encode(outputs, decoded)] == [False] * 3


def test_a_multiplier_that_is_not_served_cannot_spoil_the_baseline(store: Path) -> None:
    policy = loaded(store, alpha={"long_flat": 0.0, "long_short": 0.0})
    decoded = policy.decode([row()])
    outputs = {**policy.predict(decoded.inputs), "multiplier": np.array([np.nan], np.float32)}
    assert policy.encode(outputs, decoded)[0].position_pct == 0.08


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), symbols=st.integers(1, 8))
def test_mirrored_prices_and_baselines_are_multiplied_by_exactly_the_same(
    drawn: Policy, seed: int, symbols: int
) -> None:
    rows = market(seed, symbols, 2)
    for here, there in zip(answer(drawn, *rows), answer(drawn, *map(mirrored, rows)), strict=True):
        assert there == replace(here, position_pct=-here.position_pct)


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    names=st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True),
    order=st.randoms(use_true_random=False),
)
def test_neither_names_nor_the_order_of_rows_play_a_part(
    drawn: Policy, seed: int, names: list[str], order: Any
) -> None:
    rows = market(seed, len(names), 2)
    expected = answer(drawn, *rows)
    renamed = [replace(asked, symbol=names[int(asked.symbol[1:])]) for asked in rows]
    assert answer(drawn, *renamed) == expected
    places = list(range(len(rows)))
    order.shuffle(places)
    shuffled = answer(drawn, *(renamed[place] for place in places))
    for place, given_back in zip(places, shuffled, strict=True):
        assert numbers(given_back) == pytest.approx(numbers(expected[place]), abs=1e-6)


def numbers(given_back: RowPrediction) -> list[float]:
    assert given_back.hit_probability is not None
    return [
        given_back.position_pct,
        given_back.confidence,
        given_back.predicted_return,
        given_back.predicted_volatility,
        given_back.hit_probability,
    ]


any_row = st.builds(
    row,
    symbol=st.sampled_from("ABCDEFGH"),
    action=st.sampled_from(Action),
    confidence=st.floats(0, 1),
    expected_return=st.none() | st.floats(-1, 1000),
    predicted_volatility=st.none() | st.floats(5e-324, allow_infinity=False),
    baseline_pct=st.none() | st.floats(-1, 1),
    current_pct=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    interval_sec=st.none() | st.just(86_400.0),
    returns=st.builds(
        lambda seed, count, scale: np.maximum(history(seed, count) * np.float32(scale), -1),
        st.integers(0, 100),
        st.sampled_from([0, 249, 250, 256]),
        st.sampled_from([0.0, 1e-30, 1.0, 1e30]),
    ),
)


@settings(deadline=None)
@given(rows=st.lists(any_row, max_size=10))
def test_whatever_a_row_may_hold_every_answer_is_believable(
    drawn: Policy, rows: list[SignalRow]
) -> None:
    baselines = {asked.symbol: asked.baseline_pct for asked in reversed(rows)}
    for asked, given_back in zip(rows, answer(drawn, *rows), strict=True):
        assert is_in_range(given_back)
        assert (given_back.reason is None) == (given_back.confidence > 0.0)
        if given_back.confidence == 0.0 and baselines[asked.symbol] is not None:
            assert given_back.position_pct == baselines[asked.symbol]
