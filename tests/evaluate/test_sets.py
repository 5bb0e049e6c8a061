"""Labels judged as sets: one threshold for all of them, chosen on tune; what interacts and what is ruled out is counted."""

from __future__ import annotations

import numpy as np
import pytest

from sequela import config
from sequela.errors import ConfigError
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.questions import Safety
from sequela.evaluate.threshold import SMALLEST, choose_all, decide
from sequela.metrics import sets
from sequela.types import Answer, Cohort, Target

NAMES = ("a", "b", "c")
RISK = np.array([[0.9, 0.8, 0.1], [0.7, 0.2, 0.0], [0.6, 0.65, 0.3], [0.3, 0.1, 0.75]])
TRUE = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]], float)
ANSWER, TARGET = Answer("probabilities", RISK, NAMES), Target(TRUE, np.full((4, 3), True), NAMES)


def test_one_threshold_serves_the_whole_set_and_has_the_best_jaccard() -> None:
    cuts = choose_all("multilabel", {"model": ANSWER}, TARGET, "jaccard")
    assert len(set(cuts.values())) == 1 and cuts.keys() == {f"model/{name}" for name in NAMES}
    chosen = decide("multilabel", "model", ANSWER, cuts)
    assert sets.jaccard(chosen, TRUE > 0) == 1
    assert all(sets.jaccard(cut <= RISK, TRUE > 0) <= 1 for cut in np.linspace(0.01, 0.99, 99))


def test_a_threshold_for_sets_is_of_several_labels_alone() -> None:
    with pytest.raises(ConfigError, match="sets of labels"):
        choose_all("binary", {"model": Answer("probabilities", RISK[:, :1], ("a",))}, TARGET, "jaccard")


@pytest.mark.parametrize("rule", ["jaccard", "sensitivity=1.0", 0.0])
def test_what_has_no_probability_is_never_called(rule: str | float) -> None:
    impossible = Answer("probabilities", np.where(TRUE > 0, 0.0, RISK), NAMES)
    cuts = choose_all("multilabel", {"model": impossible}, TARGET, rule)
    assert min(cuts.values()) >= SMALLEST
    assert not decide("multilabel", "model", impossible, cuts)[TRUE > 0].any()


def test_sets_are_judged_with_their_safety_beside_them() -> None:
    count = len(RISK)
    ids = np.arange(count)
    moments = np.full(count, np.datetime64("2026-01-01", "us"))
    cohort = Cohort(ids, ids.astype(str), ids.astype(str), moments, moments, np.full(count, "test"), TARGET)
    interacts = np.zeros((3, 3), bool)
    interacts[0, 1] = interacts[1, 0] = True
    barred = np.zeros((count, 3), bool)
    barred[3, 2] = True
    cuts = {f"{model}/{name}": 0.5 for model in ("model", "baseline:other") for name in NAMES}
    answers = {"model": ANSWER, "baseline:other": Answer("probabilities", 1 - RISK, NAMES)}
    settings = config.Evaluate(bootstrap=50)
    safety = Safety(interacts, barred)
    found = evaluate("multilabel", cohort, answers, settings, cuts, part="test", split="s", seed=0, safety=safety).metrics
    said = {(row.model, row.metric, row.against): row.value for row in found if not row.class_}
    assert said["model", "jaccard", ""] == 1 and said["model", "micro_f1", ""] == 1
    assert said["model", "ddi_rate", ""] == said["model", "ddi_rate_given", ""] == 1
    assert said["model", "barred_rate", ""] == pytest.approx(1 / 6)
    assert said["model", "set_size", ""] == pytest.approx(6 / 4)
    assert said["model", "jaccard", "baseline:other"] == pytest.approx(1 - said["baseline:other", "jaccard", ""])
    bare = evaluate("multilabel", cohort, answers, settings, cuts, part="test", split="s", seed=0).metrics
    assert not {"ddi_rate", "barred_rate"} & {row.metric for row in bare}
