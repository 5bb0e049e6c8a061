"""From probabilities to what is said of every point of a stored picture: the likeliest name, or numbered things.

Probabilities are kept in 255ths, and whatever is decided is decided of these: whoever reads them again decides the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from sequela.errors import DataError
from sequela.prep.grid import chance_to_stored
from sequela.types import Array, Grid

HALF = 128  # the least probability, in 255ths, that is more likely than not
MOST = 65_535  # instances that a picture can number
BLOCK = 1 << 22  # points of which more than bytes are held at once


def stored(slabs: Iterator[tuple[int, Array]], grid: Grid) -> Array:
    """The probabilities of the model's points, slab by slab float32 "Q n *rest", as uint8 "Q *S" of the stored picture."""
    held: Array | None = None
    for first, slab in slabs:
        held = np.zeros((len(slab), *grid.size), np.uint8) if held is None else held
        held[:, first : first + slab.shape[1]] = _bytes(slab)
    if held is None:
        raise ValueError("no slab of the picture was given")
    if grid.same:
        return held
    found = np.empty((len(held), *grid.stored), np.uint8)
    for name, of_name in enumerate(held):
        found[name] = _bytes(chance_to_stored(of_name[None].astype(np.float32) / 255, grid)[0])
    return found


def _bytes(chance: Array) -> Array:
    return np.asarray(np.rint(np.clip(chance, 0, 1) * 255), np.uint8)


def exclusive(chance: Array) -> Array:
    """The likeliest of nothing (0) and the K names (1, 2, …) at each point of uint8 "K *S"; of equals the first."""

    def likeliest(some: Array) -> Array:
        nothing = 255 - some.sum(0, dtype=np.int64)
        return np.asarray(np.argmax(np.concatenate([nothing[None], some]), 0))

    return _by_block(chance, likeliest)


def overlapping(chance: Array) -> Array:
    """The likeliest of the names that are more likely than not at each point of uint8 "K *S"; 0 where there is none."""

    def likeliest(some: Array) -> Array:
        return np.where(some.max(0) >= HALF, np.argmax(some, 0) + 1, 0)

    return _by_block(chance, likeliest)


def _by_block(chance: Array, of: Callable[[Array], Array]) -> Array:
    label = np.empty(chance.shape[1:], np.uint8 if len(chance) < 256 else np.uint16)
    planes = max(1, BLOCK // max(1, int(np.prod(chance.shape[2:])) * len(chance)))
    for first in range(0, len(label), planes):
        here = slice(first, first + planes)
        label[here] = of(chance[:, here])
    return label


def instances(inside: Array, border: Array) -> Array:
    """Numbers 1, 2, … of the things on a picture, uint16 "*S", from the probabilities (uint8) of their insides and borders.

    Each connected piece where inside is the likeliest grows, a point at a time, through what is more likely thing than nothing;
    a piece of that which holds no inside is a thing of its own. Of two that reach a point at once the higher number has it.
    Raises DataError where there are more than can be numbered.
    """
    from scipy import ndimage

    thing = inside.astype(np.int64) + border >= HALF
    sure = thing & (inside >= border) & (2 * inside.astype(np.int64) + border >= 255)
    number, count = ndimage.label(sure)
    pieces, _ = ndimage.label(thing)
    seeded = np.zeros(int(pieces.max(initial=0)) + 1, bool)
    seeded[pieces[sure]] = True
    alone, more = ndimage.label(thing & ~seeded[pieces])
    if count + more > MOST:
        raise DataError(f"{count + more} things are on one picture, more than {MOST}", hint="leave out small ones: task.smallest")
    number = np.where(alone > 0, alone + count, number)
    return _grown(number, thing).astype(np.uint16)


def _grown(number: Array, thing: Array) -> Array:
    """The numbers spread, by faces, to every point of `thing` that they reach; a round looks at those just reached alone."""
    padded = [points + 2 for points in number.shape]
    held = np.pad(number, 1).ravel()
    free = np.pad(thing, 1).ravel() & (held == 0)
    strides = np.cumprod([1, *padded[:0:-1]])
    steps = np.concatenate([strides, -strides])
    edge = np.flatnonzero(held)
    while len(edge):
        reached, giver = (edge[:, None] + steps).ravel(), np.repeat(held[edge], len(steps))
        taken = free[reached]
        reached, giver = reached[taken], giver[taken]
        np.maximum.at(held, reached, giver)
        edge = np.unique(reached)
        free[edge] = False
    return held.reshape(padded)[(slice(1, -1),) * number.ndim]


def numbered_anew(number: Array, smallest: int) -> Array:
    """Instances of at least so many points, numbered 1, 2, … in their order."""
    count = np.bincount(number.ravel())
    kept = count >= smallest
    kept[0] = False
    anew: Array = np.where(kept, np.cumsum(kept), 0).astype(number.dtype)[number]
    return anew


def cleaned(label: Array, names: int, smallest: int, largest: bool) -> Array:
    """The label without the connected components (by faces) of a name that have fewer points, or are not its largest."""
    from scipy import ndimage

    found = label.copy()
    for name in range(1, names + 1):
        pieces, count = ndimage.label(label == name)
        if not count:
            continue
        points = np.bincount(pieces.ravel())
        points[0] = 0
        kept = points >= smallest
        if largest:
            kept &= np.arange(len(points)) == np.argmax(points)
        found[~kept[pieces] & (pieces > 0)] = 0
    return found


def without(chance: Array, before: Array, after: Array) -> Array:
    """The probabilities "K *S" with 0 wherever a point lost its label, so that no threshold brings it back."""
    taken = (before > 0) & (after == 0)
    return np.where(taken, np.uint8(0), chance)


def means(chance: Array) -> Array:
    """The mean probability of each name over the picture, float64 "K"."""
    return np.array([one.mean(dtype=np.float64) / 255 for one in chance])
