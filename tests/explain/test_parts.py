"""An attribution gathered by name sums to what it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sequela.explain.parts import BESIDE, ROW, parts
from sequela.types import Attribution, Ragged, Spec

OFFSETS = np.array([0, 2, 2, 5])


def said(cells: np.ndarray, **more: dict[str, np.ndarray]) -> Attribution:
    return Attribution({"x": cells}, np.zeros(3, np.int64), np.zeros(3), np.zeros(3), "m", **more)


def test_measurements_are_gathered_by_feature_and_sum_to_the_rows() -> None:
    random = np.random.default_rng(0)
    seen = random.random((5, 3)) < 0.7
    seen[:, 2] = False
    cells = np.where(seen, random.normal(size=(5, 3)), 0.0)
    side, context = random.normal(size=(5, 2)), random.normal(size=(3, 1))
    ragged = Ragged(OFFSETS, np.zeros((5, 3), np.float32), np.zeros(5), seen=seen)
    spec = Spec("measurements", (3,), "days", ("HR", "MAP", "Lactate"), side=2, context=1)
    found = parts(said(cells, side={"x": side}, context={"x": context}), {"x": ragged}, {"x": spec})
    assert found.name == ("HR", "MAP", BESIDE, ROW)
    named = replace(spec, facts=("AGE",))
    assert parts(said(cells, context={"x": context}), {"x": ragged}, {"x": named}).name == ("HR", "MAP", "AGE")
    rows = [cells[:2].sum() + side[:2].sum(), 0.0, cells[2:].sum() + side[2:].sum()]
    np.testing.assert_allclose(found.sums.sum(1), np.array(rows) + context[:, 0])
    np.testing.assert_array_equal(found.present[:, 0], [seen[:2, 0].any(), False, seen[2:, 0].any()])


def test_how_long_ago_a_feature_was_measured_counts_as_that_feature() -> None:
    ragged = Ragged(OFFSETS, np.zeros((5, 2), np.float32), np.zeros(5))
    spec = Spec("measurements", (2,), "days", ("HR", "MAP"), side=2)
    found = parts(said(np.ones((5, 2)), side={"x": np.full((5, 2), [10.0, 0.0])}), {"x": ragged}, {"x": spec})
    assert found.name == ("HR", "MAP")
    np.testing.assert_array_equal(found.sums, [[22, 2], [0, 0], [33, 3]])


def test_codes_are_gathered_by_name_wherever_they_stand() -> None:
    spec = Spec("codes", (), "days", ("?", "I10", "E11"), vocabulary=3)
    ragged = Ragged(OFFSETS, np.array([1, 2, 2, 2, 1]), np.zeros(5))
    found = parts(said(np.array([1.0, 2.0, 3.0, 4.0, 5.0])), {"x": ragged}, {"x": spec})
    assert found.name == ("I10", "E11")
    np.testing.assert_array_equal(found.sums, [[1, 2], [0, 0], [5, 7]])
    np.testing.assert_array_equal(found.present, [[True, True], [False, False], [True, True]])


def test_of_several_codes_a_visit_those_that_are_there_count() -> None:
    spec = Spec("codes", (2,), "days", ("?", "I10", "E11"), vocabulary=3)
    seen = np.array([[1, 1], [1, 0], [1, 0], [1, 1], [1, 0]], bool)
    ragged = Ragged(OFFSETS, np.array([[1, 2], [1, 0], [2, 0], [1, 1], [2, 0]]), np.zeros(5), seen=seen)
    found = parts(said(np.where(seen, 1.0, 0.0)), {"x": ragged}, {"x": spec})
    assert found.name == ("I10", "E11")
    np.testing.assert_array_equal(found.sums, [[2, 1], [0, 0], [2, 2]])


def test_leads_of_a_signal_are_parts_over_their_samples() -> None:
    spec = Spec("waveform", (2, 4), "seconds", ("I", "II"))
    ragged = Ragged(OFFSETS, np.zeros((5, 2, 4), np.float32), np.zeros(5))
    cells = np.zeros((5, 2, 4))
    cells[0, 1] = 1
    found = parts(said(cells), {"x": ragged}, {"x": spec})
    assert found.name == ("I", "II")
    np.testing.assert_array_equal(found.sums, [[0, 4], [0, 0], [0, 0]])
