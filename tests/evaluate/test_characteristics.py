"""The table of characteristics tells medians and counts, and none from which few people could be told apart."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sequela.evaluate.characteristics import FEW, Column, Side, suppressed, table


def side(sex: list[str], values: list[list[float]], part: str = "train", outcome: str = "") -> Side:
    column = Column(part=part, outcome=outcome, rows=len(sex), subjects=len(sex))
    return Side(column, {"sex": np.array(sex)}, np.array(values, float))


def test_a_quantity_has_its_quartiles_and_what_is_missing() -> None:
    values = [[float(k)] for k in range(1, 22)] + [[np.nan]] * 12
    (line,) = (one for one in table([side(["F"] * 33, values)], ["age"]).rows if one.name == "age")
    assert (line.low, line.median, line.high, line.missing) == ([6.0], [11.0], [16.0], [12])


def test_quartiles_and_missing_of_few_are_not_told() -> None:
    (line,) = (one for one in table([side(["F"] * 9, [[1.5]] * 8 + [[np.nan]])], ["age"]).rows if one.name == "age")
    assert (line.median, line.missing) == ([None], [None])


def test_a_column_of_zero_and_one_counts_its_ones() -> None:
    found = table([side(["F"] * 40, [[1.0]] * 15 + [[0.0]] * 25)], ["ventilated"])
    (line,) = (one for one in found.rows if one.name == "ventilated")
    assert (line.level, line.count, line.share) == ("yes", [15], [15 / 40])


def test_where_one_outcome_is_withheld_the_other_is_too_as_both_make_up_their_part() -> None:
    whole = side(["F"] * 23 + ["M"] * 40, [[0.5]] * 63, "test")
    sick, well = (
        side(["F"] * 3 + ["M"] * 20, [[0.5]] * 23, "test", "sick"),
        side(["F"] * 20 + ["M"] * 20, [[0.5]] * 40, "test", "well"),
    )
    female = next(one for one in table([whole, sick, well], ["x"]).rows if one.level == "F")
    assert female.count == [23, None, None] and female.share[1:] == [None, None]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6))
def test_no_count_of_few_can_be_worked_out_from_the_total_and_the_others(counts: list[int]) -> None:
    told = suppressed(counts)
    hidden = [count for count, one in zip(counts, told, strict=True) if one is None]
    assert all(one is None or one == 0 or one >= FEW for one in told)
    assert all(one == count for count, one in zip(counts, told, strict=True) if one is not None)
    if any(0 < count < FEW for count in counts) and sum(count > 0 for count in counts) > 1:
        assert len(hidden) > 1
