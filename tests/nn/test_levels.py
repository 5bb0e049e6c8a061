"""The plan of a U-Net's levels: which axis is halved when, and which convolutions reach along it."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela.nn.levels import FEWEST, plan

SIZES = st.lists(st.integers(1, 200), min_size=2, max_size=3)


@pytest.mark.parametrize(
    ("size", "coarsest", "count"),
    [((28, 28), (7, 7), 3), ((64, 64), (4, 4), 5), ((40, 56, 40), (5, 7, 5), 4), ((3, 5), (3, 5), 1), ((8, 7), (4, 7), 2)],
)
def test_points_of_even_spacing_are_halved_down_to_four(size: tuple[int, ...], coarsest: tuple[int, ...], count: int) -> None:
    levels = plan(size)
    assert levels[-1].size == coarsest
    assert len(levels) == count
    assert {level.kernel for level in levels} == {(3,) * len(size)}


def test_thick_slices_wait_until_the_pixels_within_them_are_as_coarse() -> None:
    """The anisotropic plan of nnU-Net for a prostate-like patch: 20 slices of 3.6 mm of 320 x 256 pixels of 0.62 mm."""
    levels = plan((20, 320, 256), (3.6, 0.62, 0.62), 7)
    assert [level.stride for level in levels] == [
        (1, 1, 1), (1, 2, 2), (1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2),
    ]  # fmt: skip
    assert [level.kernel[0] for level in levels] == [1, 1, 3, 3, 3, 3, 3]
    assert {level.kernel[1:] for level in levels} == {(3, 3)}


def test_an_axis_that_can_be_halved_no_further_holds_no_other_back() -> None:
    levels = plan((4, 64, 64), (1.0, 8.0, 8.0))
    assert levels[-1].size == (4, 4, 4)


@given(size=SIZES, most=st.integers(1, 9))
def test_sizes_follow_strides_and_no_half_is_too_small(size: list[int], most: int) -> None:
    levels = plan(size, most=most)
    assert 1 <= len(levels) <= most
    assert levels[0].size == tuple(size)
    for above, level in pairwise(levels):
        assert max(level.stride) == 2
        assert level.size == tuple(math.ceil(a / s) for a, s in zip(above.size, level.stride, strict=True))
        assert all(half >= FEWEST for half, step in zip(level.size, level.stride, strict=True) if step == 2)
