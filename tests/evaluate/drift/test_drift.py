"""Drift: what does not change raises no more alarms than is said, what changes does, and what could have been seen is right."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from sequela.evaluate.drift import course, foreseen, labels, words
from sequela.evaluate.drift.cells import tests as cells
from sequela.evaluate.drift.changes import changes, statistic
from sequela.evaluate.drift.performance import Before
from sequela.metrics.calibration import logit
from sequela.study.development import Calls, Summary, summary

COLUMNS = 12


def drawn(random: np.random.Generator, rows: int, shift: float = 0.0) -> np.ndarray:
    """Columns that all say much the same; the first is moved."""
    values = random.normal(size=(rows, 1)) * 0.9 + random.normal(size=(rows, COLUMNS)) * 0.44
    values[:, 0] += shift
    values[random.random(values.shape) < 0.2] = np.nan
    return values


def compared(seed: int, shift: float = 0.0, rows: int = 300, resamples: int = 150) -> np.ndarray:
    """The p of every test, together."""
    random = np.random.default_rng(seed)
    before, now = drawn(random, 1000), drawn(random, rows, shift)
    columns = [summary(str(k), before[:, k]) for k in range(COLUMNS)]
    return changes(cells(columns, {str(k): now[:, k] for k in range(COLUMNS)}), seed, resamples).p


def test_the_statistic_is_the_chi_squared_of_two_samples() -> None:
    now, before = np.array([[10.0, 25, 8, 40, 4]]), np.array([[30.0, 30, 30, 90, 12]])
    value, freedom = statistic(now, before, np.array([0, 3]))
    for k, part in enumerate((slice(0, 3), slice(3, 5))):
        wanted = chi2_contingency(np.stack([now[0, part], before[0, part]]), correction=False)
        assert value[0, k] == pytest.approx(wanted.statistic)
        assert freedom[0, k] == wanted.dof


@pytest.mark.slow
def test_where_nothing_changes_any_column_raises_an_alarm_about_as_often_as_is_said() -> None:
    alarms = sum(compared(seed).min() <= 0.1 for seed in range(40))
    assert 0 < alarms <= 10  # 4 are expected; outside with a chance below .01


def test_a_column_that_moved_is_the_one_that_raises_the_alarm() -> None:
    random = np.random.default_rng(5)
    before, now = drawn(random, 1000), drawn(random, 400, 0.6)
    columns = [summary(str(k), before[:, k]) for k in range(COLUMNS)]
    found = changes(cells(columns, {str(k): now[:, k] for k in range(COLUMNS)}), 0, 200).checks("inputs", 0.05)
    assert found[0].what == "0"
    assert found[0].measure == "distribution"
    assert found[0].alarm
    assert found[0].psi == pytest.approx(0.36, abs=0.2)  # of a normal column moved by .6: about its square


def test_a_column_that_is_no_longer_there_raises_an_alarm() -> None:
    random = np.random.default_rng(6)
    before, now = random.normal(size=(500, 2)), random.normal(size=(200, 2))
    now[:, 1] = np.nan
    columns = [summary(name, before[:, k]) for k, name in enumerate("ab")]
    found = changes(cells(columns, {"a": now[:, 0], "b": now[:, 1]}), 0, 200).checks("inputs", 0.05)
    assert [(one.what, one.measure) for one in found if one.alarm] == [("b", "missing")]


def test_the_same_rows_and_seed_give_the_same_p() -> None:
    assert compared(3).tolist() == compared(3).tolist()


@pytest.mark.parametrize("now", [0.05, 0.3])
def test_another_prevalence_is_estimated_without_labels(now: float) -> None:
    random = np.random.default_rng(1)
    score = random.normal(size=20_000) + 2.0 * (sick := random.random(20_000) < now)
    at = 0.1
    risk = 1 / (1 + np.exp(-(2 * score - 2 + np.log(at / (1 - at)))))  # calibrated where one in ten is sick
    called = lambda mean: 1 - NormalDist(mean).cdf(1.0)  # noqa: E731
    threshold = float(1 / (1 + np.exp(-np.log(at / (1 - at)))))
    calls = Calls(
        name="d",
        threshold=threshold,
        events=1000,
        called_events=round(1000 * called(2.0)),
        others=9000,
        called_others=round(9000 * called(0.0)),
    )
    found = labels.shifted(calls, risk)
    assert found.called == pytest.approx(sick.mean(), abs=0.02)
    assert found.likeliest == pytest.approx(sick.mean(), abs=0.01)
    assert found.low is not None
    assert found.high is not None
    assert found.low < sick.mean() < found.high


def test_calls_that_tell_nothing_apart_estimate_no_prevalence() -> None:
    calls = Calls(name="d", threshold=0.5, events=50, called_events=10, others=100, called_others=20)
    assert "hardly tell" in labels.shifted(calls, np.full(10, 0.2)).reason


def told(odds: float, rows: int = 1500, seed: int = 0) -> course.Told:
    random = np.random.default_rng(seed)
    risk = random.uniform(0.05, 0.4, rows)
    true = 1 / (1 + np.exp(-(logit(risk) + np.log(odds))))
    time = np.datetime64("2026-01-01T00") + np.arange(rows) * np.timedelta64(6, "h")
    return course.Told(time, logit(risk), risk, random.random(rows) < true)


def test_the_cumulative_sum_crosses_its_limit_where_events_are_more_common_than_foreseen() -> None:
    more, same = course.course(told(1.6), 0.05, 0), course.course(told(1.0), 0.05, 0)
    assert more is not None
    assert same is not None
    assert more.crossed is not None
    assert same.crossed is None
    assert more.limit == pytest.approx(same.limit)
    assert max(more.more) > more.limit > max(more.fewer)


def test_a_window_with_fewer_subjects_than_are_needed_is_left_out() -> None:
    one = told(1.0, 160)
    assert len(course.spans(one.time, 30.0)) == 1
    assert len(course.spans(one.time[:99], None)) == 0


@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_so_many_subjects_as_are_needed_have_the_power_that_was_asked_for(power: float) -> None:
    then = Before("auroc", 0.85, 0.01, 2000)
    by = foreseen.metric_power(0.05, then)
    count = foreseen.needed(lambda rows: by(-0.05, rows), power)
    assert count is not None
    assert by(-0.05, count) >= power > by(-0.05, count - 1)


def test_no_number_of_subjects_makes_up_for_a_development_that_was_too_small() -> None:
    by = foreseen.metric_power(0.05, Before("auroc", 0.7, 0.05, 100))
    assert foreseen.needed(lambda rows: by(-0.05, rows), 0.8) is None


def test_a_share_that_cannot_grow_by_half_is_foreseen_to_fall() -> None:
    often, seldom = (Summary(name="d", rows=100, missing=0, edges=[0.5], counts=[100 - n, n]) for n in (75, 40))
    assert foreseen.of_share(seldom, 0.05, 300, 0.8, "called").change == 1.5
    fallen = foreseen.of_share(often, 0.05, 300, 0.8, "called")
    assert fallen.change == pytest.approx(1 / 1.5)
    assert words.ahead(fallen, 0.8).startswith("  labels       d, called ×0.67: power")


def test_the_power_for_a_moved_column_is_what_simulation_finds() -> None:
    level, shift = 0.01, 0.3
    said = foreseen.distribution_power(level, 1000)(shift, 400)
    hits = 0
    for seed in range(150):
        random = np.random.default_rng(seed)
        column = summary("x", random.normal(size=1000))
        (test,) = [one for one in cells([column], {"x": random.normal(size=400) + shift}) if one.measure == "distribution"]
        hits += chi2_contingency(np.stack([test.now, test.before]), correction=False).pvalue <= level
    assert hits / 150 == pytest.approx(said, abs=0.12)
