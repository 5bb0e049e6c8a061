"""Groups held against each other: against fairlearn and scikit-learn, what must hold of any data, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sequela import config
from sequela.errors import ConfigError
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.fairness import FairnessFacts, GroupingFacts, fairness, groupings
from sequela.evaluate.fairness.groupings import check
from sequela.evaluate.fairness.mitigation import Risks, cuts, group_thresholds, side
from sequela.evaluate.threshold import decide
from sequela.metrics.threshold import lr_negative, lr_positive, sensitivity
from sequela.types import Answer, Cohort, Target

GOLDEN = json.loads((Path(__file__).parents[2] / "golden" / "fairness.json").read_text(encoding="utf-8"))
group_, event_, risk_ = np.array(GOLDEN["group"]), np.array(GOLDEN["event"], bool), np.array(GOLDEN["risk"])


def judged(group: np.ndarray, event: np.ndarray, risk: np.ndarray, subject: np.ndarray | None = None) -> Judged:
    count = len(event)
    never, names = np.full(count, np.datetime64("NaT"), "datetime64[us]"), np.arange(count).astype(str)
    target = Target(event[:, None].astype(float), np.ones((count, 1), bool), ("event",))
    unit = np.arange(count) if subject is None else subject
    cohort = Cohort(unit, names, names, never, never, np.full(count, "test"), target, {"site": group})
    return Judged(cohort, {"model": Answer("probabilities", risk[:, None], ("event",))}, {"model": GOLDEN["cut"]}, "1")


def facts(one: Judged, resamples: int = 0, **trained: dict[str, int]) -> FairnessFacts:
    return fairness("binary", "model", one, groupings(one.cohort.groups), trained, config.Evaluate(bootstrap=resamples), seed=0)


def values(grouping: GroupingFacts, metric: str) -> dict[str, float | None]:
    return {level.level: told.value for level in grouping.levels for told in level.told if told.metric == metric}


def test_rates_of_groups_are_those_of_fairlearn() -> None:
    found = facts(judged(group_, event_, risk_)).groupings[0]
    assert values(found, "selection_rate") == pytest.approx(GOLDEN["by_group"]["selection_rate"])
    assert values(found, "sensitivity") == pytest.approx(GOLDEN["by_group"]["sensitivity"])
    passed = {level: 1 - rate for level, rate in GOLDEN["by_group"]["false_positive_rate"].items()}
    assert values(found, "specificity") == pytest.approx(passed)
    assert values(found, "auroc") == pytest.approx(GOLDEN["auroc"])


@pytest.mark.parametrize(
    "name", ["equalised_odds_difference", "equalised_odds_ratio", "selection_rate_difference", "selection_rate_ratio"]
)
def test_the_distance_of_all_groups_is_that_of_fairlearn(name: str) -> None:
    found = {spread.name: spread.value for spread in facts(judged(group_, event_, risk_)).groupings[0].spreads}
    assert found[name] == pytest.approx(GOLDEN[name])


def test_calibration_within_groups_is_that_of_statsmodels() -> None:
    found = facts(judged(group_, event_, risk_)).groupings[0]
    for level, told in GOLDEN["calibration"].items():
        assert values(found, "calibration_slope")[level] == pytest.approx(told["slope"], rel=1e-6)
        assert values(found, "calibration_intercept")[level] == pytest.approx(told["intercept"], rel=1e-6)


def test_likelihood_ratios_are_those_of_scikit_learn() -> None:
    found = [float(of(risk_ >= GOLDEN["cut"], event_)) for of in (lr_positive, lr_negative)]
    assert found == pytest.approx(GOLDEN["likelihood_ratios"])


def test_groups_of_the_same_rows_have_no_gap() -> None:
    twice = judged(np.repeat(["A", "B"], len(event_)), np.tile(event_, 2), np.tile(risk_, 2), np.tile(np.arange(len(event_)), 2))
    found = facts(twice, 50).groupings[0]
    for gap in found.gaps:
        right = 1.0 if gap.metric == "observed_expected" else 0.0
        assert [gap.value, gap.low_all, gap.high_all] == pytest.approx([right] * 3, abs=1e-9)


def test_the_order_of_rows_changes_nothing() -> None:
    mixed = np.random.default_rng(1).permutation(len(event_))
    first = facts(judged(group_, event_, risk_, np.arange(len(event_))), 30)
    second = facts(judged(group_[mixed], event_[mixed], risk_[mixed], mixed), 30)
    for one, other in zip(first.groupings[0].gaps, second.groupings[0].gaps, strict=True):
        assert (one.level, one.metric) == (other.level, other.metric)
        assert [one.value, one.low_all, one.p] == pytest.approx([other.value, other.low_all, other.p])


def test_intervals_for_all_gaps_are_wider_than_for_one_and_p_is_no_smaller() -> None:
    found = facts(judged(group_, event_, risk_), 200)
    assert found.family["sensitivity"] == 2
    for gap in found.groupings[0].gaps:
        assert gap.low is not None and gap.high is not None and gap.low_all is not None and gap.high_all is not None
        assert gap.high_all - gap.low_all > 0.95 * (gap.high - gap.low)
        assert gap.p is not None and 0 < gap.p <= 1


def test_a_true_gap_is_found() -> None:
    random = np.random.default_rng(3)
    group, event = np.repeat(["A", "B"], 1000), random.random(2000) < 0.4
    risk = np.clip(0.15 + 0.5 * event * np.where(group == "A", 1, 0.3) + random.normal(0, 0.1, 2000), 0.01, 0.99)
    gap = next(gap for gap in facts(judged(group, event, risk), 200).groupings[0].gaps if gap.metric == "sensitivity")
    assert gap.p is not None and gap.high_all is not None
    assert gap.p < 0.01 and gap.high_all < -0.3


def test_small_groups_are_counted_and_nothing_more_is_told_of_them() -> None:
    group = np.where(np.arange(len(event_)) < 8, "tiny", "large")
    found = facts(judged(group, event_, risk_), 20).groupings[0]
    tiny = next(level for level in found.levels if level.level == "tiny")
    assert tiny.rows == 8 and tiny.events == int(event_[:8].sum())
    assert tiny.told == [] and "20 are needed" in tiny.suppressed
    assert found.gaps == [] and found.spreads == []


def test_a_group_that_training_never_had_is_named() -> None:
    levels = facts(judged(group_, event_, risk_), site={"A": 100, "B": 50}).groupings[0].levels
    assert {level.level: level.trained for level in levels} == {"A": 100, "B": 50, "C": 0}


def test_a_rate_of_nought_in_a_group_is_not_known_exactly() -> None:
    event = np.tile([True, False], 60)
    group, risk = np.repeat(["A", "B"], 60), np.where(np.arange(120) < 60, 0.9, 0.1)
    gap = next(gap for gap in facts(judged(group, event, risk), 100).groupings[0].gaps if gap.metric == "sensitivity")
    assert gap.value == -1 and gap.high is not None and gap.high_all is not None
    assert gap.high > -0.95 and gap.high_all > -0.95


def test_thresholds_of_groups_find_as_many_of_each_groups_events_on_tune() -> None:
    rows, settings = Risks("tune", risk_, event_, group_), config.Evaluate()
    chosen = group_thresholds(rows, GOLDEN["cut"], settings)
    aim = float(sensitivity(risk_ >= GOLDEN["cut"], event_))
    called = risk_ >= cuts(group_, chosen, GOLDEN["cut"])
    for level in "ABC":
        of = group_ == level
        found, events = float(sensitivity(called[of], event_[of])), int(event_[of].sum())
        assert aim <= found <= aim + 2 / events
    before, after = side("without", rows, GOLDEN["cut"], settings), side("with", rows, cuts(group_, chosen, 0.5), settings)
    assert before.sensitivity_gap is not None and after.sensitivity_gap is not None
    assert after.sensitivity_gap < before.sensitivity_gap
    assert (before.auroc, before.brier) == (after.auroc, after.brier)


@pytest.mark.parametrize(
    ("names", "crossed", "said"),
    [
        (["sexx"], [], "sexx"),
        ([], [["sex"]], "two or more"),
        ([], [["sex", "sex"]], "two or more"),
        ([], [["sex", "age"]], "age"),
    ],
)
def test_groups_that_are_not_there_and_crossings_of_one_are_refused(
    names: list[str], crossed: list[list[str]], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        check(["sex", "site"], names, crossed)


def test_classes_are_asked_about_one_by_one() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 300)
    logits = random.normal(size=(300, 3)) + 1.5 * (truth[:, None] == np.arange(3))
    answer = Answer("probabilities", np.exp(logits) / np.exp(logits).sum(1, keepdims=True), ("a", "b", "c"))
    target = Target(truth[:, None].astype(float), np.ones((300, 1), bool), ("a", "b", "c"))
    one = judged(random.choice(["F", "M"], 300), truth == 0, answer.values[:, 0])
    several = Judged(replace(one.cohort, target=target), {"model": answer}, {}, "1")
    found = fairness("multiclass", "model", several, groupings(several.cohort.groups), {}, config.Evaluate(bootstrap=0), seed=0)
    assert [one.class_ for one in found.groupings] == ["a", "b", "c"]
    women, called = several.cohort.groups["site"] == "F", decide("multiclass", "model", answer, {}) == 1
    assert values(found.groupings[1], "sensitivity")["F"] == pytest.approx(
        (called & women)[truth == 1].sum() / (women & (truth == 1)).sum()
    )
