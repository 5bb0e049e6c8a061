"""Pairs of places as a store holds them."""

from __future__ import annotations

import pytest

from sequela.errors import DataError
from sequela.residues import record


def test_pairs_come_back_each_once_with_the_lower_place_first() -> None:
    assert record.pairs(record.written([(7, 2), (0, 9), (2, 7)]), 10) == [(0, 9), (2, 7)]


def test_that_none_were_found_is_told() -> None:
    assert record.written([]) == "" and record.pairs("", 5) == []


@pytest.mark.parametrize("text", ["3", "3-3", "4-2", "0-5", "a-b", "1-2,2-3"])
def test_a_pair_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="pairs are no two places"):
        record.pairs(text, 5)
