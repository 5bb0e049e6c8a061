"""Rows with a pattern planted into one of their inputs, the label that goes with it, and the cells that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sequela.contracts import Evidence, Task
from sequela.explain.checks.cells import cells_of
from sequela.explain.checks.plants import Plant, codes, motifs, numbers, pictures, waves
from sequela.types import Array, Ragged, Spec, Target, Times

ALPHABET = 64  # of so short a vocabulary a single one tells little: a stretch of them is planted
KINDS = ("binary", "multiclass", "multilabel", "regression", "survival")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, the input that it is put into, and what the labels are in the task's own terms."""

    name: str  # of the input
    plant: Plant


@dataclass(frozen=True, slots=True)
class Planted:
    """Rows with the pattern, laid out; those without room for it are left out."""

    rows: Evidence  # with the target that goes with it
    label: Array  # bool "N"
    truth: Mapping[str, Array]  # input -> bool "S *F"
    kept: Array  # int64 "N": which of the rows that were given

    def first(self, count: int) -> Planted:
        """The first so many rows."""
        steps = {name: int(self.rows.inputs[name].offsets[count]) for name in self.truth}
        truth = {name: values[: steps[name]] for name, values in self.truth.items()}
        return Planted(taken(self.rows, np.arange(count)), self.label[:count], truth, self.kept[:count])


def settle(rows: Evidence, random: np.random.Generator) -> Pattern | None:
    """A pattern for the input with the most cells that one can be put into; None where there is no such input.

    `rows` are training rows that were laid out.
    """
    size = {name: cells_of(replace(rows, inputs={name: ragged})).sum() for name, ragged in rows.inputs.items()}
    for name in sorted(size, key=lambda name: -size[name]):
        plant = _plant(rows.inputs[name], rows.specs[name], random) if size[name] else None
        if plant is not None:
            return Pattern(name, plant)
    return None


def _plant(ragged: Ragged, spec: Spec, random: np.random.Generator) -> Plant | None:
    dimensions = len(ragged.values.shape) - 1
    if spec.vocabulary:
        short = spec.vocabulary < ALPHABET and not spec.shape
        return motifs.settle(ragged, random) if short else codes.settle(ragged, spec, random)
    if dimensions == 1:
        return numbers.settle(ragged, spec, random)
    if dimensions == 2:
        return waves.settle(ragged, spec, random)
    return pictures.settle(ragged, spec) if dimensions > 2 else None


def planted(rows: Evidence, pattern: Pattern, kind: str, random: np.random.Generator) -> Planted:
    """The rows with the pattern, half of them with each label, drawn at random; rows without room for it are left out.

    `rows` were laid out.
    """
    label = random.permutation(np.arange(len(rows)) % 2 == 1)
    put = pattern.plant.put(rows.inputs[pattern.name], label, random)
    has = _any(put.truth, put.ragged)
    kept = np.flatnonzero(has)
    changed = replace(rows, inputs={**rows.inputs, pattern.name: put.ragged}, target=target_of(kind, rows.target, label))
    chosen = taken(changed, kept)
    truth = put.truth[np.repeat(has, put.ragged.lengths)]
    return Planted(chosen, label[kept], {pattern.name: truth}, kept)


def _any(truth: Array, ragged: Ragged) -> Array:
    step = truth.reshape(len(truth), -1).any(1) if len(truth) else np.zeros(0, bool)
    cumulated = np.concatenate([[0], np.cumsum(step)])
    return np.asarray(cumulated[ragged.offsets[1:]] > cumulated[ragged.offsets[:-1]])


def taken(rows: Evidence, chosen: Array) -> Evidence:
    """These rows (rising indices) of rows that were laid out, with what a network reads of them, laid out too."""
    inputs = {name: _taken(ragged, chosen) for name, ragged in rows.inputs.items()}
    target = rows.target.take(chosen)
    return replace(
        rows,
        inputs=inputs,
        plain=rows.plain.take(chosen),
        target=target,
        subject=rows.subject[chosen],
        row_id=rows.row_id[chosen],
        barred=None if rows.barred is None else rows.barred[chosen],
        marks={},
        steps=None,
    )


def _taken(ragged: Ragged, chosen: Array) -> Ragged:
    keep = np.zeros(len(ragged), bool)
    keep[chosen] = True
    step = np.repeat(keep, ragged.lengths)
    mask = ragged.seen
    return Ragged(
        offsets=np.concatenate([[0], np.cumsum(ragged.lengths[chosen])]),
        values=np.asarray(ragged.values)[step],
        position=ragged.position[step],
        seen=None if mask is None else np.asarray(mask)[step],
        side=None if ragged.side is None else ragged.side[step],
        context=None if ragged.context is None else ragged.context[chosen],
        places=ragged.places and ragged.places.take(chosen),
    )


def target_of(kind: str, target: Target, label: Array) -> Target:
    """The label in the task's own terms: the event or none; the second class or the first; the first label of several.

    Of quantities the first, a spread above or below its mean; of times the first cause soon, or nothing until the last horizon.
    """
    values, known = np.zeros(target.values.shape), np.zeros(target.known.shape, bool)
    known[:, 0] = True
    values[:, 0] = _quantity(target, label) if kind == "regression" else label
    dense = _times(target.dense, label) if isinstance(target.dense, Times) else None
    return Target(values, known, target.names, dense, None, target.ordered)


def column_of(task: Task) -> int:
    """The column of the answer that rises with the label."""
    return 1 if task.kind == "multiclass" else 0


def _quantity(target: Target, label: Array) -> Array:
    own = target.values[target.known[:, 0], 0]
    mean, spread = (float(own.mean()), float(own.std())) if len(own) else (0.0, 1.0)
    return np.where(label, mean + spread, mean - spread)


def _times(times: Times, label: Array) -> Times:
    first, last = times.horizons[0].days, times.horizons[-1].days
    time = np.where(label, first / 2, last)
    return replace(times, time=time, cause=label.astype(np.int64), entry=np.zeros(len(label)))
