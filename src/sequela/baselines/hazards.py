"""Linear discrete hazards on plain columns: a multinomial logistic regression over rows and intervals of time.

What a network of hazards has in its head, without the network. Intervals have about as many events each; the ridge penalty, and
whether effects change with time, are chosen on tune by log-likelihood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela.baselines import _described, _hazards, _incidence, _intervals, _lifetimes, _problem
from sequela.baselines._described import Described, Part
from sequela.baselines._hazards import Linear
from sequela.baselines._lifetimes import Clock
from sequela.baselines._problem import Trial
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.metrics import censored
from sequela.types import Answer, Array

EACH = 4  # events that an interval must have on average
HELD_TO_COLUMNS = True  # arrays of one held to some columns say to which


class Config(Strict, frozen=True):
    """`strengths` are the inverse penalties tried, as C of scikit-learn's logistic regression."""

    strengths: Annotated[tuple[Annotated[float, Meta(gt=0)], ...], Meta(min_length=1)] = (3e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1.0)
    varying: Annotated[tuple[bool, ...], Meta(min_length=1)] = (False, True)  # effects that change with time, tried or not
    intervals: Annotated[int, Meta(ge=1)] = 20  # at most, beside the horizons
    iterations: Annotated[int, Meta(ge=1)] = 200  # of L-BFGS; what has not converged by then is judged on tune as it is
    columns: tuple[Name, ...] = ()  # of the plain columns only those that match one of these ("*.last"); none: all
    counts: Annotated[int, Meta(ge=0)] = 64  # of the sparse counts, those that alone tell most in train
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Fitted:
    names: tuple[str, ...]
    described: Described
    clock: Clock
    linear: Linear


class Hazards:
    """Fits once, then answers; `chosen` tells each setting tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: list[Trial] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the penalty, and whether effects change, on tune; the seed changes nothing, the optimum is unique.

        Raises DataError as `_lifetimes.read` does, and where no column varies.
        """
        learnt, held = _lifetimes.read(train, tune, kind, "hazards")
        described = _described.fit(train.plain, self._config.columns, learnt, self._config.counts)
        parts = Part.of(described, train, learnt), Part.of(described, tune, held)
        clock = _lifetimes.intervals(learnt.times, self._config.intervals, EACH)
        with threadpool_limits(self._config.threads):
            linear = self._choose(*parts, clock)
        self._fitted = _Fitted(train.target.names, described, clock, linear)

    def _choose(self, train: Part, tune: Part, clock: Clock) -> Linear:
        """The setting with the least loss on tune; each begins where the weaker one ended."""
        spells = _intervals.spells(train.lifetimes.times, clock.grid)
        shape = (len(clock.grid), train.lifetimes.causes)
        ends = censored.intervals(train.lifetimes.times)
        found: list[Linear] = []
        self._tried = []
        for varying in dict.fromkeys(self._config.varying):
            linear = _hazards.start(spells, shape, train.features.shape[1])
            for strength in sorted(self._config.strengths):
                problem = _hazards.problem(train.features, spells, shape, 1 / strength, varying)
                linear = _hazards.fitted(problem, linear, self._config.iterations)
                curves = clock.answer(_incidence.of_hazards(linear(tune.features)), ()).curves
                assert curves is not None
                loss = censored.log_loss(curves, tune.lifetimes.times, ends)
                self._tried.append(Trial({"strength": strength, "varying": varying}, loss))
                found.append(linear)
        return found[self._tried.index(_problem.best(self._tried))]

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        hazard = fitted.linear(fitted.described(rows.plain))
        return fitted.clock.answer(_incidence.of_hazards(hazard), fitted.names)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _lifetimes.told({"causes": self._tried}) if self._tried else {}

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        fitted = self._ready()
        linear = {name: getattr(fitted.linear, name) for name in Linear.__slots__}
        return {**fitted.described.arrays(), **fitted.clock.arrays(), **linear}

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        return self._fitted


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> Hazards:
    """The fitted baseline again: `names` of the target, `inputs` the names of the plain columns."""
    linear = Linear(**{name: np.asarray(arrays[name]) for name in Linear.__slots__})
    baseline = Hazards(Config())
    baseline._fitted = _Fitted(names, _described.from_arrays(arrays, inputs), _lifetimes.clock_of(arrays), linear)
    return baseline


def build(config: Config) -> Hazards:
    return Hazards(config)
