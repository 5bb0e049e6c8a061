"""An attribution gathered by what a reader knows by name: features of measurements, codes and words, leads of a signal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sequela.types import Array, Attribution, Ragged, Spec

BESIDE, ROW = "(numbers beside the steps)", "(facts of the row)"  # parts whose numbers have no names of their own


@dataclass(frozen=True, slots=True)
class Parts:
    """What P named parts of the inputs add to the answers about N rows."""

    input: tuple[str, ...]  # of each part
    name: tuple[str, ...]
    sums: Array  # float64 "N P": over the cells of the part
    present: Array  # bool "N P": whether the row has any of it

    def __len__(self) -> int:
        return len(self.name)


def parts(attribution: Attribution, inputs: Mapping[str, Ragged], specs: Mapping[str, Spec]) -> Parts:
    """Sums of the attribution by part: together with what has no name they are the sums of its rows.

    A picture is one part. Parts that no row has are left out.
    """
    columns: dict[tuple[str, str], tuple[Array, Array]] = {}
    for name, part, step, adds, seen in _cells(attribution, inputs, specs):
        row = np.searchsorted(inputs[name].offsets, step, side="right") - 1
        sums, present = columns.setdefault((name, part), (np.zeros(len(inputs[name])), np.zeros(len(inputs[name]), bool)))
        np.add.at(sums, row, adds)
        present[row[seen]] = True
    for name, added in attribution.context.items():
        facts = specs[name].facts or (ROW,) * added.shape[1]
        for fact in dict.fromkeys(facts):
            own = np.array([one == fact for one in facts])
            columns[name, fact] = (added[:, own].sum(1), inputs[name].lengths > 0)
    kept = {key: both for key, both in columns.items() if both[1].any()}
    count = len(attribution.column)
    sums = np.stack([both[0] for both in kept.values()], 1) if kept else np.zeros((count, 0))
    present = np.stack([both[1] for both in kept.values()], 1) if kept else np.zeros((count, 0), bool)
    return Parts(tuple(name for name, _ in kept), tuple(part for _, part in kept), sums, present)


def _cells(
    attribution: Attribution, inputs: Mapping[str, Ragged], specs: Mapping[str, Spec]
) -> Iterator[tuple[str, str, Array, Array, Array]]:
    """Input, part, the steps that have it, what each adds to the answer, and whether it was seen there."""
    for name, cells in attribution.cells.items():
        steps = np.arange(len(cells))
        by_code = specs[name].vocabulary > 0
        yield from ((name, *one) for one in (_codes if by_code else _features)(cells, steps, inputs[name], specs[name]))
        if name in attribution.side:
            yield from ((name, *one) for one in _beside(attribution.side[name], steps, specs[name]))


def _codes(cells: Array, steps: Array, ragged: Ragged, spec: Spec) -> Iterator[tuple[str, Array, Array, Array]]:
    """One part a code of the vocabulary: of a word told by more than its number, the first of its numbers."""
    whole = np.asarray(ragged.values if ragged.take is None else ragged.values[ragged.take])
    code = (whole[..., 0] if spec.words is not None else whole).reshape(len(cells), -1).astype(np.int64)
    seen = _seen(ragged, whole.shape).reshape(len(cells), -1)[:, : code.shape[1]].ravel()
    adds, step = cells.reshape(len(cells), -1).ravel(), np.repeat(steps, code.shape[1])
    places = np.flatnonzero(seen)
    order = places[np.argsort(code.ravel()[places], kind="stable")]
    each, first = np.unique(code.ravel()[order], return_index=True)
    for number, some in zip(each.tolist(), np.split(order, first[1:]), strict=False):
        yield _name(spec, number), step[some], adds[some], np.ones(len(some), bool)


def _features(cells: Array, steps: Array, ragged: Ragged, spec: Spec) -> Iterator[tuple[str, Array, Array, Array]]:
    """One part a feature or channel: the first axis of a step."""
    features = cells.shape[1] if cells.ndim > 1 else 1
    flat = cells.reshape(len(cells), features, -1)
    here = _seen(ragged, cells.shape).reshape(len(cells), features, -1)
    for place in range(features):
        yield _name(spec, place), steps, flat[:, place].sum(-1), np.asarray(here[:, place].any(-1))


def _beside(side: Array, steps: Array, spec: Spec) -> Iterator[tuple[str, Array, Array, Array]]:
    """Of a number beside each feature of a step it is the feature's own: how long ago that was measured."""
    nowhere = np.zeros(len(steps), bool)
    if side.shape[1] == len(spec.names):
        yield from ((_name(spec, place), steps, side[:, place], nowhere) for place in range(side.shape[1]))
    else:
        yield BESIDE, steps, side.sum(1), ~nowhere


def _seen(ragged: Ragged, shape: tuple[int, ...]) -> Array:
    """Which entries of the steps are real, bool of that shape."""
    if ragged.seen is None:
        return np.ones(shape, bool)
    return np.asarray(ragged.seen if ragged.take is None else ragged.seen[ragged.take], bool).reshape(shape)


def _name(spec: Spec, place: int) -> str:
    return spec.names[place] if place < len(spec.names) else f"{spec.kind} {place}"
