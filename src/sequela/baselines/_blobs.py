"""Blobs on a picture: connected points of one kind, those that touch parted at their middles, and what each looks like.

Letters: C channels, K classes, h w the points of a picture made smaller, M blobs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from sequela.types import Array

WIDE = 5  # points over which colours are averaged, to be looked at beside those of the point itself
DEEP = 0.3  # of the half side of a class: how deep inside a blob its middle lies at least
REACH = 1.75  # of a middle's depth: how far a blob reaches from it


@dataclass(frozen=True, slots=True)
class Blobs:
    """What may be a thing."""

    corners: Array  # float64 "M 4" in points of the small picture
    looks: Array  # float64 "M Q": its size, shape, and what its points are like


def small(picture: Array, longest: int) -> tuple[Array, int]:
    """A picture "C H W" with its longer side at most so long, float32 "C h w", each point the mean of step by step pixels."""
    step = max(1, -(-max(picture.shape[1:]) // longest))
    high, wide = (side // step for side in picture.shape[1:])
    cut = picture[:, : high * step, : wide * step].astype(np.float32)
    return cut.reshape(len(picture), high, step, wide, step).mean((2, 4)), step


def colours(picture: Array) -> Array:
    """What is known of each point: its channels and their means around it, float32 "h*w 2C"."""
    around = np.stack([ndimage.uniform_filter(channel, WIDE) for channel in picture])
    return np.concatenate([picture, around]).reshape(2 * len(picture), -1).T


def painted(corners: Array, label: Array, shape: tuple[int, int], classes: int) -> Array:
    """int64 "h w": the class of the box whose ellipse covers a point (the smallest of several), or K."""
    found = np.full(shape, classes, np.int64)
    area = np.prod(corners[:, 2:] - corners[:, :2], 1)
    down, across = np.ogrid[: shape[0], : shape[1]]
    for box in np.argsort(-area, kind="stable"):
        top, left, bottom, right = corners[box]
        inside = ((down + 0.5 - (top + bottom) / 2) / max(bottom - top, 1)) ** 2 + (
            (across + 0.5 - (left + right) / 2) / max(right - left, 1)
        ) ** 2 <= 0.25
        found[inside] = label[box]
    return found


def blobs(chance: Array, picture: Array, half: Array, apart: float) -> Blobs:
    """The blobs of every class, those of one place perhaps several times.

    `chance` "K+1 h w" is what each point is, the last nothing; `half` "K" half the side of a box of each class; middles lie at
    least `apart` of that from one another.
    """
    found = [_of_class(chance, picture, k, float(side), apart) for k, side in enumerate(half)]
    return Blobs(np.concatenate([one.corners for one in found]), np.concatenate([one.looks for one in found]))


def _of_class(chance: Array, picture: Array, column: int, half: float, apart: float) -> Blobs:
    mask = (chance[column] >= chance[:-1].max(0) / 2) & (chance[column] > chance[-1])
    mask = ndimage.binary_fill_holes(ndimage.binary_opening(mask))
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    number = _parted(depth, max(half, 1.0), apart)
    places = ndimage.find_objects(number)
    which = [k for k, place in enumerate(places) if place is not None]
    corners = [[place[0].start, place[1].start, place[0].stop, place[1].stop] for place in places if place is not None]
    boxes = np.array(corners, np.float64).reshape(-1, 4)
    return Blobs(boxes, _looks(chance, picture, depth, number, boxes, np.array(which, np.int64) + 1))


def _parted(depth: Array, half: float, apart: float) -> Array:
    """int64 "h w": the number of the blob that a point belongs to, from 1; 0 outside of all. Each has one deepest point."""
    reach = 2 * max(1, round(half * apart)) + 1
    smooth = ndimage.gaussian_filter(depth, 1.0)
    middle = (smooth == ndimage.maximum_filter(smooth, reach)) & (depth >= max(1.0, DEEP * half))
    peaks, count = ndimage.label(middle, np.ones((3, 3)))
    if not count:
        return np.zeros(depth.shape, np.int64)
    far, (down, across) = ndimage.distance_transform_edt(peaks == 0, return_indices=True)
    inside = (depth > 0) & (far <= REACH * depth[down, across])
    return np.where(inside, peaks[down, across], 0).astype(np.int64)


def _looks(chance: Array, picture: Array, depth: Array, number: Array, boxes: Array, which: Array) -> Array:
    """Height, width, fullness of the box, depth, whether it touches the edge, and the means of chances and channels."""
    layers = np.concatenate([chance, picture])
    if not len(which):
        return np.zeros((0, 5 + len(layers)))
    sides = boxes[:, 2:] - boxes[:, :2]
    points = ndimage.sum_labels(np.ones_like(depth), number, which)
    edge = (boxes[:, :2] == 0).any(1) | (boxes[:, 2:] == number.shape).any(1)
    means = [ndimage.mean(layer, number, which) for layer in layers]
    return np.column_stack([sides, points / np.prod(sides, 1), ndimage.maximum(depth, number, which), edge, *means])
