"""Logistic regression on plain columns, ridge regression for quantities: the first thing any sequence model must beat.

The penalty is L2 and its strength is chosen on tune by log loss (mean squared error for a regression). One model a label for
multilabel, one multinomial model for multiclass. Columns are prepared by `_columns.py`. Source: scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela.baselines import _columns, _linear, _problem
from sequela.baselines._linear import Linear
from sequela.baselines._problem import Learned, Problem, Trial
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array


class Config(Strict, frozen=True):
    """`strengths` are the inverse penalties tried: C of scikit-learn, 1 / alpha of ridge regression."""

    strengths: Annotated[tuple[float, ...], Meta(min_length=1)] = (3e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1.0)
    iterations: Annotated[int, Meta(ge=1)] = (
        300  # of L-BFGS; a strength that has not converged by then is judged on tune as it is
    )
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Fitted:
    kind: str
    names: tuple[str, ...]
    inputs: tuple[str, ...]  # the plain columns, in order
    columns: _columns.Columns
    models: tuple[Linear, ...]


class Logistic:
    """Fits once, then answers; `chosen` tells each strength tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the strength of each label's penalty on tune; the seed changes nothing, the optimum is unique."""
        plain = _problem.of_inputs(train.plain)
        columns = _columns.fit(plain.values)
        learnt, chosen = columns.apply(plain.values), columns.apply(_problem.same_columns(tune.plain, plain.names))
        with threadpool_limits(self._config.threads):
            models = [self._choose(learnt, chosen, *pair) for pair in _problem.pairs(train.target, tune.target, kind)]
        self._fitted = _Fitted(kind, train.target.names, plain.names, columns, tuple(models))

    def _choose(self, train: Array, tune: Array, learnt: Problem, held: Problem) -> Linear:
        plan = _linear.Plan(self._config.strengths, self._config.iterations)
        model, trials = _linear.chosen(_linear.Rows(train[learnt.rows], learnt), _linear.Rows(tune[held.rows], held), plan)
        self._tried[learnt.name] = (learnt.kind, trials)
        return model

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        features = fitted.columns.apply(_problem.same_columns(rows.plain, fitted.inputs))
        return _problem.answer(fitted.kind, fitted.names, [model(features) for model in fitted.models])

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        fitted = self._ready()
        arrays = {f"columns.{name}": getattr(fitted.columns, name) for name in _columns.Columns.__slots__}
        for number, model in enumerate(fitted.models):
            arrays |= {f"weights.{number}": model.weights, f"intercepts.{number}": model.intercepts}
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
    models = [Linear(learned, np.asarray(arrays[f"weights.{n}"]), np.asarray(arrays[f"intercepts.{n}"])) for n in range(count)]
    baseline = Logistic(Config())
    baseline._fitted = _Fitted(kind, names, inputs, columns, tuple(models))
    return baseline


def build(config: Config) -> Logistic:
    return Logistic(config)
