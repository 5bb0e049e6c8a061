"""The order of quantities: every pair of different truths, ties in what is said one half, and weights as repeated rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.evaluate import order


def by_pairs(value: np.ndarray, truth: np.ndarray) -> float:
    """The definition, pair by pair (Gönen and Heller 2005; Pahikkala 2015 for affinities)."""
    found = [
        (value[i] > value[j]) + 0.5 * (value[i] == value[j]) for i, a in enumerate(truth) for j, b in enumerate(truth) if a > b
    ]
    return float(np.mean(found)) if found else float("nan")


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 3)), min_size=2, max_size=12))
@settings(max_examples=60, deadline=None)
def test_it_is_the_share_of_pairs_in_their_order(pairs: list[tuple[int, int]]) -> None:
    value, truth = np.array(pairs, float).T
    np.testing.assert_allclose(order.Order(value, truth)(None), by_pairs(value, truth), rtol=1e-9)


def test_a_weight_of_two_is_a_row_twice() -> None:
    value, truth, weights = np.array([1.0, 3, 2, 2]), np.array([1.0, 2, 3, 0]), np.array([[1.0, 2, 0, 1]])
    twice = np.repeat(np.arange(4), weights[0].astype(int))
    np.testing.assert_allclose(order.Order(value, truth)(weights), [by_pairs(value[twice], truth[twice])])


def test_it_is_not_asked_of_more_rows_than_can_be_compared() -> None:
    count = order.MOST + 1
    asked = order.question("model", "", np.arange(count), np.zeros(count), np.arange(count, dtype=float), "")
    assert asked.reason == "not asked of more than 20000 rows" and np.isnan(asked.value(None))
