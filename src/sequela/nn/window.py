"""What a network says of every point of a picture of any size, by overlapping windows, in the memory of a slab of it.

Each window's answer counts by a Gaussian around its middle (Isensee 2021, nnU-Net: its standard deviation is an eighth of the
patch). The weights of an axis are divided by their sum at each point beforehand, so that they add up to 1 everywhere; those of
several axes multiply. Windows that lie one behind another along the first axis overlap in a rolling buffer as deep as a patch,
and what no later window reaches is given out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from sequela.types import Array

SPREAD = 8  # standard deviations of the Gaussian in a patch

Score: TypeAlias = Callable[[Tensor], Tensor]  # patches "n C *patch" -> "n Q *patch"
Read: TypeAlias = Callable[[Sequence[int]], Array]  # corner -> float32 "C *patch", 0 outside of the picture


@dataclass(frozen=True, slots=True)
class Window:
    """What a network sees at once, and how its views overlap."""

    patch: tuple[int, ...]
    overlap: float = 0.5  # of neighbouring windows, as a share of the patch, at least
    batch: int = 4  # windows that are scored together

    def __post_init__(self) -> None:
        if not self.patch or min(self.patch) < 1 or not 0 <= self.overlap < 1 or self.batch < 1:
            raise ValueError(f"no window: a patch of {self.patch}, overlapping by {self.overlap}, {self.batch} at once")


@dataclass(frozen=True, slots=True)
class _Axis:
    """The windows along one axis."""

    begins: tuple[int, ...]  # below 0 where the picture is smaller than the patch: it lies in the middle of one window
    weights: Array  # float32 "windows patch"


def slide(score: Score, read: Read, size: Sequence[int], window: Window) -> Iterator[tuple[int, Array]]:
    """What `score` says of every point of a picture of this size: slabs float32 "Q n *rest" in order, each with its first plane.

    The slabs cover the first axis without gaps. A picture smaller than the patch is seen in the middle of one, with 0 around it.
    Raises ValueError where patch and picture have not the same number of axes, or `score` gives another size than it was given.
    """
    if len(size) != len(window.patch):
        raise ValueError(f"a patch of {window.patch} over a picture of {tuple(size)}")
    axes = [_axis(points, patch, window.overlap) for points, patch in zip(size, window.patch, strict=True)]
    planes = axes[0]
    held: Array | None = None
    for number, begin in enumerate(planes.begins):
        first = max(begin, 0)
        past = planes.begins[number + 1] if number + 1 < len(planes.begins) else size[0]
        for corner, weight, answer in _scored(score, read, axes, number, window):
            held = _buffer(len(answer), size, window) if held is None else held
            _add(held, answer, weight, corner, begin)
        assert held is not None  # an axis has a window
        yield first, held[:, first - begin : past - begin].copy()
        _roll(held, past - begin)


def mirrored(score: Score) -> Score:
    """The mean of `score` over a patch and all its mirror images, each turned back (test-time augmentation)."""

    def mean(patches: Tensor) -> Tensor:
        space = range(2, patches.ndim)
        turned = [axes for count in range(len(space) + 1) for axes in itertools.combinations(space, count)]
        total = score(patches)
        for axes in turned[1:]:
            total = total + score(patches.flip(axes)).flip(axes)
        return total / len(turned)

    return mean


def _axis(points: int, patch: int, overlap: float) -> _Axis:
    """Windows as evenly spread as whole points allow, overlapping at least that much, from the first point to the last."""
    if points <= patch:
        return _Axis(((points - patch) // 2,), np.ones((1, patch), np.float32))
    step = max(1, int(patch * (1 - overlap)))
    count = -(-(points - patch) // step) + 1
    begins = np.round(np.linspace(0, points - patch, count)).astype(np.int64)
    bell = np.exp(-0.5 * (SPREAD * (np.arange(patch) - (patch - 1) / 2) / patch) ** 2)
    place = begins[:, None] + np.arange(patch)
    total = np.bincount(place.ravel(), np.tile(bell, count), minlength=points)
    return _Axis(tuple(begins.tolist()), (bell / total[place]).astype(np.float32))


def _scored(
    score: Score, read: Read, axes: list[_Axis], number: int, window: Window
) -> Iterator[tuple[tuple[int, ...], list[Array], Array]]:
    """Of each window of one place along the first axis: its corner, the weights of its axes, and the answer "Q *patch"."""
    places = itertools.product([number], *(range(len(axis.begins)) for axis in axes[1:]))
    while chosen := list(itertools.islice(places, window.batch)):
        corners = [tuple(axis.begins[k] for axis, k in zip(axes, place, strict=True)) for place in chosen]
        patches = torch.from_numpy(np.stack([np.asarray(read(corner), np.float32) for corner in corners]))
        answers = score(patches).detach().float().cpu().numpy()
        if answers.shape[2:] != patches.shape[2:]:
            raise ValueError(f"the score of a patch of {window.patch} is {answers.shape[2:]}")
        for place, corner, answer in zip(chosen, corners, answers, strict=True):
            yield corner, [axis.weights[k] for axis, k in zip(axes, place, strict=True)], answer


def _buffer(scores: int, size: Sequence[int], window: Window) -> Array:
    return np.zeros((scores, window.patch[0], *size[1:]), np.float32)


def _add(held: Array, answer: Array, weights: list[Array], corner: tuple[int, ...], begin: int) -> None:
    """Adds what a window says, weighed, where it lies over the picture; `begin` is where the buffer lies."""
    inside, there = [slice(None)], [slice(None), slice(corner[0] - begin, corner[0] - begin + answer.shape[1])]
    for axis, weight in enumerate(weights):
        answer = answer * weight.reshape(-1, *[1] * (len(weights) - axis - 1))
    inside.append(slice(None))
    for axis in range(1, len(weights)):
        low, high = max(corner[axis], 0), min(corner[axis] + answer.shape[axis + 1], held.shape[axis + 1])
        inside.append(slice(low - corner[axis], high - corner[axis]))
        there.append(slice(low, high))
    held[tuple(there)] += answer[tuple(inside)]


def _roll(held: Array, planes: int) -> None:
    """Moves the buffer on by so many planes; the new ones are 0."""
    kept = held.shape[1] - planes
    if kept > 0:
        held[:, :kept] = held[:, planes:].copy()
    held[:, max(kept, 0) :] = 0
