"""Survival from curves and times to numbers with intervals, and through a table and back."""

from __future__ import annotations

import io
from dataclasses import replace

import followed
import msgspec
import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.errors import DataError
from sequela.evaluate import survival
from sequela.evaluate.curves import Curves as Drawn
from sequela.evaluate.evaluation import Judged, evaluate
from sequela.evaluate.metric import Evaluation, Metric
from sequela.evaluate.pool import pool
from sequela.evaluate.threshold import choose_all
from sequela.metrics.concordance import c_index
from sequela.metrics.horizon import cumulative_auc, horizon_brier, integrated_brier
from sequela.train.tune import score
from sequela.types import Answer, Array, Curves

SETTINGS = config.Evaluate(bootstrap=30)


def found(one: Judged, settings: config.Evaluate = SETTINGS) -> Evaluation:
    return evaluate("survival", one.cohort, one.answers, settings, {}, part="test", split=one.split, seed=0)


def number(of: Evaluation, metric: str, class_: str = "", *, model: str = "model", group: str = "", against: str = "") -> Metric:
    (row,) = [
        row
        for row in of.metrics
        if (row.model, row.metric, row.class_, row.group, row.against) == (model, metric, class_, group, against)
    ]
    return row


def asked_of(time: Array, cause: Array) -> Evaluation:
    """What is found of rows with these times, the first the likeliest to have the event."""
    rows = followed.target(time, cause)
    answers = {"model": followed.exponential(np.linspace(2, 0.5, len(time)))}
    return found(Judged(followed.cohort(rows), answers, {}, "1"), config.Evaluate(bootstrap=0))


@pytest.fixture(scope="module")
def one() -> Judged:
    return followed.judged()


@pytest.fixture(scope="module")
def of(one: Judged) -> Evaluation:
    return found(one)


def test_numbers_are_those_of_the_metrics_on_the_rows_judged(one: Judged, of: Evaluation) -> None:
    times, curves = one.cohort.target.dense, one.answers["model"].curves
    assert curves is not None
    day = followed.HORIZONS[0].days
    by = curves.at(day)
    for cause, name in enumerate(followed.NAMES, 1):
        risk = by[:, cause - 1]
        assert number(of, "brier", f"{name} by 1y").value == pytest.approx(horizon_brier(risk, times, day, cause))
        assert number(of, "cumulative_auc", f"{name} by 1y").value == pytest.approx(cumulative_auc(risk, times, day, cause))
        assert number(of, "c_index", f"{name} by 1y").value == pytest.approx(c_index(risk, times, cause, until=day))
        whole = integrated_brier(curves, times, followed.HORIZONS[-1].days, cause)
        assert number(of, "integrated_brier", name).value == pytest.approx(whole)
    assert number(of, "c_index", "death by 1y").events == int(((times.cause == 1) & (times.time <= day)).sum())


def test_over_all_times_who_loses_most_time_ranks_first_even_where_curves_cross() -> None:
    """Early and late losers reach the same risk by the last horizon, or the late ones a little more: they still go later."""
    early, day = np.arange(40) < 20, followed.HORIZONS[-1].days
    time = np.where(early, 100.0 + np.arange(40), 900.0 + np.arange(40))
    rise = np.where(early[:, None], np.minimum(followed.GRID / 200, 1) * 0.8, followed.GRID / day * 0.9)
    curves = Curves(followed.GRID, np.stack([rise, rise * 0], 1))
    answers = {"model": Answer("curves", curves.incidence[:, :, -1], followed.NAMES, curves=curves)}
    rows = followed.target(time, np.ones(40))
    of = found(Judged(followed.cohort(rows), answers, {}, "1"), config.Evaluate(bootstrap=0))
    lost = curves.lost(day)[:, 0]
    for metric in ("c_index", "uno_c"):
        assert number(of, metric, "death").value == pytest.approx(c_index(lost, rows.dense))
    assert c_index(lost, rows.dense) > 0.7 > c_index(rise[:, -1], rows.dense)
    assert number(of, "c_index", "death by 3y").value == pytest.approx(c_index(rise[:, -1], rows.dense))
    assert score(answers["model"], rows, "survival") == number(of, "c_index", "death").value


def test_the_number_of_all_causes_is_the_mean_over_those_that_are_asked_for(one: Judged, of: Evaluation) -> None:
    chosen = found(one, config.Evaluate(bootstrap=30, classes=["death"]))
    each = [number(of, "td_c", name).value for name in followed.NAMES]
    assert number(of, "td_c").value == pytest.approx(np.mean([value for value in each if value is not None]))
    assert number(chosen, "td_c").value == each[0]
    assert number(chosen, "td_c").low == number(chosen, "td_c", "death").low


def test_two_answers_differ_by_a_paired_difference_with_its_interval(of: Evaluation) -> None:
    row = number(of, "brier", "death by 3y", against="baseline:aalen_johansen")
    values = [number(of, "brier", "death by 3y", model=model).value for model in ("model", "baseline:aalen_johansen")]
    assert row.value == pytest.approx(np.subtract(*values)) and row.low is not None and row.low < row.value
    assert number(of, "c_index", "death", model="baseline:aalen_johansen").value == 0.5


def test_small_groups_are_suppressed_by_rows_and_by_events_of_their_cause() -> None:
    of = found(followed.judged(grouped=True), config.Evaluate(bootstrap=0, min_group=10, min_events=12))
    assert number(of, "c_index", "death by 3y", group="site=A").reason.startswith("suppressed: 6 rows")
    rare = number(of, "brier", "transplant by 1y", group="landmark=1y")
    assert rare.value is None and f"{rare.events} events, 12 are needed" in rare.reason
    assert number(of, "c_index", "death", group="landmark=3y").value is not None


def test_rows_that_came_late_are_judged_from_then_on_or_left_out_by_name() -> None:
    one = followed.judged(late=True)
    times = one.cohort.target.dense
    start = np.flatnonzero(times.entry == 0)
    of, late, day = found(one), int((times.entry > 0).sum()), followed.HORIZONS[0].days
    curves = one.answers["model"].curves
    assert curves is not None
    risk = curves.at(day)[:, 0]
    row = number(of, "brier", "death by 1y")
    assert row.value == pytest.approx(horizon_brier(risk[start], times.take(start), day)) and row.low is not None
    assert f"without {late} rows that came under observation after" in row.reason
    assert number(of, "c_index", "death by 1y").value == pytest.approx(c_index(risk, times, until=day))
    assert not number(of, "c_index", "death by 1y").reason


def test_where_nobody_had_an_event_nothing_is_ranked_and_it_is_said_why() -> None:
    of = asked_of(np.full(30, 1200.0), np.zeros(30))
    for metric, class_ in (("c_index", "death"), ("td_c", "death"), ("cumulative_auc", "death by 1y")):
        assert number(of, metric, class_).value is None and number(of, metric, class_).reason == "no events"
    assert number(of, "brier", "death by 1y").value is not None
    assert number(of, "td_c").value is None


def test_a_cause_that_never_came_is_left_out_of_the_mean_by_name() -> None:
    random = np.random.default_rng(0)
    of = asked_of(random.uniform(1, 2000, 60), random.integers(0, 2, 60))
    assert number(of, "td_c", "transplant").value is None
    assert number(of, "td_c").value == number(of, "td_c", "death").value
    assert number(of, "td_c").reason == "without transplant: undefined"


def test_a_horizon_that_nobody_was_watched_for_is_undefined_and_says_so() -> None:
    of = asked_of(np.linspace(10, 300, 40), np.arange(1, 41) % 2)
    for metric in ("brier", "cumulative_auc", "observed_expected", "calibration_slope"):
        row = number(of, metric, "death by 3y")
        assert row.value is None and "nobody was watched for 1095.75 days" in row.reason
    assert number(of, "c_index", "death by 3y").value is not None


def test_no_rows_at_all_are_undefined_not_a_crash() -> None:
    of = asked_of(np.zeros(0), np.zeros(0))
    assert all(row.value is None and row.reason for row in of.metrics)


def test_several_splits_are_pooled_and_no_threshold_is_chosen() -> None:
    those = [followed.judged(60, seed, split=str(seed)) for seed in (0, 1)]
    rows = pool("survival", those, config.Evaluate(bootstrap=5), part="test", seed=0)
    mean = next(row for row in rows if (row.model, row.metric, row.class_) == ("model", "td_c", "death") and not row.group)
    each = [number(found(one, config.Evaluate(bootstrap=0)), "td_c", "death").value for one in those]
    assert mean.value == pytest.approx(np.mean([value for value in each if value is not None]))
    assert choose_all("survival", those[0].answers, those[0].cohort.target, "youden") == {}


def test_curves_are_drawn_beside_what_was_observed_with_numbers_at_risk(one: Judged, of: Evaluation) -> None:
    drawn = of.curves
    assert msgspec.json.decode(msgspec.json.encode(drawn), type=Drawn) == drawn
    first, plain = drawn.incidence[0], drawn.incidence[-1]
    assert (first.model, first.class_, first.unit) == ("model", "death", "years")
    assert first.whole.at_risk[0] == first.whole.n == len(one.cohort) and first.whole.observed[0] == 0
    assert sum(group.n for group in first.thirds) == first.whole.n
    assert [group.label for group in first.thirds] == ["lowest third", "middle third", "highest third"]
    ends = [group.observed[-1] for group in first.thirds]
    assert None not in ends and ends == sorted(end for end in ends if end is not None)
    assert not plain.thirds and plain.whole.low == []
    assert all(tenth.low is not None and tenth.low <= tenth.observed for tenth in first.calibration[0].tenths)


def test_curves_go_through_a_table_and_back() -> None:
    curves = followed.judged(20).answers["model"].curves
    assert curves is not None
    held = io.BytesIO()
    pl.DataFrame(survival.columns(curves, followed.NAMES)).write_parquet(held)
    held.seek(0)
    back = survival.restored(pl.read_parquet(held), followed.NAMES)
    assert back is not None
    np.testing.assert_array_equal(back.times, curves.times)
    np.testing.assert_array_equal(back.incidence, curves.incidence)


@pytest.mark.parametrize("wrong", [lambda x: -x, lambda x: x[..., ::-1], lambda x: x * 3, lambda x: x * np.nan])
def test_curves_that_are_no_cumulative_incidence_are_refused(wrong: object) -> None:
    one = followed.judged(20)
    said = one.answers["model"]
    assert said.curves is not None and callable(wrong)
    bad = replace(said, curves=Curves(said.curves.times, wrong(said.curves.incidence)))
    with pytest.raises(DataError, match="no cumulative incidence"):
        survival.check("model", bad, one.cohort.target)


def test_an_answer_without_curves_is_refused() -> None:
    one = followed.judged(20)
    with pytest.raises(DataError, match="no curves"):
        survival.check("model", replace(one.answers["model"], curves=None), one.cohort.target)
