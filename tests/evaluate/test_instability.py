"""How answers move over networks that learnt from resampled patients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.evaluate.instability import instability
from sequela.pipeline.resampling import sample

RISK = np.linspace(0.05, 0.95, 40)


def test_networks_that_agree_with_the_model_do_not_move() -> None:
    same = np.tile(RISK, (5, 1))
    found = instability(RISK, same, RISK > 0.5, same > 0.5, subjects=40, of="risk", seconds=0.0)
    assert (found.error, found.width, found.flips) == (0.0, 0.0, 0.0)
    assert sum(band.rows for band in found.bands) == 40 and [band.answer for band in found.bands] == sorted(
        band.answer for band in found.bands
    )


def test_distance_range_and_flips_are_those_of_the_networks() -> None:
    moved = np.stack([RISK + 0.1, RISK - 0.1])
    found = instability(RISK, moved, RISK > 0.5, moved > 0.5, subjects=40, of="risk", seconds=1.0)
    assert found.error == pytest.approx(0.1)
    assert found.width == pytest.approx(0.95 * 0.2)
    assert found.flips == pytest.approx(((moved > 0.5) != (RISK > 0.5)).mean())


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(DataError, match="0 networks"):
        instability(RISK, np.zeros((0, 40)), None, None, subjects=40, of="value", seconds=0.0)


@settings(max_examples=30)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(0, 3))
def test_a_resample_takes_all_rows_of_each_subject_drawn(subjects: list[int], number: int) -> None:
    subject = np.array(subjects)
    rows = sample(subject, 0, number)
    times = np.bincount(rows, minlength=len(subject))
    drawn = {one: set(times[subject == one].tolist()) for one in np.unique(subject).tolist()}
    assert all(len(each) == 1 for each in drawn.values())
    assert sum(next(iter(each)) for each in drawn.values()) == len(drawn)
    assert np.array_equal(rows, sample(subject, 0, number))
