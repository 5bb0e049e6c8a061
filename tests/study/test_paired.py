"""Pairs of places: read from a store, refused where they lie outside, and found among the steps that were read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import ConfigError, DataError
from sequela.study import cohort as cohorts
from sequela.study import paired
from sequela.types import Pairs, Piece, Places, Target

KINDS = {"SEQUENCE//rna": "sequence", "PAIRS//stem": "label"}


def asked(
    store: Any,
    study: Any,
    told: dict[str, tuple[str, str | None]],
    labelled: bool = True,
    task: str = "contact",
    **outcome: Any,
) -> Any:
    events = [(name, None, "SEQUENCE//rna", letters) for name, (letters, _) in told.items()]
    events += [(name, None, "PAIRS//stem", pairs) for name, (_, pairs) in told.items() if pairs is not None]
    plain = {"cohort": {"index": "SAMPLE"}, "task": task, "outcome": {"pairs": "stem"} | outcome}
    return cohorts.build(store(events, KINDS), study(**plain), labelled=labelled)


def places(lengths: list[int], k: int = 1, read: int = 100, ends: bool = False) -> Places:
    """Steps of k letters, of which the first so many are read, or so many at both ends."""
    begin = [np.arange(max(0, length - k + 1)) for length in lengths]
    kept = [np.concatenate([one[:read], one[max(read, len(one) - read) :]]) if ends else one[:read] for one in begin]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in kept])]).astype(np.int64)
    first = np.concatenate(kept).astype(np.int32)
    pieces: tuple[tuple[Piece, ...], ...] = tuple(() for _ in lengths)
    return Places(offsets, first, first + np.int32(k), tuple("A" * length for length in lengths), pieces)


def target(rows: list[list[tuple[int, int]]]) -> Target:
    low, high = np.array([pair for row in rows for pair in row], np.int64).reshape(-1, 2).T
    pairs = Pairs(np.cumsum([0, *map(len, rows)]), low, high)
    return Target(np.zeros((len(rows), 1)), np.full((len(rows), 1), True), ("stem",), pairs)


def test_the_pairs_of_a_row_are_read_and_counted(store, study):
    rows, _ = asked(store, study, {"a": ("ACGUACGU", "0-7 1-6 1-6"), "b": ("ACGUA", "0-4")})
    assert rows.target.names == ("stem",) and rows.target.values[:, 0].tolist() == [2, 1]
    assert paired.rows(rows.target.dense) == [[(0, 7), (1, 6)], [(0, 4)]]


def test_a_pair_outside_of_its_sequence_leaves_the_row_out_and_so_do_pairs_that_nobody_told(store, study):
    told = {"a": ("ACGUA", "0-4"), "b": ("ACG", "0-4"), "c": ("ACGU", None), "d": ("ACGU", "3-1")}
    rows, flow = asked(store, study, told)
    assert rows.source_id.tolist() == ["a"]
    assert flow.refused["b"] == flow.refused["d"] == paired.OUTSIDE and "c" in flow.refused
    kept, _ = asked(store, study, told, labelled=False)
    assert kept.source_id.tolist() == ["a", "b", "c", "d"] and kept.target.known[:, 0].tolist() == [True, False, False, False]


def test_an_outcome_that_is_not_the_name_of_pairs_is_refused(store, study):
    told = {"a": ("ACGUA", "0-4")}
    with pytest.raises(ConfigError, match="the name of pairs"):
        asked(store, study, told, column="stem")
    with pytest.raises(ConfigError, match="the name of pairs"):
        asked(store, study, told, pairs="")
    with pytest.raises(DataError, match="no sequence of the data has pairs 'stam'"):
        asked(store, study, told, pairs="stam")
    with pytest.raises(ConfigError, match="a binary outcome is no pairs of places"):
        asked(store, study, told, task="binary")


def test_pairs_that_are_too_near_are_not_asked_about():
    found = paired.placed(target([[(0, 3), (0, 4), (1, 9)], []]), places([10, 3]), 4)
    assert paired.rows(found.dense.pairs) == paired.rows(found.dense.steps) == [[(0, 4), (1, 9)], []]
    assert found.values[:, 0].tolist() == [2, 0] and found.dense.letters.tolist() == [10, 3] and not paired.lost(found)


def test_pairs_of_letters_that_were_not_read_are_counted_as_lost():
    cut = paired.placed(target([[(0, 9), (0, 5)]]), places([10], read=8), 4)
    assert paired.rows(cut.dense.pairs) == [[(0, 5), (0, 9)]] or paired.rows(cut.dense.pairs) == [[(0, 9), (0, 5)]]
    assert paired.rows(cut.dense.steps) == [[(0, 5)]] and paired.lost(cut) == {paired.LOST: 1}
    ends = paired.placed(target([[(1, 18), (3, 17), (0, 10)]]), places([20], read=4, ends=True), 4)
    assert paired.rows(ends.dense.steps) == [[(1, 6)]] and list(paired.lost(ends).values()) == [2]


def test_a_row_whose_pairs_reach_beyond_the_sequence_read_is_not_known():
    found = paired.placed(target([[(0, 9)], [(0, 5)]]), places([9, 9]), 4)
    assert found.known[:, 0].tolist() == [False, True] and paired.rows(found.dense.pairs) == [[], [(0, 5)]]


@settings(max_examples=25)
@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=8))
def test_steps_lead_back_to_the_letters_that_they_stand_for(k: int, drawn: list[tuple[int, int]]) -> None:
    pairs = sorted({pair for pair in drawn if pair[1] - pair[0] >= 3})
    stood = places([20, 20], k)
    found = paired.placed(target([[], pairs]), stood, 3)
    back = paired.rows(paired.in_letters(found.dense.steps, stood))
    middle = (k - 1) // 2
    assert back == [[], [pair for pair in pairs if middle <= pair[0] and pair[1] <= 20 - k + middle]]


def test_a_map_says_what_is_asked_and_what_is_true():
    found = paired.placed(target([[(0, 4)], []]), places([6, 2]), 4)
    mask = np.arange(7) < np.array([[6], [2]])
    laid = found.dense.laid(mask)
    assert laid.shape == (2, 7, 7) and (laid == laid.transpose(0, 2, 1)).all() and (laid[1] == -1).all()
    assert (laid[0, 0, 4], laid[0, 0, 5], laid[0, 0, 3], laid[0, 0, 6]) == (1, 0, -1, -1)
