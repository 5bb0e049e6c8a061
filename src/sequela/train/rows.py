"""Some of the rows of an Evidence, or two of them together, without copying a step of what may be larger than memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import vstack

from sequela.contracts import Evidence
from sequela.types import (
    Array,
    Boxes,
    Followed,
    Masks,
    Paired,
    Places,
    Plain,
    Ragged,
    Space,
    Spanned,
    Steps,
    Tags,
    Target,
    Times,
    joined,
    joined_pairs,
)


def take(rows: Evidence, chosen: Array) -> Evidence:
    """These rows (indices), in the order given."""
    return replace(
        rows,
        inputs={name: _take(ragged, chosen) for name, ragged in rows.inputs.items()},
        plain=rows.plain.take(chosen),
        target=rows.target.take(chosen),
        subject=rows.subject[chosen],
        row_id=rows.row_id[chosen],
        barred=None if rows.barred is None else rows.barred[chosen],
        marks={code: target.take(chosen) for code, target in rows.marks.items()},
        group=None if rows.group is None else rows.group[chosen],
        steps=None if rows.steps is None else take(rows.steps, _asked(rows.target, chosen)),
    )


def _asked(target: Target, chosen: Array) -> Array:
    """Where among the steps that are asked those of these rows stand, in the order given."""
    row = target.dense.row
    first, count = np.searchsorted(row, chosen), np.bincount(row, minlength=len(target.values))[chosen]
    return np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())


def join(first: Evidence, second: Evidence) -> Evidence:
    """The rows of the first, then those of the second; both were read with the same fitted states. For networks: no `steps`."""
    return replace(
        first,
        inputs=_joined_inputs(first.inputs, second.inputs),
        plain=_join_plain(first.plain, second.plain),
        target=_join_targets(first.target, second.target),
        subject=np.concatenate([first.subject, second.subject]),
        row_id=np.concatenate([first.row_id, second.row_id]),
        barred=None if first.barred is None or second.barred is None else np.concatenate([first.barred, second.barred]),
        marks={code: _join_targets(target, second.marks[code]) for code, target in first.marks.items()},
        group=None if first.group is None or second.group is None else np.concatenate([first.group, second.group]),
        steps=None,
    )


@dataclass(frozen=True, slots=True)
class Joined:
    """The entries of one Steps, then those of another, read when asked."""

    first: Steps
    second: Steps

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.first.shape[0] + self.second.shape[0], *self.first.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.first.dtype

    def __getitem__(self, index: Array, /) -> Array:
        split = self.first.shape[0]
        early = index < split
        found = np.empty((len(index), *self.first.shape[1:]), self.dtype)
        found[early] = self.first[index[early]]
        found[~early] = self.second[index[~early] - split]
        return found


@dataclass(frozen=True, slots=True)
class JoinedMasks:
    """The masks of one set of pictures, then those of another (types.Masks), opened when asked."""

    first: Masks
    second: Masks
    place: Array  # int64 "N": in both laid end to end

    def __len__(self) -> int:
        return len(self.place)

    @property
    def instances(self) -> bool:
        return self.first.instances

    def take(self, rows: Array) -> JoinedMasks:
        return replace(self, place=self.place[rows])

    def whole(self, row: int) -> Array:
        masks, own = self._of(row)
        return masks.whole(own)

    def space(self, row: int) -> Space | None:
        masks, own = self._of(row)
        return masks.space(own)

    def _of(self, row: int) -> tuple[Masks, int]:
        """The set that holds a picture, and its place there."""
        place, split = int(self.place[row]), len(self.first)
        return (self.first, place) if place < split else (self.second, place - split)


def _entries(ragged: Ragged) -> Array:
    """The entry of values that each step is."""
    return np.arange(ragged.offsets[-1]) if ragged.take is None else ragged.take


def _take(ragged: Ragged, chosen: Array) -> Ragged:
    count = ragged.lengths[chosen]
    offsets = np.concatenate([[0], np.cumsum(count)])
    step = np.repeat(ragged.offsets[chosen] - offsets[:-1], count) + np.arange(offsets[-1])
    return Ragged(
        offsets=offsets,
        values=ragged.values,
        position=ragged.position[step],
        seen=ragged.seen,
        side=None if ragged.side is None else ragged.side[step],
        context=None if ragged.context is None else ragged.context[chosen],
        take=_entries(ragged)[step],
        places=ragged.places and ragged.places.take(chosen),
        same=None if ragged.same is None else ragged.same[chosen],
    )


def _joined_inputs(first: Mapping[str, Ragged], second: Mapping[str, Ragged]) -> dict[str, Ragged]:
    return {name: _join(ragged, second[name]) for name, ragged in first.items()}


def _join(first: Ragged, second: Ragged) -> Ragged:
    return Ragged(
        offsets=np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]]),
        values=Joined(first.values, second.values),
        position=np.concatenate([first.position, second.position]),
        seen=None if first.seen is None or second.seen is None else Joined(first.seen, second.seen),
        side=None if first.side is None or second.side is None else np.concatenate([first.side, second.side]),
        context=None if first.context is None or second.context is None else np.concatenate([first.context, second.context]),
        take=np.concatenate([_entries(first), first.values.shape[0] + _entries(second)]),
        places=None if first.places is None or second.places is None else _join_places(first.places, second.places),
        same=None if first.same is None or second.same is None else _join_same(first.same, second.same),
    )


def _join_same(first: Array, second: Array) -> Array:
    """Which rows of both are alike; those of one are taken to be unlike those of the other."""
    return np.concatenate([first, second + first.max(initial=-1) - second.min(initial=0) + 1])


def _join_places(first: Places, second: Places) -> Places:
    begin, end = np.concatenate([first.begin, second.begin]), np.concatenate([first.end, second.end])
    offsets = np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]])
    texts, pieces = Followed(first.texts, second.texts), Followed(first.pieces, second.pieces)
    return Places(offsets, begin, end, texts, pieces)


def _join_plain(first: Plain, second: Plain) -> Plain:
    blocks = zip(first.counts, second.counts, strict=True)
    counts = tuple(replace(one, values=vstack([one.values, other.values], "csr")) for one, other in blocks)
    return Plain(np.concatenate([first.values, second.values]), first.names, counts)


def _join_targets(first: Target, second: Target) -> Target:
    values, known = (np.concatenate(pair) for pair in ((first.values, second.values), (first.known, second.known)))
    return Target(values, known, first.names, _join_dense(first.dense, second.dense), _join_soft(first, second))


def _join_soft(first: Target, second: Target) -> Array | None:
    if first.soft is None and second.soft is None:
        return None
    each = [np.full(one.values.shape, np.nan) if one.soft is None else one.soft for one in (first, second)]
    return np.concatenate(each)


def _join_dense(first: Any, second: Any) -> Any:
    if isinstance(first, Boxes):
        offsets = np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]])
        return Boxes(offsets, *(np.concatenate([getattr(first, one), getattr(second, one)]) for one in ("corners", "label")))
    if isinstance(first, Tags):
        offsets = np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]])
        value, judged = (np.concatenate([getattr(first, one), getattr(second, one)]) for one in ("value", "judged"))
        return Tags(offsets, value, judged, first.letters)
    if isinstance(first, Times):
        time, cause, entry = (np.concatenate([getattr(first, one), getattr(second, one)]) for one in ("time", "cause", "entry"))
        return replace(first, time=time, cause=cause, entry=entry)
    if isinstance(first, Spanned):
        unread = None if first.unread is None or second.unread is None else joined([first.unread, second.unread])
        return Spanned(joined([first.spans, second.spans]), _join_dense(first.tags, second.tags), unread)
    if isinstance(first, Paired):
        pairs, steps = (joined_pairs([getattr(one, name) for one in (first, second)]) for name in ("pairs", "steps"))
        return Paired(pairs, steps, np.concatenate([first.letters, second.letters]), first.separation)
    return None if first is None or second is None else JoinedMasks(first, second, np.arange(len(first) + len(second)))
