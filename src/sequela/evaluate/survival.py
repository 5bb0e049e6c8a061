"""Curves of what may come held against what came, and when: numbers over all times, and by each horizon, of each cause.

No threshold is chosen and nothing is called: what is judged are the curves. Over all times C-index and Uno's C rank by the time
lost to the cause up to the last horizon: the risk by that horizon says little of who goes first where curves cross.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import polars as pl

from sequela.errors import DataError
from sequela.evaluate.question import Question, Value
from sequela.metrics.calibration import calibration_slope
from sequela.metrics.concordance import FOREVER, Pairs, by_event, fixed, paired
from sequela.metrics.discrimination import auroc
from sequela.metrics.horizon import Squares, from_the_start
from sequela.metrics.ipcw import had, known_by, reaches, weighed
from sequela.metrics.probability import brier
from sequela.metrics.sums import mean, ratio
from sequela.metrics.survival_curves import observed, still_watched
from sequela.metrics.watched import Latest, Watched, by_time, watch
from sequela.types import Answer, Array, Curves, Horizon, Target, Times

OVERALL = ("c_index", "uno_c", "td_c", "integrated_brier")  # over all times
# by a horizon: numbers of a yes-or-no question, of the rows known by then, which stand for all
KNOWN: Mapping[str, Callable[..., Array]] = {
    "cumulative_auc": auroc,
    "brier": brier,
    "calibration_slope": calibration_slope,
}
BY = ("c_index", "uno_c", "observed_expected", *KNOWN)
COMPARED = ("c_index", "uno_c", "td_c", "integrated_brier", "cumulative_auc", "brier")
WATCHED_ON = (*KNOWN, "integrated_brier")  # of rows that were under observation from the prediction on
DIGITS = 12  # so that risks that are all tied are 0.5 in every resample
NEAR = 1e-6  # by how much a curve may fall, or all causes exceed 1: rounding


@dataclass(frozen=True)  # without slots: what follows from the fields is worked out once
class Asked:
    """One answer about one cause, on some rows of the cohort."""

    model: str
    cause: str
    number: int  # of the cause: 1 for the first
    rows: Array  # of the cohort
    times: Times  # of the rows
    curves: Curves  # of the rows
    watched: Watched  # the rows; shared by all answers about them

    @cached_property
    def start(self) -> Array:
        """Which rows were watched from the prediction on, bool "N"."""
        return from_the_start(self.times)

    def started(self, weights: Array | None) -> Array:
        """The weights without rows that came late; the very array that was given where there are none."""
        weights = self.watched.weights(weights)
        return weights if self.watched.entered is None else weights * self.start

    @cached_property
    def of_started(self) -> Watched:
        """To judge those alone: what is kept of the weights of all is of no use there."""
        return self.watched if self.watched.entered is None else watch(self.times)

    @property
    def last(self) -> Horizon:
        return self.times.horizons[-1]

    def risk(self, day: float) -> Array:
        """Of the cause by a day, float64 "N"."""
        return self.curves.at(day)[:, self.number - 1]

    def had(self, day: float) -> Array:
        return had(self.times, self.number, day)

    def lost(self, day: float) -> Array:
        """Days that the cause is expected to take until a day, float64 "N"."""
        return self.curves.lost(day)[:, self.number - 1]

    def pairs(self, risk: Callable[[float], Array], day: float, until: float) -> Callable[[], Pairs]:
        """The pairs ranked by the risk of a day, with events until another; made when they are first asked for."""
        return _once(lambda: paired(fixed(risk(day)), self.times, self.number, until, self.watched))

    def shared(self, day: float, weights: Array | None) -> Array:
        """The weights with those of the lost shared out among the known; all 0 where nobody was watched for so long."""

        def known(weights: Array) -> Array:
            return np.nan_to_num(weighed(self.of_started, day, self.started(weights)))

        return self.watched.latest(("known", day), known, self.watched.weights(weights))

    def observed(self, day: float, weights: Array | None) -> Array:
        """The share that had had the cause by the day (Aalen-Johansen)."""
        make = partial(observed, self.watched, self.number, day)
        return self.watched.latest(("observed", self.number, day), make, self.watched.weights(weights))

    def question(self, metric: str, of: str, value: Value, day: float, reason: str) -> Question:
        """Its value is worked out once of the same weights: means over causes ask for it again."""

        def kept(weights: Array | None) -> Array:
            return self.watched.latest((self.model, metric, of), value, self.watched.weights(weights))

        return Question(self.model, metric, of, self.rows, kept, int(self.had(day).sum()), reason=reason)


def _once(make: Callable[[], Pairs]) -> Callable[[], Pairs]:
    made: list[Pairs] = []

    def given() -> Pairs:
        if not made:
            made.append(make())
        return made[0]

    return given


# --------------------------------------------------------------------------------------------------------------- the questions


def ordered(target: Target, rows: Array) -> Array:
    """The rows by time: so no resample of them need be put in order."""
    return rows[by_time(target.dense.take(rows))]


def questions(model: str, answer: Answer, target: Target, rows: Array, latest: Latest) -> Iterator[Question]:
    """What is asked of each cause, over all times and by each horizon, on these rows of the cohort (`ordered`)."""
    assert answer.curves is not None
    times, curves = target.dense.take(rows), answer.curves.take(rows)
    watched = watch(times, latest)
    for number, cause in enumerate(answer.names, 1):
        asked = Asked(model, cause, number, rows, times, curves, watched)
        yield from _over_all_times(asked)
        for horizon in times.horizons:
            yield from _by(asked, horizon)


def named(cause: str, horizon: Horizon) -> str:
    """The class of numbers at a horizon."""
    return f"{cause} by {horizon.label}"


def mean_of(metric: str, each: Sequence[Question], model: str, rows: Array) -> Question:
    """The mean over causes of one metric; causes of which it is undefined are left out and named."""
    defined = [question for question in each if not question.reason]
    left_out = [question.class_ for question in each if question.reason]

    def value(weights: Array | None) -> Array:
        of_each = [question.value(weights) for question in defined]
        return np.mean(of_each, 0) if of_each else np.full(() if weights is None else weights.shape[:-1], np.nan)

    events = sum(question.events or 0 for question in each)
    reason = f"without {', '.join(left_out)}: undefined" if left_out else ""
    return Question(model, metric, "", rows, value, events, reason=reason)


def noted(question: Question, target: Target) -> Question:
    """The question, with how many of its rows it leaves out as they came under observation after the prediction."""
    late = int((~from_the_start(target.dense.take(question.rows))).sum())
    if question.metric not in WATCHED_ON or not late:
        return question
    note = f"without {late} rows that came under observation after the prediction"
    return replace(question, reason="; ".join(filter(None, [question.reason, note])))


def _over_all_times(asked: Asked) -> Iterator[Question]:
    last, name = asked.last.days, asked.cause
    harrell, uno = asked.pairs(asked.lost, last, FOREVER), asked.pairs(asked.lost, last, last)
    along = _once(lambda: paired(by_event(asked.curves, asked.number), asked.times, asked.number, FOREVER, asked.watched))
    squares = Squares.of(asked.curves, asked.times, last, asked.number, asked.of_started)
    ever, by = _events(asked, FOREVER), _events(asked, last)
    yield asked.question("c_index", name, lambda w: harrell().harrell(w), FOREVER, ever)
    yield asked.question("uno_c", name, lambda w: uno().uno(w), last, by)
    yield asked.question("td_c", name, lambda w: along().harrell(w), FOREVER, ever)
    yield asked.question("integrated_brier", name, lambda w: squares.integrated(asked.started(w)), last, _reach(asked, last))


def _by(asked: Asked, horizon: Horizon) -> Iterator[Question]:
    day, name = horizon.days, named(asked.cause, horizon)
    risk, came = asked.risk(day), asked.had(day)
    pairs, events, reach = asked.pairs(asked.risk, day, day), _events(asked, day), _reach(asked, day)
    yield asked.question("c_index", name, lambda w: pairs().harrell(w), day, events)
    yield asked.question("uno_c", name, lambda w: pairs().uno(w), day, events)
    yield asked.question("observed_expected", name, lambda w: ratio(asked.observed(day, w), mean(risk, w)), day, reach)
    for metric, function in KNOWN.items():
        value = partial(_of_known, function, asked, day, (risk, came))
        needed = reach if metric == "brier" else reach or _both(asked, day)
        yield asked.question(metric, name, value, day, needed)


def _of_known(metric: Callable[..., Array], asked: Asked, day: float, of: tuple[Array, Array], weights: Array | None) -> Array:
    """A number of a yes-or-no question, of the rows known by the day: they stand for all."""
    return np.round(metric(*of, asked.shared(day, weights)), DIGITS)


def _events(asked: Asked, day: float) -> str:
    if not len(asked.rows):
        return "no rows"
    return "" if asked.had(day).any() else "no events"


def _reach(asked: Asked, day: float) -> str:
    """Why nothing can be said of a day; "" where it can."""
    if not asked.start.any():
        return "no rows" if not len(asked.rows) else "no row was under observation from the prediction on"
    kept = still_watched(asked.of_started, asked.started(None))
    return "" if reaches(kept, day) else f"nobody was watched for {day:g} days"


def _both(asked: Asked, day: float) -> str:
    """Why risks by the day cannot be held apart: one side has no known row."""
    known, came = known_by(asked.times, day) & asked.start, asked.had(day)
    if not (came & known).any():
        return "no events"
    return "" if (known & ~came).any() else "every row known by then is an event"


def check(model: str, answer: Answer, target: Target) -> None:
    """Raises DataError where an answer has no curves, or they fall, or all causes together exceed 1."""
    if answer.curves is None or not isinstance(target.dense, Times):
        raise DataError(f"{model} gives no curves to hold against times")
    incidence = answer.curves.incidence
    wrong = ~np.isfinite(incidence).all((1, 2)) | (incidence[..., 0] < -NEAR).any(1) | (incidence.sum(1) > 1 + NEAR).any(1)
    wrong |= (np.diff(incidence, axis=2) < -NEAR).any((1, 2))
    if wrong.any():
        raise DataError(
            f"{model} gives {int(wrong.sum())} of {len(wrong)} rows curves that are no cumulative incidence",
            hint="each rises from 0, and the causes together stay at or below 1",
        )


# ----------------------------------------------------------------------------------------------------- through a table and back


def columns(curves: Curves, names: tuple[str, ...]) -> dict[str, Any]:
    """Of each row the days of the grid and, "by_CAUSE", the incidence by them: lists, as predictions.parquet has them."""
    days = pl.Series("days", [curves.times.tolist()] * len(curves.incidence), dtype=pl.List(pl.Float64))
    each = {f"by_{name}": curves.incidence[:, k] for k, name in enumerate(names)}
    lists = {name: pl.Series(name, values.tolist(), dtype=pl.List(pl.Float64)) for name, values in each.items()}
    return {"days": days, **lists}


def restored(frame: pl.DataFrame, names: tuple[str, ...]) -> Curves | None:
    """The curves that `columns` wrote; None where the frame has none, or none of some rows.

    Rows of several splits may have grids of their own: their curves come back on all points of any.
    """
    if "days" not in frame.columns or not len(frame) or frame["days"].null_count():
        return None
    found = []
    for (days,), some in frame.with_row_index("#row").group_by("days", maintain_order=True):
        incidence = [np.stack([one.to_numpy() for one in some[f"by_{name}"]]) for name in names]
        found.append((some["#row"].to_numpy(), Curves(np.asarray(days, np.float64), np.stack(incidence, 1))))
    every = np.unique(np.concatenate([curves.times for _, curves in found]))
    whole = np.empty((len(frame), len(names), len(every)))
    for rows, curves in found:
        whole[rows] = curves.incidence if len(found) == 1 else curves.at(every)
    return Curves(every, whole)
