"""The forecast that all comes back: the value of the series one season before, or as many seasons as it takes to be known.

The season is chosen on tune, or given. A season of one step says that nothing changes after the last step of the input (of a
stretch of time, where `last_value` has the last single measurement). Where a step was not seen, the one before it stands for it;
where none was, the training mean does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from sequela.baselines import _problem, _residuals
from sequela.baselines._problem import Learned, Trial
from sequela.baselines.autoregressive import series
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.study import ahead
from sequela.types import DAY, Answer, Array, Ragged

_HINT = 'give the input a grid and values in their own line: grid = "5s", scale = "standard", clip = 0'


class Config(Strict, frozen=True):
    seasons: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (1, 2, 3, 4, 6, 8, 12, 24)  # steps, to try
    levels: tuple[float, ...] = _residuals.LEVELS  # of the quantiles of a forecast; a run sets those of its task


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of one quantity, and where its series is."""

    code: str
    input: str
    feature: int
    columns: Array  # int64 "H"
    steps: Array  # int64 "H": ahead, counted in steps of the series


class Seasonal:
    """Repeats what was a season ago, each quantity with a season of its own."""

    def __init__(self, config: Config) -> None:
        self._seasons = config.seasons
        self._around = _residuals.Residuals(config.levels)
        self._names: tuple[str, ...] = ()
        self._means = np.zeros(0)
        self._parts: list[tuple[_Columns, int]] = []
        self._tried: dict[str, tuple[Learned, list[Trial]]] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the season on tune.

        Raises DataError where the task is no forecast, or no input holds a series of the quantity on a regular grid.
        """
        if kind != "forecast":
            raise DataError(f"what was a season ago is no answer to a {kind} question")
        self._means = np.array([_problem.prior(one)[0] for one in _problem.learnable(train.target, "regression")])
        self._names = train.target.names
        codes = dict.fromkeys(ahead.taken_apart(name)[0] for name in self._names)
        self._parts = [self._chosen(tune, _columns(train, self._names, code)) for code in codes]
        self._around.fit(kind, self.answer(train), train.target)

    def _chosen(self, tune: Evidence, part: _Columns) -> tuple[_Columns, int]:
        """With the season of the least mean squared error."""
        truth, known = tune.target.values[:, part.columns], tune.target.known[:, part.columns]
        if not known.any():
            raise DataError(f"{part.code!r} is known in no row of tune, so no season can be chosen")
        losses = [np.square(self._said(tune, part, season) - truth)[known].mean() for season in self._seasons]
        trials = [Trial({"season": season}, float(loss)) for season, loss in zip(self._seasons, losses, strict=True)]
        self._tried[part.code] = ("regression", trials)
        return part, self._seasons[trials.index(_problem.best(trials))]

    def _said(self, rows: Evidence, part: _Columns, season: int) -> Array:
        """float64 "N H"."""
        past = _past(rows.inputs[part.input], part.feature, season)
        centre, spread = rows.specs[part.input].lines[part.feature]
        value = centre + spread * past[:, -(-part.steps // season) * season - part.steps]
        return np.where(np.isnan(value), self._means[part.columns], value)

    def answer(self, rows: Evidence) -> Answer:
        if not self._parts:
            raise DataError("this baseline has not been fitted")
        values = np.zeros((len(rows), len(self._names)))
        for part, season in self._parts:
            values[:, part.columns] = self._said(rows, part, season)
        return self._around(Answer("values", values, self._names))

    @property
    def chosen(self) -> Mapping[str, Any]:
        return _problem.told(self._tried)


def _columns(rows: Evidence, names: tuple[str, ...], code: str) -> _Columns:
    """Raises DataError where the series is on no regular grid, or the times ahead lie between its steps."""
    name, feature = series(rows, code)
    width = _width(rows.inputs[name])
    if not rows.specs[name].lines or not width:
        raise DataError(f"the input {name!r} is no series of {code!r} in steps of equal width and known unit", hint=_HINT)
    own = [column for column, of in enumerate(names) if ahead.taken_apart(of)[0] == code]
    steps = np.array([ahead.taken_apart(names[column])[1] * 1e6 / width for column in own])
    if not np.allclose(steps, steps.round()):
        raise DataError(f"the times ahead of {code!r} lie between the steps of the input {name!r}", hint=_HINT)
    return _Columns(code, name, feature, np.array(own), steps.round().astype(np.int64))


def _width(ragged: Ragged) -> int:
    """Of every step, in microseconds; 0 where they differ, or a last step does not end at the prediction."""
    position = ragged.position[: ragged.offsets[-1]]
    within = np.ones(len(position), bool)
    within[ragged.offsets[:-1][ragged.lengths > 0]] = False
    apart = np.unique(np.rint(np.diff(position, prepend=0.0)[within] * DAY)).astype(np.int64)
    last = position[ragged.offsets[1:][ragged.lengths > 0] - 1]
    return int(apart[0]) if len(apart) == 1 and not last.any() else 0


def _past(ragged: Ragged, feature: int, steps: int) -> Array:
    """The last values, newest first, float64 "N steps"; for one that was not seen the one before it, NaN where there is none."""
    entry = np.arange(ragged.offsets[-1]) if ragged.take is None else ragged.take
    value = np.asarray(ragged.values[entry], np.float64)[:, feature]
    seen = np.ones(len(value), bool) if ragged.seen is None else np.asarray(ragged.seen[entry])[:, feature]
    first = np.repeat(ragged.offsets[:-1], ragged.lengths)
    latest = np.maximum.accumulate(np.where(seen, np.arange(len(value)), -1))  # the last step seen so far, of this row or another
    filled = np.where(latest >= first, value[np.maximum(latest, 0)], np.nan)
    place = ragged.offsets[1:, None] - 1 - np.arange(steps)
    here = place >= ragged.offsets[:-1, None]
    return np.where(here, np.append(filled, np.nan)[np.where(here, place, -1)], np.nan)


def build(config: Config) -> Seasonal:
    return Seasonal(config)
