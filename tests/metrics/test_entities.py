"""Entities held against what conlleval says of tagged sentences, and against the definitions."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.metrics import entities
from sequela.metrics.entities import BOTH, BOUNDARY, RIGHT, SPURIOUS, TYPE, Stretches
from sequela.types import Array

FOLDER = Path(__file__).parents[1] / "golden"
EXPECTED = json.loads((FOLDER / "entities.json").read_text())


def load() -> ModuleType:
    found = importlib.util.spec_from_file_location("golden_entities", FOLDER / "entities.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


golden = load()


def of(rows: list[tuple[int, int, int]]) -> Stretches:
    return Stretches(*np.array(sorted(rows), np.int64).reshape(-1, 3).T)


def read(tags: list[str]) -> Stretches:
    return of([(begin, end, golden.TYPES.index(kind)) for begin, end, kind in golden.stretches(tags)])


@pytest.mark.parametrize("case", golden.EVERY)
def test_exact_matches_are_those_of_conlleval(case: str) -> None:
    count = np.zeros((3, 3), np.int64)
    for truth, said in golden.sentences(case):
        there, told = read(truth), read(said)
        kind = entities.held(told, there)[1]
        for column, those in enumerate((told.label[kind == RIGHT], told.label, there.label)):
            count[:, column] += np.bincount(those, minlength=3)
    assert count.tolist() == list(EXPECTED[case]["types"].values())
    right, said, truth = (column[:, None] for column in count.sum(0)[:, None])
    np.testing.assert_allclose(np.nan_to_num(entities.entity_f1(right, said, truth)), EXPECTED[case]["f1"], atol=1e-12)


@pytest.mark.parametrize("case", golden.EVERY)
def test_partial_matches_are_those_of_semeval_where_nothing_touches_two(case: str) -> None:
    partly = spurious = missed = 0
    for truth, said in (pair for pair in golden.sentences(case) if golden.simple(*pair)):
        there, told = read(truth), read(said)
        of_each, kind = entities.held(told, there)
        partly += int((kind <= BOUNDARY).sum())
        spurious += int((kind == SPURIOUS).sum())
        missed += len(there.label) - int((of_each >= 0).sum())
    expected = EXPECTED[case]
    assert (partly, spurious, missed) == (expected["partial"], expected["spurious"], expected["missed"])


def test_each_kind_of_error_has_its_name() -> None:
    truth = of([(0, 5, 0), (10, 15, 0), (20, 25, 0), (30, 35, 0), (40, 45, 0)])
    said = of([(0, 5, 0), (10, 14, 0), (20, 25, 1), (30, 36, 1), (50, 55, 0)])
    of_each, kind = entities.held(said, truth)
    assert kind.tolist() == [RIGHT, BOUNDARY, TYPE, BOTH, SPURIOUS]
    assert of_each.tolist() == [0, 1, 2, 3, -1]


def test_a_true_one_is_found_once_and_the_pair_that_shares_most_goes_first() -> None:
    of_each, kind = entities.held(of([(0, 3, 0), (4, 9, 0)]), of([(0, 10, 0)]))
    assert of_each.tolist() == [-1, 0] and kind.tolist() == [SPURIOUS, BOUNDARY]
    of_each, kind = entities.held(of([(0, 10, 0)]), of([(0, 3, 0), (4, 9, 0)]))
    assert of_each.tolist() == [1] and kind.tolist() == [BOUNDARY]


def test_the_exact_one_is_preferred_to_a_longer_one_around_it() -> None:
    truth = of([(0, 20, 0), (5, 9, 0)])
    assert entities.held(of([(5, 9, 0)]), truth)[0].tolist() == [1]


def test_neighbours_that_touch_at_an_edge_share_nothing() -> None:
    assert entities.held(of([(0, 4, 0)]), of([(4, 8, 0)]))[1].tolist() == [SPURIOUS]


@st.composite
def some(draw: st.DrawFn) -> Stretches:
    """Stretches that may lie in each other, and be the same."""
    one = st.tuples(st.integers(0, 12), st.integers(1, 6), st.integers(0, 1))
    return of([(begin, begin + length, kind) for begin, length, kind in draw(st.lists(one, max_size=8))])


@settings(max_examples=50, deadline=None)
@given(some(), some())
def test_every_pairing_is_one_to_one_and_leaves_nothing_that_could_still_be_paired(said: Stretches, truth: Stretches) -> None:
    of_each, kind = entities.held(said, truth)
    taken = of_each[of_each >= 0]
    assert len(set(taken.tolist())) == len(taken)
    assert ((of_each < 0) == (kind == SPURIOUS)).all()
    shared = np.minimum(said.end[:, None], truth.end) - np.maximum(said.begin[:, None], truth.begin)
    left = np.setdiff1d(np.arange(len(truth.end)), taken)
    assert (shared[of_each < 0][:, left] <= 0).all()
    assert all(shared[one, other] > 0 for one, other in enumerate(of_each) if other >= 0)


@settings(max_examples=50, deadline=None)
@given(some(), some())
def test_what_is_right_is_what_both_lists_hold(said: Stretches, truth: Stretches) -> None:
    def counted(those: Stretches) -> dict[tuple[int, ...], int]:
        rows = np.stack([those.begin, those.end, those.label], 1).tolist()
        return {tuple(row): rows.count(row) for row in rows}

    one, other = counted(said), counted(truth)
    both = sum(min(count, other.get(row, 0)) for row, count in one.items())
    assert int((entities.held(said, truth)[1] == RIGHT).sum()) == both


def test_weights_count_texts_as_often_as_they_are_drawn() -> None:
    hits, said, truth = (np.array(one) for one in ([1, 0, 3], [2, 1, 3], [1, 2, 4]))
    drawn = np.array([[1, 1, 1], [0, 2, 1], [0, 0, 0]])

    def repeated(values: Array, row: Array) -> Array:
        return np.repeat(values, row)

    found = entities.entity_f1(hits, said, truth, drawn)
    assert found[:2].tolist() == [
        float(entities.entity_f1(*(repeated(one, row) for one in (hits, said, truth)))) for row in drawn[:2]
    ]
    assert np.isnan(found[2])
    assert entities.entities_missed(truth - hits, drawn).tolist() == [3, 5, 0]
