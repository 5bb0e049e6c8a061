"""Precision and recall of ranges, held against the definition of Tatbul 2018 read aloud."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.metrics import ranges
from sequela.types import Array


def listed(flag: Array, recording: Array) -> list[set[int]]:
    """Ranges as sets of rows, row by row."""
    found: list[set[int]] = []
    for row in np.flatnonzero(flag).tolist():
        follows = found and row - 1 in found[-1] and recording[row] == recording[row - 1]
        found[-1].add(row) if follows else found.append({row})
    return found


def by_definition(ranges_: list[set[int]], others: list[set[int]]) -> list[float]:
    """Equations 2 to 5 of Tatbul 2018: alpha = 0, flat bias, cardinality 1 / x."""
    rewards = []
    for one in ranges_:
        overlaps = [one & other for other in others if one & other]
        rewards.append(sum(len(overlap) / len(one) for overlap in overlaps) / max(len(overlaps), 1))
    return rewards


FLAGS = st.integers(1, 30).flatmap(
    lambda n: st.tuples(*(st.lists(st.booleans(), min_size=n, max_size=n) for _ in range(2)), st.integers(1, n))
)


@given(FLAGS)
def test_rewards_are_those_of_the_definition(drawn: tuple[list[bool], list[bool], int]) -> None:
    true, called = np.array(drawn[0]), np.array(drawn[1])
    recording = np.arange(len(true)) // drawn[2]
    first, end = ranges.runs(true, recording)
    found = ranges.rewards(first, end, called)
    np.testing.assert_allclose(found, by_definition(listed(true, recording), listed(called, recording)))


def test_a_range_called_in_pieces_is_worth_less() -> None:
    first, end = np.array([0, 6]), np.array([4, 8])
    called = np.array([1, 0, 1, 1, 0, 0, 1, 1], bool)
    np.testing.assert_allclose(ranges.rewards(first, end, called), [0.75 / 2, 1.0])


def test_f1_of_nothing_found_is_zero_and_of_nothing_asked_unknown() -> None:
    assert ranges.range_f1(np.array(0.0), np.array(0.0)) == 0
    assert np.isnan(ranges.range_f1(np.array(np.nan), np.array(0.5)))
    assert ranges.range_f1(np.array(0.5), np.array(1.0)) == pytest.approx(2 / 3)


def test_false_alarms_count_by_the_hour() -> None:
    assert ranges.false_alarms_per_hour(np.array([True, False, True]), np.array([0.25, 0.25, 0.5])) == 2
    assert ranges.false_alarms_per_hour(np.array([True]), np.array([2.0]), np.array([3.0])) == 0.5
