"""A bundle elsewhere: sites as one, three ways to recalibrate, what differs in the patients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from sequela import config
from sequela.errors import DataError, UsageError
from sequela.evaluate.external import local, meta, sites
from sequela.evaluate.external.case_mix import Here, case_mix
from sequela.evaluate.intervals import delong
from sequela.metrics.calibration import logit
from sequela.study.development import Development, Prevalence, summary
from sequela.types import Answer, Array, Target

BCG = np.array(  # Colditz 1994: with and without tuberculosis, vaccinated and not
    [
        *[(4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761)],
        *[(180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600)],
        *[(186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825)],
    ],
    float,
)


def ward(rows: int = 3000, off: float = 0.0, stretch: float = 1.0, seed: int = 0) -> tuple[Array, Array]:
    """Risks and outcomes; what is said is off by so much and so many times too extreme."""
    random = np.random.default_rng(seed)
    score = random.normal(-1, 1.2, rows)
    return expit(stretch * (score + off)), random.random(rows) < expit(score)


def asked(risk: Array, event: Array) -> tuple[Answer, Target]:
    answer = Answer("probabilities", risk[:, None], ("event",))
    return answer, Target(event[:, None].astype(float), np.ones((len(event), 1), bool), ("event",))


def test_trials_of_a_vaccine_are_summarised_as_metafor_does() -> None:
    """metafor, rma(measure = "RR", method = "REML", test = "knha"): -0.7145 [-1.1084, -0.3206], τ² 0.3132, I² 92.22 %."""
    sick, well, sick_without, well_without = BCG.T
    effects = np.log(sick / (sick + well) / (sick_without / (sick_without + well_without)))
    variances = 1 / sick - 1 / (sick + well) + 1 / sick_without - 1 / (sick_without + well_without)
    found = meta.summary(effects, variances)
    assert (found.estimate, found.low, found.high) == pytest.approx((-0.7145, -1.1084, -0.3206), abs=2e-4)
    assert (found.between**2, found.inconsistency) == pytest.approx((0.3132, 0.9222), abs=2e-4)
    assert found.predicted_low is not None and found.predicted_low < found.low


def test_sites_that_are_alike_differ_by_chance_alone() -> None:
    found = meta.summary(np.full(5, 0.3), np.full(5, 0.01))
    assert (found.estimate, found.between, found.inconsistency) == (pytest.approx(0.3), 0.0, 0.0)


def test_two_sites_have_no_prediction_interval_and_one_is_no_summary() -> None:
    assert meta.summary(np.array([0.1, 0.2]), np.array([0.01, 0.02])).predicted_low is None
    with pytest.raises(DataError, match="1 sites"):
        meta.summary(np.array([0.1]), np.array([0.01]))


def test_a_site_has_its_own_numbers_and_a_small_one_says_why_not() -> None:
    risk, event = ward()
    level = np.array(["A"] * 1500 + ["B"] * 1490 + ["C"] * 10)
    found = sites.sites(level, risk, event, np.arange(len(risk)), config.Evaluate())
    assert [one.name for one in found] == ["A", "B", "C"] and "suppressed" in found[2].reason and not found[2].numbers
    area = next(number for number in found[0].numbers if number.metric == "auroc")
    assert area.value == pytest.approx(delong(risk[:1500], event[:1500]).value)
    pooled = {one.metric: one for one in sites.pooled(found)}
    assert set(pooled) == {"auroc", "observed_expected", "calibration_intercept", "calibration_slope"}
    assert pooled["calibration_slope"].low < 1 < pooled["calibration_slope"].high
    assert sites.pooled(found[:1]) == []


def test_standard_errors_gather_the_rows_of_a_patient() -> None:
    """Every row ten times over: as news of one patient it is no news."""
    risk, event = ward(400)
    once = sites.sites(np.full(400, "A"), risk, event, np.arange(400), config.Evaluate())[0]
    often, subject = np.tile(np.arange(400), 10), np.tile(np.arange(400), 10)
    again = sites.sites(np.full(4000, "A"), risk[often], event[often], subject, config.Evaluate())[0]
    for one, other in zip(once.numbers, again.numbers, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-6)


def test_each_way_mends_what_it_is_for() -> None:
    shifted, stretched = asked(*ward(off=0.8)), asked(*ward(stretch=2.0))
    curve = local.fit("intercept", *shifted).columns[0]
    assert (curve.intercept, curve.slope) == (pytest.approx(-0.8, abs=0.12), 1.0)
    assert local.fit("slope", *stretched).columns[0].slope == pytest.approx(0.5, abs=0.05)
    mended = local.fit("full", *stretched).apply(stretched[0]).values[:, 0]
    assert np.abs(mended - expit(logit(stretched[0].values[:, 0]) / 2)).mean() < 0.02


def test_no_row_is_judged_by_a_calibration_that_saw_it() -> None:
    answer, target = asked(*ward(600, off=0.5))
    subject = np.repeat(np.arange(300), 2)
    first = local.crossed("slope", "binary", answer, target, subject).values
    values = target.values.copy()
    values[:2] = 1 - values[:2]  # the outcomes of one patient
    other = local.crossed("slope", "binary", answer, Target(values, target.known, target.names), subject).values
    assert np.array_equal(first[:2], other[:2]) and not np.array_equal(first, other)


def test_too_few_events_and_answers_without_probability_are_refused() -> None:
    risk, event = ward(50)
    with pytest.raises(DataError, match="too few events here to recalibrate"):
        local.crossed("intercept", "binary", *asked(risk, np.arange(50) == 3), np.arange(50))
    with pytest.raises(UsageError, match="answers values"):
        local.crossed("intercept", "regression", *asked(risk, event), np.arange(50))


def test_more_patients_recalibrate_better_and_one_outcome_teaches_nothing() -> None:
    answer, target = asked(*ward(420, off=1.0))
    found = local.needs("", answer, target, np.arange(420), 0)
    error = {(one.way, one.subjects): one.error or 1.0 for one in found.ways}
    assert error["intercept", 200] < error["intercept", 25] and error["intercept", 200] < error["none", 200] / 2
    assert error["intercept", 25] < error["full", 25]  # fewer numbers are learnt from fewer patients
    assert found.rows_for_slope is not None and found.rows_for_intercept is not None
    assert local.needs("", answer, Target(np.zeros((420, 1)), target.known, target.names), np.arange(420), 0).reason


def test_the_case_mix_is_told_in_spreads_of_development() -> None:
    random = np.random.default_rng(0)
    age, score = random.normal(60, 10, 400), random.normal(-1, 1, 400)
    then = Development(
        subjects=400,
        columns=[summary("age", age), summary("lactate", age)],
        scores=[summary("event", score)],
        prevalences=[Prevalence(name="event", rows=400, events=80)],
    )
    here = Here(
        300,
        [summary("age", age[:300] + 10)],
        [summary("event", 2 * score)],
        [Prevalence(name="event", rows=300, events=30)],
        ["site=C"],
        {},
    )
    found = case_mix(then, here)
    assert [one.column for one in found.columns] == ["age"] and found.columns[0].difference == pytest.approx(1.0, abs=0.1)
    assert (found.scores[0].spread_here or 0) == pytest.approx(2 * (found.scores[0].spread or 0))
    assert (found.prevalences[0].then, found.prevalences[0].here, found.unseen) == (0.2, 0.1, ["site=C"])
