"""What is asked of forecasts: of all columns together and of each by itself, of the middle and of the interval around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sequela.errors import DataError
from sequela.evaluate.question import Question
from sequela.metrics import forecast
from sequela.study import ahead
from sequela.types import Answer, Array, Quantiles, Target

STEP = "naive step"  # the key, among what was fixed before the test, of the error that mase is measured in: "naive step/NAME"
NO_STEP = "no two columns that follow one another are known in training"


def steps(target: Target) -> dict[str, float]:
    """The naive step of each column, by key, from the training rows; left out where it cannot be measured or is 0."""
    codes = [ahead.taken_apart(name)[0] for name in target.names]
    found: dict[str, float] = {}
    for code in dict.fromkeys(codes):
        own = [column for column, of in enumerate(codes) if of == code]
        step = forecast.naive_step(target.values[:, own], target.known[:, own])
        if step > 0:
            found |= {f"{STEP}/{target.names[column]}": step for column in own}
    return found


def central(levels: Sequence[float]) -> float:
    """How much of the truth the interval between the outermost levels should hold.

    >>> central((0.1, 0.5, 0.9))
    0.8
    """
    return round(levels[-1] - levels[0], 9)


def ends(around: Quantiles) -> tuple[Array, Array]:
    """The outermost quantiles, each "N K"."""
    return around.values[:, :, 0], around.values[:, :, -1]


def check(model: str, answer: Answer) -> None:
    """Raises DataError where the quantiles of an answer are not finite, or cross."""
    if answer.quantiles is None:
        return
    bad = int((~np.isfinite(answer.quantiles.values)).any((1, 2)).sum())
    crossing = int((np.diff(answer.quantiles.values, axis=2) < 0).any((1, 2)).sum())
    if bad or crossing:
        raise DataError(f"{model} gives {bad} of {len(answer)} rows quantiles that are not finite, {crossing} ones that cross")


def questions(model: str, answer: Answer, target: Target, rows: Array, fixed: Mapping[str, float]) -> Iterator[Question]:
    """Of these rows of the cohort; `fixed` holds the naive steps."""
    step = np.array([fixed.get(f"{STEP}/{name}", np.nan) for name in answer.names])
    every = np.arange(len(answer.names))
    for name, columns in [("", every), *(zip(answer.names, every[:, None], strict=True) if len(every) > 1 else ())]:
        known = rows[target.known[np.ix_(rows, columns)].any(1)]
        here = _Columns(known, columns, answer, target)
        yield from here.of_values(model, name, step[columns])
        yield from here.of_quantiles(model, name)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Some columns of an answer and their truth, of the rows of which any is known."""

    rows: Array
    columns: Array
    answer: Answer
    target: Target

    def _here(self, entries: Array) -> Array:
        found: Array = entries[np.ix_(self.rows, self.columns)]
        return found

    def of_values(self, model: str, class_: str, step: Array) -> Iterator[Question]:
        value, truth, known = (self._here(one) for one in (self.answer.values, self.target.values, self.target.known))
        none = "" if len(self.rows) else "no rows"
        unscaled = none or (NO_STEP if np.isnan(step).any() else "")
        yield Question(model, "mae", class_, self.rows, partial(forecast.mae, value, truth, known), reason=none)
        yield Question(model, "rmse", class_, self.rows, partial(forecast.rmse, value, truth, known), reason=none)
        yield Question(model, "mase", class_, self.rows, partial(forecast.mase, value, truth, known, step), reason=unscaled)

    def of_quantiles(self, model: str, class_: str) -> Iterator[Question]:
        """None of an answer without them."""
        around = self.answer.quantiles
        if around is None:
            return
        truth, known, values = (self._here(one) for one in (self.target.values, self.target.known, around.values))
        low, high = ends(Quantiles(around.levels, values))
        asked = {
            "pinball": partial(forecast.pinball, values, around.levels, truth, known),
            "coverage": partial(forecast.coverage, low, high, truth, known),
            "interval_width": partial(forecast.interval_width, low, high, known),
        }
        for metric, value in asked.items():
            yield Question(model, metric, class_, self.rows, value, reason="" if len(self.rows) else "no rows")
