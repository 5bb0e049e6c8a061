"""Volumes turned to one orientation: axes permuted and flipped, never resampled, and back again.

Stored are slices from inferior to superior, rows from anterior to posterior, columns from right to left: the index rises towards
S, P and L, as millimetres do in the patient's coordinates of DICOM (LPS). The letters of an axis say where its rising index
points: L or R, P or A, S or I. An oblique axis counts as the nearest of these.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from sequela.errors import DataError
from sequela.types import Array, Space

ALONG = ("IS", "AP", "RL")  # the stored axes: against, along
COORDINATE = (2, 1, 0)  # of LPS, for each stored axis
SINGULAR = 1e-4  # volume spanned by the unit vectors of three axes, below which they lie in one plane
TIE = 6  # decimals to which the nearness of two orders is told apart


def canonical(values: Array, affine: Array) -> tuple[Array, Space]:
    """The volume with its last three axes as stored volumes have them, and where its points lie.

    `values` is "*leading A B C"; `affine` float64 "4 4" takes (a, b, c, 1) to millimetres in LPS (of a NIfTI's, which is in RAS,
    turn the first two rows' sign). What comes back is a view. However the same points are permuted and flipped, the same array
    and affine come back.

    Raises DataError for an affine that is not finite, or whose axes lie in one plane.
    """
    directions = _directions(affine)
    order = _nearest(directions)
    flips = [bool(directions[COORDINATE[stored], axis] < 0) for stored, axis in enumerate(order)]
    space = Space(_turned(affine, values.shape[-3:], order, flips), letters(affine))
    return _moved(values, order, flips), space


def as_source(values: Array, space: Space) -> tuple[Array, Array]:
    """A stored volume "*leading D H W" (or a mask of its shape) as the source's array lay, and that array's affine in LPS.

    What comes back is a view. A space without letters is as it was stored.
    """
    if not space.axes:
        return values, space.affine.copy()
    order = [next(i for i, pair in enumerate(ALONG) if letter in pair) for letter in space.axes]
    flips = [letter == ALONG[stored][0] for letter, stored in zip(space.axes, order, strict=True)]
    return _moved(values, order, flips), _turned(space.affine, values.shape[-3:], order, flips)


def letters(affine: Array) -> str:
    """Where the rising index of each of the three axes points, such as "RAS"; the affine is in LPS.

    >>> letters(np.diag([-1.0, -1.0, 1.0, 1.0]))
    'RAS'
    """
    directions = _directions(affine)
    named = {}
    for stored, axis in enumerate(_nearest(directions)):
        named[axis] = ALONG[stored][int(directions[COORDINATE[stored], axis] > 0)]
    return "".join(named[axis] for axis in range(3))


def _directions(affine: Array) -> Array:
    """Unit vectors "3 3", a column for each axis."""
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise DataError("an affine of a volume must be 4 by 4 finite numbers")
    length = np.linalg.norm(affine[:3, :3], axis=0)
    if not length.all() or abs(np.linalg.det(affine[:3, :3] / length)) < SINGULAR:
        raise DataError("the axes of a volume lie in one plane: its affine cannot be inverted")
    return np.asarray(affine[:3, :3] / length)


def _nearest(directions: Array) -> tuple[int, ...]:
    """The source axis for each stored one: of the six orders, that with the largest product of cosines.

    Of orders that tie (45 degrees between two axes) that whose directions come last in the dictionary's order: the choice hangs
    on the points in the patient alone, not on how the file numbered them.
    """

    def nearness(order: tuple[int, ...]) -> tuple[float, ...]:
        along = directions[:, order]
        cosine = along[COORDINATE, range(3)]
        turned = along * np.where(cosine < 0, -1.0, 1.0)
        return (round(float(np.abs(cosine).prod()), TIE), *np.round(turned.ravel(), TIE).tolist())

    return max(permutations(range(3)), key=nearness)


def _moved(values: Array, order: tuple[int, ...] | list[int], flips: list[bool]) -> Array:
    leading = values.ndim - 3
    moved = values.transpose(*range(leading), *(leading + axis for axis in order))
    return moved[(..., *(slice(None, None, -1) if flip else slice(None) for flip in flips))]


def _turned(affine: Array, shape: tuple[int, ...], order: tuple[int, ...] | list[int], flips: list[bool]) -> Array:
    """The affine of the array that _moved gives of one of this shape."""
    back = np.zeros((4, 4))  # from the new index to the old
    back[3, 3] = 1.0
    for new, (old, flip) in enumerate(zip(order, flips, strict=True)):
        back[old, new] = -1.0 if flip else 1.0
        back[old, 3] = shape[old] - 1 if flip else 0.0
    return np.asarray(np.asarray(affine, np.float64) @ back)
