"""Logistic regression on plain columns, ridge regression for quantities: the first thing any sequence model must beat.

The penalty is L2 and its strength is chosen on tune by log loss (mean squared error for a regression). One model a label for
multilabel, one multinomial model for multiclass. Columns are prepared by `_columns.py`, sparse counts by `_counts.py`, of which
tune chooses the blocks too. Source: scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela.baselines import _columns, _counts, _linear, _problem
from sequela.baselines._linear import Linear
from sequela.baselines._problem import Learned, Problem, Trial
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Counts

DENSE = (3e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1.0)
SPARSE = (3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)  # with sparse counts


class Config(Strict, frozen=True):
    """`strengths` are the inverse penalties tried: C of scikit-learn, 1 / alpha of ridge regression; none: DENSE or SPARSE."""

    strengths: tuple[Annotated[float, Meta(gt=0)], ...] = ()
    iterations: Annotated[int, Meta(ge=1)] = (
        300  # of L-BFGS; a strength that has not converged by then is judged on tune as it is
    )
    columns: tuple[Name, ...] = ()  # of the plain columns only those that match one of these ("*.mean"); none: all
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Fitted:
    kind: str
    names: tuple[str, ...]
    inputs: tuple[str, ...]  # the plain columns, in order
    columns: _columns.Columns
    models: tuple[tuple[Linear, _counts.Blocks], ...]  # with the blocks of counts that each reads


@dataclass(frozen=True, slots=True)
class _Side:
    """The columns of train, or of tune."""

    dense: Array
    counts: tuple[Counts, ...]

    def rows(self, problem: Problem, blocks: _counts.Blocks) -> _linear.Rows:
        """What a problem is learnt from, or judged on."""
        return _linear.Rows(_counts.design(self.dense, self.counts, blocks)[problem.rows], problem)


class Logistic:
    """Fits once, then answers; `chosen` tells each strength tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the strength of each label's penalty on tune; the seed changes nothing, the optimum is unique.

        Raises DataError where no column varies.
        """
        pairs = _problem.pairs(train.target, tune.target, kind)
        plain = _problem.of_inputs(train.plain, self._config.columns)
        names = plain.columns
        judged = _problem.same_columns(tune.plain, names, self._config.columns)
        columns = _columns.fit(plain.values)
        if not len(columns.mean) and not plain.counts:
            raise DataError(f"logistic has nothing to learn from: none of {len(names)} plain columns varies in train")
        sides = _Side(columns.apply(plain.values), plain.counts), _Side(columns.apply(judged.values), judged.counts)
        with threadpool_limits(self._config.threads):
            models = [self._choose(*sides, *pair) for pair in pairs]
        self._fitted = _Fitted(kind, train.target.names, names, columns, tuple(models))

    def _choose(self, train: _Side, tune: _Side, learnt: Problem, held: Problem) -> tuple[Linear, _counts.Blocks]:
        """The strength and the blocks of counts with the least loss on tune."""
        plan = _linear.Plan(self._config.strengths or (SPARSE if train.counts else DENSE), self._config.iterations)
        found: list[tuple[Linear, _counts.Blocks, float]] = []
        told: list[Trial] = []
        for blocks in _counts.choices(train.counts):
            if not blocks and not train.dense.shape[1]:
                continue
            model, trials = _linear.chosen(train.rows(learnt, blocks), tune.rows(held, blocks), plan)
            said = {"counts": _counts.named(train.counts, blocks)} if train.counts else {}
            told += [Trial({**trial.setting, **said}, trial.loss) for trial in trials]
            found.append((model, blocks, min((trial.loss for trial in trials), default=0.0)))
        self._tried[learnt.name] = (learnt.kind, told)
        model, blocks, _ = min(found, key=lambda one: one[2])
        return model, blocks

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        plain = _problem.same_columns(rows.plain, fitted.inputs, self._config.columns)
        dense = fitted.columns.apply(plain.values)
        columns = [model(_counts.design(dense, plain.counts, blocks)) for model, blocks in fitted.models]
        return _problem.answer(fitted.kind, fitted.names, columns)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        fitted = self._ready()
        arrays = {f"columns.{name}": getattr(fitted.columns, name) for name in _columns.Columns.__slots__}
        for number, (model, blocks) in enumerate(fitted.models):
            arrays |= {f"weights.{number}": model.weights, f"intercepts.{number}": model.intercepts}
            arrays |= {f"blocks.{number}": np.array(blocks, np.int64)} if blocks else {}
        return arrays

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        return self._fitted


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> Logistic:
    """The fitted baseline again: `kind` of the task, `names` of the target, `inputs` the names of the plain columns."""
    learned: Learned = "regression" if kind == "regression" else "multiclass" if kind == "multiclass" else "binary"
    columns = _columns.Columns(**{name: np.asarray(arrays[f"columns.{name}"]) for name in _columns.Columns.__slots__})
    count = sum(name.startswith("weights.") for name in arrays)
    models = [
        (
            Linear(learned, np.asarray(arrays[f"weights.{n}"]), np.asarray(arrays[f"intercepts.{n}"])),
            tuple(np.asarray(arrays.get(f"blocks.{n}", ())).astype(np.int64).tolist()),
        )
        for n in range(count)
    ]
    baseline = Logistic(Config())
    baseline._fitted = _Fitted(kind, names, inputs, columns, tuple(models))
    return baseline


def build(config: Config) -> Logistic:
    return Logistic(config)
