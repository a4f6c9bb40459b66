"""Parameters as a journalled, hashed value."""

import hashlib
import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.params import EngineParams, KellyParams, LimitParams, MarketParams, TradingParams

fractions = st.floats(0.01, 1.0)
names = st.text("ABC", min_size=1, max_size=3)


@st.composite
def engine_params(draw: st.DrawFn) -> EngineParams:
    groups = draw(st.dictionaries(names, st.lists(names, max_size=3).map(tuple), max_size=2))
    return EngineParams(
        portfolio_value=draw(st.floats(1.0, 1e9)),
        kelly=KellyParams(fraction=draw(fractions), prior_observations=draw(st.floats(1, 100))),
        market=MarketParams(history=draw(st.integers(20, 500))),
        limits=LimitParams(
            max_position_pct=draw(fractions),
            allow_short=draw(st.booleans()),
            symbol_caps=draw(st.dictionaries(names, fractions, max_size=2)),
            group_caps=dict.fromkeys(groups, draw(fractions)),
            groups=groups,
        ),
        trading=TradingParams(lot_sizes=draw(st.dictionaries(names, fractions, max_size=2))),
    )


@given(engine_params())
def test_json_and_back_is_the_identity(params: EngineParams) -> None:
    again = EngineParams.from_json(json.loads(json.dumps(params.to_json())))
    assert again == params
    assert again.digest() == params.digest()
    assert EngineParams.from_json(params.to_json()) == params


def test_the_digest_is_the_start_of_the_sha_256_of_the_canonical_json() -> None:
    params = EngineParams()
    text = json.dumps(params.to_json(), sort_keys=True, separators=(",", ":"))
    assert params.digest() == hashlib.sha256(text.encode()).hexdigest()[:16]
    assert len(params.digest()) == 16


def test_the_digest_does_not_depend_on_the_order_of_keys() -> None:
    one = replace(EngineParams(), limits=LimitParams(symbol_caps={"A": 0.1, "B": 0.2}))
    other = replace(EngineParams(), limits=LimitParams(symbol_caps={"B": 0.2, "A": 0.1}))
    assert one.digest() == other.digest()


@pytest.mark.parametrize("room", [field.name for field in fields(EngineParams)])
def test_every_room_is_part_of_the_json_and_of_the_digest(room: str) -> None:
    params = EngineParams()
    data = params.to_json()
    assert room in data
    if room == "portfolio_value":
        changed = replace(params, portfolio_value=5.0)
    else:
        part = getattr(params, room)
        numbers = (f.name for f in fields(part) if isinstance(getattr(part, f.name), float))
        name = next(numbers, "listed")
        value = ("mean",) if name == "listed" else 0.123
        changed = replace(params, **{room: replace(part, **{name: value})})
    assert changed.digest() != params.digest()
    assert EngineParams.from_json(changed.to_json()) == changed


def test_what_is_absent_takes_its_default_and_what_is_unknown_is_refused() -> None:
    assert EngineParams.from_json({}) == EngineParams()
    assert EngineParams.from_json({"kelly": {"fraction": 0.5}}).kelly == KellyParams(fraction=0.5)
    with pytest.raises(TypeError):
        EngineParams.from_json({"kely": {}})
    with pytest.raises(TypeError):
        EngineParams.from_json({"kelly": {"fracton": 0.5}})
    with pytest.raises(TypeError):
        EngineParams.from_json({"limits": {"groups": {}, "unknown": 1}})


def test_groups_come_back_as_tuples() -> None:
    built = EngineParams.from_json({"limits": {"groups": {"g": ["A", "B"]}}})
    assert built.limits.groups == {"g": ("A", "B")}
    assert built.limits.max_position_pct == 0.15


def test_the_defaults_are_the_designs() -> None:
    params = EngineParams()
    kelly, conformal, limits = params.kelly, params.conformal, params.limits
    assert (kelly.fraction, kelly.prior_observations, kelly.max_sharpe) == (0.25, 1000.0, 0.1)
    assert (kelly.prior_wins, kelly.prior_losses) == (10.0, 10.0)
    assert (kelly.min_edge, kelly.min_win_rate, kelly.max_size_pct) == (0.0, 0.0, 0.5)
    assert params.records.half_life == 250.0
    assert (conformal.coverage, conformal.window, conformal.active_from) == (0.9, 200, 20)
    assert (conformal.normal_quantile, conformal.max_miscoverage) == (1.645, 0.5)
    assert params.portfolio_value == 100_000.0
    assert (limits.max_position_pct, limits.max_strategy_pct) == (0.15, 0.40)
    assert (limits.max_portfolio_pct, limits.allow_short) == (0.80, False)
    assert (params.market.prior_correlation, params.market.min_eigenvalue) == (0.5, 1e-4)
    assert params.market.dense_up_to == 100
    assert params.trading == TradingParams()
    assert (params.trading.rebalance_span, params.trading.cost_pct) == (0.0, 0.0)
    assert params.drift.alert_relative == 0.20
    assert params.blend.min_confidence == 0.5
