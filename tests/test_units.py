"""Units: conversions against published pairs, there and back, and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from sequela import units
from sequela.errors import DataError

# The second number is the first in the standard unit, as printed in clinical reference tables (rounded as there).
PUBLISHED = [
    ("glucose", 5.55, "mmol/L", 100.0, 0.1),
    ("creatinine", 88.4, "umol/L", 1.0, 0.001),
    ("bilirubin", 17.1, "µmol/L", 1.0, 0.001),
    ("BUN", 3.57, "mmol/L", 10.0, 0.01),
    ("cholesterol", 5.17, "mmol/L", 200.0, 0.2),
    ("calcium", 2.5, "mmol/L", 10.0, 0.03),
    ("lactate", 18.0, "mg/dL", 2.0, 0.01),
    ("Mg", 2.43, "mg/dL", 1.0, 0.001),
    ("Mg", 2.0, "mEq/L", 1.0, 1e-9),
    ("temperature", 98.6, "°F", 37.0, 1e-9),
    ("temperature", 310.15, "K", 37.0, 1e-9),
    ("weight", 220.0, "lbs", 99.79, 0.001),
    ("height", 70.0, "in", 177.8, 1e-9),
    ("PaO2", 13.3, "kPa", 99.76, 0.01),
    ("PEEP", 10.0, "cmH2O", 7.356, 0.001),
    ("Hb", 140.0, "g/L", 14.0, 1e-9),
    ("Hb", 8.69, "mmol/L", 14.0, 0.01),
    ("WBC", 8000.0, "1/uL", 8.0, 1e-9),
    ("SpO2", 0.97, "fraction", 97.0, 1e-9),
    ("FiO2", 40.0, "%", 0.4, 1e-9),
    ("voltage", 500.0, "uV", 0.5, 1e-9),
    ("voltage", 0.001, "V", 1.0, 1e-9),
]


@pytest.mark.parametrize(("name", "given", "unit", "expected", "within"), PUBLISHED)
def test_conversions_agree_with_reference_tables(name: str, given: float, unit: str, expected: float, within: float) -> None:
    assert units.to_standard(name, given, unit) == pytest.approx(expected, abs=within)


@pytest.mark.parametrize("name", units.QUANTITIES)
def test_the_standard_unit_changes_nothing_and_a_missing_value_stays_missing(name: str) -> None:
    given = np.array([1.5, np.nan])
    assert np.array_equal(units.to_standard(name, given, units.standard_unit(name)), given, equal_nan=True)


def test_a_code_names_one_quantity_only() -> None:
    codes = [code for found in units.QUANTITIES.values() for code in found.codes]
    assert len(codes) == len(set(codes))
    assert not set(codes) & set(units.QUANTITIES)


def test_no_two_units_of_a_quantity_are_spelled_alike() -> None:
    for name, found in units.QUANTITIES.items():
        spelled = [units._spelled(unit) for unit in found.units]
        assert len(spelled) == len(set(spelled)), name


def test_an_unknown_unit_is_refused_with_those_known() -> None:
    with pytest.raises(DataError, match=r"'furlong' is not a unit of glucose") as refused:
        units.to_standard("glucose", [1.0], "furlong")
    assert "mmol/L" in refused.value.hint


def test_a_unit_of_another_quantity_is_refused() -> None:
    with pytest.raises(DataError, match="'kPa' is not a unit of temperature"):
        units.to_standard("temperature", [1.0], "kPa")


def test_an_unknown_quantity_is_refused() -> None:
    with pytest.raises(DataError, match="no units are known for 'SHOE_SIZE'"):
        units.standard_unit("SHOE_SIZE")
