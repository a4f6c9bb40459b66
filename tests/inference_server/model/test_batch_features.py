"""Several requests decoded at once are each what they are alone."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.model.batch_features import build_batch_features, gather_batch_books
from inference_server.model.book import gather_book
from inference_server.model.features import build_features
from inference_server.model.rows import SignalRow
from tests.inference_server.model.books import row as valid_row

# requests by how many symbols they name, some symbols twice, some with few returns
requests_of = st.lists(
    st.lists(st.tuples(st.sampled_from("ABCDEFG"), st.integers(0, 99)), min_size=1, max_size=9),
    min_size=1,
    max_size=6,
)


def row(symbol: str, seed: int) -> SignalRow:
    draw = np.random.default_rng(seed)
    return valid_row(
        symbol=symbol,
        returns=draw.normal(0.0, 0.01, int(draw.choice([0, 40, 256]))).astype(np.float32),
        baseline_pct=float(draw.choice([-0.1, 0.0, 0.05])),
        current_pct=float(draw.uniform(-0.1, 0.1)),
    )


def drawn(shapes: Sequence[Sequence[tuple[str, int]]]) -> list[list[SignalRow]]:
    return [[row(*each) for each in shape] for shape in shapes]


@given(requests_of)
def test_each_request_has_the_book_and_the_features_that_it_has_alone(
    shapes: list[list[tuple[str, int]]],
) -> None:
    requests = drawn(shapes)
    parts = gather_batch_books(requests)
    features, path = build_batch_features([part.book for part in parts])
    begin = 0
    for rows, part in zip(requests, parts, strict=True):
        alone = gather_book(rows)
        assert part.symbol_of_row == alone.symbol_of_row
        assert [one.baseline_pct for one in part.first_rows] == [
            one.baseline_pct for one in alone.first_rows
        ]
        # the last bit of a sum depends on how many sums are made at once
        np.testing.assert_allclose(part.volatility, alone.volatility, rtol=1e-14)
        for name in type(alone.book).__slots__:
            ours, theirs = getattr(part.book, name), getattr(alone.book, name)
            np.testing.assert_allclose(ours, theirs, rtol=1e-13)
        end = begin + len(alone.first_rows)
        own, own_path = build_features(alone.book)
        np.testing.assert_allclose(features[begin:end], own, rtol=0.0, atol=1e-6)
        np.testing.assert_allclose(path[begin:end], own_path, rtol=0.0, atol=1e-6)
        begin = end
    assert begin == len(features)


@pytest.mark.parametrize("others", [1, 3, 20])
def test_nobody_is_a_neighbour_of_another_callers_symbol(others: int) -> None:
    # together they are more than five, alone they are too few for neighbours
    mine = [row("MINE", 2)]
    crowd = [[row(f"OTHER{seed}", seed)] for seed in range(3, 3 + 3 * others, 3)]
    together, _ = build_batch_features([part.book for part in gather_batch_books([mine, *crowd])])
    alone, _ = build_features(gather_book(mine).book)
    np.testing.assert_allclose(together[:1], alone, rtol=0.0, atol=1e-6)
