"""Stretches as tags and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.text import scheme
from sequela.types import Piece, Places, Spans


def places(*rows: list[tuple[int, int]]) -> Places:
    """Steps of each row by begin and end."""
    offsets = np.cumsum([0, *(len(row) for row in rows)])
    every = np.array([edge for row in rows for edge in row], np.int32).reshape(-1, 2)
    return Places(offsets, every[:, 0], every[:, 1], ("x" * 100,) * len(rows), ((Piece(0, "key", "NOTE"),),) * len(rows))


def spans(*rows: list[tuple[int, int, int]]) -> Spans:
    offsets = np.cumsum([0, *(len(row) for row in rows)])
    every = np.array([one for row in rows for one in row], np.int64).reshape(-1, 3)
    return Spans(offsets, every[:, 0], every[:, 1], every[:, 2])


WORDS = [(0, 3), (4, 8), (9, 10), (11, 15), (16, 20)]


def test_a_stretch_of_one_step_and_one_of_several_are_told_apart() -> None:
    tags, lost = scheme.tagged(spans([(0, 3, 1), (4, 15, 0)]), places(WORDS), np.array([True]))
    assert [scheme.names(("a", "b"))[tag] for tag in tags.value] == ["S-b", "B-a", "I-a", "E-a", "O"]
    assert lost == {}


def test_a_text_that_nobody_read_has_no_tags_and_one_without_marks_is_outside_throughout() -> None:
    tags, _ = scheme.tagged(spans([], []), places(WORDS[:2], WORDS[:2]), np.array([False, True]))
    assert tags.value.tolist() == [-1, -1, 0, 0]


def test_of_two_that_share_a_step_the_longer_one_stays_and_the_other_is_counted() -> None:
    tags, lost = scheme.tagged(spans([(0, 8, 0), (4, 15, 0)]), places(WORDS), np.array([True]))
    assert scheme.stretches(tags.value) == [(1, 4, 0)]
    assert lost == {"marks that overlap a longer one": 1}


def test_an_edge_inside_a_word_takes_the_whole_word_and_is_counted() -> None:
    tags, lost = scheme.tagged(spans([(5, 10, 0)]), places(WORDS), np.array([True]))
    assert scheme.stretches(tags.value) == [(1, 3, 0)]
    assert lost == {"marks whose edges lie inside words": 1}


def test_a_mark_between_two_words_is_counted_as_untold() -> None:
    tags, lost = scheme.tagged(spans([(3, 4, 0)]), places(WORDS), np.array([True]))
    assert not tags.value.any()
    assert lost == {"marks that no word touches": 1}


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2), st.integers(0, 2)), max_size=8))
def test_what_tags_tell_is_what_was_marked_and_is_legal(runs: list[tuple[int, int, int]]) -> None:
    """Runs of (steps, type, steps outside after them)."""
    marked, begin = [], 0
    for length, kind, apart in runs:
        marked.append((2 * begin, 2 * (begin + length) - 1, kind))
        begin += length + apart
    steps = [(2 * step, 2 * step + 1) for step in range(begin)]
    tags, lost = scheme.tagged(spans(marked), places(steps), np.array([True]))
    found = scheme.stretches(tags.value)
    assert [(2 * first, 2 * last - 1, kind) for first, last, kind in found] == marked
    assert lost == {}
    rules = scheme.legal(3)
    if len(tags.value):
        assert rules.first[tags.value[0]] and rules.last[tags.value[-1]]
        assert rules.follows[tags.value[:-1], tags.value[1:]].all()


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([2, 2], [(0, 2, 0)]),  # inside without a beginning
        ([1, 1], [(0, 1, 0), (1, 2, 0)]),  # a beginning after one that was not ended
        ([1, 6], [(0, 1, 0), (1, 2, 1)]),  # inside of another type
        ([1, 0], [(0, 1, 0)]),  # not ended
        ([4, 4], [(0, 1, 0), (1, 2, 0)]),
    ],
)
def test_tags_that_are_not_legal_are_read_as_conlleval_reads_them(tags: list[int], expected: list[tuple[int, int, int]]) -> None:
    assert scheme.stretches(np.array(tags)) == expected


def test_what_may_not_follow_is_named() -> None:
    rules = scheme.legal(2)
    names = scheme.names(("a", "b"))
    barred = {(names[i], names[j]) for i, j in np.argwhere(~rules.follows)}
    assert ("O", "I-a") in barred and ("B-a", "O") in barred and ("B-a", "E-b") in barred and ("S-a", "E-a") in barred
    assert ("B-a", "E-a") not in barred and ("E-a", "B-b") not in barred and ("O", "S-b") not in barred


def test_steps_are_placed_in_the_text_of_their_own_row() -> None:
    found = scheme.in_text(spans([(0, 1, 0)], [(0, 2, 0)]), places(WORDS[:1], WORDS[2:]))
    assert found.begin.tolist() == [0, 9] and found.end.tolist() == [3, 15]
