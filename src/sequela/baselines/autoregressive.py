"""AR(p): the quantity asked for as a weighted sum of its own last p values, by least squares; p is chosen on tune.

Of a forecast each time ahead has weights of its own (direct, not iterated), and the quantiles of its training residuals.

The values are those of the sequence that the model itself sees, in the scale that the modality gives them; a study that wants AR
in the textbook's sense scales by `standard`. Where fewer than p values were seen the oldest stands for those before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from sequela.baselines import _problem, _residuals
from sequela.baselines._problem import Learned, Problem, Trial
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.study import ahead
from sequela.types import Answer, Array, Ragged


class Config(Strict, frozen=True):
    orders: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (1, 2, 3, 5, 8, 12, 20)
    levels: tuple[float, ...] = _residuals.LEVELS  # of the quantiles of a forecast; a run sets those of its task


@dataclass(frozen=True, slots=True)
class _Model:
    """One quantity's weights: the intercept, then the last value, the one before, and so on."""

    input: str
    feature: int
    weights: Array  # float64 "1+p"
    mean: float  # answered where no value was seen

    def __call__(self, rows: Evidence) -> Array:
        lags = _lags(rows.inputs[self.input], self.feature, len(self.weights) - 1)
        answered = self.weights[0] + lags @ self.weights[1:]
        return np.where(np.isnan(answered), self.mean, answered)[:, None]


class Autoregressive:
    """Learns one AR(p) for each quantity."""

    def __init__(self, config: Config) -> None:
        self._orders = config.orders
        self._around = _residuals.Residuals(config.levels)
        self._names: tuple[str, ...] = ()
        self._models: list[_Model] = []
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses p on tune.

        Raises DataError where the task is no regression and no forecast, or no input holds a series of the quantity.
        """
        if kind not in ("regression", "forecast"):
            raise DataError(f"autoregression is no answer to a {kind} question")
        pairs = _problem.pairs(train.target, tune.target, "regression")
        self._models = [self._choose(train, tune, learnt, held) for learnt, held in pairs]
        self._names = train.target.names
        self._around.fit(kind, self.answer(train), train.target)

    def _choose(self, train: Evidence, tune: Evidence, learnt: Problem, held: Problem) -> _Model:
        models = [_fitted(train, learnt, order) for order in self._orders]
        losses = [_problem.loss(held, model(tune)[held.rows]) for model in models]
        trials = [Trial({"order": order}, loss) for order, loss in zip(self._orders, losses, strict=True)]
        self._tried[learnt.name] = (learnt.kind, trials)
        return models[trials.index(_problem.best(trials))]

    def answer(self, rows: Evidence) -> Answer:
        if not self._models:
            raise DataError("this baseline has not been fitted")
        return self._around(_problem.answer("regression", self._names, [model(rows) for model in self._models]))

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)


def _fitted(train: Evidence, problem: Problem, order: int) -> _Model:
    name, feature = series(train, ahead.taken_apart(problem.name)[0] or problem.name)
    lags = _lags(train.inputs[name], feature, order)[problem.rows]
    seen = ~np.isnan(lags[:, 0])
    design = np.hstack([np.ones((seen.sum(), 1)), lags[seen]])
    weights = np.linalg.lstsq(design, problem.values[seen], rcond=None)[0]
    return _Model(name, feature, weights, float(problem.values.mean()))


def series(rows: Evidence, quantity: str) -> tuple[str, int]:
    """The input, and the feature of its steps, that is a series of this quantity."""
    for name, spec in rows.specs.items():
        if quantity in spec.names and spec.shape == (len(spec.names),) and not spec.single:
            return name, spec.names.index(quantity)
    raise DataError(f"no input is a series of {quantity!r}", hint="autoregression needs a measurements input with that code")


def _lags(ragged: Ragged, feature: int, order: int) -> Array:
    """The last values seen, newest first, float64 "N order"; the oldest repeated, NaN where none was seen."""
    step = np.arange(int(ragged.offsets[-1]))
    entry = step if ragged.take is None else ragged.take
    value = ragged.values[entry][:, feature].astype(np.float64)
    seen = np.ones(len(value), bool) if ragged.seen is None else ragged.seen[entry][:, feature]
    ends = np.concatenate([[0], np.cumsum(seen)])[ragged.offsets]  # of each row among the values seen
    begin, end = ends[:-1, None], ends[1:, None]
    place = np.maximum(end - 1 - np.arange(order), begin)
    padded = np.append(value[seen], np.nan)
    return np.where(end > begin, padded[np.minimum(place, len(padded) - 1)], np.nan)


def build(config: Config) -> Autoregressive:
    return Autoregressive(config)
