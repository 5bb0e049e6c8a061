"""Observed curves against scikit-survival and lifelines, rows worked by hand, and their own identities."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.metrics.survival_curves import aalen_johansen, kaplan_meier, observed, still_watched
from sequela.metrics.watched import watch
from sequela.types import Times

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/survival.json").read_text())
DAYS = np.array(GOLDEN["days"])


def made(*rows: tuple[float, int], entry: tuple[float, ...] = ()) -> Times:
    time, cause = (np.array(column) for column in zip(*rows, strict=True))
    return Times(time.astype(float), cause.astype(np.int64), np.array(entry or np.zeros(len(rows)), float), ())


def drawn(seed: int, count: int = 50) -> Times:
    random = np.random.default_rng(seed)
    time = np.ceil(random.exponential(20, count))
    entry = np.where(random.random(count) < 0.3, np.floor(time * random.random(count) * 0.9), 0.0)
    return Times(time, random.integers(0, 3, count), entry, ())


@pytest.mark.parametrize("one", GOLDEN["curves"].values())
def test_observed_curves_are_those_of_scikit_survival_and_lifelines(one: dict[str, list[float]]) -> None:
    time, cause, entry = (np.array(one[name]) for name in ("time", "cause", "entry"))
    rows, late = watch(Times(time, cause, np.zeros(len(time)), ())), watch(Times(time, cause, entry, ()))
    incidence = [aalen_johansen(rows, k).at(DAYS) for k in (1, 2)]
    np.testing.assert_allclose(incidence, one["incidence"], atol=1e-12)
    np.testing.assert_allclose(kaplan_meier(rows).at(DAYS), one["free"], atol=1e-12)
    np.testing.assert_allclose(kaplan_meier(late).at(DAYS), one["free_late"], atol=1e-12)
    np.testing.assert_allclose(still_watched(rows).at(DAYS), one["kept"], atol=1e-12)


def test_causes_share_what_is_lost_of_the_free() -> None:
    rows = watch(made((1, 1), (2, 0), (3, 2), (4, 1)))
    np.testing.assert_allclose(aalen_johansen(rows, 1).at([1, 3, 4]), [1 / 4, 1 / 4, 1 / 4 + 3 / 8])
    np.testing.assert_allclose(aalen_johansen(rows, 2).at([0.5, 2.9, 3]), [0, 0, 3 / 8])


def test_one_who_came_late_is_not_at_risk_before() -> None:
    rows = watch(made((1, 1), (2, 1), (3, 0), entry=(0, 1, 0)))
    np.testing.assert_allclose(kaplan_meier(rows).at([1, 2]), [1 / 2, 1 / 4])


def test_of_tied_times_events_come_before_losses() -> None:
    rows = watch(made((1, 1), (1, 0), (2, 0)))
    assert kaplan_meier(rows).at(1) == pytest.approx(2 / 3)
    assert still_watched(rows).at(1) == pytest.approx(1 / 2)
    assert still_watched(rows).before(1) == 1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000))
def test_causes_and_the_free_are_everybody_at_every_time(seed: int) -> None:
    rows = watch(drawn(seed))
    weights = np.random.default_rng(seed).integers(0, 3, (3, 50)).astype(float)
    causes = sum(aalen_johansen(rows, k, weights).values for k in (1, 2))
    np.testing.assert_allclose(causes + kaplan_meier(rows, weights).values, 1, atol=1e-12)
    assert (np.diff(aalen_johansen(rows, 1, weights).values) >= 0).all()


def test_resampled_curves_are_each_what_they_are_alone_and_of_rows_written_twice() -> None:
    times = drawn(4)
    weights = np.random.default_rng(1).integers(0, 3, (4, 50)).astype(float)
    many = aalen_johansen(watch(times), 1, weights).at(DAYS)
    for row, values in zip(weights, many, strict=True):
        twice = times.take(np.repeat(np.arange(50), row.astype(int)))
        np.testing.assert_allclose(aalen_johansen(watch(times), 1, row).at(DAYS), values, atol=1e-12)
        np.testing.assert_allclose(aalen_johansen(watch(twice), 1).at(DAYS), values, atol=1e-12)


def test_nothing_is_observed_of_days_for_which_nobody_was_watched() -> None:
    rows = watch(made((1, 1), (2, 0)))
    assert observed(rows, 1, 2.0) == 0.5
    assert np.isnan(observed(rows, 1, 2.5))
    assert observed(watch(made((1, 1), (2, 1))), 1, 5.0) == 1.0  # both had it: known for ever
    weights = np.array([[1.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(observed(rows, 1, 2.5, weights), [np.nan, 1.0])


def test_nobody_at_all_is_free_for_ever() -> None:
    rows = watch(Times(np.zeros(0), np.zeros(0, np.int64), np.zeros(0), ()))
    assert kaplan_meier(rows).at(3.0) == 1 and aalen_johansen(rows, 1, np.ones((2, 0))).at(3.0).shape == (2,)
