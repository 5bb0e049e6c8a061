"""From ragged inputs to padded batches: one order and one collate for training, evaluation, prediction and serving.

Rows of like length share a batch, so that little is padding; nothing is packed. NumPy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sequela import seed as streams
from sequela.errors import ConfigError
from sequela.types import Array, Batch, Fields, Paired, Ragged, Seq, Spanned, Tags, Target, Times

POOL = 32  # batches that are sorted by length together: larger pads less, smaller mixes more


def lengths(inputs: Mapping[str, Ragged]) -> Array:
    """Steps of each row's longest input, int64 "N"."""
    longest: Array = np.max([ragged.lengths for ragged in inputs.values()], axis=0)
    return longest


def shuffled(length: Array, batch: int, seed: int, epoch: int, draw: Array | None = None) -> list[Array]:
    """Batches of row numbers in training order: a function of the lengths, the seed and the epoch alone.

    `draw` are the rows of this epoch where they are not each row once (balanced sampling).
    """
    random = streams.generator(seed, "order", epoch)
    rows = random.permutation(len(length)) if draw is None else random.permutation(draw)
    pools = [rows[i : i + batch * POOL] for i in range(0, len(rows), batch * POOL)]
    ordered = [pool[np.argsort(length[pool], kind="stable")] for pool in pools]
    batches = [pool[i : i + batch] for pool in ordered for i in range(0, len(pool), batch)]
    return [batches[i] for i in random.permutation(len(batches))]


def sorted_(length: Array, batch: int) -> list[Array]:
    """Batches of row numbers, shortest first: for everything that is not training. Put answers back by row number."""
    rows = np.argsort(length, kind="stable")
    return [rows[i : i + batch] for i in range(0, len(rows), batch)]


def collate(
    inputs: Mapping[str, Ragged],
    rows: Array,
    target: Target | None = None,
    weight: Array | None = None,
    *,
    share: bool = False,
) -> Batch:
    """The rows padded to the longest of them, per input; a batch in which nobody has a step has T = 1, all masked.

    share: of several inputs, a sequence that rows have in common (Ragged.same) stands once, and Seq.take tells whose it is.
    """
    share = share and len(inputs) > 1
    padded = {name: _shared(ragged, rows) if share else pad(ragged, rows) for name, ragged in inputs.items()}
    return Batch(
        padded,
        rows,
        None if target is None else _laid_out(target.take(rows), padded),
        None if weight is None else weight[rows],
    )


def _laid_out(target: Target, padded: Mapping[str, Seq]) -> Target:
    """The target with the labels of steps as their input is padded, or with the times of its rows as an array."""
    if isinstance(target.dense, Times):
        return replace(target, dense=target.dense.laid())
    if isinstance(target.dense, Paired):
        (seq,) = padded.values()
        return replace(target, dense=target.dense.laid(seq.mask))
    tags = target.dense.tags if isinstance(target.dense, Spanned) else target.dense
    if not isinstance(tags, Tags):
        return target
    (seq,) = padded.values()
    return replace(target, dense=tags.padded(seq.mask.shape[1]))


def lines(order: Sequence[Array], count: Array) -> Array:
    """Where, in what was answered batch by batch, the lines of each row stand, rows in order: a row has `count` of them.

    >>> lines([np.array([2, 0]), np.array([1])], np.array([1, 2, 1])).tolist()
    [1, 2, 3, 0]
    """
    rows = np.concatenate(order)
    number = np.repeat(np.arange(len(rows)), count[rows])
    return np.argsort(rows[number], kind="stable")


def pad(ragged: Ragged, rows: Array) -> Seq:
    """One input's rows as a padded Seq; padding is 0, or False. Of visits, columns that nobody in the batch has are left out."""
    first, count = ragged.offsets[rows], ragged.lengths[rows]
    mask = np.arange(max(int(count.max(initial=0)), 1)) < count[:, None]  # B T
    step = (first[:, None] + np.arange(mask.shape[1]))[mask]  # the steps that exist, row by row
    entry = step if ragged.take is None else ragged.take[step]
    values, seen = ragged.values[entry], None if ragged.seen is None else ragged.seen[entry]
    if seen is not None and values.ndim == 2 and values.dtype.kind in "iu":
        values, seen = _trimmed(values, seen)

    def spread(values: Array) -> Array:
        padded = np.zeros(mask.shape + values.shape[1:], values.dtype)
        padded[mask] = values
        return padded

    return Seq(
        values=spread(values),
        mask=mask,
        position=spread(ragged.position[step]),
        seen=None if seen is None else spread(seen),
        side=None if ragged.side is None else spread(ragged.side[step]),
        context=None if ragged.context is None else ragged.context[rows],
    )


def _shared(ragged: Ragged, rows: Array) -> Seq:
    """The rows padded, each sequence that they share once."""
    if ragged.same is None or ragged.context is not None:
        return pad(ragged, rows)
    _, first, take = np.unique(ragged.same[rows], return_index=True, return_inverse=True)
    return pad(ragged, rows) if len(first) == len(rows) else replace(pad(ragged, rows[first]), take=take)


def fields_of(name: str, ragged: Ragged) -> Fields:
    """The pictures of an input. Raises ConfigError where it gives none."""
    if not isinstance(ragged.values, Fields):
        raise ConfigError(
            f"inputs.{name} gives no pictures, of which every point can be asked", hint='modality = "image", not as rows'
        )
    return ragged.values


def entries(ragged: Ragged) -> Array:
    """The entry of each row's picture, int64 "N"; -1 where it has none."""
    first = np.minimum(ragged.offsets[:-1], max(ragged.offsets[-1] - 1, 0))
    taken = first if ragged.take is None else (ragged.take[first] if len(ragged.take) else first)
    return np.where(ragged.lengths > 0, taken, -1)


def _trimmed(values: Array, seen: Array) -> tuple[Array, Array]:
    """Sets of codes "S N" and which of them are real, without the columns that no step has; at least one column stays."""
    kept = np.flatnonzero(seen.any(0))
    kept = kept if len(kept) else np.zeros(1, np.int64)
    return (values[:, kept], seen[:, kept]) if len(kept) < values.shape[1] else (values, seen)
