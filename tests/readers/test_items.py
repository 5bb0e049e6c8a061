"""Items and their units: one unit a code, whatever comes first; numbers are converted or left without a factor, never mixed."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.readers._items import counted, items

NAMED = pl.DataFrame(
    {
        "item": [1, 2, 3, 4],
        "code": ["LOINC//2345-7", "LOINC//2345-7", "LAB//3", "LAB//4"],
        "description": ["Glucose", "Glucose", "Anion Gap", "Colour"],
    }
)
ROWS = [
    *[(1, "mg/dL")] * 3,
    *[(2, "mmol/L")] * 2,
    (1, None),
    *[(3, "mEq/L")] * 3,
    *[(3, "MEQ/L")] * 2,
    (3, "%"),
    (4, None),
    (4, "None"),
]


def made(rows: list[tuple[int, str | None]]) -> tuple[dict[str, str], dict[tuple[int, str | None], float | None]]:
    """The unit of each code, and the factor of each unit given."""
    frame = pl.DataFrame(rows, schema={"item": pl.Int64, "unit": pl.String}, orient="row").with_columns(number=pl.lit(1.0))
    found = items(counted([frame.head(4), frame.tail(-4)], "item", "unit", "number"), NAMED)
    units = dict(found.known.select("code", "unit").iter_rows())
    return units, {(item, given): factor for item, given, factor, _ in found.scale.iter_rows()}


def test_a_known_quantity_is_kept_in_its_standard_unit() -> None:
    units, factors = made(ROWS)
    assert units["LOINC//2345-7"] == "mg/dL"
    assert factors[1, "mg/dL"] == 1 and factors[2, "mmol/L"] == pytest.approx(18.0156)


def test_any_other_code_is_kept_in_its_commonest_unit_however_it_is_spelled() -> None:
    units, factors = made(ROWS)
    assert units["LAB//3"] == "mEq/L"
    assert factors[3, "mEq/L"] == factors[3, "MEQ/L"] == 1 and factors[3, "%"] is None


def test_a_number_without_a_unit_is_one_only_where_its_code_has_none() -> None:
    units, factors = made(ROWS)
    assert factors[1, None] is None
    assert units["LAB//4"] == "" and factors[4, None] == factors[4, "None"] == 1


@given(st.permutations(ROWS))
def test_the_order_of_rows_decides_nothing(rows: list[tuple[int, str | None]]) -> None:
    assert made(rows) == made(ROWS)
