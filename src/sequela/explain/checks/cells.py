"""The cells of some rows that were seen, laid flat and row by row; and the rows without some of them.

A cell is one number of a step, or one code or word of it. What was not seen is no cell: it cannot be explained, and counting it
would flatter every method.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from sequela.contracts import Evidence
from sequela.types import Array, Ragged, Spec


@dataclass(frozen=True, slots=True)
class Cells:
    """M cells, by row; within a row by input, as the inputs lie."""

    names: tuple[str, ...]  # of the inputs
    shape: Mapping[str, tuple[int, ...]]  # of all cells of an input, seen or not: "S *F"
    input: Array  # int64 "M": a place in names
    place: Array  # int64 "M": among all cells of the input, laid flat
    offsets: Array  # int64 "N+1": row i has the cells offsets[i]:offsets[i+1]

    def __len__(self) -> int:
        return len(self.place)

    @property
    def row(self) -> Array:
        """int64 "M"."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def read(self, values: Mapping[str, Array]) -> Array:
        """What these arrays, each of the shape of its input's cells, hold at every cell: "M". An input left out holds zeros."""
        found = np.zeros(len(self), np.result_type(*values.values()) if values else np.float64)
        for number, name in enumerate(self.names):
            if name in values:
                own = self.input == number
                found[own] = np.reshape(values[name], self.shape[name]).ravel()[self.place[own]]
        return found

    def spread(self, chosen: Array) -> dict[str, Array]:
        """These of the cells, bool "M", as one bool array of each input, of the shape of its cells."""
        found = {name: np.zeros(self.shape[name], bool) for name in self.names}
        for number, name in enumerate(self.names):
            own = chosen & (self.input == number)
            found[name].reshape(-1)[self.place[own]] = True
        return found

    def each(self, *values: Array) -> Iterator[tuple[Array, ...]]:
        """Row by row the parts of arrays "M"."""
        for begin, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            yield tuple(one[begin:end] for one in values)


def seen(rows: Evidence) -> Cells:
    """The cells of rows that were laid out, see `laid`."""
    here = {name: cells_seen(ragged, rows.specs[name]) for name, ragged in rows.inputs.items()}
    flat = {name: np.flatnonzero(mask.ravel()) for name, mask in here.items()}
    step = {name: place // max(1, here[name][0].size if len(here[name]) else 1) for name, place in flat.items()}
    row = [np.searchsorted(rows.inputs[name].offsets, step[name], side="right") - 1 for name in here]
    number = [np.full(len(place), k) for k, place in enumerate(flat.values())]
    owner, place, input_ = (np.concatenate(parts) for parts in (row, list(flat.values()), number))
    order = np.argsort(owner, kind="stable")
    offsets = np.searchsorted(owner[order], np.arange(len(rows) + 1))
    return Cells(tuple(here), {name: mask.shape for name, mask in here.items()}, input_[order], place[order], offsets)


def cells_seen(ragged: Ragged, spec: Spec) -> Array:
    """Which cells of an input that was laid out were seen, bool "S *F": of codes and words one a step."""
    shape = (int(ragged.offsets[-1]), *shape_of(ragged, spec))
    if ragged.seen is None:
        return np.ones(shape, bool)
    mask = np.asarray(ragged.seen, bool)
    return mask if mask.shape == shape else np.asarray(mask.any(axis=tuple(range(len(shape), mask.ndim))))


def shape_of(ragged: Ragged, spec: Spec) -> tuple[int, ...]:
    """Of the cells of one step: a word is one cell, however many numbers tell it."""
    return () if spec.words is not None else tuple(ragged.values.shape[1:])


def laid(rows: Evidence) -> Evidence:
    """The same rows with every step's values in memory, each step with values of its own."""
    return replace(rows, inputs={name: _laid(ragged) for name, ragged in rows.inputs.items()})


def _laid(ragged: Ragged) -> Ragged:
    entry = np.arange(ragged.offsets[-1]) if ragged.take is None else ragged.take
    values = np.array(ragged.values[entry])
    mask = None if ragged.seen is None else np.array(ragged.seen[entry])
    return replace(ragged, values=values, seen=mask, take=None, same=None)


def cells_of(rows: Evidence) -> Array:
    """How many cells each row has, seen or not, int64 "N"; nothing is read."""
    each = [ragged.lengths * int(np.prod(shape_of(ragged, rows.specs[name]))) for name, ragged in rows.inputs.items()]
    return np.asarray(np.sum(each, axis=0), np.int64)


def drawn(rows: Evidence, most: int, cells: int, random: np.random.Generator) -> Array:
    """At most so many rows with something to explain, drawn at random, that together have at most so many cells: rising indices.

    One row is drawn whatever its size. Rows of a subject come one after the other only as chance has it.
    """
    size = cells_of(rows)
    order = random.permutation(np.flatnonzero(size > 0))[:most]
    fitting = np.cumsum(size[order]) <= cells
    fitting[:1] = True
    return np.sort(order[fitting])


def without(rows: Evidence, gone: Mapping[str, Array]) -> Evidence:
    """Rows that were laid out, as if some of their cells, bool "S *F" of an input, were not known.

    A number is the mean of training and not seen, a code not there, a word unknown; a point of a signal or picture is the mean.
    What stands beside a step or a row stays as it is.
    """
    left = {name: _without(ragged, rows.specs[name], gone[name]) for name, ragged in rows.inputs.items() if name in gone}
    return replace(rows, inputs={**rows.inputs, **left})


def _without(ragged: Ragged, spec: Spec, gone: Array) -> Ragged:
    values = np.asarray(ragged.values)
    if spec.vocabulary and spec.words is None:
        return replace(ragged, seen=cells_seen(ragged, spec) & ~gone)
    taken = np.where(_over(gone, values.ndim), np.zeros((), values.dtype), values)
    pointwise = ragged.seen is None and values.ndim > 2
    if spec.words is not None or pointwise:
        return replace(ragged, values=taken)
    return replace(ragged, values=taken, seen=cells_seen(ragged, spec) & ~gone)


def _over(chosen: Array, dimensions: int) -> Array:
    """A mask with axes of 1 at its end, so that it lies over an array of more axes."""
    return chosen.reshape(chosen.shape + (1,) * (dimensions - chosen.ndim))
