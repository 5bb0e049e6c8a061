"""The series of numbers that an input is: its windows of a signal, or its steps of measurements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.baselines._rocket import Series
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Array, Ragged, Spec


@dataclass(frozen=True, slots=True)
class Several:
    """The series of N rows, each once; row i has those at take[offsets[i]:offsets[i+1]], the latest last."""

    offsets: Array  # int64 "N+1"
    take: Array  # int64 "S"
    series: Series

    def last(self, features: Array) -> Array:
        """Of features of the series "M F", those of each row's last one; zeros for a row without any, float32 "N F"."""
        found = np.zeros((len(self.offsets) - 1, features.shape[1]), np.float32)
        has = np.diff(self.offsets) > 0
        found[has] = features[self.take[self.offsets[1:][has] - 1]]
        return found

    def mean(self, features: Array) -> Array:
        """The same of the mean over each row's series."""
        found = np.zeros((len(self.offsets) - 1, features.shape[1]), np.float32)
        has = np.diff(self.offsets) > 0
        if has.any():
            found[has] = np.add.reduceat(features[self.take], self.offsets[:-1][has], axis=0) / np.diff(self.offsets)[has, None]
        return found


def of(rows: Evidence, name: str, which: Array, most: int) -> Several:
    """The series of these rows, at most so many of each: its windows "C L", the latest; or its steps of measurements as one."""
    ragged = rows.inputs[name]
    if len(rows.specs[name].shape) == 2:
        return _windows(ragged, which, most)
    return _measured(ragged, which, len(rows.specs[name].names) or rows.specs[name].shape[0])


def readable(rows: Evidence, wanted: str) -> str:
    """The input wanted, or the first whose steps are windows, or else the first of measurements.

    Raises DataError where there is none.
    """
    fitting = [name for name, spec in rows.specs.items() if wanted in ("", name) and _numbers(spec)]
    if not fitting:
        which = f"the input {wanted!r} has no" if wanted else "no input has"
        hint = "MiniRocket needs a waveform or measurements"
        raise DataError(f"{which} steps that are windows of channels and samples, or measurements in time", hint=hint)
    return max(fitting, key=lambda name: len(rows.specs[name].shape))


def _numbers(spec: Spec) -> bool:
    return not spec.vocabulary and (len(spec.shape) == 2 or (len(spec.shape) == 1 and not spec.single))


def _latest(ragged: Ragged, which: Array, most: int) -> tuple[Array, Array]:
    """Offsets of these rows' latest steps, at most so many of each, and which steps they are."""
    count = np.minimum(ragged.lengths[which], most)
    offsets = np.concatenate([[0], np.cumsum(count)])
    first = ragged.offsets[which + 1] - count
    return offsets, np.repeat(first - offsets[:-1], count) + np.arange(offsets[-1])


def _windows(ragged: Ragged, which: Array, most: int) -> Several:
    """A window that several rows know is one series; a sample that no channel has is none of it."""
    offsets, step = _latest(ragged, which, most)
    entry, take = np.unique(step if ragged.take is None else ragged.take[step], return_inverse=True)
    values = np.asarray(ragged.values[entry], np.float32)
    if ragged.seen is None:
        return Several(offsets, take, Series(values))
    seen = np.asarray(ragged.seen[entry])
    known = np.logical_or.reduce(seen, axis=1)
    return Several(offsets, take, Series(np.where(seen, values, 0), None if known.all() else known))


def _measured(ragged: Ragged, which: Array, features: int) -> Several:
    """Each row's steps as one series that ends with the last; a value holds until the next is seen, and is 0 before the first."""
    count = ragged.lengths[which]
    longest = max(int(count.max(initial=0)), 1)
    place = np.arange(longest) - (longest - count[:, None])  # N L: which step of its row
    known = place >= 0
    step = (ragged.offsets[which][:, None] + place)[known]
    entry = step if ragged.take is None else ragged.take[step]
    held = np.zeros((len(which), longest, features), np.float32)
    held[known] = ragged.values[entry]
    if ragged.seen is not None:
        seen = np.zeros(held.shape, bool)
        seen[known] = ragged.seen[entry]
        held = _carried(held, seen)
    has = np.flatnonzero(count > 0)
    offsets = np.concatenate([[0], np.cumsum(count > 0)])
    series = Series(np.ascontiguousarray(held.transpose(0, 2, 1)), None if known.all() else known).take(has)
    return Several(offsets, np.arange(len(has)), series)


def _carried(values: Array, seen: Array) -> Array:
    """ "N L F" with each value that was not seen replaced by the last that was, 0 where none was."""
    last = np.maximum.accumulate(np.where(seen, np.arange(values.shape[1])[:, None], -1), axis=1)
    found = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.where(last >= 0, found, 0).astype(np.float32)
