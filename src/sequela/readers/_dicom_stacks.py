"""Slices of a series put together by where they lie in the patient, never by the names or numbers of their files.

One series may hold several stacks: other orientations (a scout), other echoes or moments of the same places. Within a stack the
slices are sorted along their common normal; they must be evenly spaced, each place once. A tilted gantry shifts each slice
against the one before by the same step within its plane: the affine of such a stack is sheared, as it was scanned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import numpy as np

from sequela.errors import DataError
from sequela.readers._dicom_slices import Slice
from sequela.types import Array

Gaps = Literal["refuse", "longest"]
PROJECTIONS = ("CR", "DX", "MG", "RG", "RF", "XA", "PX", "IO", "US", "ES", "OP", "XC", "SM", "GM")  # a picture, not a slice
ALIKE = 1e-3  # by which direction cosines of one stack may differ (0.06 degrees)
SQUARE = 1e-2  # by which directions may miss unit length or a right angle
EVEN = 0.05  # share of the spacing by which the place of a slice may be off
TILTED = 0.01  # share of a step within the plane from which a stack counts as tilted (0.6 degrees)
SAME = 1e-3  # mm between slices that lie at one place


@dataclass(frozen=True, slots=True)
class Stack:
    """Slices in order along their normal, or one picture, or the frames of one film."""

    slices: tuple[Slice, ...]
    affine: Array | None  # float64 "4 4": (slice, row, column) to mm LPS; None where nothing is known
    oriented: bool = True  # False: of the affine only the spacing is known
    tilted: bool = False
    left_out: int = 0  # slices beyond a gap
    flat: bool = False  # one picture "H W", not a volume


@dataclass(frozen=True, slots=True)
class Broken:
    """Slices that make no stack, and why."""

    slices: tuple[Slice, ...]
    reason: str


def stacks(series: Sequence[Slice], gaps: Gaps) -> Iterator[Stack | Broken]:
    """The stacks of one series, those of several slices first; what cannot be put together comes back with its reason."""
    loose = [one for one in series if _loose(one)]
    for group in sorted(_planes(one for one in series if not _loose(one)), key=len, reverse=True):
        try:
            together = _separated(group)
        except DataError as error:
            yield Broken(tuple(group), error.message)
            continue
        for slices in together:
            yield from _tried(slices, gaps)
    yield from (_picture(frames) for frames in _files(loose))


def _loose(one: Slice) -> bool:
    """Whether it is a picture by itself: without a place in the patient, or seen through the whole of them."""
    projected = one.origin.modality in PROJECTIONS and one.pixels.frames == 1
    return projected or one.place.position is None or one.place.turn is None


def _files(slices: Iterable[Slice]) -> Iterator[list[Slice]]:
    """The frames of each file together."""
    found: dict[str, list[Slice]] = {}
    for one in slices:
        found.setdefault(one.file, []).append(one)
    return iter(found.values())


def _planes(slices: Iterable[Slice]) -> list[list[Slice]]:
    """Slices of one orientation, size and pixel spacing."""
    found: list[tuple[tuple[object, ...], Array, list[Slice]]] = []
    for one in slices:
        pixels, turn = one.pixels, np.array(one.place.turn)
        form = (pixels.rows, pixels.columns, pixels.samples, pixels.photometric, pixels.floats, one.unit, one.place.spacing)
        for other, first, members in found:
            if other == form and np.abs(first - turn).max() < ALIKE:
                members.append(one)
                break
        else:
            found.append((form, turn, [one]))
    return [members for _, _, members in found]


def _separated(group: list[Slice]) -> list[list[Slice]]:
    """Such that no stack has two slices at one place: told apart by one element of theirs, or two.

    Raises DataError where none tells them apart, and for an orientation that is none.
    """
    along = _along(group)
    if not _repeats(along):
        return [group]
    for members in _told_apart(group, 2):
        if not any(_repeats(along[numbers]) for numbers in members):
            return [[group[number] for number in numbers] for numbers in members]
    raise DataError("it has several slices at one place, and nothing tells them apart")


def _told_apart(group: Sequence[Slice], most: int) -> Iterator[list[list[int]]]:
    """Every way to part a group by one element that its slices differ in, then by two."""
    for size in range(1, most + 1):
        for which in combinations(range(len(group[0].apart)), size):
            told: dict[tuple[bytes, ...], list[int]] = {}
            for number, one in enumerate(group):
                told.setdefault(tuple(one.apart[w] for w in which), []).append(number)
            if len(told) > 1:
                yield list(told.values())


def _along(group: Sequence[Slice]) -> Array:
    """Where each slice lies along the normal, mm."""
    return np.array([one.place.position for one in group]) @ _normal(group[0])


def _repeats(along: Array) -> bool:
    return bool((np.diff(np.sort(along)) < SAME).any())


def _normal(one: Slice) -> Array:
    """Unit vector. Raises DataError where the orientation is not two unit vectors at a right angle."""
    turn = np.array(one.place.turn).reshape(2, 3)
    if np.abs(turn @ turn.T - np.eye(2)).max() > SQUARE:
        raise DataError("its orientation is not two unit vectors at a right angle")
    normal = np.cross(turn[0], turn[1])
    return np.asarray(normal / np.linalg.norm(normal))


def _tried(slices: list[Slice], gaps: Gaps) -> list[Stack | Broken]:
    """One stack, or several that lie one behind the other (head and pelvis), or why it is none."""
    try:
        return [_stack(slices, gaps)]
    except DataError as error:
        return _behind(slices) or [Broken(tuple(slices), error.message)]


def _behind(slices: list[Slice]) -> list[Stack | Broken]:
    """Stacks of which each ends before the next begins, told apart by one element; none where there is no such element."""
    try:
        along = _along(slices)
        for members in _told_apart(slices, 1):
            spans = sorted((along[numbers].min(), along[numbers].max()) for numbers in members)
            if all(len(numbers) > 1 for numbers in members) and all(a[1] < b[0] for a, b in pairwise(spans)):
                return [_stack([slices[number] for number in numbers], "refuse") for numbers in members]
    except DataError:
        return []
    return []


def _stack(slices: list[Slice], gaps: Gaps) -> Stack:
    normal = _normal(slices[0])
    if slices[0].place.spacing is None:
        raise DataError("its slices have a place and no pixel spacing")
    positions = np.array([one.place.position for one in slices])
    order = np.argsort(positions @ normal, kind="stable")
    run = _run((positions @ normal)[order], gaps)
    left_out = len(order) - len(order[run])
    order = order[run]
    if len(order) == 1:
        return Stack(
            (slices[order[0]],), _affine(slices[order[0]], _lone(slices[order[0]]) * normal), flat=True, left_out=left_out
        )
    chosen = positions[order]
    step = (chosen[-1] - chosen[0]) / (len(order) - 1)
    off = np.linalg.norm(chosen - chosen[0] - np.arange(len(order))[:, None] * step, axis=1).max()
    if off > EVEN * np.linalg.norm(step):
        raise DataError("its slices do not lie on one line")
    aside = np.linalg.norm(step - step @ normal * normal) > TILTED * np.linalg.norm(step)
    together = tuple(slices[number] for number in order)
    return Stack(together, _affine(together[0], step), tilted=bool(aside), left_out=left_out)


def _run(along: Array, gaps: Gaps) -> slice:
    """The slices that are kept of these sorted places. Raises DataError where some are missing, or unevenly spaced."""
    apart = np.diff(along)
    if len(apart) < 2 or np.abs(apart - np.median(apart)).max() <= EVEN * np.median(apart):
        return slice(None)
    unit = apart.min()
    missing = np.rint(apart / unit) - 1
    even = np.abs(apart / unit - missing - 1) <= EVEN * (missing + 1)
    if gaps == "refuse" and even.all():
        raise DataError(f"{int(missing.sum())} of its slices are missing between those that are there")
    if gaps == "refuse":
        raise DataError(f"its slices are from {apart.min():.3g} to {apart.max():.3g} mm apart")
    usual = np.median(apart[missing == 0])
    breaks = np.flatnonzero(np.abs(apart - usual) > EVEN * usual) + 1
    edges = [0, *breaks.tolist(), len(along)]
    longest = int(np.argmax(np.diff(edges)))
    return slice(edges[longest], edges[longest + 1])


def _lone(one: Slice) -> float:
    return one.place.thickness or 1.0


def _affine(first: Slice, step: Array) -> Array:
    """Of a stack that begins with this slice."""
    turn, (down, across) = np.array(first.place.turn), first.place.spacing or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3] = np.stack([step, turn[3:] * down, turn[:3] * across, np.array(first.place.position)], axis=1)
    return affine


def _picture(frames: list[Slice]) -> Stack:
    """One picture, or a film, of which at most the pixel spacing is known."""
    first = frames[0]
    if first.place.spacing is None:
        return Stack(tuple(frames), None, flat=len(frames) == 1)
    down, across = first.place.spacing
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = _lone(first), down, across, 1.0
    return Stack(tuple(frames), affine, oriented=False, flat=len(frames) == 1)
