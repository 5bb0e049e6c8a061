"""The SOFA-like score against the published table (Vincent 1996, table 3), value by value."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.baselines import sofa
from sequela.errors import DataError
from sequela.types import Plain

NOTHING = float("nan")


def points(**worst: float) -> float:
    """The score of one row that charts these columns alone."""
    names = [f"chart.{name.replace('_', '.')}" for name in worst]
    return float(sofa.score(Plain(np.array([list(worst.values())], np.float32), tuple(names)), sofa.Config())[0])


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        *[
            ("Platelets_min", value, n)
            for value, n in [(150, 0), (149, 1), (100, 1), (99, 2), (50, 2), (49, 3), (20, 3), (19, 4)]
        ],
        *[
            ("Bilirubin_max", value, n)
            for value, n in [(1.1, 0), (1.2, 1), (1.9, 1), (2, 2), (5.9, 2), (6, 3), (11.9, 3), (12, 4)]
        ],
        *[("Creatinine_max", value, n) for value, n in [(1.1, 0), (1.2, 1), (2, 2), (3.4, 2), (3.5, 3), (4.9, 3), (5, 4)]],
        *[("GCS_min", value, n) for value, n in [(15, 0), (14, 1), (13, 1), (12, 2), (10, 2), (9, 3), (6, 3), (5, 4)]],
        *[("MAP_min", value, n) for value, n in [(70, 0), (69, 1), (30, 1)]],
    ],
)
def test_each_organ_has_the_points_of_the_table(column: str, value: float, expected: int) -> None:
    assert points(**{column: value}) == expected


@pytest.mark.parametrize(("ratio", "ventilated", "alone"), [(400, 0, 0), (399, 1, 1), (299, 2, 2), (199, 3, 2), (99, 4, 2)])
def test_breathing_needs_a_ventilator_for_more_than_two_points(ratio: float, ventilated: int, alone: int) -> None:
    for share, oxygen in ((0.5, ratio * 0.5), (50, ratio * 0.5)):
        assert points(PaO2_min=oxygen, FiO2_max=share) == alone
        assert points(PaO2_min=oxygen, FiO2_max=share, MechVent_max=1) == ventilated


def test_organs_add_up_and_one_without_a_value_has_no_points() -> None:
    assert points(Platelets_min=40, Bilirubin_max=NOTHING, GCS_min=8, Creatinine_max=2.5) == 3 + 3 + 2
    assert np.isnan(points(Platelets_min=NOTHING, GCS_min=NOTHING))
    assert points(PaO2_min=60, FiO2_max=NOTHING, MAP_min=80) == 0


def test_the_worst_of_several_codes_counts() -> None:
    assert points(MAP_min=80, NIMAP_min=60) == 1


def test_a_chart_without_any_of_the_values_is_refused() -> None:
    with pytest.raises(DataError, match="no input charts"):
        points(HR_max=100, MechVent_max=1)
