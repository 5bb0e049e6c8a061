"""Of each point of a picture what plain filters make of its surroundings, at several scales.

Gaussian mean, length of the gradient, eigenvalues of the Hessian, and spread (Arganda-Carreras 2017, Trainable Weka).
Scales are in points. A volume is filtered a few planes at a time, with as many around them as the widest filter reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement

import numpy as np

from sequela.types import Array

REACH = 4.0  # spreads of a Gaussian beyond which it is cut off
BLOCK = 1 << 18  # points whose filters are held at once, about


def blocks(picture: Array, scales: Sequence[float]) -> Iterator[tuple[int, Array]]:
    """The filters of uint8 "C *S" plane by plane: the first plane of each block, and float32 "n *rest F"."""
    depth, each = picture.shape[1], max(1, int(np.prod(picture.shape[2:])))
    reach, planes = int(np.ceil(REACH * max(scales))) + 2, max(1, BLOCK // each)
    for first in range(0, depth, planes):
        begin, end = max(0, first - reach), min(depth, first + planes + reach)
        found = features(picture[:, begin:end], scales)
        yield first, found[first - begin : first - begin + min(planes, depth - first)]


def features(picture: Array, scales: Sequence[float]) -> Array:
    """float32 "*S F": of each channel its value, then of each scale mean, gradient, eigenvalues of the Hessian, spread."""
    columns = []
    for channel in picture.astype(np.float32):
        columns.append(channel)
        for scale in scales:
            columns += _at(channel, scale)
    return np.stack(columns, -1)


def _at(channel: Array, scale: float) -> list[Array]:
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(channel, scale, truncate=REACH)
    slopes = [_slope(smooth, axis) for axis in range(channel.ndim)]
    square = ndimage.gaussian_filter(channel**2, scale, truncate=REACH)
    spread = np.sqrt(np.maximum(square - smooth**2, 0))
    return [smooth, np.sqrt(sum(slope**2 for slope in slopes)), *_curvatures(slopes), spread]


def _slope(values: Array, axis: int) -> Array:
    """0 along an axis of one point."""
    found: Array = np.gradient(values, axis=axis) if values.shape[axis] > 1 else np.zeros_like(values)
    return found


def _curvatures(slopes: list[Array]) -> list[Array]:
    """The eigenvalues of the Hessian, rising."""
    axes = len(slopes)
    hessian = np.empty((*slopes[0].shape, axes, axes), np.float32)
    for i, j in combinations_with_replacement(range(axes), 2):
        hessian[..., i, j] = hessian[..., j, i] = _slope(slopes[i], j)
    if axes == 2:
        half, off = (hessian[..., 0, 0] + hessian[..., 1, 1]) / 2, hessian[..., 0, 1]
        root = np.sqrt(((hessian[..., 0, 0] - hessian[..., 1, 1]) / 2) ** 2 + off**2)
        return [half - root, half + root]
    return list(np.moveaxis(np.linalg.eigvalsh(hessian), -1, 0))
