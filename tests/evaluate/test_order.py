"""Classes judged by their order, by what stands first, and labels by all of them together: where each is asked, and where not."""

from __future__ import annotations

import numpy as np
import pytest

from sequela import config
from sequela.evaluate.evaluation import evaluate
from sequela.types import Answer, Cohort, Target

ROWS = 60


def judged(kind: str, target: Target, answer: Answer) -> dict[str, float | None]:
    ids = np.arange(ROWS)
    moments = np.full(ROWS, np.datetime64("2026-01-01", "us"))
    cohort = Cohort(ids, ids.astype(str), ids.astype(str), moments, moments, np.full(ROWS, "test"), target)
    cuts = {f"model/{name}": 0.5 for name in answer.names}
    settings = config.Evaluate(bootstrap=20)
    found = evaluate(kind, cohort, {"model": answer}, settings, cuts, part="test", split="s", seed=0).metrics
    assert all(row.low is not None and row.low <= row.value <= row.high for row in found if row.metric == "quadratic_kappa")
    return {row.metric: row.value for row in found if not row.class_}


@pytest.mark.parametrize("ordered", [True, False])
def test_ranks_are_asked_of_ordered_classes_alone(ordered: bool) -> None:
    names = ("a", "b", "c")
    truth = np.arange(ROWS) % 3
    said = np.where(np.arange(ROWS) % 4 == 0, (truth + 1) % 3, truth)
    target = Target(truth[:, None].astype(float), np.full((ROWS, 1), True), names, ordered=ordered)
    found = judged("multiclass", target, Answer("probabilities", np.eye(3)[said] * 0.8 + 0.2 / 3, names))
    assert ("quadratic_kappa" in found) is ("rank_mae" in found) is ordered
    assert "top3_accuracy" not in found
    if ordered:
        assert found["rank_mae"] == pytest.approx(np.abs(said - truth).mean())


def test_the_likeliest_three_are_asked_of_more_than_three_classes() -> None:
    names = tuple("abcdef")
    truth = np.arange(ROWS) % 6
    chance = np.eye(6)[(truth + 1) % 6] * 0.5 + np.eye(6)[truth] * 0.3 + 0.2 / 6
    found = judged(
        "multiclass",
        Target(truth[:, None].astype(float), np.full((ROWS, 1), True), names),
        Answer("probabilities", chance, names),
    )
    assert found["top3_accuracy"] == 1 and found["accuracy"] == 0


def test_labels_are_ranked_together_and_within_a_row() -> None:
    names = tuple("abcdefg")
    random = np.random.default_rng(0)
    true = random.random((ROWS, 7)) < 0.4
    found = judged(
        "multilabel",
        Target(true.astype(float), np.full((ROWS, 7), True), names),
        Answer("probabilities", 0.1 + 0.8 * true, names),
    )
    assert found["micro_auroc"] == 1 and found["p_at_5"] == pytest.approx(true.sum(1).clip(max=5).mean() / 5)
    assert "p_at_8" not in found, "of seven labels eight cannot stand first"
