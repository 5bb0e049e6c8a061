"""What is accepted: a strict small language, and verdicts that say what cannot be told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.errors import ConfigError
from sequela.evaluate import acceptance
from sequela.evaluate.metric import Metric


def number(metric: str, value: float | None, low: float | None = None, high: float | None = None, **more: Any) -> Metric:
    given: dict[str, Any] = {"model": "model", "part": "test", "split": "split-1", "n": 100} | more
    return Metric(metric=metric, value=value, low=low, high=high, **given)


def judged(text: str, *rows: Metric, model: str = "model") -> acceptance.Judgement:
    return acceptance.judged([acceptance.read(text)], rows, model)[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("auroc.low >= 0.8", ("auroc", "low", ">=", 0.8, "", "", "")),
        ("  sensitivity   > 0.7 ", ("sensitivity", "", ">", 0.7, "", "", "")),
        ("group sex=F auroc >= .75", ("auroc", "", ">=", 0.75, "sex=F", "", "")),
        ("group icu=Medical ICU brier.high <= 0.2", ("brier", "high", "<=", 0.2, "icu=Medical ICU", "", "")),
        ("group sex calibration_slope >= 0.8", ("calibration_slope", "", ">=", 0.8, "sex", "", "")),
        ("class left arm f1 >= 0.5", ("f1", "", ">=", 0.5, "", "left arm", "")),
        ("auroc over boosting > 0", ("auroc", "", ">", 0.0, "", "", "baseline:boosting")),
        ("calibration_intercept >= -0.2", ("calibration_intercept", "", ">=", -0.2, "", "", "")),
    ],
)
def test_a_criterion_says_what_it_says(text: str, said: tuple[Any, ...]) -> None:
    one = acceptance.read(text)
    assert (one.metric, one.limit, one.relation, one.bound, one.group, one.class_, one.over) == said


@pytest.mark.parametrize(
    ("accept", "said"),
    [
        (["auroc"], "cannot be read"),
        (["auroc = 0.8"], "cannot be read"),
        (["auroc.middle >= 0.8"], "cannot be read"),
        (["aurox >= 0.8"], "no metric 'aurox'"),
        (["auroc >= high"], "no number"),
        (["auroc >= 1.2"], "outside"),
        (["auroc >= nan"], "outside"),
        (["auroc over boosting > 1.5"], "outside"),
        (["mae <= 3"], "has no mae"),
        (["group site auroc >= 0.8"], "none of cohort.groups"),
        (["group sex=F auroc over boosting > 0"], "not held against"),
        (["auroc >= 0.8", "auroc >= 0.8"], "same twice"),
        (["auroc >= 0.8", "auroc <= 0.7"], "no number meets both"),
        (["auroc > 0.8", "auroc <= 0.8"], "no number meets both"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_training(accept: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        acceptance.criteria(accept, "binary", ["sex"])


def test_limits_need_resamples_and_classes_must_be_there() -> None:
    with pytest.raises(ConfigError, match="without resamples"):
        acceptance.criteria(["auroc.low >= 0.8"], "binary", [], bootstrap=0)
    with pytest.raises(ConfigError, match="no class 'c'"):
        acceptance.check_names([acceptance.read("class c auroc >= 0.8")], ["a", "b"], {})


def test_a_value_is_judged_as_it_is_and_its_interval_is_told_beside() -> None:
    sure = judged("auroc >= 0.7", number("auroc", 0.8, 0.75, 0.85))
    doubtful = judged("auroc >= 0.7", number("auroc", 0.72, 0.6, 0.8))
    assert (sure.verdict, sure.whole, doubtful.verdict, doubtful.whole) == ("met", True, "met", False)
    assert judged("auroc.low >= 0.7", number("auroc", 0.72, 0.6, 0.8)).verdict == "not met"


@pytest.mark.parametrize(
    "row",
    [
        number("auroc", None, reason="suppressed: 3 rows, 20 are needed"),
        number("brier", 0.2),
        number("auroc", 0.9, model="other"),
    ],
)
def test_what_was_suppressed_or_not_computed_cannot_be_told(row: Metric) -> None:
    found = judged("auroc >= 0.7", row)
    assert found.verdict == "cannot be told" and found.reason


def test_a_limit_that_is_missing_cannot_be_told() -> None:
    found = judged("auroc.low >= 0.7", number("auroc", 0.9, reason="no interval: undefined in 3 of 5 resamples"))
    assert found.verdict == "cannot be told" and "no interval" in found.reason


def test_every_level_of_a_group_has_to_meet_it_but_those_too_small_to_be_judged() -> None:
    levels = [
        number("auroc", 0.9, group="sex=F"),
        number("auroc", 0.6, group="sex=M"),
        number("auroc", None, group="sex=unknown", reason="suppressed: 3 rows, 20 are needed"),
    ]
    found = judged("group sex auroc >= 0.7", *levels)
    assert (found.verdict, found.group) == ("not met", "sex=M") and "1 of 3 levels" in found.reason
    assert judged("group sex auroc >= 0.7", levels[0], levels[2]).verdict == "met"
    assert judged("group sex auroc >= 0.7", levels[2]).verdict == "cannot be told"


def test_a_paired_difference_is_not_the_value_itself() -> None:
    rows = [number("auroc", 0.9), number("auroc", -0.02, against="baseline:boosting")]
    assert judged("auroc over boosting > 0", *rows).verdict == "not met"
    assert judged("auroc >= 0.8", *rows).verdict == "met"


@given(st.lists(st.sampled_from(["met", "not met", "cannot be told"]), max_size=5))
def test_all_together_are_met_where_each_is(verdicts: list[acceptance.Verdict]) -> None:
    found = acceptance.verdict([acceptance.Judgement(text="", verdict=one) for one in verdicts])
    assert (found == "met") == (bool(verdicts) and set(verdicts) == {"met"})
    assert (found == "not met") == ("not met" in verdicts)


def test_a_level_that_nobody_has_is_refused() -> None:
    asked = [acceptance.read("group sex=alien auroc >= 0.5")]
    with pytest.raises(ConfigError, match="nobody of the cohort has sex = 'alien'"):
        acceptance.check_names(asked, [], {"sex": ["female", "male", ""]})
    acceptance.check_names([acceptance.read("group sex=unknown auroc >= 0.5")], [], {"sex": ["female", "male", ""]})
    acceptance.check_names([acceptance.read("group sex auroc >= 0.5")], [], {"sex": ["female", "male"]})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("auroc.low >= 0.6", "auroc <= 0.5"),
        ("auroc >= 0.6", "auroc.high <= 0.5"),
        ("auroc.low > 0.5", "auroc.high < 0.5"),
    ],
)
def test_a_limit_and_a_value_that_cannot_both_be_met_are_refused(first: str, second: str) -> None:
    with pytest.raises(ConfigError, match="no number meets both"):
        acceptance.criteria([first, second], "binary", [])


@pytest.mark.parametrize("pair", [("auroc.high >= 0.6", "auroc.low <= 0.5"), ("auroc.low >= 0.6", "auroc >= 0.7")])
def test_a_limit_and_a_value_that_can_are_not(pair: tuple[str, str]) -> None:
    assert len(acceptance.criteria(pair, "binary", [])) == 2
