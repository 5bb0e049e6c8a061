"""What came of rows over time beside what was foreseen: of all, of thirds of like risk, and of tenths at each horizon.

Observed shares are Aalen-Johansen's, so that rows that were lost tell what is known of them. Everything here is small, rounded
and free of rows of patients: shares on a fixed grid of days, counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct

from sequela.evaluate.intervals import Draws, bands
from sequela.metrics.horizon import alike
from sequela.metrics.ipcw import had
from sequela.metrics.survival_curves import observed
from sequela.metrics.watched import watch
from sequela.types import Answer, Array, Curves, Target, Times

POINTS = 101  # days from the prediction to the last horizon
THIRDS, TENTHS = 3, 10
LABELS = ("lowest third", "middle third", "highest third")
RESAMPLES = 400  # of a limit: its ends are drawn, not quoted
DIGITS = 5
Values = list[float | None]  # null where nobody was watched for so long


class Course(Struct, frozen=True):
    """Some rows on the grid of days: the share to which the cause had come, as observed with its limits, and as foreseen."""

    label: str  # "" for all rows
    n: int
    events: int  # of the cause by the last day
    observed: Values
    low: Values  # empty: no limits were drawn
    high: Values
    predicted: list[float]
    at_risk: list[int]  # rows under observation and free of any event


class Tenth(Struct, frozen=True):
    """Rows of like risk by a horizon: the mean of what was foreseen, and what was observed."""

    risk: float
    observed: float
    low: float | None
    high: float | None
    n: int
    events: int


class AtHorizon(Struct, frozen=True):
    """Calibration at one horizon."""

    label: str
    days: float
    tenths: list[Tenth]


class Incidence(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """One answer about one cause."""

    model: str
    class_: str
    unit: str  # in which times are told
    days: list[float]  # the grid
    whole: Course
    thirds: list[Course]  # by the risk by the last horizon; of a baseline none
    calibration: list[AtHorizon]


@dataclass(frozen=True, slots=True)
class _Followed:
    """An answer about a cause, with the resamples its limits are drawn from."""

    times: Times
    curves: Curves
    cause: int
    subject: Array
    drawn: Draws

    def take(self, rows: Array) -> _Followed:
        return _Followed(self.times.take(rows), self.curves.take(rows), self.cause, self.subject[rows], self.drawn)

    def risk(self, day: float) -> Array:
        return self.curves.at(day)[:, self.cause - 1]

    def observed(self, days: Array) -> tuple[Array, Array, Array]:
        """The shares by these days "Q", with their limits; NaN where there are none."""
        watched, unit = watch(self.times), self.drawn.units(self.subject)
        samples = [observed(watched, self.cause, days, counts[:, unit]) for counts in self.drawn.chunks(max(1, len(self.times)))]
        nothing = np.full(len(days), np.nan)
        low, high = bands(np.concatenate(samples)) if samples else (nothing, nothing)
        return observed(watched, self.cause, days), low, high


def drawn(model: str, answer: Answer, target: Target, subject: Array, draws: Draws) -> Iterator[Incidence]:
    """Each cause by itself, of these rows. Limits and thirds are the model's and the ensemble's; a baseline is compared with."""
    assert answer.curves is not None
    plain = model.startswith("baseline:")
    resampled = Draws(draws.subjects, 0 if plain else min(draws.count, RESAMPLES), draws.seed)
    for cause, name in enumerate(answer.names, 1):
        if len(subject):
            yield _incidence(_Followed(target.dense, answer.curves, cause, subject, resampled), model, name)


def _incidence(one: _Followed, model: str, name: str) -> Incidence:
    last = one.times.horizons[-1].days
    days = np.linspace(0, last, POINTS)
    thirds = alike(one.risk(last), THIRDS) if one.drawn.count else []
    return Incidence(
        model=model,
        class_=name,
        unit=one.times.unit,
        days=days.tolist(),
        whole=_course(one, days, ""),
        thirds=[_course(one.take(rows), days, label) for rows, label in _labelled(thirds)],
        calibration=[AtHorizon(h.label, h.days, list(_tenths(one, h.days))) for h in one.times.horizons],
    )


def _labelled(groups: Sequence[Array]) -> Iterator[tuple[Array, str]]:
    """Groups of like risk with what they are called; where all risks are alike there are none."""
    if len(groups) < 2:
        return
    names = LABELS if len(groups) == len(LABELS) else [f"group {k + 1} of {len(groups)}" for k in range(len(groups))]
    yield from zip(groups, names, strict=True)


def _course(one: _Followed, days: Array, label: str) -> Course:
    share, low, high = one.observed(days)
    free = (one.times.entry[:, None] <= days) & (one.times.time[:, None] > days)
    predicted = one.curves.at(days)[:, one.cause - 1].mean(0)
    events = int(had(one.times, one.cause, float(days[-1])).sum())
    return Course(
        label=label,
        n=len(one.times),
        events=events,
        observed=_nulls(share),
        low=_nulls(low) if one.drawn.count else [],
        high=_nulls(high) if one.drawn.count else [],
        predicted=[_round(value) for value in predicted],
        at_risk=free.sum(0).tolist(),
    )


def _tenths(one: _Followed, day: float) -> Iterator[Tenth]:
    """Rows of like risk by the day; those of which nobody was watched for so long are left out."""
    risk = one.risk(day)
    for rows in alike(risk, TENTHS):
        inside = one.take(np.flatnonzero(rows))
        (share,), (low,), (high,) = (_nulls(values) for values in inside.observed(np.array([day])))
        if share is not None:
            events = int(had(inside.times, one.cause, day).sum())
            yield Tenth(_round(risk[rows].mean()), share, low, high, int(rows.sum()), events)


def _round(value: float) -> float:
    return float(f"{float(value):.{DIGITS}g}")


def _nulls(values: Array) -> Values:
    return [None if np.isnan(value) else _round(value) for value in values]
