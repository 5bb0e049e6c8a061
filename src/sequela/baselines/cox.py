"""Cox's proportional hazards of each cause by itself, on plain columns: with landmarks, Cox with the last value carried forward.

Ties are Efron's, late entries are taken, the ridge penalty of each cause is chosen on tune by its likelihood. The hazards of all
causes together make the cumulative incidence of each (Prentice 1978; Putter, Fiocco and Geskus 2007). Numbers are held against
lifelines and scikit-survival in tests/golden.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela.baselines import _cox, _described, _incidence, _lifetimes, _problem
from sequela.baselines._described import Described, Part
from sequela.baselines._lifetimes import Clock
from sequela.baselines._problem import Trial
from sequela.config import Name, Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.metrics import censored
from sequela.types import Answer, Array, Curves

HIGHEST = 30.0  # of a linear predictor: the hazard of such a row is e^30 times that of a mean one
HELD_TO_COLUMNS = True  # arrays of one held to some columns say to which


class Config(Strict, frozen=True):
    """`strengths` are the inverse penalties tried, as C of scikit-learn's logistic regression."""

    strengths: Annotated[tuple[Annotated[float, Meta(gt=0)], ...], Meta(min_length=1)] = (3e-4, 1e-3, 3e-3, 1e-2, 1e-1, 1.0)
    columns: tuple[Name, ...] = ()  # of the plain columns only those that match one of these ("*.last"); none: all
    counts: Annotated[int, Meta(ge=0)] = 64  # of the sparse counts, those that alone tell most in train
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Hazard:
    """Of one cause."""

    effects: Array  # float64 "F"
    baseline: Array  # float64 "G": growth of its cumulative hazard up to each point of the grid

    def __call__(self, features: Array) -> Array:
        """The growth of each row's cumulative hazard, "N G"."""
        return np.asarray(np.exp(np.minimum(features @ self.effects, HIGHEST))[:, None] * self.baseline)


@dataclass(frozen=True, slots=True)
class _Fitted:
    names: tuple[str, ...]
    described: Described
    clock: Clock
    hazards: tuple[_Hazard, ...]  # K


class Cox:
    """Fits once, then answers; `chosen` tells each strength tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None
        self._tried: dict[str, list[Trial]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the penalty of each cause on tune; the seed changes nothing, the optimum is unique.

        Raises DataError as `_lifetimes.read` does, and where no column varies.
        """
        learnt, held = _lifetimes.read(train, tune, kind, "cox")
        described = _described.fit(train.plain, self._config.columns, learnt, self._config.counts)
        clock = _lifetimes.clock(learnt.times)
        parts = Part.of(described, train, learnt), Part.of(described, tune, held)
        with threadpool_limits(self._config.threads):
            hazards = [self._choose(*parts, name, k, clock) for k, name in enumerate(train.target.names, 1)]
        self._fitted = _Fitted(train.target.names, described, clock, tuple(hazards))

    def _choose(self, train: Part, tune: Part, name: str, cause: int, clock: Clock) -> _Hazard:
        """The hazard of a cause whose penalty has the least loss on tune."""
        at = _cox.risks(train.lifetimes.times, cause)
        own, judged = (_lifetimes.of_cause(part.lifetimes.times, cause) for part in (train, tune))
        ends = censored.intervals(own)
        hazards, trials = [], []
        effects = None
        for strength in sorted(self._config.strengths):
            effects = _cox.effects(train.features, at, 1 / strength, effects)
            steps = _cox.baseline(train.features, at, effects)
            hazard = _Hazard(effects, _cox.growth(at.moments, steps, clock.grid))
            curves = Curves(clock.grid, _incidence.of_rates(hazard(tune.features)[:, None]))
            trials.append(Trial({"strength": strength}, censored.log_loss(curves, judged, ends)))
            hazards.append(hazard)
        self._tried[name] = trials
        return hazards[trials.index(_problem.best(trials))]

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        features = fitted.described(rows.plain)
        rates = np.stack([hazard(features) for hazard in fitted.hazards], 1)
        return fitted.clock.answer(_incidence.of_rates(rates), fitted.names)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _lifetimes.told(self._tried)

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        fitted = self._ready()
        effects, baseline = (np.stack([getattr(one, name) for one in fitted.hazards]) for name in ("effects", "baseline"))
        return {**fitted.described.arrays(), **fitted.clock.arrays(), "effects": effects, "baseline": baseline}

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        return self._fitted


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> Cox:
    """The fitted baseline again: `names` of the target, `inputs` the names of the plain columns."""
    each = zip(np.asarray(arrays["effects"]), np.asarray(arrays["baseline"]), strict=True)
    hazards = tuple(_Hazard(effects, baseline) for effects, baseline in each)
    baseline = Cox(Config())
    baseline._fitted = _Fitted(names, _described.from_arrays(arrays, inputs), _lifetimes.clock_of(arrays), hazards)
    return baseline


def build(config: Config) -> Cox:
    return Cox(config)
