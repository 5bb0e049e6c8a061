"""Padding: sets of codes are as wide as the widest of the batch, everything else is as it was."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.batch import collate, pad
from sequela.types import Ragged


def visits(seed: int, dtype: type = np.int32) -> Ragged:
    """Five rows of visits with up to eight entries, of which any may be real."""
    random = np.random.default_rng(seed)
    length = random.integers(0, 4, 5)
    steps = int(length.sum())
    offsets = np.concatenate([[0], np.cumsum(length)])
    values: np.ndarray = random.integers(0, 9, (steps, 8)).astype(dtype)
    return Ragged(offsets, values, -np.arange(steps, 0.0, -1), random.random((steps, 8)) < 0.2)


@given(st.integers(0, 500), st.lists(st.integers(0, 4), min_size=1, max_size=5, unique=True))
@settings(max_examples=60, deadline=None)
def test_a_padded_visit_has_the_codes_that_it_had_and_no_column_is_empty(seed: int, rows: list[int]) -> None:
    ragged = visits(seed)
    sequence = pad(ragged, np.array(rows))
    for place, row in enumerate(rows):
        own = np.arange(ragged.offsets[row], ragged.offsets[row + 1])
        assert ragged.seen is not None
        expected = [sorted(v[s].tolist()) for v, s in zip(ragged.values[own], ragged.seen[own], strict=True)]
        found = [sorted(v[s].tolist()) for v, s in zip(sequence.values[place], sequence.seen[place], strict=True)]
        assert found[: len(expected)] == expected
    assert sequence.seen.any((0, 1)).all() or sequence.values.shape[2] == 1


def test_a_batch_in_which_no_code_is_seen_keeps_one_column() -> None:
    ragged = visits(0)
    nothing = Ragged(ragged.offsets, ragged.values, ragged.position, np.zeros(ragged.values.shape, bool))
    assert pad(nothing, np.arange(5)).values.shape[2] == 1


def test_numbers_keep_every_column_seen_or_not() -> None:
    assert pad(visits(0, np.float32), np.array([0])).values.shape[2] == 8


def test_rows_that_share_a_sequence_have_it_once_in_a_batch_of_several_inputs() -> None:
    offsets = np.array([0, 2, 3, 5, 7])
    shared = Ragged(offsets, np.array([4, 5, 6, 4, 5, 7, 8]), np.zeros(7), same=np.array([0, 1, 0, 2]))
    own = Ragged(offsets, np.arange(7), np.zeros(7))
    found = collate({"a": shared, "b": own}, np.array([2, 3, 0]), share=True).inputs
    assert found["b"].take is None and len(found["b"].values) == 3
    assert found["a"].values[found["a"].take].tolist() == [[4, 5], [7, 8], [4, 5]]
    assert len(found["a"].values) == 2
    assert collate({"a": shared}, np.array([2, 0]), share=True).inputs["a"].take is None
