"""The stated changes to what files say."""

import numpy as np
import pytest

from inference_server.training.data.errors import TableInvalid
from inference_server.training.data.repairs import apply_repairs
from inference_server.training.data.sources import Repair

CLOSES = np.array([[10.0, 1.0], [11.0, 2.0], [4.4, 3.0], [4.84, 4.0]])


def test_rejoin_takes_out_one_return_and_keeps_every_other() -> None:
    repaired = apply_repairs(CLOSES, ["A", "B"], [Repair("rejoin", "A", 2, 2, "spin-off")])
    returns = repaired[1:, 0] / repaired[:-1, 0]
    np.testing.assert_allclose(returns, [1.1, 1.0, 1.1])
    np.testing.assert_array_equal(repaired[:, 1], CLOSES[:, 1])


def test_blank_makes_bars_missing_and_touches_nothing_else() -> None:
    repaired = apply_repairs(CLOSES, ["A", "B"], [Repair("blank", "B", 1, 2, "misprint")])
    np.testing.assert_array_equal(repaired[:, 1], [1.0, np.nan, np.nan, 4.0])
    np.testing.assert_array_equal(repaired[:, 0], CLOSES[:, 0])


def test_what_was_given_is_not_changed() -> None:
    before = CLOSES.copy()
    apply_repairs(CLOSES, ["A", "B"], [Repair("blank", "A", 1, 3, "misprint")])
    np.testing.assert_array_equal(CLOSES, before)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (2, 1), (3, 4)])
def test_bars_that_are_not_there_are_refused(first: int, last: int) -> None:
    with pytest.raises(TableInvalid, match=f"in 1 to 3, were {first} to {last}"):
        apply_repairs(CLOSES, ["A", "B"], [Repair("blank", "A", first, last, "misprint")])


def test_an_unknown_symbol_is_refused() -> None:
    with pytest.raises(TableInvalid, match="repair of C: there is no such symbol"):
        apply_repairs(CLOSES, ["A", "B"], [Repair("rejoin", "C", 1, 1, "spin-off")])
