"""How far the surfaces of two masks are apart, in millimetres.

The surface of a mask is its points that have a face in common with a point outside of it, or with the end of the picture, as in
MONAI; distances go from middle to middle, through the true spacing. Both masks are bool "*S".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.types import Array


def distances(said: Array, true: Array, spacing: Sequence[float]) -> tuple[Array, Array]:
    """Of each point of either surface how far the other is: of `said`, of `true`. Neither mask may be empty."""
    here = _around(said | true)
    edges = [_surface(mask[here]) for mask in (said, true)]
    return _to(edges[1], spacing)[edges[0]], _to(edges[0], spacing)[edges[1]]


def hausdorff95(said: Array, true: Array, spacing: Sequence[float]) -> float:
    """The larger of both ways' 95th percentiles of distance (Huttenlocher 1993); NaN where either mask is empty."""
    return both(said, true, spacing, 0.0)[0]


def within(said: Array, true: Array, spacing: Sequence[float], tolerance: float) -> float:
    """The share of both surfaces that lies within the tolerance of the other (Nikolov 2018, normalised surface distance).

    Theirs weighs each piece of surface by its area; ours counts points, as MONAI does. 0 where one mask is empty, NaN where both.
    """
    return both(said, true, spacing, tolerance)[1]


def both(said: Array, true: Array, spacing: Sequence[float], tolerance: float) -> tuple[float, float]:
    """`hausdorff95` and `within` of the same distances."""
    if not said.any() or not true.any():
        return float("nan"), 0.0 if said.any() or true.any() else float("nan")
    ways = distances(said, true, spacing)
    return max(float(np.percentile(one, 95)) for one in ways), float((np.concatenate(ways) <= tolerance).mean())


def _around(mask: Array) -> tuple[slice, ...]:
    """The smallest box that holds the mask."""
    found = []
    for axis in range(mask.ndim):
        there = np.flatnonzero(mask.any(tuple(other for other in range(mask.ndim) if other != axis)))
        found.append(slice(int(there[0]), int(there[-1]) + 1))
    return tuple(found)


def _surface(mask: Array) -> Array:
    from scipy import ndimage

    edge: Array = mask & ~ndimage.binary_erosion(mask)
    return edge


def _to(surface: Array, spacing: Sequence[float]) -> Array:
    """How far each point is from the surface."""
    from scipy import ndimage

    away: Array = ndimage.distance_transform_edt(~surface, sampling=tuple(spacing))
    return away
