"""Precision of the first pairs and average precision, worked by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from sequela.metrics import contacts
from sequela.types import Pairs


@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 15))
def test_the_room_for_pairs_is_their_number(letters: int, least: int, more: int) -> None:
    most = least + more
    counted = sum(least <= high - low <= most for high in range(letters) for low in range(high))
    assert contacts.room(letters, least, most) == counted
    assert contacts.room(letters, least) == sum(high - low >= least for high in range(letters) for low in range(high))


def test_so_many_pairs_are_looked_at_as_the_length_asks_for_and_the_sequence_has() -> None:
    assert [contacts.asked(53, part, 1000) for part in contacts.PARTS.values()] == [10, 26, 53]
    assert contacts.asked(3, 5, 1) == 1 and contacts.asked(53, 1, 7) == 7


def test_a_pair_that_was_not_told_is_wrong() -> None:
    right = np.array([True, True, False, True])
    assert contacts.precision(right, 3) == pytest.approx(2 / 3)
    assert contacts.precision(right, 10) == pytest.approx(3 / 10)
    assert contacts.average_precision(right, 5) == pytest.approx((1 + 1 + 3 / 4) / 5)  # two of five are never told


@given(st.lists(st.booleans(), min_size=1, max_size=60).filter(any))
def test_the_average_precision_of_a_whole_order_is_that_of_scikit_learn(right: list[bool]) -> None:
    found = contacts.average_precision(np.array(right), sum(right))
    assert found == pytest.approx(average_precision_score(right, -np.arange(len(right))))


def test_a_pair_is_right_in_its_own_row_alone() -> None:
    said = Pairs(np.array([0, 2, 3]), np.array([1, 2, 1]), np.array([9, 12, 9]), np.array([0.9, 0.8, 0.7]))
    truth = Pairs(np.array([0, 1, 2]), np.array([1, 2]), np.array([9, 12]))
    assert contacts.right(said, truth).tolist() == [True, False, False]


def test_rows_without_a_true_pair_are_left_out_of_the_mean() -> None:
    each = np.array([0.5, np.nan, 1.0])
    assert float(contacts.precision_l5(each)) == 0.75
    assert contacts.contact_auprc(each, np.array([[1.0, 5.0, 0.0], [0.0, 1.0, 0.0]])).tolist()[0] == 0.5
    assert np.isnan(contacts.precision_l(each, np.array([0.0, 1.0, 0.0])))
