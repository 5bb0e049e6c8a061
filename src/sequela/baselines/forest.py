"""A random forest on plain columns (Breiman 2001): of molecules' descriptors and fingerprints often the strongest plain model.

Each tree is grown on rows drawn with replacement, splitting by columns drawn at random; the answer is the mean over the trees of
the frequencies, or of the mean, in its leaves. How small a leaf may be and how many columns are tried are chosen on tune with
fewer trees, one forest a label for multilabel. Absent values are taken as they are. Source: scikit-learn; arrays: `_leaves.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela import seed as streams
from sequela.baselines import _counts, _leaves, _problem
from sequela.baselines._leaves import Leaves
from sequela.baselines._problem import Learned, Problem, Trial
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Plain

Tries: TypeAlias = Literal["root", "tenth", "third"]
TRIES: Mapping[str, Any] = {"root": "sqrt", "tenth": 0.1, "third": 1 / 3}  # in scikit-learn's words


class Config(Strict, frozen=True):
    trees: Annotated[int, Meta(ge=1)] = 200
    screen_trees: Annotated[int, Meta(ge=1)] = 50  # of each setting that is tried
    leaves: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (2, 5, 15)  # rows of a leaf at least
    tries: Annotated[tuple[Tries, ...], Meta(min_length=1)] = ("root", "tenth")  # share of the columns, in each node
    counts: Annotated[int, Meta(ge=0)] = 1024  # of the sparse counts, those that alone tell most in train
    columns: tuple[Name, ...] = ()  # of the plain columns only those that match one of these ("*.mean"); none: all
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Fitted:
    kind: str
    names: tuple[str, ...]
    inputs: tuple[str, ...]  # the plain columns, in order
    forests: tuple[tuple[Leaves, Array], ...]  # one a problem, with the counts that it reads after the others


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a problem: what a forest is grown on or judged by."""

    values: Array
    problem: Problem


class Forest:
    """Fits once, then answers; `chosen` tells each setting tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses each label's size of a leaf and share of the columns on tune. Raises DataError where there is no column."""
        plain = _problem.of_inputs(train.plain, self._config.columns)
        judged = _problem.same_columns(tune.plain, plain.columns, self._config.columns)
        pairs = _problem.pairs(train.target, tune.target, kind)
        if not plain.columns:
            raise DataError("a forest has nothing to learn from: the inputs have no plain columns")
        with threadpool_limits(self._config.threads):
            forests = [self._learnt(plain, judged, *pair, seed) for pair in pairs]
        self._fitted = _Fitted(kind, train.target.names, plain.columns, tuple(forests))

    def _learnt(self, plain: Plain, judged: Plain, learnt: Problem, held: Problem, seed: int) -> tuple[Leaves, Array]:
        """The forest of one problem, and the counts that it reads: those that tell most in its training rows."""
        marks = learnt.values if learnt.kind != "multiclass" else np.eye(learnt.classes)[learnt.values.astype(np.int64)]
        counts = _counts.telling(plain.counts, learnt.rows, marks, self._config.counts)
        grown_on = _Rows(_values(plain, counts)[learnt.rows], learnt)
        return self._forest(grown_on, _Rows(_values(judged, counts)[held.rows], held), seed), counts

    def _forest(self, learnt: _Rows, held: _Rows, seed: int) -> Leaves:
        name, kind = learnt.problem.name, learnt.problem.kind
        if learnt.problem.constant:
            self._tried[name] = (kind, [])
            return _leaves.constant(_problem.prior(learnt.problem))
        config = self._config
        settings = list(product(config.leaves, config.tries))
        trials = [self._trial(learnt, held, leaf, tries, seed) for leaf, tries in settings]
        self._tried[name] = (kind, trials)
        leaf, tries = settings[trials.index(_problem.best(trials))]
        return _grown(learnt, leaf, tries, config.trees, seed)

    def _trial(self, learnt: _Rows, held: _Rows, leaf: int, tries: str, seed: int) -> Trial:
        found = _grown(learnt, leaf, tries, self._config.screen_trees, seed)
        return Trial({"leaf": leaf, "tries": tries}, _problem.loss(held.problem, found(held.values)))

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        plain = _problem.same_columns(rows.plain, fitted.inputs, self._config.columns)
        columns = [leaves(_values(plain, counts)) for leaves, counts in fitted.forests]
        return _problem.answer(fitted.kind, fitted.names, columns)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        arrays: dict[str, Array] = {}
        for number, (leaves, counts) in enumerate(self._ready().forests):
            parts = _leaves.arrays(leaves) | ({"counts": counts} if len(counts) else {})
            arrays |= {f"{number}.{name}": part for name, part in parts.items()}
        return arrays

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        return self._fitted


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> Forest:
    """The fitted baseline again: `kind` of the task, `names` of the target, `inputs` the names of the plain columns."""
    count = len({name.partition(".")[0] for name in arrays})
    parts = [{name.removeprefix(f"{k}."): one for name, one in arrays.items() if name.startswith(f"{k}.")} for k in range(count)]
    forests = [(_leaves.from_arrays(one), np.asarray(one.get("counts", ())).astype(np.int64)) for one in parts]
    baseline = Forest(Config())
    baseline._fitted = _Fitted(kind, names, inputs, tuple(forests))
    return baseline


def _values(plain: Plain, counts: Array) -> Array:
    """The dense columns, and these of the sparse ones, float32 "N P"; NaN where absent."""
    beside = [_counts.columns(plain.counts, counts)] if len(counts) else []
    values = np.concatenate([plain.values, *beside], 1, dtype=np.float32)
    return np.where(np.isfinite(values), values, np.float32(np.nan))


def _grown(rows: _Rows, leaf: int, tries: str, trees: int, seed: int) -> Leaves:
    """A forest of these rows; the same seed gives the same one."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if rows.problem.kind == "regression" else RandomForestClassifier
    drawn = streams.number(seed, "forest") % 2**32
    model = kind(trees, min_samples_leaf=leaf, max_features=TRIES[tries], n_jobs=1, random_state=drawn)
    return _leaves.of(model.fit(rows.values, rows.problem.values), rows.problem.classes)


def build(config: Config) -> Forest:
    return Forest(config)
