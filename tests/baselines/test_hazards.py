"""Linear discrete hazards: the gradient is right, effects are found again, also those that change with time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import check_grad

from sequela import seed as streams
from sequela.baselines import _hazards, _incidence, _intervals, hazards
from sequela.contracts import Evidence
from sequela.types import Times


def test_a_row_is_at_risk_until_its_event_or_in_the_intervals_that_it_mostly_saw() -> None:
    times = Times(np.array([5.0, 14.0, 16.0, 25.0, 45.0]), np.array([1, 0, 0, 2, 1]), np.array([0.0, 0.0, 4.0, 16.0, 0.0]), ())
    held = _intervals.spells(times, np.array([10.0, 20.0, 30.0]))
    np.testing.assert_array_equal(held.begin, [0, 0, 0, 2, 0])
    np.testing.assert_array_equal(held.end, [1, 1, 2, 3, 3])  # the last came after all intervals: it stayed through them
    np.testing.assert_array_equal(held.cause, [1, 0, 0, 2, 0])
    group = np.zeros(5, np.int64)
    np.testing.assert_array_equal(_intervals.at_risk(held, group, 1, 3), [[4, 2, 2]])
    np.testing.assert_array_equal(_intervals.events(held, group, 1, 2, 3), [[[1, 0, 0], [0, 0, 1]]])


def test_an_event_counts_in_its_interval_even_right_after_the_entry() -> None:
    held = _intervals.spells(Times(np.array([9.5]), np.array([1]), np.array([9.0]), ()), np.array([10.0, 20.0]))
    assert (held.begin[0], held.end[0], held.cause[0]) == (0, 1, 1)


def test_the_gradient_is_that_of_the_cost(watched: Callable[..., Evidence]) -> None:
    rows = watched(40, missing=0.0)
    ends = np.array([5.0, 10.0, 20.0, 40.0])
    spells = _intervals.spells(rows.target.dense, ends)
    problem = _hazards.problem(rows.plain.values.astype(float), spells, (4, 2), 2.0, True)
    shape = (4, 4, 2)
    at = streams.generator(0, "gradient").normal(size=4 * 2 + 2 * 4 * 2)

    def cost(flat: np.ndarray) -> float:
        return _hazards._cost(problem, _hazards._unpacked(flat, shape))[0]

    def slope(flat: np.ndarray) -> np.ndarray:
        return _hazards._cost(problem, _hazards._unpacked(flat, shape))[1]

    assert check_grad(cost, slope, at) < 1e-4


def test_effects_that_change_with_time_are_found_where_they_are_looked_for() -> None:
    random = streams.generator(0, "drift")
    x, end = random.normal(size=3000), np.full(3000, 10)
    cause = np.zeros(3000, np.int64)
    for place, effect in enumerate(np.linspace(1.5, -0.5, 10)):
        comes = (cause == 0) & (random.random(3000) < 1 / (1 + np.exp(3 - effect * x)))
        cause[comes], end[comes] = 1, place + 1
    spells = _intervals.Spells(np.zeros(3000, np.int64), end, cause)
    begin = _hazards.start(spells, (10, 1), 1)
    found = _hazards.fitted(_hazards.problem(x[:, None], spells, (10, 1), 1.0, True), begin, 200)
    assert found.effects[0, 0] == pytest.approx(0.5, abs=0.12) and found.drift[0, 0] == pytest.approx(-1.0, abs=0.2)
    steady = _hazards.fitted(_hazards.problem(x[:, None], spells, (10, 1), 1.0, False), begin, 200)
    assert not steady.drift.any()


def test_an_interval_in_which_a_cause_never_came_is_told_by_its_neighbours() -> None:
    end = np.repeat([1, 2, 3, 4], 50)
    cause = np.repeat([1, 0, 1, 0], 50) * (np.arange(200) % 5 == 0)
    spells = _intervals.Spells(np.zeros(200, np.int64), end, cause)
    problem = _hazards.problem(np.zeros((200, 1)), spells, (4, 1), 1.0, False)
    hazard = _hazards.fitted(problem, _hazards.start(spells, (4, 1), 1), 200)(np.zeros((1, 1)))[0, 0]
    assert 0.005 < hazard[1] < min(hazard[0], hazard[2])


def test_hazards_of_two_causes_make_the_incidence_worked_by_hand() -> None:
    found = _incidence.of_hazards(np.array([[[0.1, 0.2], [0.3, 0.0]]]))
    np.testing.assert_allclose(found, [[[0.1, 0.1 + 0.6 * 0.2], [0.3, 0.3]]])
    rates = _incidence.of_rates(np.array([[[0.1, 0.0], [0.3, 0.0]]]))
    np.testing.assert_allclose(rates[0, :, 1], (1 - np.exp(-0.4)) * np.array([0.25, 0.75]))


def test_answers_are_on_average_what_was_observed_and_are_exported(watched: Callable[..., Evidence]) -> None:
    rows = watched(600)
    baseline = hazards.build(hazards.Config(strengths=(1.0,), varying=(False,)))
    baseline.fit(rows, watched(150, 1), "survival", 0)
    answer, days = baseline.answer(rows), np.array([5.0, 10.0, 30.0])
    assert answer.curves is not None
    np.testing.assert_allclose(answer.curves.at(days).mean(0), _incidence.aalen_johansen(rows.target.dense, 2, days), atol=0.025)
    back = hazards.from_arrays(baseline.exported(), "survival", rows.target.names, rows.plain.columns)
    np.testing.assert_array_equal(back.answer(rows).values, answer.values)
