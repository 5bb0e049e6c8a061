"""Overlapping windows say of a picture what the network says of its patches, in the memory of a slab."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sequela.nn.window import Window, mirrored, slide
from sequela.types import Array

SHAPES = st.integers(2, 3).flatmap(
    lambda axes: st.tuples(st.tuples(*[st.integers(1, 17)] * axes), st.tuples(*[st.integers(1, 9)] * axes))
)


def reader(picture: Array, patch: Sequence[int]):
    """Cuts patches out of "C *S", with 0 outside of it."""

    def read(corner: Sequence[int]) -> Array:
        found = np.zeros((len(picture), *patch), np.float32)
        low = [max(c, 0) for c in corner]
        high = [min(c + p, s) for c, p, s in zip(corner, patch, picture.shape[1:], strict=True)]
        inside = tuple(slice(b - c, e - c) for b, e, c in zip(low, high, corner, strict=True))
        found[:, *inside] = picture[:, *(slice(b, e) for b, e in zip(low, high, strict=True))]
        return found

    return read


def whole(slabs) -> Array:
    """The slabs end to end; they must follow on one another."""
    planes, found = 0, []
    for first, slab in slabs:
        assert first == planes
        assert slab.dtype == np.float32 and slab.shape[1] > 0
        planes += slab.shape[1]
        found.append(slab)
    return np.concatenate(found, 1)


@settings(max_examples=80, deadline=None)
@given(shapes=SHAPES, overlap=st.sampled_from([0.0, 0.3, 0.5, 0.8]), batch=st.integers(1, 5))
def test_a_score_of_single_points_comes_back_as_it_is(shapes, overlap: float, batch: int) -> None:
    size, patch = shapes
    picture = np.random.default_rng(0).normal(size=(2, *size)).astype(np.float32)

    def score(patches: Tensor) -> Tensor:
        assert len(patches) <= batch
        return torch.cat([patches.square(), patches.sum(1, keepdim=True)], 1)

    found = whole(slide(score, reader(picture, patch), size, Window(patch, overlap, batch)))
    np.testing.assert_allclose(found, np.concatenate([picture**2, picture.sum(0, keepdims=True)]), atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(shapes=SHAPES, overlap=st.sampled_from([0.0, 0.5, 0.75]))
def test_windows_reach_every_point_and_neighbours_overlap_as_asked(shapes, overlap: float) -> None:
    size, patch = shapes
    corners: list[tuple[int, ...]] = []

    def read(corner: Sequence[int]) -> Array:
        corners.append(tuple(corner))
        return np.zeros((1, *patch), np.float32)

    whole(slide(lambda patches: patches, read, size, Window(patch, overlap)))
    for axis, (points, width) in enumerate(zip(size, patch, strict=True)):
        begins = sorted({corner[axis] for corner in corners})
        assert begins[0] <= 0 and begins[-1] + width >= points
        steps = np.diff(begins)
        assert (steps <= max(1, int(width * (1 - overlap)))).all() and (steps > 0).all()
    assert len(corners) == len(set(corners))


def test_the_middle_of_a_window_counts_more_than_its_edge() -> None:
    """Each window says how far its points are from its middle; the plain mean of two that half overlap is 2 everywhere."""
    away = torch.arange(8.0).sub(3.5).abs().expand(1, 1, 8, 8).transpose(2, 3)
    found = whole(slide(lambda patches: away, lambda corner: np.zeros((1, 8, 8), np.float32), (12, 8), Window((8, 8))))
    assert (found[0, 4:8] < 2).all()
    np.testing.assert_allclose(found[0, :4], away[0, 0, :4], rtol=1e-6)


@pytest.mark.parametrize(("size", "patch"), [((5, 6), (8, 9)), ((5, 20), (8, 8)), ((3, 4, 5), (4, 4, 8))])
def test_a_picture_smaller_than_the_patch_lies_in_its_middle(size: tuple[int, ...], patch: tuple[int, ...]) -> None:
    corners = []

    def read(corner: Sequence[int]) -> Array:
        corners.append(tuple(corner))
        return np.ones((1, *patch), np.float32)

    found = whole(slide(lambda patches: patches, read, size, Window(patch)))
    assert found.shape == (1, *size)
    assert {corner[0] for corner in corners} == {(size[0] - patch[0]) // 2}
    np.testing.assert_allclose(found, 1, rtol=1e-6)


def test_a_volume_of_any_depth_takes_the_memory_of_a_slab() -> None:
    size, patch = (4000, 96, 96), (16, 32, 32)

    def read(corner: Sequence[int]) -> Array:
        return np.full((1, *patch), float(corner[0]), np.float32)

    tracemalloc.start()
    planes = 0
    for first, slab in slide(lambda patches: patches, read, size, Window(patch, overlap=0.0, batch=9)):
        assert first == planes
        planes += slab.shape[1]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert planes == size[0]
    assert peak < 10 * 16 * 96 * 96 * 4  # the whole volume is 250 slabs


def test_mirror_images_are_turned_back() -> None:
    patches = torch.randn(2, 1, 5, 6, generator=torch.Generator().manual_seed(0))
    ramp = torch.arange(30.0).reshape(5, 6)
    torch.testing.assert_close(mirrored(torch.square)(patches), patches.square())
    turned = (ramp + ramp.flip(0) + ramp.flip(1) + ramp.flip((0, 1))) / 4
    torch.testing.assert_close(mirrored(lambda given: given * ramp)(patches), patches * turned)


def test_a_window_of_nothing_and_a_score_of_another_size_are_refused() -> None:
    read = reader(np.zeros((1, 8, 8), np.float32), (8, 8))
    with pytest.raises(ValueError, match="no window"):
        Window((8, 0))
    with pytest.raises(ValueError, match="no window"):
        Window((8, 8), overlap=1.0)
    with pytest.raises(ValueError, match="over a picture of"):
        next(slide(lambda patches: patches, read, (4, 8, 8), Window((8, 8))))
    with pytest.raises(ValueError, match="is \\(4, 4\\)"):
        next(
            slide(lambda patches: patches[..., ::2, ::2], lambda corner: np.zeros((1, 8, 8), np.float32), (8, 8), Window((8, 8)))
        )
