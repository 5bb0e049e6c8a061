"""A random survival forest on plain columns (Ishwaran 2008; with competing causes, Ishwaran 2014).

Each tree is grown on rows drawn with replacement, by log-rank splits of columns drawn at random; a row's answer is the mean over
the trees of the Aalen-Johansen curves of its leaves. The least size of a leaf and the columns tried are chosen on tune with fewer
trees. Times and columns are in bins, and one random generator grows all trees: the same seed gives the same forest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, sqrt
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from sequela import seed as streams
from sequela.baselines import _counts, _intervals, _lifetimes, _problem, _survival_trees, _trees
from sequela.baselines._lifetimes import Clock, Lifetimes
from sequela.baselines._problem import Trial
from sequela.baselines._survival_trees import Binned, Forest, Growing
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.metrics import censored
from sequela.types import Answer, Array, Plain

MOST_TRIED = 50  # columns in one node


class Config(Strict, frozen=True):
    trees: Annotated[int, Meta(ge=1)] = 100
    screen_trees: Annotated[int, Meta(ge=1)] = 30  # of each setting that is tried
    leaves: Annotated[tuple[Annotated[int, Meta(ge=5)], ...], Meta(min_length=1)] = (15, 50, 150)  # rows of a leaf at least
    tries: Annotated[tuple[Literal["root", "third"], ...], Meta(min_length=1)] = ("root", "third")  # of the columns, in each node
    ticks: Annotated[int, Meta(ge=2)] = 50  # intervals of time at most, beside the horizons
    rows: Annotated[int, Meta(ge=10)] = 20_000  # of each tree at most
    counts: Annotated[int, Meta(ge=0)] = 64  # of the sparse counts, those that alone tell most in train
    columns: tuple[Name, ...] = ()  # of the plain columns only those that match one of these ("*.last"); none: all


@dataclass(frozen=True, slots=True)
class _Fitted:
    names: tuple[str, ...]
    inputs: tuple[str, ...]  # the plain columns, in order
    counts: Array  # the sparse ones that are read after the others
    clock: Clock
    forest: Forest


@dataclass(frozen=True, slots=True)
class _Held:
    """The rows of tune that settings are judged on."""

    values: Array
    lifetimes: Lifetimes
    ends: Array


class SurvivalForest:
    """Fits once, then answers; `chosen` tells each setting tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: list[Trial] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the size of a leaf and the columns tried on tune.

        Raises DataError as `_lifetimes.read` does, and where there is no column.
        """
        config = self._config
        learnt, held = _lifetimes.read(train, tune, kind, "survival_forest")
        plain = _problem.of_inputs(train.plain, config.columns)
        judged = _problem.same_columns(tune.plain, plain.columns, config.columns)
        marks = np.eye(learnt.causes + 1)[learnt.times.cause][:, 1:]
        counts = _counts.telling(plain.counts, learnt.rows, marks, config.counts)
        values = _values(plain, counts)[learnt.rows]
        if not values.shape[1]:
            raise DataError("a survival forest has nothing to learn from: the inputs have no plain columns")
        clock = _lifetimes.intervals(learnt.times, config.ticks, 1)
        rows = _survival_trees.binned(values)
        looked_at = _Held(_values(judged, counts)[held.rows], held, censored.intervals(learnt.times))
        growing = self._choose(rows, learnt, clock, looked_at, seed)
        forest = _survival_trees.grow(growing, config.trees, config.rows, streams.generator(seed, "survival_forest"))
        self._fitted = _Fitted(train.target.names, plain.columns, counts, clock, forest)

    def _choose(self, rows: Binned, learnt: Lifetimes, clock: Clock, held: _Held, seed: int) -> Growing:
        """The setting with the least loss on tune."""
        spells = _intervals.spells(learnt.times, clock.grid)
        tries = list(dict.fromkeys(_tried(rule, rows.columns) for rule in self._config.tries))
        found = [
            Growing(rows, spells, learnt.causes, len(clock.grid), leaf, columns)
            for leaf in self._config.leaves
            for columns in tries
        ]
        if len(found) > 1:
            self._tried = [self._trial(growing, clock, held, seed) for growing in found]
            return found[self._tried.index(_problem.best(self._tried))]
        self._tried = [self._trial(found[0], clock, held, seed)]
        return found[0]

    def _trial(self, growing: Growing, clock: Clock, held: _Held, seed: int) -> Trial:
        random = streams.generator(seed, "survival_forest", "screen")
        forest = _survival_trees.grow(growing, self._config.screen_trees, self._config.rows, random)
        answer = clock.answer(forest(held.values), ())
        assert answer.curves is not None
        loss = censored.log_loss(answer.curves, held.lifetimes.times, held.ends)
        return Trial({"leaf": growing.leaf, "tries": growing.tries}, loss)

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        plain = _problem.same_columns(rows.plain, fitted.inputs, self._config.columns)
        return fitted.clock.answer(fitted.forest(_values(plain, fitted.counts)), fitted.names)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _lifetimes.told({"causes": self._tried}) if self._tried else {}

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        fitted = self._ready()
        trees = {f"trees.{name}": part for name, part in _trees.arrays(fitted.forest.trees).items()}
        counts = {"counts": fitted.counts} if len(fitted.counts) else {}
        return {**trees, **counts, **fitted.clock.arrays(), "incidence": fitted.forest.incidence}

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        return self._fitted


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> SurvivalForest:
    """The fitted baseline again: `names` of the target, `inputs` the names of the plain columns."""
    trees = _trees.from_arrays({name.removeprefix("trees."): part for name, part in arrays.items() if name.startswith("trees.")})
    counts = np.asarray(arrays.get("counts", ())).astype(np.int64)
    baseline = SurvivalForest(Config())
    forest = Forest(trees, np.asarray(arrays["incidence"]))
    baseline._fitted = _Fitted(names, inputs, counts, _lifetimes.clock_of(arrays), forest)
    return baseline


def _values(plain: Plain, counts: Array) -> Array:
    """The dense columns, and these of the sparse ones, float64 "N P"; NaN where absent."""
    beside = [_counts.columns(plain.counts, counts)] if len(counts) else []
    values = np.concatenate([plain.values, *beside], 1).astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _tried(rule: str, columns: int) -> int:
    return min(ceil(sqrt(columns) if rule == "root" else columns / 3), MOST_TRIED)


def build(config: Config) -> SurvivalForest:
    return SurvivalForest(config)
