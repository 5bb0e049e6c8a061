"""Changes of a row that are made or not made: a code that is left out or added, another category."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sequela.types import Array, Seq, Spec


@dataclass(frozen=True, slots=True)
class Move:
    """One such change of one row, of NumPy arrays with B = 1."""

    input: str
    feature: str
    way: Literal["category", "left_out", "added"]
    place: int  # the code, or the column of the category that stands there
    to: int = 0  # the column of the other category
    instead: str = ""  # its name

    def applied(self, inputs: Mapping[str, Seq]) -> dict[str, Seq]:
        change = {"category": self._recast, "left_out": self._without, "added": self._with}[self.way]
        return {**inputs, self.input: change(inputs[self.input])}

    def _recast(self, seq: Seq) -> Seq:
        values = seq.values.copy()
        values[..., self.to], values[..., self.place] = values[..., self.place], 0
        return replace(seq, values=values)

    def _without(self, seq: Seq) -> Seq:
        """Without the code: of a visit, or, as a step of its own, told as unknown (number 0)."""
        there = seq.values == self.place
        values = np.where(there, 0, seq.values)
        return replace(seq, values=values, seen=None if seq.seen is None else seq.seen & ~there)

    def _with(self, seq: Seq) -> Seq:
        """With the code in the last visit, or in a step of its own beside the last."""
        last = int(seq.mask.sum()) - 1
        if seq.seen is None:
            mask, position = (np.insert(part, last + 1, part[:, last], axis=1) for part in (seq.mask, seq.position))
            side = None if seq.side is None else np.insert(seq.side, last + 1, seq.side[:, last], axis=1)
            values = np.insert(seq.values, last + 1, self.place, axis=1)
            return replace(seq, values=values, mask=mask, position=position, side=side)
        values, seen = (np.concatenate([one, np.zeros_like(one[..., :1])], -1) for one in (seq.values, seq.seen))
        values[0, last, -1], seen[0, last, -1] = self.place, True
        return replace(seq, values=values, seen=seen)


def moves(
    inputs: Mapping[str, Seq], specs: Mapping[str, Spec], may: Mapping[str, Array], frequent: Mapping[str, Sequence[int]]
) -> list[Move]:
    """All such changes that a row may have; `frequent`: of inputs of codes those that may be added."""
    found: list[Move] = []
    for name, free in may.items():
        spec, seq = specs[name], inputs[name]
        if seq.mask.any():
            listed = (
                _codes(name, seq, spec, free, frequent.get(name, ())) if spec.vocabulary else _categories(name, seq, spec, free)
            )
            found += listed
    return found


def _codes(name: str, seq: Seq, spec: Spec, free: Array, frequent: Sequence[int]) -> Iterator[Move]:
    exists = seq.mask if seq.seen is None else seq.seen
    here = np.unique(seq.values[exists])
    yield from (Move(name, spec.names[code], "left_out", int(code)) for code in here if code and free[code])
    yield from (Move(name, spec.names[code], "added", int(code)) for code in frequent if code not in here and free[code])


def _categories(name: str, seq: Seq, spec: Spec, free: Array) -> Iterator[Move]:
    """Each other category of what is known; whatever is gathered as "other" is nothing that one could become."""
    heads = [one.rpartition("=")[0] for one in spec.names]
    for place in np.flatnonzero((seq.values[0, 0] == 1) & free & np.array([bool(head) for head in heads])):
        for to, head in enumerate(heads):
            if head == heads[place] and to != place and not spec.names[to].endswith("=other"):
                yield Move(name, head, "category", int(place), to, spec.names[to].rpartition("=")[2])
