"""Masks as single things: lesions (connected components) found or missed, and numbered instances matched by their overlap."""

from __future__ import annotations

import numpy as np

from sequela.types import Array

OVERLAPS = np.linspace(0.5, 0.95, 10)  # IoU above which two instances are one and the same


def found(said: Array, true: Array) -> tuple[int, int, int]:
    """How many lesions are true, how many of them are found, and how many of those said touch no true one; masks are bool "*S".

    A lesion is a connected component, corners included. It is found where any of its points is said.
    """
    lesions, count = _components(true)
    claims, claimed = _components(said)
    hit = np.unique(lesions[said & true])
    touching = np.unique(claims[said & true])
    return count, len(hit), claimed - len(touching)


def _components(mask: Array) -> tuple[Array, int]:
    from scipy import ndimage

    number, count = ndimage.label(mask, ndimage.generate_binary_structure(mask.ndim, mask.ndim))
    return number, int(count)


def matched(said: Array, true: Array) -> Array:
    """int64 "12": how many instances are true, how many are said, and how many match at each of OVERLAPS.

    Masks hold numbers, 0 for nothing. Two match where their intersection is more than that share of their union: above one half
    none can have two partners (Caicedo 2019).
    """
    true_number, true_points = _sizes(true)
    said_number, said_points = _sizes(said)
    together = (said > 0) & (true > 0)
    pair, shared = np.unique(np.stack([true[together], said[together]]), axis=1, return_counts=True)
    union = true_points[np.searchsorted(true_number, pair[0])] + said_points[np.searchsorted(said_number, pair[1])] - shared
    share = shared / union
    return np.array([len(true_number), len(said_number), *(share[:, None] > OVERLAPS).sum(0)], np.int64)


def _sizes(number: Array) -> tuple[Array, Array]:
    """The numbers that occur and how many points each has."""
    values, count = np.unique(number[number > 0], return_counts=True)
    return values, count
