"""What an evaluation holds: right numbers, paired differences, suppressed groups, reasons for what is undefined."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import runs
from sklearn.metrics import confusion_matrix, roc_auc_score

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.evaluate.evaluation import Judged, evaluate
from sequela.evaluate.intervals import delong_difference
from sequela.evaluate.metric import Evaluation, Metric
from sequela.evaluate.pool import pool
from sequela.metrics.table import Kind
from sequela.types import Answer

QUICK = config.Evaluate(bootstrap=200)


def judge(kind: Kind, those: Judged, settings: config.Evaluate = QUICK) -> Evaluation:
    return evaluate(kind, those.cohort, those.answers, settings, those.thresholds, part="test", split="1", seed=0)


def one(found: Evaluation | list[Metric], **wanted: str) -> Metric:
    rows = found.metrics if isinstance(found, Evaluation) else found
    wanted = {"model": "model", "class_": "", "group": "", "against": ""} | wanted
    return next(row for row in rows if all(getattr(row, name) == value for name, value in wanted.items()))


def test_rows_have_the_fields_of_metrics_json() -> None:
    row = msgspec.json.decode(msgspec.json.encode(judge("binary", runs.judged("binary")).metrics[0]))
    contract = {
        "model",
        "part",
        "split",
        "metric",
        "class",
        "group",
        "value",
        "low",
        "high",
        "n",
        "events",
        "against",
        "threshold",
    }
    assert contract | {"reason"} <= row.keys()


def test_each_value_lies_in_its_interval_and_is_scikit_learns() -> None:
    those = runs.judged("binary", 400)
    found = judge("binary", those)
    event = those.cohort.target.values[:, 0] > 0
    row = one(found, metric="auroc")
    assert row.value == pytest.approx(roc_auc_score(event, those.answers["model"].values[:, 0]))
    assert (row.n, row.events, row.method) == (400, event.sum(), "bootstrap")
    assert all(row.low <= row.value <= row.high for row in found.metrics if row.low is not None and row.metric != "ece")


def test_differences_are_paired_and_close_to_delong() -> None:
    those = runs.judged("binary", 600)
    found = judge("binary", those, config.Evaluate(bootstrap=1000))
    difference = one(found, metric="auroc", against="baseline:boosting")
    alone = [one(found, metric="auroc", model=name) for name in ("model", "baseline:boosting")]
    assert difference.value == pytest.approx((alone[0].value or 0) - (alone[1].value or 0))
    risks = [those.answers[name].values[:, 0] for name in ("model", "baseline:boosting")]
    theirs = delong_difference(*risks, those.cohort.target.values[:, 0] > 0, those.cohort.subject_id)
    assert [difference.low, difference.high] == pytest.approx([theirs.low, theirs.high], abs=0.008)
    assert difference.p == pytest.approx(theirs.p)


def test_a_model_held_against_its_own_answers_differs_by_nothing() -> None:
    those = runs.judged("binary")
    same = Judged(
        those.cohort,
        {"model": those.answers["model"], "baseline:copy": those.answers["model"]},
        {"model": 0.3, "baseline:copy": 0.3},
        "1",
    )
    difference = one(judge("binary", same), metric="brier", against="baseline:copy")
    assert (difference.value, difference.low, difference.reason) == (0, None, "no interval: the same in every resample")


def test_small_groups_are_suppressed_and_say_why() -> None:
    found = judge("binary", runs.judged("binary", 400))
    burns = [row for row in found.metrics if row.group == "unit=burns"]
    assert burns
    assert all(row.value is None and row.low is None and row.reason == "suppressed: 8 rows, 20 are needed" for row in burns)
    assert one(found, metric="auroc", group="unit=general").value is not None
    few = judge("binary", runs.judged("binary", 400), config.Evaluate(bootstrap=0, min_group=1, min_events=7))
    assert "events, 7 are needed" in one(few, metric="auroc", group="unit=burns").reason


def test_one_outcome_alone_leaves_null_with_a_reason() -> None:
    those = runs.judged("binary", 60)
    nobody = Judged(runs.cohort(runs.yes_or_no(np.zeros(60, bool))), those.answers, those.thresholds, "1")
    found = judge("binary", nobody)
    row = one(found, metric="auroc")
    assert (row.value, row.low, row.reason) == (None, None, "no events")
    assert one(found, metric="auroc", against="baseline:boosting").reason == "no events"
    assert one(found, metric="specificity").value is not None
    assert found.curves.drawn == []


def test_a_proportion_of_one_has_wilsons_interval_over_subjects() -> None:
    event = np.arange(40) % 2 == 0
    answer = Answer("probabilities", np.where(event, 0.9, 0.1)[:, None], ("death",))
    subject = np.arange(40) // 4
    those = Judged(runs.cohort(runs.yes_or_no(event), subject), {"model": answer}, {"model": 0.5}, "1")
    row = one(judge("binary", those), metric="sensitivity")
    assert (row.value, row.high, row.method) == (1, 1, "wilson")
    assert row.low == pytest.approx(0.7225, abs=1e-4)  # 10 of 10 subjects, not 20 of 20 rows


def test_subjects_left_out_are_judged_a_second_time() -> None:
    those = runs.judged("binary", 100)
    name = str(those.cohort.source_id[0])
    found = judge("binary", those, config.Evaluate(bootstrap=50, without=[name]))
    row = one(found, metric="auroc", group=f"without {name}")
    assert row.n == (those.cohort.source_id != name).sum()
    assert one(found, metric="auroc", group=f"without {name}", against="baseline:boosting").value is not None


def test_multiclass_gives_macro_and_each_class_and_the_confusion() -> None:
    those = runs.judged("multiclass", 500)
    found = judge("multiclass", those)
    truth, given = those.cohort.target.values[:, 0].astype(int), those.answers["model"].values
    assert one(found, metric="auroc").value == pytest.approx(roc_auc_score(truth, given, multi_class="ovr"))
    assert one(found, metric="sensitivity", class_="V").events == (truth == 2).sum()
    np.testing.assert_array_equal(found.curves.confusion[0].counts, confusion_matrix(truth, given.argmax(1)))
    chosen = judge("multiclass", those, config.Evaluate(bootstrap=0, classes=["N", "S"]))
    each = [one(chosen, metric="f1", class_=name).value or 0 for name in "NS"]
    assert one(chosen, metric="macro_f1").value == pytest.approx(np.mean(each))
    with pytest.raises(ConfigError, match="names 'Q'"):
        judge("multiclass", those, config.Evaluate(classes=["Q"]))


def test_multilabel_leaves_unknown_labels_out() -> None:
    those = runs.judged("multilabel", 300)
    found = judge("multilabel", those)
    row = one(found, metric="auroc", class_="delirium")
    known = those.cohort.target.known[:, 1]
    assert row.n == known.sum() < 300
    expected = roc_auc_score(those.cohort.target.values[known, 1], those.answers["model"].values[known, 1])
    assert row.value == pytest.approx(expected)
    labels = [one(found, metric="auroc", class_=name).value or 0 for name in ("sepsis", "delirium")]
    assert one(found, metric="auroc").value == pytest.approx(np.mean(labels))


def test_regression_is_held_against_baselines_by_its_errors() -> None:
    found = judge("regression", runs.judged("regression", 200))
    assert one(found, metric="mae", against="baseline:logistic").value is not None
    assert one(found, metric="r2").events is None
    assert one(found, metric="mse").value == pytest.approx((one(found, metric="rmse").value or 0) ** 2)
    assert 0.5 < (one(found, metric="c_index").value or 0) < (one(found, metric="c_index").high or 0)
    assert sum(found.curves.agreement[0].n) == 200


def test_answers_that_do_not_fit_the_cohort_are_refused() -> None:
    those = runs.judged("binary", 50)
    short = {"model": Answer("probabilities", np.zeros((49, 1)), ("death",))}
    with pytest.raises(DataError, match="answers 49 rows, the cohort has 50"):
        judge("binary", Judged(those.cohort, short, {"model": 0.5}, "1"))
    broken = {"model": Answer("probabilities", np.full((50, 1), np.nan), ("death",))}
    with pytest.raises(DataError, match="50 of 50 rows an answer that is not a finite number"):
        judge("binary", Judged(those.cohort, broken, {"model": 0.5}, "1"))
    with pytest.raises(DataError, match="no threshold is given for model"):
        judge("binary", Judged(those.cohort, those.answers, {}, "1"))


def test_pooling_the_same_split_twice_changes_neither_value_nor_interval() -> None:
    those = runs.judged("binary", 200)
    alone, twice = (pool("binary", [those] * times, QUICK, part="test", seed=0) for times in (1, 2))
    for row, other in zip(alone, twice, strict=True):
        assert (row.value, row.low, row.high) == pytest.approx((other.value, other.low, other.high), nan_ok=True)
        assert (row.split, other.n) == ("mean", 2 * row.n)


@pytest.mark.slow
def test_what_is_left_out_one_by_one_is_judged_as_one() -> None:
    those = runs.judged("binary", 60)
    whole = Judged(runs.cohort(those.cohort.target, np.arange(60)), those.answers, those.thresholds, "all")
    each = [
        Judged(
            whole.cohort.take(np.array([row])),
            {name: answer.take(np.array([row])) for name, answer in whole.answers.items()},
            whole.thresholds,
            f"split-{row}",
        )
        for row in range(60)
    ]
    pooled, alone = (pool("binary", splits, QUICK, part="test", seed=0) for splits in (each, [whole]))
    for metric in ("auroc", "accuracy", "f1", "ece", "brier"):
        row, other = one(pooled, metric=metric), one(alone, metric=metric)
        assert (row.value, row.low, row.high, row.n) == (other.value, other.low, other.high, 60)
        assert row.split == "mean"


@pytest.mark.slow
def test_pooling_disjoint_splits_narrows_the_interval_as_independence_says() -> None:
    first = runs.judged("binary", 400)
    ids = first.cohort.subject_id.max() + 1
    moved = runs.cohort(first.cohort.target, first.cohort.subject_id + ids)
    second = Judged(moved, first.answers, first.thresholds, "2")
    settings = config.Evaluate(bootstrap=1000)
    widths = []
    for those in ([first], [first, first], [first, second]):
        row = one(pool("binary", those, settings, part="test", seed=0), metric="auroc", against="baseline:boosting")
        widths.append((row.high or 0) - (row.low or 0))
    assert widths[1] == pytest.approx(widths[0], rel=0.12)
    assert widths[2] == pytest.approx(widths[0] / np.sqrt(2), rel=0.12)
