"""Segment overlap: the paper's own examples, and what must hold of any two labellings."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.metrics import segments
from sequela.types import Array

HELIX = "CHHHHHHHHHHC"


def told(text: str, classes: str = "CHE") -> Array:
    return np.array([classes.index(letter) for letter in text])


def overlap(called: str, true: str) -> segments.Overlap:
    return segments.overlap(told(called), told(true), np.zeros(len(true), int), np.arange(len(true)), 3)


@pytest.mark.parametrize(("called", "percent"), [("CHCHCHCHCHCC", 12.5), ("CCCHHHHHCCCC", 63.2), (HELIX, 100.0)])
def test_helices_in_pieces_are_worth_less_than_a_short_one_as_the_paper_has_it(called, percent):
    """Zemla 1999: both miss five of twelve residues."""
    assert 100 * overlap(called, HELIX).of(None)[0] == pytest.approx(percent, abs=0.05)


def test_of_one_class_the_overlap_is_that_worked_by_hand():
    # true helices of 4 and 3 steps; one of 6 is called, which shares 2 and 3 of theirs
    found = overlap("CCHHHHHHCC", "HHHHCHHHCC")
    first, second = (2 + min(8 - 2, 2, 2, 3)) / 8 * 4, (3 + min(6 - 3, 3, 1, 3)) / 6 * 3
    assert found.of(1)[0] == pytest.approx((first + second) / 7)
    assert np.isnan(found.of(2)[0])


def test_a_true_run_that_nothing_touches_counts_once_and_one_in_two_pairs_twice():
    found = overlap("HHCHHCCCC", "HHHHHCCHH")
    assert found.length[0, 1] == 5 + 5 + 2
    assert found.reward[0, 1] == pytest.approx((2 + 1) / 5 * 5 + (2 + 1) / 5 * 5)


def test_runs_end_where_a_sequence_ends_and_where_a_step_is_missing():
    together = told("HHHHHH")
    whole = segments.overlap(told("HHHCCC"), together, np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 2, 0, 1, 2]), 3)
    np.testing.assert_allclose(whole.of(None), [1, 0])
    gap = segments.overlap(told("HHHCCC"), together, np.zeros(6, int), np.array([0, 1, 2, 4, 5, 6]), 3)
    np.testing.assert_allclose(gap.of(None), [0.5])


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_it_lies_between_0_and_1_and_is_1_where_both_agree(pairs):
    called, true = np.array(pairs).T
    sequence, step = np.zeros(len(pairs), int), np.arange(len(pairs))
    found = segments.overlap(called, true, sequence, step, 3).of(None)[0]
    assert -1e-12 <= found <= 1 + 1e-12
    assert segments.overlap(true, true, sequence, step, 3).of(None)[0] == pytest.approx(1)
    slow = by_hand(called.tolist(), true.tolist())
    assert found == pytest.approx(slow)


def by_hand(called: list[int], true: list[int]) -> float:
    """The paper's formula, pair by pair."""
    mine, theirs = runs(true), runs(called)
    reward = length = 0.0
    for label, begin, end in mine:
        pairs = [one for one in theirs if one[0] == label and min(end, one[2]) > max(begin, one[1])]
        length += max(1, len(pairs)) * (end - begin)
        for _, first, last in pairs:
            shared, widest = min(end, last) - max(begin, first), max(end, last) - min(begin, first)
            forgiven = min(widest - shared, shared, (end - begin) // 2, (last - first) // 2)
            reward += (shared + forgiven) / widest * (end - begin)
    return reward / length


def runs(label: list[int]) -> list[tuple[int, int, int]]:
    edges = [0, *(k for k in range(1, len(label)) if label[k] != label[k - 1]), len(label)]
    return [(label[begin], begin, end) for begin, end in itertools.pairwise(edges)]
