"""What is read off curves, checked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.types import Curves

TWO = Curves(np.array([10.0, 20.0, 40.0]), np.array([[[0.1, 0.3, 0.4], [0.1, 0.3, 0.4]], [[0.0, 0.0, 0.2], [0.0, 0.1, 0.2]]]))
"""Free of both causes: 1, .8, .4, .2 and 1, 1, .9, .6 by day 0, 10, 20, 40."""


def test_the_risk_at_a_horizon_lies_on_straight_lines_between_the_points() -> None:
    np.testing.assert_allclose(TWO.at(15.0), [[0.2, 0.2], [0.0, 0.05]])
    np.testing.assert_allclose(TWO.at(np.array([0.0, 5.0, 99.0]))[0], [[0, 0.05, 0.4], [0, 0.05, 0.4]])


def test_the_median_is_when_half_are_gone_of_any_cause_and_nan_where_they_never_are() -> None:
    """From .8 at day 10 survival falls by .04 a day: it is one half after 7.5 of them."""
    median = TWO.median()
    assert median[0] == pytest.approx(17.5) and np.isnan(median[1])


def test_one_half_at_a_point_and_one_half_at_once() -> None:
    at_a_point = Curves(np.array([10.0, 20.0]), np.array([[[0.5, 0.5]], [[0.2, 0.5]], [[1.0, 1.0]]]))
    assert at_a_point.median().tolist() == [10.0, 20.0, 5.0]


def test_the_restricted_mean_is_the_area_under_survival() -> None:
    np.testing.assert_allclose(TWO.mean_until(20.0), [9 + 6, 10 + 9.5])
    np.testing.assert_allclose(TWO.mean_until(15.0), [9 + 3.5, 10 + 4.875])
    np.testing.assert_allclose(TWO.mean_until(40.0), [9 + 6 + 6, 10 + 9.5 + 15])
    with pytest.raises(ValueError, match="end after 40 days, and 41 are asked for"):
        TWO.mean_until(41.0)


def test_the_time_lost_to_a_cause_is_the_area_under_its_incidence() -> None:
    np.testing.assert_allclose(TWO.lost(20.0), [[0.5 + 2, 0.5 + 2], [0, 0.5]])
    np.testing.assert_allclose(TWO.lost(20.0).sum(1) + TWO.mean_until(20.0), 20.0)
    np.testing.assert_allclose(TWO.lost(50.0) - TWO.lost(40.0), 10 * TWO.at(40.0))


def test_what_is_left_to_come_is_shared_among_those_who_are_left() -> None:
    later = TWO.given(20.0)
    np.testing.assert_array_equal(later.times, [20.0])
    np.testing.assert_allclose(later.incidence[:, :, 0], [[0.25, 0.25], [0.2 / 0.9, 0.1 / 0.9]])
    np.testing.assert_allclose(TWO.given(15.0).at(5.0), [[1 / 6, 1 / 6], [0, 0.05 / 0.95]])
    with pytest.raises(ValueError, match="what comes after 40 is asked for"):
        TWO.given(40.0)


def test_nothing_is_left_to_come_of_who_surely_had_it() -> None:
    gone = Curves(np.array([10.0, 20.0]), np.array([[[1.0, 1.0]]]))
    assert np.isnan(gone.given(10.0).incidence).all()


@given(st.floats(0, 39), st.floats(0, 39))
def test_survival_to_a_day_is_that_to_an_earlier_one_times_what_is_given_from_there(one: float, other: float) -> None:
    early, late = sorted((one, other))

    def survival(curves: Curves, days: float) -> np.ndarray:
        return 1 - curves.at(days).sum(1)

    found = survival(TWO, early) * survival(TWO.given(early), late - early)
    np.testing.assert_allclose(found, survival(TWO, late), rtol=1e-9)
