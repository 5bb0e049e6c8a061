"""Concordance by time against a loop over all pairs, hand-worked rows and its own symmetries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.metrics.concordance import c_index, td_c, uno_c
from sequela.metrics.survival_curves import still_watched
from sequela.metrics.watched import watch
from sequela.types import Curves, Times

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/survival.json").read_text())
Watched = tuple[Times, np.ndarray]


def watched(seed: int, count: int = 120, *, late: bool = True) -> Watched:
    """Rows with two causes, tied times, tied risks, and some that came late; and a risk that tells something."""
    random = np.random.default_rng(seed)
    time = np.ceil(random.exponential(20, count))
    entry = np.where(random.random(count) < 0.3, np.floor(time * random.random(count) * 0.9), 0.0) * late
    return Times(time, random.integers(0, 3, count), entry, ()), np.round(random.random(count) - time / 50, 1)


def made(*rows: tuple[float, int]) -> Times:
    """Rows of (time, cause), watched from the prediction on."""
    time, cause = (np.array(column) for column in zip(*rows, strict=True))
    return Times(time.astype(float), cause.astype(np.int64), np.zeros(len(rows)), ())


def curves(times: Times, seed: int = 0) -> Curves:
    grid = np.linspace(1, 60, 12)
    rising = np.cumsum(np.random.default_rng(seed).random((len(times), 2, 12)), 2)
    return Curves(grid, rising / rising[:, :, -1:].sum(1, keepdims=True))


def looped(risk: Callable[[int, float], float], times: Times, cause: int, weight: np.ndarray, *, uno: bool) -> float:
    """The share of the pairs that are won, one by one."""
    kept = still_watched(watch(times), weight)
    won = there = 0.0
    for i in np.flatnonzero(times.cause == cause):
        at = times.time[i]
        for j in np.flatnonzero(np.arange(len(times)) != i):
            outlasts = times.time[j] > at or (times.time[j] == at and times.cause[j] == 0)
            before = times.time[j] <= at and times.cause[j] not in (0, cause)
            if (outlasts and times.entry[j] < at) or before:
                seldom = 1 / kept.before(at) / kept.before(min(at, times.time[j])) if uno else 1.0
                pair = weight[i] * weight[j] * (seldom if weight[i] * weight[j] else 0.0)
                there += pair
                won += pair * ((risk(i, at) > risk(j, at)) + 0.5 * (risk(i, at) == risk(j, at)))
    return won / there


@pytest.mark.parametrize("cause", [1, 2])
def test_concordance_is_that_of_a_loop_over_all_pairs_with_late_entries_and_other_causes(cause: int) -> None:
    times, risk = watched(cause, 60)
    weight = np.random.default_rng(0).integers(0, 4, len(times)).astype(float)
    drawn = curves(times)
    by = {day: drawn.at(day)[:, cause - 1] for day in times.time.tolist()}

    def at(row: int, day: float) -> float:
        return float(by[float(day)][row])

    def plain(row: int, _: float) -> float:
        return float(risk[row])

    assert c_index(risk, times, cause, weight) == pytest.approx(looped(plain, times, cause, weight, uno=False), abs=1e-12)
    assert uno_c(risk, times, cause, weight) == pytest.approx(looped(plain, times, cause, weight, uno=True), abs=1e-12)
    assert td_c(drawn, times, cause, weight) == pytest.approx(looped(at, times, cause, weight, uno=False), abs=1e-12)


def test_a_row_with_another_event_first_must_rank_below() -> None:
    times = made((1, 2), (2, 1), (3, 0))
    assert c_index(np.array([0.9, 0.5, 0.1]), times, 1) == 0.5
    assert c_index(np.array([0.2, 0.5, 0.1]), times, 1) == 1.0


def test_a_row_lost_before_the_event_is_compared_with_nothing() -> None:
    assert c_index(np.array([0.9, 0.5, 0.1]), made((1, 0), (2, 1), (3, 0)), 1) == 1.0


def test_a_row_that_entered_after_the_event_is_not_compared_with_it() -> None:
    late = Times(np.array([2.0, 3.0, 3.0]), np.array([1, 0, 0]), np.array([0.0, 2.0, 0.0]), ())
    assert c_index(np.array([0.5, 0.9, 0.1]), late, 1) == 1.0


def test_unos_pairs_count_by_how_seldom_rows_are_watched_for_so_long() -> None:
    times = made((1, 1), (2, 0), (3, 1), (4, 0))  # watched past 2: half of those left, so the later pair counts for two
    risk = np.array([0.9, 0.0, 0.2, 0.4])
    assert c_index(risk, times) == pytest.approx(3 / 4)
    kept = 2 / 3
    assert uno_c(risk, times) == pytest.approx(3 / (3 + 1 / kept**2))


@pytest.mark.parametrize("name", sorted(GOLDEN["concordance"]))
def test_concordance_is_that_of_scikit_survival_and_lifelines(name: str) -> None:
    one = GOLDEN["concordance"][name]
    times = Times(np.array(one["time"]), np.array(one["cause"]), np.zeros(len(one["time"])), ())
    risk = np.array(one["risk"])
    assert c_index(risk, times) == pytest.approx(one["harrell"], abs=1e-10)
    assert c_index(risk, times) == pytest.approx(one["lifelines"], abs=1e-10)
    assert uno_c(risk, times, until=one["until"]) == pytest.approx(one["uno"], abs=1e-10)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_concordance_ignores_the_order_of_rows_and_monotone_maps_and_turns_with_the_risk(seed: int) -> None:
    times, risk = watched(seed, 40)
    order = np.random.default_rng(seed).permutation(len(risk))
    for metric in (c_index, uno_c):
        value = metric(risk, times)
        np.testing.assert_allclose(metric(risk[order], times.take(order)), value, atol=1e-12)
        np.testing.assert_allclose(metric(np.exp(3 * risk), times), value, atol=1e-12)
        np.testing.assert_allclose(metric(-risk, times), 1 - value, atol=1e-12)
        assert np.isnan(value) or 0 <= value <= 1


def test_the_order_of_the_events_ranks_perfectly() -> None:
    times, _ = watched(3, late=False)
    only = Times(times.time, (times.cause == 1).astype(np.int64), times.entry, ())
    sooner = 0.5 - (times.time + (only.cause == 0) / 2) / 1e3  # who is lost at the time of an event outlasts it
    soon = Curves(np.array([1.0, 100.0]), np.stack([sooner / 2, sooner], 1)[:, None])
    for value in (c_index(sooner, only), uno_c(sooner, only), td_c(soon, only)):
        assert value == 1.0


def test_curves_of_one_shape_are_ranked_as_their_last_points() -> None:
    times, risk = watched(5)
    chance = (risk - risk.min()) / np.ptp(risk) / 2
    both = Curves(np.array([30.0, 60.0]), chance[:, None, None] * np.array([0.5, 1.0]) * np.ones((1, 2, 1)))
    assert td_c(both, times, 1) == pytest.approx(float(c_index(chance, times, 1)), abs=1e-12)


def test_resamples_of_rows_watched_for_a_while_are_each_what_they_are_alone() -> None:
    times, risk = watched(7)
    weights = np.random.default_rng(0).integers(0, 3, (6, len(risk))).astype(float)
    for metric in (c_index, uno_c):
        many = metric(risk, times, 1, weights)
        np.testing.assert_allclose(many, [metric(risk, times, 1, row) for row in weights], rtol=1e-6)
        twice = [np.repeat(np.arange(len(risk)), row.astype(int)) for row in weights]
        np.testing.assert_allclose(many, [metric(risk[rows], times.take(rows), 1) for rows in twice], rtol=1e-6)
    drawn = curves(times)
    each = [td_c(drawn, times, 1, row) for row in weights]
    np.testing.assert_allclose(td_c(drawn, times, 1, weights), each, rtol=1e-6)


def test_events_after_the_last_day_are_not_asked_about() -> None:
    times, risk = watched(9, late=False)
    cut = np.minimum(times.time, 15.0)
    early = Times(cut, np.where(times.time <= 15, times.cause, 0), times.entry, ())
    assert c_index(risk, times, 1, until=15.0) == pytest.approx(float(c_index(risk, early, 1)))


@pytest.mark.parametrize("times", [made((1, 0), (2, 0)), made((1, 2), (2, 2)), made((1, 1))])
def test_rows_of_which_no_pair_is_comparable_have_no_concordance(times: Times) -> None:
    risk = np.arange(len(times), dtype=float)
    assert np.isnan(c_index(risk, times)) and np.isnan(uno_c(risk, times))
    assert np.isnan(c_index(risk, times, 1, np.ones((2, len(times))))).all()


def test_no_rows_have_no_concordance() -> None:
    nobody = Times(np.zeros(0), np.zeros(0, np.int64), np.zeros(0), ())
    assert np.isnan(c_index(np.zeros(0), nobody))
    assert np.isnan(uno_c(np.zeros(0), nobody, 1, np.ones((3, 0)))).all()
