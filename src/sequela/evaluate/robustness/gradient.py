"""A small step of every number that the network reads, in the direction that hurts most (Goodfellow 2015, fast gradient sign).

The step is in spreads of the input as it is scaled. Only what is seen moves; what does not exist stays as it was. What the
baselines say of such a row is not asked: the direction is the network's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch

from sequela import batch as batches
from sequela import model as models
from sequela.contracts import Evidence, Task
from sequela.model import Model
from sequela.types import Array, Fields, Ragged, Spec

BATCH = 64
MOST = 100_000_000  # numbers of an input that are held at once


def inputs(rows: Evidence) -> list[str]:
    """The names of those whose numbers may be moved: not one-hot columns, codes, or pictures that are seen in patches."""
    return [name for name, ragged in rows.inputs.items() if _movable(ragged, rows.specs[name])]


def _movable(ragged: Ragged, spec: Spec) -> bool:
    numbers = spec.vocabulary == 0 and spec.kind not in ("static", "codes") and spec.words is None and not spec.alphabet
    patched = isinstance(ragged.values, Fields) and ragged.values.patch is not None
    fits = int(ragged.offsets[-1]) * int(np.prod(spec.shape, dtype=np.int64)) <= MOST
    return numbers and not patched and fits and np.issubdtype(ragged.values.dtype, np.floating)


def signs(members: Sequence[Model], task: Task, rows: Evidence) -> dict[str, Array]:
    """Of each movable input the sign of the loss's slope at every number, int8 "S *F"."""
    names = inputs(rows)
    found = {name: np.zeros((int(rows.inputs[name].offsets[-1]), *rows.specs[name].shape), np.int8) for name in names}
    for chosen in batches.sorted_(batches.lengths(rows.inputs), BATCH):
        slopes = _slopes(members, task, rows, chosen, names)
        for name in names:
            _lay(found[name], rows.inputs[name], chosen, np.sign(slopes[name]).astype(np.int8))
    return found


def _slopes(members: Sequence[Model], task: Task, rows: Evidence, chosen: Array, names: Sequence[str]) -> dict[str, Array]:
    """Of one batch, summed over the networks: float32 "B T *F"."""
    batch = models.tensors(batches.collate(rows.inputs, chosen, rows.target), "cpu")
    assert batch.target is not None  # it was given
    held = {name: batch.inputs[name].values.clone().requires_grad_() for name in names}
    given = {name: replace(seq, values=held.get(name, seq.values)) for name, seq in batch.inputs.items()}
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):  # whose recurrent layers have no slope in eval mode
        loss = torch.stack([task.loss(member.eval()(given), batch.target).sum() for member in members]).sum()
        slopes = torch.autograd.grad(loss, [held[name] for name in names], allow_unused=True)
    return {name: np.zeros(held[name].shape) if one is None else one.numpy() for name, one in zip(names, slopes, strict=True)}


def _lay(found: Array, ragged: Ragged, chosen: Array, slopes: Array) -> None:
    """Puts what is of a batch where it stands among all steps."""
    for place, row in enumerate(chosen.tolist()):
        begin, end = int(ragged.offsets[row]), int(ragged.offsets[row + 1])
        found[begin:end] = slopes[place, : end - begin]


def stepped(rows: Evidence, directions: Mapping[str, Array], level: float) -> Evidence:
    """The rows with each seen number moved by `level` in its direction."""
    moved = {name: _moved(rows.inputs[name], direction, level) for name, direction in directions.items()}
    return replace(rows, inputs={**rows.inputs, **moved})


def _moved(ragged: Ragged, direction: Array, level: float) -> Ragged:
    entry = np.arange(int(ragged.offsets[-1])) if ragged.take is None else ragged.take
    values = np.array(ragged.values[entry], np.float32)
    seen = None if ragged.seen is None else ragged.seen[entry]
    step = level * direction.astype(np.float32)
    return replace(ragged, values=values + (step if seen is None else np.where(seen, step, 0)), seen=seen, take=None)
