"""Rows as the linear models of survival see them: columns as of `_columns.py`, and of sparse counts those that tell most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sequela.baselines import _columns, _counts, _problem
from sequela.baselines._lifetimes import Lifetimes
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Array, Plain


@dataclass(frozen=True, slots=True)
class Described:
    """What was learnt of the plain columns of train."""

    inputs: tuple[str, ...]  # the plain columns, in order
    patterns: tuple[str, ...]  # of those that may be read; (): all
    columns: _columns.Columns
    counts: Array  # int64 "Q": the sparse counts that are read
    mean: Array  # float64 "Q": of their logs
    scale: Array  # float64 "Q"

    def __call__(self, plain: Plain) -> Array:
        """float64 "N F" with mean 0 and deviation 1 in the training rows. Raises DataError where the columns are others."""
        own = _problem.same_columns(plain, self.inputs, self.patterns)
        dense = self.columns.apply(own.values)
        return np.hstack([dense, (_logged(own, self.counts) - self.mean) / self.scale]) if len(self.counts) else dense

    def arrays(self) -> dict[str, Array]:
        told = {f"columns.{name}": getattr(self.columns, name) for name in _columns.Columns.__slots__}
        told |= {"counts": self.counts, "mean": self.mean, "scale": self.scale} if len(self.counts) else {}
        return told | ({"patterns": np.frombuffer("\n".join(self.patterns).encode(), np.uint8)} if self.patterns else {})


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a part of which it is known what became of them."""

    features: Array  # float64 "n F"
    lifetimes: Lifetimes

    @classmethod
    def of(cls, described: Described, rows: Evidence, lifetimes: Lifetimes) -> Part:
        return cls(described(rows.plain)[lifetimes.rows], lifetimes)


def fit(plain: Plain, patterns: tuple[str, ...], learnt: Lifetimes, most: int) -> Described:
    """What the training rows tell, and of their counts the `most` that alone tell most of who had an event.

    Raises DataError where no column varies.
    """
    own = _problem.of_inputs(plain, patterns)
    columns = _columns.fit(own.values)
    events = np.eye(learnt.causes + 1)[learnt.times.cause][:, 1:]
    counts = _counts.telling(own.counts, learnt.rows, events, most)
    if not len(columns.mean) and not len(counts):
        raise DataError(f"nothing is to be learnt of the inputs: none of {len(own.columns)} plain columns varies in train")
    logged = _logged(own, counts)
    mean, scale = (logged.mean(axis=0), np.maximum(logged.std(axis=0), 1e-12)) if len(counts) else np.zeros((2, 0))
    return Described(own.columns, patterns, columns, counts, mean, scale)


def from_arrays(arrays: Mapping[str, Array], inputs: tuple[str, ...]) -> Described:
    """What `arrays` told: `inputs` are the names of all plain columns, of which it reads those that it was held to."""
    patterns = tuple(bytes(arrays["patterns"]).decode().split("\n")) if "patterns" in arrays else ()
    columns = _columns.Columns(**{name: np.asarray(arrays[f"columns.{name}"]) for name in _columns.Columns.__slots__})
    mean, scale = (np.asarray(arrays.get(name, ()), np.float64) for name in ("mean", "scale"))
    read = _problem.matching(inputs, patterns) if patterns else inputs
    return Described(read, patterns, columns, np.asarray(arrays.get("counts", ())).astype(np.int64), mean, scale)


def _logged(plain: Plain, counts: Array) -> Array:
    """A count c as log2(1 + c), so that once is 1."""
    return np.log2(1.0 + _counts.columns(plain.counts, counts).astype(np.float64))
