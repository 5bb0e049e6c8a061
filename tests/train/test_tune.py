from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from msgspec import structs
from sklearn.metrics import mean_absolute_error, roc_auc_score

from sequela import model as models
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.train.tune import judge, score
from sequela.types import Answer, Spanned, Spans, Tags, Target

RANDOM = np.random.default_rng(0)


def test_the_verdict_does_not_depend_on_the_batches(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    rows, made = evidence(50, 0), study()
    model, task = models.build(made, rows.specs, ("ill",))
    verdicts = [judge(model, task, rows, structs.replace(made.train, batch=size), lambda: None) for size in (1, 7, 50)]
    assert [verdict.loss for verdict in verdicts] == pytest.approx([verdicts[0].loss] * 3, abs=1e-6)
    assert [verdict.score for verdict in verdicts] == pytest.approx([verdicts[0].score] * 3)


def test_a_row_without_a_label_counts_for_nothing(study: Callable[..., Study], evidence: Callable[..., Evidence]) -> None:
    from dataclasses import replace

    from sequela.train.rows import take

    rows, made = evidence(50, 0), study()
    model, task = models.build(made, rows.specs, ("ill",))
    known = np.arange(50)[:, None] < 30
    hidden = replace(rows, target=Target(np.where(known, rows.target.values, np.nan), known, ("ill",)))
    some, all_ = (judge(model, task, part, made.train, lambda: None) for part in (take(rows, np.arange(30)), hidden))
    assert all_.loss == pytest.approx(some.loss, abs=1e-6) and all_.score == pytest.approx(some.score)


def test_the_score_of_a_yes_or_no_is_the_auroc() -> None:
    risk, event = RANDOM.random((80, 1)), RANDOM.integers(0, 2, (80, 1)).astype(float)
    known = RANDOM.random((80, 1)) < 0.8
    found = score(Answer("probabilities", risk, ("ill",)), Target(event, known, ("ill",)), "binary")
    assert found == pytest.approx(roc_auc_score(event[known], risk[known]))


def test_the_score_of_classes_is_the_mean_of_each_against_the_rest() -> None:
    risk, label = RANDOM.dirichlet(np.ones(3), 80), RANDOM.integers(0, 3, (80, 1)).astype(float)
    names = ("a", "b", "c")
    found = score(Answer("probabilities", risk, names), Target(label, np.ones((80, 1), bool), names), "multiclass")
    assert found == pytest.approx(roc_auc_score(label[:, 0], risk, multi_class="ovr"))


def test_a_label_without_both_outcomes_is_left_out_of_the_mean() -> None:
    risk, event = RANDOM.random((80, 2)), RANDOM.integers(0, 2, (80, 2)).astype(float)
    event[:, 1] = 1
    target = Target(event, np.ones((80, 2), bool), ("a", "b"))
    answer = Answer("probabilities", risk, ("a", "b"))
    assert score(answer, target, "multilabel") == pytest.approx(roc_auc_score(event[:, 0], risk[:, 0]))
    assert score(answer, Target(np.ones((80, 2)), target.known, ("a", "b")), "multilabel") is None


def test_the_score_of_quantities_is_minus_the_mean_absolute_error() -> None:
    value, truth = RANDOM.normal(size=(80, 2)), RANDOM.normal(size=(80, 2))
    found = score(Answer("values", value, ("a", "b")), Target(truth, np.ones((80, 2), bool), ("a", "b")), "regression")
    assert found == pytest.approx(-mean_absolute_error(truth, value))


def spans(*texts: list[tuple[int, int, int]]) -> Spans:
    """Begin, end and type of the stretches of each text."""
    columns = np.array([one for text in texts for one in text], np.int64).reshape(-1, 3).T
    return Spans(np.cumsum([0, *map(len, texts)]), *columns)


def test_the_score_of_entities_is_their_f1_over_the_texts_that_somebody_read() -> None:
    there = spans([(0, 4, 0), (6, 9, 1)], [(2, 5, 0)], [], [(0, 3, 0)])
    said = spans([(0, 4, 0), (6, 9, 0)], [(2, 5, 0), (7, 8, 1)], [], [(0, 3, 0), (4, 5, 0)])
    none = Tags(np.zeros(5, np.int64), np.zeros(0, np.int64), np.zeros(0, bool))

    def scored(known: list[bool]) -> float | None:
        target = Target(np.zeros((4, 1)), np.array(known)[:, None], ("a", "b"), Spanned(there, none))
        return score(Answer("spans", np.zeros((4, 2)), ("a", "b"), spanned=said), target, "entities")

    assert scored([True, True, True, False]) == pytest.approx(2 * 2 / (4 + 3))
    assert scored([True] * 4) == pytest.approx(2 * 3 / (6 + 4))
    assert scored([False, False, True, False]) is None
    assert scored([False] * 4) is None
