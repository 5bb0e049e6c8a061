"""Nodules that several readers drew: filled, matched by overlap, and agreed on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sequela.errors import DataError
from sequela.readers._lidc_readings import Drawn, Reading
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Marked:
    """What one reader took for a nodule: points of a stack of slices."""

    reader: int
    drawn: Drawn
    points: Array  # int64 "P", sorted: places in the flattened stack


@dataclass(frozen=True, slots=True)
class Nodule:
    """One nodule, as the readers who saw it drew it."""

    marks: tuple[Marked, ...]  # by reader, one each

    @property
    def malignancy(self) -> float | None:
        """The median of the readers' grades, 1 (very unlikely) to 5 (very likely); None where none graded it."""
        grades = [mark.drawn.grades["malignancy"] for mark in self.marks if "malignancy" in mark.drawn.grades]
        return float(np.median(grades)) if grades else None

    def agreed(self, share: float) -> Array:
        """The points that at least this share of the readers who saw it drew, int64."""
        points, times = np.unique(np.concatenate([mark.points for mark in self.marks]), return_counts=True)
        found: Array = points[times >= share * len(self.marks)]
        return found


def filled(reading: Reading, place: Mapping[str, int], shape: tuple[int, int, int]) -> list[Marked]:
    """Every nodule of every reader as points of a stack "D H W"; `place` is the slice of each SOPInstanceUID.

    Raises DataError for an outline on a picture that is not of the stack, or beyond its edge. A nodule whose outline encloses no
    point is left out.
    """
    found = []
    for reader, nodules in enumerate(reading.readers):
        for drawn in nodules:
            points = _points(drawn, place, shape)
            if len(points):
                found.append(Marked(reader, drawn, points))
    return found


def _points(drawn: Drawn, place: Mapping[str, int], shape: tuple[int, int, int]) -> Array:
    planes: dict[int, Array] = {}
    for outline in sorted(drawn.outlines, key=lambda one: not one.inside):  # what is cut out comes last
        if outline.instance not in place:
            raise DataError("a reading with an outline on a picture that its series does not have")
        plane = planes.setdefault(place[outline.instance], np.zeros(shape[1:], bool))
        enclosed = _enclosed(outline.points, (shape[1], shape[2]))
        planes[place[outline.instance]] = plane | enclosed if outline.inside else plane & ~enclosed
    slices = [number * shape[1] * shape[2] + np.flatnonzero(plane) for number, plane in sorted(planes.items())]
    return np.concatenate(slices) if slices else np.zeros(0, np.int64)


def _enclosed(points: Sequence[tuple[int, int]], shape: tuple[int, int]) -> Array:
    """The points within an outline, without the outline itself: bool "H W"."""
    from PIL import Image, ImageDraw

    height, width = shape
    if any(not (0 <= column < width and 0 <= row < height) for column, row in points):
        raise DataError("a reading with an outline beyond the edge of its picture")
    plane = Image.new("1", (width, height))
    if len(points) > 2:
        ImageDraw.Draw(plane).polygon(list(points), fill=1, outline=0)
    return np.asarray(plane)


def matched(marks: Sequence[Marked]) -> list[Nodule]:
    """The nodules behind what the readers marked: those that overlap most are one first, no reader twice in any.

    In the order of their first points.
    """
    group = {number: frozenset({number}) for number in range(len(marks))}
    pairs = [
        (_overlap(marks[a], marks[b]), a, b) for a, b in combinations(range(len(marks)), 2) if marks[a].reader != marks[b].reader
    ]
    for share, a, b in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
        both = group[a] | group[b]
        if share > 0 and len({marks[number].reader for number in both}) == len(both):
            group |= dict.fromkeys(both, both)
    nodules = [
        Nodule(tuple(sorted((marks[number] for number in one), key=lambda mark: mark.reader))) for one in set(group.values())
    ]
    return sorted(nodules, key=lambda nodule: min((int(mark.points[0]), mark.reader) for mark in nodule.marks))


def _overlap(one: Marked, other: Marked) -> float:
    """Intersection over union."""
    shared = len(np.intersect1d(one.points, other.points, assume_unique=True))
    return shared / (len(one.points) + len(other.points) - shared)
