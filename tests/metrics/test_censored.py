"""The likelihood of curves: worked by hand, least where the truth is, and blind to what was not watched."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequela import seed as streams
from sequela.metrics import censored
from sequela.types import Array, Curves, Times

ENDS = np.array([10.0, 20.0])


def times(time: list[float], cause: list[int], entry: list[float] | None = None) -> Times:
    return Times(np.array(time), np.array(cause), np.array(entry or [0.0] * len(time)), ())


def same(rows: int) -> Curves:
    """Of two causes: by day 10 .2 and .1, by day 20 .4 and .3."""
    return Curves(ENDS, np.tile(np.array([[0.2, 0.4], [0.1, 0.3]]), (rows, 1, 1)))


@pytest.mark.parametrize(
    ("time", "cause", "entry", "chance"),
    [
        (4.0, 1, 0.0, 0.2),  # its interval, wherever in it
        (15.0, 2, 0.0, 0.2),
        (5.0, 0, 0.0, 0.85),  # watched to the middle of the first
        (20.0, 0, 0.0, 0.3),
        (30.0, 1, 0.0, 0.3),  # what comes after the last end is not looked at
        (15.0, 1, 10.0, 0.2 / 0.7),  # given that nothing came before its entry
        (18.0, 1, 15.0, 0.1 / 0.5),  # an interval counts from its entry
    ],
)
def test_the_chance_of_what_became_of_a_row_is_as_worked_by_hand(time: float, cause: int, entry: float, chance: float) -> None:
    found = censored.log_loss(same(1), times([time], [cause], [entry]), ENDS)
    assert found == pytest.approx(-np.log(chance))


def test_rows_that_enter_after_the_last_interval_say_nothing() -> None:
    assert censored.log_loss(same(1), times([40.0], [1], [30.0]), ENDS) == 0.0
    both = censored.log_loss(same(2), times([4.0, 40.0], [1, 1], [0.0, 30.0]), ENDS)
    assert both == pytest.approx(-np.log(0.2))


def test_an_event_that_was_thought_impossible_costs_no_more_than_the_smallest_chance() -> None:
    never = Curves(ENDS, np.zeros((1, 2, 2)))
    assert censored.log_loss(never, times([4.0], [2]), ENDS) == pytest.approx(-np.log(censored.SMALLEST))


def test_each_row_is_asked_for_its_own_day_as_curves_are_for_one() -> None:
    random = streams.generator(0, "each")
    curves = Curves(np.array([1.0, 3.0, 7.0]), np.cumsum(random.uniform(0, 0.15, (30, 2, 3)), axis=2))
    days = random.uniform(0, 9, 30)
    expected = np.stack([curves.take(np.array([row])).at(float(day))[0] for row, day in enumerate(days)])
    np.testing.assert_allclose(censored.each(curves, days), expected)


@pytest.mark.parametrize("late", [False, True])
def test_the_true_hazard_is_the_most_likely_one_though_rows_leave_and_come_late(late: bool) -> None:
    random = streams.generator(1, "true hazard")
    time, watched = random.exponential(10.0, 4000), random.uniform(1, 30, 4000)
    entry = np.where(random.random(4000) < 0.5, random.uniform(0, 8, 4000), 0.0) * late
    kept = np.minimum(time, watched) > entry
    seen = times(np.minimum(time, watched)[kept].tolist(), (time <= watched)[kept].astype(int).tolist(), entry[kept].tolist())
    ends = censored.intervals(seen)

    def loss(mean: float) -> float:
        grid = np.linspace(0.1, 40, 400)
        said: Array = np.tile(-np.expm1(-grid / mean), (len(seen), 1, 1))
        return censored.log_loss(Curves(grid, said), seen, ends)

    assert min((6.0, 8.0, 10.0, 12.5, 16.0), key=loss) == 10.0


def test_intervals_have_about_as_many_events_and_end_where_few_are_still_watched() -> None:
    seen = times(list(np.arange(1.0, 1001.0)), [1] * 1000)
    ends = censored.intervals(seen, 4)
    np.testing.assert_allclose(ends, [246, 491, 736, 981], atol=1)
    assert 1000 - ends[-1] == pytest.approx(20, abs=1)
    assert not len(censored.intervals(replace(seen, cause=np.zeros(1000, np.int64))))
