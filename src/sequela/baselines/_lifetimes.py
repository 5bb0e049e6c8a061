"""What baselines of survival share: the rows whose times are known, the grid of their answers, and how they are scored on tune.

The score is the log-likelihood in intervals (metrics/censored.py): it judges all causes and times at once and needs no model of
censoring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sequela.baselines import _problem
from sequela.baselines._problem import Trial
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Curves, Times

POINTS = 100  # of an answer's grid at most, beside the horizons
SCORE = "log_likelihood"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """The rows of a part of which it is known what became of them."""

    rows: Array  # int64 "n"
    times: Times  # of these
    causes: int


@dataclass(frozen=True, slots=True)
class Clock:
    """When an answer speaks."""

    grid: Array  # float64 "G": days, rising
    last: float  # the last horizon, days

    def answer(self, incidence: Array, names: tuple[str, ...]) -> Answer:
        """Of cumulative incidences "N K G"."""
        curves = Curves(self.grid, incidence)
        return Answer("curves", curves.at(self.last), names, curves=curves)

    def arrays(self) -> dict[str, Array]:
        return {"grid": self.grid, "last": np.array([self.last])}


def clock_of(arrays: Mapping[str, Array]) -> Clock:
    return Clock(np.asarray(arrays["grid"]), float(arrays["last"][0]))


def read(train: Evidence, tune: Evidence, kind: str, name: str) -> tuple[Lifetimes, Lifetimes]:
    """What became of the rows of train and of tune.

    Raises DataError for a question of another kind, and where nothing can be learnt or chosen: no row is known, every row is
    censored, or a cause came in no row of train.
    """
    if kind != "survival":
        raise DataError(f"{name} is no answer to a {kind} question")
    learnt, held = _known(train, "train"), _known(tune, "tune")
    absent = [cause for k, cause in enumerate(train.target.names, 1) if not (learnt.times.cause == k).any()]
    if absent:
        raise DataError(
            f"the cause {absent[0]!r} came in none of the {len(learnt.rows)} rows of train: nothing is to be learnt of it",
            hint="leave it out of outcome.code, or gather it with another cause by outcome.classes",
        )
    return learnt, held


def _known(rows: Evidence, part: str) -> Lifetimes:
    known = np.flatnonzero(rows.target.known[:, 0])
    if not len(known):
        raise DataError(f"a baseline needs to know what became of rows, but that is known in no row of {part}")
    times: Times = rows.target.dense.take(known)
    if not (times.cause > 0).any():
        raise DataError(
            f"all {len(known)} rows of {part} are censored: no event was seen",
            hint="give the split larger parts, or the study a longer follow-up",
        )
    return Lifetimes(known, times, len(rows.target.names))


def clock(times: Times) -> Clock:
    """Every time of an event, or where there are many their quantiles; and the horizons, always."""
    events = np.unique(times.time[times.cause > 0])
    found = events if len(events) <= POINTS else _quantiles(times, np.linspace(0, 1, POINTS))
    return Clock(np.union1d(found, _horizons(times)), _last(times))


def intervals(times: Times, most: int, each: int) -> Clock:
    """The ends of intervals in which hazards are constant: at most so many, each with so many events on average at least; and the
    horizons that lie before the last event."""
    count = max(min(most, int((times.cause > 0).sum()) // each), 1)
    found = _quantiles(times, np.arange(1, count + 1) / count)
    return Clock(np.union1d(found, [days for days in _horizons(times) if days < found[-1]]), _last(times))


def _quantiles(times: Times, shares: Array) -> Array:
    """Of the times of events, each of them one that was seen."""
    found: Array = np.quantile(times.time[times.cause > 0], shares, method="inverted_cdf")
    return found


def _horizons(times: Times) -> list[float]:
    return [horizon.days for horizon in times.horizons]


def _last(times: Times) -> float:
    """The last horizon, or where there is none the last event."""
    return max(_horizons(times), default=float(times.time[times.cause > 0].max()))


def of_cause(times: Times, cause: int) -> Times:
    """This cause alone, 1; the others count as censored: the likelihood of a hazard of its own."""
    return replace(times, cause=(times.cause == cause).astype(np.int64))


def told(tried: Mapping[str, Sequence[Trial]]) -> dict[str, Any]:
    """For the report: by cause, or "causes" together, the setting chosen and every one tried."""
    return {
        name: {
            "score": SCORE,
            "chosen": dict(_problem.best(trials).setting),
            "tried": [{**trial.setting, "loss": trial.loss} for trial in trials],
        }
        for name, trials in tried.items()
    }
