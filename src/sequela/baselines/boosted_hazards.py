"""Discrete hazards by histogram gradient boosting: `boosting` asked, of each row in each interval at risk, what comes in it.

The interval is a column like the others, so trees find effects that change with time by themselves. All of its options are those
of `boosting`, chosen on tune by the log loss of those questions, which adds up to the likelihood of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from sequela.baselines import _incidence, _intervals, _lifetimes, _problem, boosting
from sequela.baselines._lifetimes import Clock, Lifetimes
from sequela.baselines.boosting import Boosting, Setting
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array, Plain, Target

EACH = 8  # events that an interval must have on average
INTERVAL, STAYED = "interval", "nothing came"


GRID = (
    Setting(learning_rate=0.1, max_leaf_nodes=8, max_features=0.2, l2_regularization=1.0),
    Setting(learning_rate=0.1, max_leaf_nodes=15, max_features=0.5, l2_regularization=1.0, min_samples_leaf=40),
)


class Config(boosting.Config, frozen=True):
    intervals: Annotated[int, Meta(ge=1)] = 12  # at most, beside the horizons
    settings: Annotated[tuple[Setting, ...], Meta(min_length=1)] = GRID
    rounds: Annotated[int, Meta(ge=1)] = 200  # at most
    seeds: Annotated[int, Meta(ge=1)] = 2  # models averaged


@dataclass(frozen=True, slots=True)
class _Fitted:
    names: tuple[str, ...]
    inputs: tuple[str, ...]  # the plain columns, in order
    clock: Clock
    asked: Boosting  # of rows in intervals


class BoostedHazards:
    """Fits once, then answers; `chosen` tells each setting tried and the rounds it was best at."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: _Fitted | None = None

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses setting and rounds of the trees on tune. Raises DataError as `_lifetimes.read` does."""
        learnt, held = _lifetimes.read(train, tune, kind, "boosted_hazards")
        plain = _problem.of_inputs(train.plain, self._config.columns)
        judged = _problem.same_columns(tune.plain, plain.columns, self._config.columns)
        clock = _lifetimes.intervals(learnt.times, self._config.intervals, EACH)
        names = train.target.names
        asked = Boosting(msgspec.structs.replace(self._config, columns=()))
        asked.fit(_laid(train, plain, learnt, clock, names), _laid(tune, judged, held, clock, names), _kind(names), seed)
        self._fitted = _Fitted(names, plain.columns, clock, asked)

    def answer(self, rows: Evidence) -> Answer:
        fitted = self._ready()
        plain = _problem.same_columns(rows.plain, fitted.inputs, self._config.columns)
        count = len(fitted.clock.grid)
        row, interval = np.repeat(np.arange(len(rows)), count), np.tile(np.arange(count), len(rows))
        said = fitted.asked.answer(_asked(rows, plain, (row, interval), _target(np.zeros(len(row)), fitted.names)))
        hazard = said.values[:, -len(fitted.names) :].reshape(len(rows), count, -1).transpose(0, 2, 1)
        return fitted.clock.answer(_incidence.of_hazards(hazard), fitted.names)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return {} if self._fitted is None else self._fitted.asked.chosen

    def exported(self) -> dict[str, Array]:
        """All that was learnt as plain arrays, for a bundle; `from_arrays` is the way back."""
        fitted = self._ready()
        return {**{f"trees.{name}": part for name, part in fitted.asked.exported().items()}, **fitted.clock.arrays()}

    def _ready(self) -> _Fitted:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        return self._fitted


def from_arrays(arrays: Mapping[str, Array], kind: str, names: tuple[str, ...], inputs: tuple[str, ...]) -> BoostedHazards:
    """The fitted baseline again: `names` of the target, `inputs` the names of the plain columns."""
    trees = {name.removeprefix("trees."): part for name, part in arrays.items() if name.startswith("trees.")}
    asked = boosting.from_arrays(trees, _kind(names), _target(np.zeros(0), names).names, (INTERVAL, *inputs))
    baseline = BoostedHazards(Config())
    baseline._fitted = _Fitted(names, inputs, _lifetimes.clock_of(arrays), asked)
    return baseline


def _kind(names: tuple[str, ...]) -> str:
    return "binary" if len(names) == 1 else "multiclass"


def _laid(rows: Evidence, plain: Plain, held: Lifetimes, clock: Clock, names: tuple[str, ...]) -> Evidence:
    """The rows whose times are known, once for each interval in which they are at risk, with what came in it."""
    spells = _intervals.spells(held.times, clock.grid)
    length = spells.end - spells.begin
    own = np.repeat(np.arange(len(length)), length)
    interval = np.arange(len(own)) - np.repeat(np.cumsum(length) - length, length) + spells.begin[own]
    cause = np.where(interval == spells.end[own] - 1, spells.cause[own], 0)
    return _asked(rows, plain, (held.rows[own], interval), _target(cause, names))


def _asked(rows: Evidence, plain: Plain, places: tuple[Array, Array], target: Target) -> Evidence:
    """Rows in intervals: the number of the interval stands before the columns of the row."""
    row, interval = places
    taken = plain.take(row)
    values = np.concatenate([interval[:, None].astype(np.float32), taken.values], 1)
    columns = replace(taken, values=values, names=(INTERVAL, *taken.names))
    return Evidence({}, {}, columns, target, rows.subject[row], rows.row_id[row])


def _target(cause: Array, names: tuple[str, ...]) -> Target:
    """Of one cause, whether it came; of several, which, if any."""
    known = np.ones((len(cause), 1), bool)
    return Target(np.asarray(cause, float)[:, None], known, names if len(names) == 1 else (STAYED, *names))


def build(config: Config) -> BoostedHazards:
    return BoostedHazards(config)
