"""MiniRocket: the share of a series where each of many fixed dilated kernels passes a threshold, read by a linear model.

Source: Dempster, Schmidt, Webb 2021; the transform is `_rocket.py`. It reads windows of a signal, or the steps of measurements on
a grid as one series. Of a row with several windows it takes the last, or the mean over its latest ones, whichever tune prefers.
Ours differs in fewer features (2,016 rather than 9,996) and in ending in a logistic regression, so that what comes out is a
probability (ridge regression for quantities).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela import seed as streams
from sequela.baselines import _linear, _problem, _rocket, _series
from sequela.baselines._problem import Learned, Problem, Trial
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array

Windows: TypeAlias = Literal["last", "mean"]


class Config(Strict, frozen=True):
    input: str = ""  # left out: the first whose steps are windows, or else the first of measurements
    features: Annotated[int, Meta(ge=84)] = 2016  # rounded down to a multiple of 84
    rows: Annotated[int, Meta(ge=1)] = 10_000  # training rows used at most, drawn by the seed
    windows: Annotated[int, Meta(ge=1)] = 16  # the latest of a row that are looked at
    strengths: Annotated[tuple[float, ...], Meta(min_length=1)] = (1e-4, 1e-3, 1e-2)
    iterations: Annotated[int, Meta(ge=1)] = 100
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Scale:
    """The mean and spread of the training rows' features."""

    mean: Array  # float32 "F"
    spread: Array  # float32 "F"

    @classmethod
    def of(cls, features: Array) -> _Scale:
        spread = features.std(axis=0)
        return cls(features.mean(axis=0), np.where(spread > 1e-6, spread, 1))

    def __call__(self, features: Array) -> Array:
        return np.asarray((features - self.mean) / self.spread)


@dataclass(frozen=True, slots=True)
class _Fitted:
    kind: str
    names: tuple[str, ...]
    input: str
    parts: tuple[_rocket.Part, ...]
    scales: Mapping[Windows, _Scale]
    models: tuple[tuple[_linear.Linear, Windows], ...]  # with what of a row's windows each reads


class MiniRocket:
    """Fits once, then answers; `chosen` tells each penalty tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the penalty, and what of several windows is read, on tune.

        Raises DataError where no input is a series of numbers, or none of the training rows has one.
        """
        config = self._config
        pairs = _problem.pairs(train.target, tune.target, kind)
        name = _series.readable(train, config.input)
        some = np.sort(streams.generator(seed, "minirocket", "rows").permutation(len(train))[: config.rows])
        learnt, judged = self._series(train, name, some), self._series(tune, name, np.arange(len(tune)))
        if not learnt.series.samples.any():
            raise DataError(f"no training row has a step of the input {name!r}")
        parts = _rocket.parts(learnt.series, config.features, seed)
        sides = _features(learnt, parts), _features(judged, parts)
        if (np.diff(learnt.offsets) < 2).all():
            sides = ({"last": sides[0]["last"]}, {"last": sides[1]["last"]})
        scales = {way: _Scale.of(features) for way, features in sides[0].items()}
        train_of, tune_of = ({way: scales[way](side[way]) for way in scales} for side in sides)
        own = _problem.learnable(train.target.take(some), kind)
        with threadpool_limits(config.threads):
            models = [self._choose(train_of, tune_of, learnt, held) for learnt, (_, held) in zip(own, pairs, strict=True)]
        self._fitted = _Fitted(kind, train.target.names, name, parts, scales, tuple(models))

    def _series(self, rows: Evidence, name: str, which: Array) -> _series.Several:
        return _series.of(rows, name, which, self._config.windows)

    def _choose(
        self, train: Mapping[Windows, Array], tune: Mapping[Windows, Array], learnt: Problem, held: Problem
    ) -> tuple[_linear.Linear, Windows]:
        """The penalty, and what of the windows, with the least loss on tune."""
        plan = _linear.Plan(self._config.strengths, self._config.iterations)
        found: list[tuple[_linear.Linear, Windows, float]] = []
        told: list[Trial] = []
        for way in train:
            sides = _linear.Rows(train[way][learnt.rows], learnt), _linear.Rows(tune[way][held.rows], held)
            model, trials = _linear.chosen(*sides, plan)
            said = {"windows": way} if len(train) > 1 else {}
            told += [Trial({**trial.setting, **said}, trial.loss) for trial in trials]
            found.append((model, way, min((trial.loss for trial in trials), default=0.0)))
        self._tried[learnt.name] = (learnt.kind, told)
        model, way, _ = min(found, key=lambda one: one[2])
        return model, way

    def answer(self, rows: Evidence) -> Answer:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        fitted = self._fitted
        features = _features(self._series(rows, fitted.input, np.arange(len(rows))), fitted.parts)
        scaled = {way: scale(features[way]) for way, scale in fitted.scales.items()}
        return _problem.answer(fitted.kind, fitted.names, [model(scaled[way]) for model, way in fitted.models])

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)


def _features(several: _series.Several, parts: tuple[_rocket.Part, ...]) -> dict[Windows, Array]:
    """Of each row, float32 "N F": those of its last series, and their mean over all of them."""
    each = _rocket.transform(several.series, parts)
    return {"last": several.last(each), "mean": several.mean(each)}


def build(config: Config) -> MiniRocket:
    return MiniRocket(config)
