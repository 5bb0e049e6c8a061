"""Summaries of development hold no patient, and place later values as they placed their own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from sequela.study.development import FEWEST, one_each, placed, summarised, summary
from sequela.types import Counts, Plain


@given(st.integers(0, 2**32 - 1), st.integers(40, 300), st.integers(1, 50))
def test_no_bin_of_a_summary_holds_fewer_than_twenty_rows(seed: int, rows: int, distinct: int) -> None:
    random = np.random.default_rng(seed)
    values = random.integers(0, distinct, rows).astype(np.float32)
    one = summary("x", values)
    assert min(one.counts) >= FEWEST
    assert sum(one.counts) == rows
    assert np.bincount(placed(one, values), minlength=len(one.counts)).tolist() == one.counts


def test_an_edge_of_a_bin_is_no_value_that_anybody_had() -> None:
    values = np.random.default_rng(0).normal(size=500)
    assert not np.isin(summary("x", values).edges, values).any()


@pytest.mark.parametrize(("lacking", "told"), [(0, 0), (1, None), (19, None), (20, 20), (81, None), (80, 80), (100, 100)])
def test_how_many_lack_a_value_is_not_told_where_it_would_name_a_few(lacking: int, told: int | None) -> None:
    values = np.arange(100.0)
    values[:lacking] = np.nan
    assert summary("x", values).missing == told


def test_codes_that_fewer_than_twenty_have_are_not_told() -> None:
    counts = np.zeros((100, 3), np.float32)
    counts[:19, 0] = counts[:20, 1] = counts[:81, 2] = 1
    plain = Plain(np.zeros((100, 0), np.float32), (), (Counts(csr_array(counts), ("rare", "usual", "nearly all"), "codes"),))
    assert [(one.name, one.counts) for one in summarised(plain)] == [("usual", [80, 20])]


def test_every_subject_stands_for_one_of_its_rows() -> None:
    subject = np.repeat(np.arange(30), np.arange(30) % 5 + 1)
    kept = one_each(subject, 3)
    assert subject[kept].tolist() == list(range(30))
    assert kept.tolist() == one_each(subject, 3).tolist()
