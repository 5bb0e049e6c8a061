"""The nearest previous visit: what it repeats, and what it says where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.baselines import previous_visit
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Plain, Ragged, Spec, Target

NAMES = ("A", "B", "C")
SPEC = Spec("codes", (2,), "days", ("rare", "dx", "A", "B"), vocabulary=4)


def evidence(rows: list[list[list[int]]], labels: list[list[float]], spec: Spec = SPEC) -> Evidence:
    visits = [codes for row in rows for codes in row]
    values, seen = np.zeros((len(visits), 2), np.int32), np.zeros((len(visits), 2), bool)
    for k, codes in enumerate(visits):
        values[k, : len(codes)], seen[k, : len(codes)] = codes, True
    offsets = np.cumsum([0, *[len(row) for row in rows]])
    ragged = Ragged(offsets, values, np.zeros(len(visits)), seen)
    target = Target(np.array(labels), np.full((len(rows), 3), True), NAMES)
    plain = Plain(np.zeros((len(rows), 0), np.float32), ())
    return Evidence({"history": ragged}, {"history": spec}, plain, target, np.arange(len(rows)), np.arange(len(rows)).astype(str))


FIRST = evidence([[[1]], [], [[1, 2], [1]]], [[1, 0, 1], [1, 0, 0], [0, 0, 1]])


def fitted() -> previous_visit.PreviousVisit:
    baseline = previous_visit.build(previous_visit.Config())
    baseline.fit(FIRST, FIRST, "multilabel", 0)
    return baseline


def test_the_latest_visit_with_any_of_the_labels_is_repeated() -> None:
    rows = evidence([[[2, 3], [1, 3], [1]], [[1, 2]]], [[0, 0, 0]] * 2)
    assert fitted().answer(rows).values.tolist() == [[0, 1, 0], [1, 0, 0]]


def test_a_first_visit_has_the_rates_of_the_first_visits_of_train() -> None:
    rows = evidence([[], [[1]]], [[0, 0, 0]] * 2)
    assert fitted().answer(rows).values.tolist() == [[1, 0, 0.5]] * 2


def test_it_does_not_apply_without_one_input_of_visits_that_names_a_label() -> None:
    flat = evidence([[[1]]], [[0, 0, 0]], Spec("codes", (2,), "days", ("rare", "dx", "x", "y"), vocabulary=4))
    with pytest.raises(DataError, match="0 inputs of visits name any of the 3 labels"):
        previous_visit.build(previous_visit.Config()).fit(flat, flat, "multilabel", 0)
    with pytest.raises(DataError, match="0 inputs of visits called 'other'"):
        previous_visit.build(previous_visit.Config(input="other")).fit(FIRST, FIRST, "multilabel", 0)
