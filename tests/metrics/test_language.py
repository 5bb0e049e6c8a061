"""Perplexity and hits are those of a code, however codes are shared out over rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.metrics import language


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=30), st.integers(1, 29))
def test_perplexity_is_the_inverse_geometric_mean_of_what_each_code_was_given(given_: list[float], cut: int) -> None:
    nats = -np.log(given_)
    cut = min(cut, len(nats) - 1)
    rows, count = np.array([nats[:cut].sum(), nats[cut:].sum()]), np.array([cut, len(nats) - cut], float)
    expected = np.prod(given_) ** (-1 / len(given_))
    assert language.perplexity(rows, count) == pytest.approx(expected)
    assert language.perplexity(rows, count, np.array([[1.0, 1.0], [2.0, 2.0]])) == pytest.approx([expected, expected])


def test_a_row_drawn_twice_counts_twice() -> None:
    first, count = np.array([1.0, 4.0]), np.array([4.0, 4.0])
    assert language.next_accuracy(first, count, np.array([2.0, 1.0])) == pytest.approx(6 / 12)
    assert language.next_in_10(first, count, np.array([2.0, 1.0])) == pytest.approx(6 / 12)


def test_without_codes_nothing_is_defined() -> None:
    assert np.isnan(language.perplexity(np.zeros(2), np.zeros(2)))
