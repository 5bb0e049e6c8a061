from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from sequela.metrics.instants import matched

moments = st.lists(st.integers(0, 60), unique=True, max_size=12).map(lambda found: np.array(sorted(found), np.int64))


@given(found=moments, true=moments, tolerance=st.integers(0, 9))
def test_as_many_moments_are_paired_as_can_be(found: np.ndarray, true: np.ndarray, tolerance: int) -> None:
    near = np.abs(found[:, None] - true[None]) <= tolerance
    most = (maximum_bipartite_matching(csr_array(near.astype(np.int8)), perm_type="column") >= 0).sum() if near.size else 0
    pairs = matched(found, true, tolerance)
    assert len(pairs.found) == len(pairs.true) == most
    assert (np.abs(found[pairs.found] - true[pairs.true]) <= tolerance).all()


@given(found=moments, true=moments)
def test_each_moment_is_paired_or_counted_once(found: np.ndarray, true: np.ndarray) -> None:
    pairs = matched(found, true, 4)
    assert sorted([*pairs.found, *pairs.extra]) == list(range(len(found)))
    assert sorted([*pairs.true, *pairs.missed]) == list(range(len(true)))


def test_shares_of_nothing_are_undefined() -> None:
    nothing = np.zeros(0, np.int64)
    assert np.isnan(matched(nothing, nothing, 5).sensitivity) and matched(nothing, np.array([3]), 5).sensitivity == 0
    assert np.isnan(matched(nothing, np.array([3]), 5).ppv) and matched(np.array([3]), nothing, 5).ppv == 0
