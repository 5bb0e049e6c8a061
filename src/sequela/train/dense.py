"""Batches for tasks that say something of every point: patches with their masks, or pictures with their boxes.

A patch is drawn anew each time its picture comes: anywhere, or (a set share of them) around a point that somebody marked, of a
class drawn first, so that rare ones are seen as often (Isensee 2021, nnU-Net, supplement).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from sequela import batch as batches
from sequela import seed as streams
from sequela.contracts import Evidence
from sequela.errors import ConfigError, DataError
from sequela.prep import grid as grids
from sequela.prep.scratch import room
from sequela.types import Array, Batch, Boxes, Fields, Masks, Seq, Target

POINTS = 500  # of each class of a picture that a patch may be drawn around
JUDGED = 8  # patches of each picture that tune is judged by, at most


@dataclass(frozen=True, slots=True)
class Marks:
    """The mask of one picture as the model sees it, and points of each class."""

    mask: Array  # uint8, int16 or int32 "*S", -1 (or the largest of its type) where it is not known
    points: tuple[Array, ...]  # int64 "P D" of each class that occurs


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of some rows with what was marked on them: draws batches of patches, or of whole pictures with boxes."""

    name: str  # of the input
    fields: Fields
    entry: Array  # int64 "N": of each row in fields, -1 where it has no picture
    rows: Evidence
    marks: Sequence[Marks | None] | None  # one for each row; None: boxes

    @property
    def times(self) -> int:
        """Patches of a picture in an epoch."""
        return self.fields.patches if self.marks is not None else 1

    def batch(self, rows: Array, seed: int, *place: int | str, weight: Array | None = None) -> Batch:
        """The rows' pictures; which patch of each is a function of the seed and the place (epoch, step) alone."""
        if self.marks is None:
            return self._boxed(rows, weight)
        random = streams.generator(seed, "patches", *place)
        size = self.fields.patch or self._whole
        drawn = [self._patch(int(row), size, random) for row in rows]
        values = np.stack([values for values, _ in drawn])[:, None]
        seq = Seq(values, (self.entry[rows] >= 0)[:, None], np.zeros((len(rows), 1)))
        return self._made(seq, rows, np.stack([mask for _, mask in drawn]), weight)

    def _patch(self, row: int, size: Sequence[int], random: np.random.Generator) -> tuple[Array, Array]:
        """A patch of a row, and its mask; nothing, of a row without a picture."""
        entry, marks = int(self.entry[row]), self.marks[row] if self.marks is not None else None
        if entry < 0 or marks is None:
            return np.zeros((self.fields.shape[1], *size), np.float32), np.full(size, -1, np.int64)
        corner = corner_of(marks, size, self.fields.foreground, random)
        return self.fields.crop(entry, corner, size), cut_out(marks.mask, corner, size)

    def _boxed(self, rows: Array, weight: Array | None) -> Batch:
        made = batches.collate(self.rows.inputs, rows)
        boxes = cast(Boxes, self.rows.target.dense)
        each = [self._on_model(boxes, int(row)) for row in rows]
        padded = np.full((len(rows), max(1, *(len(one) for one in each)), 5), -1, np.float32)
        for place, one in zip(padded, each, strict=True):
            place[: len(one)] = one
        return self._made(made.inputs[self.name], rows, padded, weight)

    def _on_model(self, boxes: Boxes, row: int) -> Array:
        """float32 "M 5": label, top, left, bottom, right in the model's picture."""
        corners, label = boxes.of(row)
        if self.entry[row] < 0:
            return np.zeros((0, 5), np.float32)
        moved = grids.boxes_to_model(corners, self.fields.grid(int(self.entry[row])))
        return np.concatenate([label[:, None], moved], 1, dtype=np.float32)

    def _made(self, seq: Seq, rows: Array, dense: Array, weight: Array | None) -> Batch:
        truth = self.rows.target
        target = Target(truth.values[rows], truth.known[rows], truth.names, dense)
        return Batch({self.name: seq}, rows, target, None if weight is None else weight[rows])

    @property
    def _whole(self) -> tuple[int, ...]:
        return tuple(self.fields.shape[2:])

    def judged(self) -> int:
        """How often each row is judged on tune."""
        return min(self.times, JUDGED)


def corner_of(marks: Marks, size: Sequence[int], foreground: float, random: np.random.Generator) -> tuple[int, ...]:
    """Where a patch begins: inside the picture as far as it fits; a picture smaller than the patch lies in its middle."""
    room_left = np.array(marks.mask.shape) - np.array(size)
    anywhere = np.floor(random.random(len(size)) * (np.maximum(room_left, 0) + 1)).astype(np.int64)
    around, which, place = random.random(3)
    if marks.points and around < foreground:
        points = marks.points[int(which * len(marks.points))]
        anywhere = points[int(place * len(points))] - np.array(size) // 2
    corner = np.where(room_left > 0, np.clip(anywhere, 0, np.maximum(room_left, 0)), room_left // 2)
    return tuple(int(begin) for begin in corner)


def cut_out(mask: Array, corner: Sequence[int], size: Sequence[int]) -> Array:
    """A part of a mask, int64; -1 outside of it."""
    found = np.full(size, -1, np.int64)
    begin, end = np.maximum(corner, 0), np.minimum(np.add(corner, size), mask.shape)
    if (begin < end).all():
        inside = tuple(slice(b - c, e - c) for b, e, c in zip(begin, end, corner, strict=True))
        found[inside] = mask[tuple(slice(b, e) for b, e in zip(begin, end, strict=True))]
    return found


def pictures(rows: Evidence, seed: int) -> Pictures:
    """The pictures of these rows made ready: masks brought to the model's grid once, points of each class drawn.

    Raises ConfigError where the input gives no pictures, or boxes are asked of patches; DataError for a mask of another shape
    than its picture.
    """
    ((name, ragged),) = rows.inputs.items()
    fields, entry = batches.fields_of(name, ragged), batches.entries(ragged)
    if isinstance(rows.target.dense, Boxes):
        if fields.patch is not None:
            raise ConfigError(f"boxes are found on whole pictures, and inputs.{name} gives patches", hint="leave out its patch")
        return Pictures(name, fields, entry, rows, None)
    masks = cast(Masks, rows.target.dense)
    marks = [_marks(rows, fields, masks, row, int(entry[row]), seed) for row in range(len(rows))]
    return Pictures(name, fields, entry, rows, marks)


def _marks(rows: Evidence, fields: Fields, masks: Masks, row: int, entry: int, seed: int) -> Marks | None:
    if entry < 0 or not rows.target.known[row, 0]:
        return None
    grid, whole = fields.grid(entry), masks.whole(row)
    if whole.shape != grid.stored:
        raise DataError(
            f"the mask of the row {rows.row_id[row]} is {_by(whole.shape)}, its picture {_by(grid.stored)}",
            hint="a mask has a value for every point of its picture",
        )
    mask = _small(grids.mask_to_model(whole, grid))
    return Marks(mask, _points(mask, streams.generator(seed, "points", row)))


def _by(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _small(mask: Array) -> Array:
    """The mask in the smallest type that holds it, out of memory where it is large."""
    dtype = np.int8 if mask.max(initial=0) < 128 else np.int16 if mask.max(initial=0) < 32768 else np.int32
    held = room(mask.shape, dtype)
    held[:] = mask
    return held


def _points(mask: Array, random: np.random.Generator) -> tuple[Array, ...]:
    """Up to POINTS points of each class (of all instances together where there are more than ten values)."""
    values = [value for value in np.unique(mask) if value > 0]
    groups = [mask == value for value in values] if len(values) <= 10 else [mask > 0]
    found = []
    for group in groups:
        flat = np.flatnonzero(group)
        chosen = flat if len(flat) <= POINTS else random.choice(flat, POINTS, replace=False)
        found.append(np.stack(np.unravel_index(chosen, mask.shape), 1))
    return tuple(found)
