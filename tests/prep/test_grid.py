"""The model's grid over the stored picture: what is carried across comes to lie where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sequela.prep import grid as grids
from sequela.prep.resample import resized, taps

SIDES = st.lists(st.integers(3, 17), min_size=2, max_size=3)


@st.composite
def any_grid(draw):
    """Stretched, cut and padded, or at another spacing."""
    stored = draw(SIDES)
    size = draw(st.lists(st.integers(2, 23), min_size=len(stored), max_size=len(stored)))
    kind = draw(st.sampled_from(["plain", "stretched", "centred", "spaced"]))
    steps = draw(st.lists(st.sampled_from([0.5, 0.7, 1.0, 1.3, 2.0]), min_size=len(stored), max_size=len(stored)))
    return {
        "plain": lambda: grids.plain(stored),
        "stretched": lambda: grids.stretched(stored, size),
        "centred": lambda: grids.centred(stored, size, steps),
        "spaced": lambda: grids.spaced(stored, [1.0] * len(stored), steps),
    }[kind]()


def flat(corners):
    return np.concatenate([corners.min(0), corners.max(0)])[None]


@given(any_grid(), st.integers(0, 2**31))
def test_boxes_come_back_as_they_went(grid, seed):
    random = np.random.default_rng(seed)
    corners = np.sort(random.uniform(0, 1, (5, 2, 2)) * np.array(grid.stored[-2:]), 1).reshape(5, 4)
    flat_grid = grids.Grid(*(part[-2:] for part in (grid.stored, grid.size, grid.scale, grid.offset)))
    again = grids.boxes_to_stored(grids.boxes_to_model(corners, flat_grid), flat_grid)
    np.testing.assert_allclose(again, corners, atol=1e-4)


def test_a_box_beyond_the_picture_is_cut_at_its_edges():
    grid = grids.stretched((10, 20), (5, 5))
    np.testing.assert_allclose(grids.boxes_to_stored(np.array([[-1.0, 2.0, 9.0, 5.5]]), grid), [[0, 8, 10, 20]])


@given(SIDES, st.integers(2, 4), st.integers(0, 2**31))
def test_a_mask_enlarged_by_a_whole_number_comes_back_whole(stored, times, seed):
    mask = np.random.default_rng(seed).integers(0, 5, stored)
    larger = grids.mask_to_model(mask, grids.stretched(stored, [side * times for side in stored]))
    assert larger.dtype == np.int32 and (larger[(slice(None, None, times),) * len(stored)] == mask).all()
    back = grids.stretched([side * times for side in stored], stored)
    np.testing.assert_array_equal(grids.mask_to_model(larger, back), mask)


@given(any_grid(), st.integers(0, 2**31))
def test_a_patch_of_a_mask_is_that_part_of_the_whole_and_unknown_outside(grid, seed):
    random = np.random.default_rng(seed)
    mask = random.integers(0, 5, grid.stored)
    corner, size = random.integers(-4, 12, len(grid.size)), random.integers(1, 9, len(grid.size))
    padded = np.pad(grids.mask_to_model(mask, grid), 30, constant_values=grids.UNKNOWN)
    expected = padded[tuple(slice(30 + c, 30 + c + s) for c, s in zip(corner, size, strict=True))]
    np.testing.assert_array_equal(grids.mask_patch(mask, grid, corner.tolist(), size.tolist()), expected)


@given(any_grid())
def test_what_is_known_of_a_mask_is_what_the_picture_covers(grid):
    known = grids.mask_to_model(np.zeros(grid.stored, int), grid) != grids.UNKNOWN
    covered = np.zeros(grid.size, bool)
    covered[tuple(slice(*ends) for ends in grids.covered(grid))] = True
    np.testing.assert_array_equal(known, covered)


@given(st.integers(4, 16), st.integers(1, 3), st.integers(0, 2**31))
def test_the_box_of_a_rectangle_and_the_rectangle_are_carried_alike(side, times, seed):
    random = np.random.default_rng(seed)
    top, left = random.integers(0, side - 2, 2)
    bottom, right = (random.integers(low + 1, side) for low in (top, left))
    mask = np.zeros((side, side), int)
    mask[top:bottom, left:right] = 1
    for grid in (grids.stretched(mask.shape, (side * times,) * 2), grids.centred(mask.shape, (side + 5,) * 2, (1.0, 1.0))):
        marked = np.argwhere(grids.mask_to_model(mask, grid) == 1)
        box = grids.boxes_to_model(np.array([[top, left, bottom, right]]), grid)
        np.testing.assert_array_equal(flat(np.concatenate([marked, marked + 1])), box)


@given(any_grid())
@example(grids.centred((11, 3), (13, 2), (1.3, 0.5)))  # the last centre lies on the very edge of what the model saw
def test_probabilities_that_sum_to_one_do_so_wherever_the_model_saw_the_picture(grid):
    chance = np.random.default_rng(0).uniform(size=(3, *grid.size)).astype(np.float32)
    back = grids.chance_to_stored(chance / chance.sum(0), grid)
    assert back.shape == (3, *grid.stored) and back.dtype == np.float32
    total = back.sum(0)
    assert (np.isclose(total, 1, atol=1e-5) | (total == 0)).all()
    edges = [(np.arange(n) + 0.5) * s + o for n, s, o in zip(grid.stored, grid.scale, grid.offset, strict=True)]
    seen = [(edge >= -1e-6) & (edge <= size + 1e-6) for edge, size in zip(edges, grid.size, strict=True)]
    np.testing.assert_array_equal(total > 0, np.logical_and.reduce(np.meshgrid(*seen, indexing="ij")))


@pytest.mark.parametrize("size", [7, 20, 33, 61])
def test_nothing_is_shifted_on_the_way_there_or_back(size):
    """The centre of mass of a blob stays in place: half a point would show."""
    place = np.arange(40) + 0.5
    blob = np.exp(-((place - 17.3) ** 2) / 18).astype(np.float32)
    grid = grids.stretched((40,), (size,))
    there = taps(0, size, 40, grid.scale[0], 0.0).apply(blob, 0)
    back = grids.chance_to_stored(there[None], grid)[0]
    edges = (np.arange(size) + 0.5) / grid.scale[0]
    assert abs((edges * there).sum() / there.sum() - 17.3) < 0.15
    assert abs((place * back).sum() / back.sum() - 17.3) < 0.15


def test_a_ramp_stays_a_ramp():
    ramp = np.linspace(0, 1, 12, dtype=np.float32)[None, None].repeat(9, 1)
    found = grids.chance_to_stored(ramp, grids.stretched((18, 24), (9, 12)))[0]
    np.testing.assert_allclose(np.diff(found[0])[1:-1], 1 / 22, atol=1e-6)


def test_a_labelled_point_is_found_again_in_the_model():
    mask = np.zeros((6, 9), int)
    mask[4, 2] = mask[1, 8] = 3
    for grid in (grids.stretched((6, 9), (12, 27)), grids.centred((6, 9), (11, 11), (1.0, 1.0))):
        points = grids.points_to_model(np.argwhere(mask), grid)
        assert (grids.mask_to_model(mask, grid)[tuple(points.T)] == 3).all()


def test_true_spacing_keeps_the_extent_and_rounds_the_number_of_points():
    grid = grids.spaced((10, 21), (2.5, 1.0), (1.0, 2.0))
    assert grid.size == (25, 10) and grid.scale == (2.5, 10 / 21) and grid.offset == (0, 0)
    assert grids.spaced((10, 21), (2.5, 1.0), (2.5, 1.0)).same


def test_a_picture_in_the_middle_is_moved_by_whole_points():
    grid = grids.centred((6, 9), (11, 4), (1.0, 1.0))
    assert grid.offset == (2.0, -3.0) and grids.covered(grid) == ((2, 8), (0, 4))


@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 2**31))
def test_a_part_is_made_as_the_whole_is_to_the_bit(old, new, seed):
    line = np.random.default_rng(seed).normal(size=(2, old)).astype(np.float32)
    whole = taps(0, new, old, new / old, 0.0).apply(line, 1)
    np.testing.assert_allclose(resized(line[None, :, :, None].repeat(2, 3), (new, 2))[0, :, :, 0], whole, atol=1e-5)
    first = seed % new
    part = taps(first, new, old, new / old, 0.0)
    begin, end = part.reach
    np.testing.assert_array_equal(part.within(begin, end).apply(line[:, begin:end], 1, begin), whole[:, first:])
