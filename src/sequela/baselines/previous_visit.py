"""The medications (or other codes) of the nearest previous visit, once more: what any recommendation has to be better than.

For labels whose names are codes of an input of visits. A label that the latest visit with any of the labels holds has probability
1, the others 0. Where no such visit is known (a first visit), each has its rate among the training rows that had none either: the
commonest ones, as far as the threshold lets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sequela.baselines import _problem
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Ragged, Spec


class Config(Strict, frozen=True):
    input: str = ""  # the input of visits; left out: the only one that names the labels


class PreviousVisit:
    """Repeats what was given last time."""

    def __init__(self, config: Config) -> None:
        self._input = config.input
        self._names: tuple[str, ...] = ()
        self._rates = np.zeros(0)

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Finds the input and learns the rates. Raises DataError where no input of visits names the labels."""
        if kind != "multilabel":
            raise DataError(f"the previous visit is no answer to a {kind} question")
        problems = _problem.learnable(train.target, kind)
        self._input = _found(train, self._input)
        self._names = train.target.names
        _, some = _latest(train.inputs[self._input], train.specs[self._input], self._names)
        overall = np.array([problem.values.mean() for problem in problems])
        first = train.target.known & ~some[:, None]
        count = first.sum(0)
        self._rates = np.where(count > 0, (train.target.values * first).sum(0) / np.maximum(count, 1), overall)

    def answer(self, rows: Evidence) -> Answer:
        if not self._names:
            raise DataError("this baseline has not been fitted")
        held, some = _latest(rows.inputs[self._input], rows.specs[self._input], self._names)
        values = np.where(some[:, None], held.astype(np.float64), self._rates)
        return Answer("probabilities", values, self._names)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {"input": self._input}


def _found(rows: Evidence, wanted: str) -> str:
    """The input of visits that names a label: the one wanted, or the only one."""
    fitting = [
        name
        for name, spec in rows.specs.items()
        if wanted in ("", name) and spec.vocabulary and len(spec.shape) == 1 and set(rows.target.names) & set(spec.names)
    ]
    if len(fitting) != 1:
        called = f"called {wanted!r} " if wanted else ""
        raise DataError(
            f"{len(fitting)} inputs of visits {called}name any of the {len(rows.target.names)} labels, expected one",
            hint='say which with baselines.names = [{ name = "previous_visit", input = "…" }]',
        )
    return fitting[0]


def _latest(visits: Ragged, spec: Spec, names: tuple[str, ...]) -> tuple[Array, Array]:
    """Of each row which labels its latest visit with any of them holds, bool "N K", and whether there is one, bool "N"."""
    place = {name: k for k, name in enumerate(names)}
    label = np.array([place.get(name, -1) for name in spec.names])
    step = np.arange(visits.offsets[-1])
    entry = step if visits.take is None else visits.take
    values = visits.values[entry]
    seen = np.ones(values.shape, bool) if visits.seen is None else visits.seen[entry]
    at, _ = found = np.nonzero(seen & (label[values] >= 0))
    row = np.searchsorted(visits.offsets, at, side="right") - 1
    last = np.full(len(visits), -1)
    np.maximum.at(last, row, at)
    held = np.zeros((len(visits), len(names)), bool)
    nearest = at == last[row]
    held[row[nearest], label[values[found]][nearest]] = True
    return held, last >= 0


def build(config: Config) -> PreviousVisit:
    return PreviousVisit(config)
