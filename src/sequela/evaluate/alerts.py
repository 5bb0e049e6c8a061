"""The burden of alerts, where a study asks about a patient again and again: how many, how early, how many in vain.

A row whose risk reaches the threshold is an alert, unless an alert of its episode was raised less than `silence` before. An event
is announced by an alert at a row whose horizon holds it; the lead time counts from the first of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from sequela import config
from sequela.evaluate import recordings
from sequela.evaluate.question import Question
from sequela.evaluate.questions import Asked
from sequela.evaluate.threshold import key
from sequela.metrics import alerts as burden
from sequela.types import Array, Cohort

HOUR, DAY = 3.6e9, 8.64e10  # microseconds


@dataclass(frozen=True, slots=True)
class Episodes:
    """Rows of one patient that start from one event, in order of time; arrays of N rows and E episodes."""

    row: Array  # int64 "N": rows of the cohort, an episode's together
    number: Array  # int64 "N": the episode of each
    first: Array  # int64 "E": where each begins among `row`
    time: Array  # int64 "N": microseconds of the prediction
    days: Array  # float64 "N": patient-days until the episode's next prediction; after its last, the cohort's usual gap
    positive: Array  # bool "N": the event lies in the row's horizon
    event: Array  # int64 "N": microseconds of that event; meaningless elsewhere


def episodes(cohort: Cohort, rows: Array) -> Episodes | None:
    """The episodes of these rows of a yes-or-no question; None where no patient is asked about twice in one."""
    rows = rows[cohort.target.known[rows, 0] & ~np.isnat(cohort.start[rows])]
    start, time = (moment[rows].astype("datetime64[us]").astype(np.int64) for moment in (cohort.start, cohort.time))
    order = np.lexsort((time, start, cohort.subject_id[rows]))
    rows, start, time = rows[order], start[order], time[order]
    subject = cohort.subject_id[rows]
    new = np.append(True, (subject[1:] != subject[:-1]) | (start[1:] != start[:-1]))[: len(rows)]
    if new.all():
        return None
    gap = np.append(np.diff(time), 0)
    last = np.append(new[1:], True)
    days = np.where(last, np.median(gap[~last]), gap) / DAY
    event = np.full(len(rows), 0) if cohort.event is None else cohort.event[rows].astype("datetime64[us]").astype(np.int64)
    return Episodes(rows, np.cumsum(new) - 1, np.flatnonzero(new), time, days, cohort.target.values[rows, 0] > 0, event)


def questions(asked: Asked, cohort: Cohort, rows: Array, settings: config.Evaluate) -> Iterator[Question]:
    """The burden of each answer's alerts among these rows, by recording and by stay; nothing where a patient is asked of once."""
    yield from recordings.questions(asked, cohort, rows, settings)
    held = episodes(cohort, rows) if asked.kind == "binary" else None
    if held is None:
        return
    silence = config.microseconds(settings.silence)
    for model, answer in asked.answers.items():
        cut = asked.thresholds[key(model)]
        alert = raised(held, answer.values[held.row, 0] >= cut, silence)
        yield from _of_model(held, alert, model, cut, told=cohort.event is not None)


def raised(held: Episodes, called: Array, silence: int) -> Array:
    """Which calls are alerts, bool "N": the first of an episode, and each that comes `silence` microseconds or more after one."""
    return recordings.alarms(called, held.number, held.time, silence)


def _of_model(held: Episodes, alert: Array, model: str, cut: float, *, told: bool) -> Iterator[Question]:
    count = len(held.first)
    alerted, event, caught = (_any(flags, held, count) for flags in (alert, held.positive, alert & held.positive))
    some, none = int(event.sum()), "" if event.any() else "no episode has the event"
    rate = partial(burden.alerts_per_100_patient_days, alert, held.days)
    yield Question(model, "alerts_per_100_patient_days", "", held.row, rate, int(held.positive.sum()), cut)
    lead = [("lead_time", partial(burden.lead_time, _lead(held, alert, count)))] if told else []
    for metric, value in (
        ("episode_sensitivity", partial(burden.episode_sensitivity, caught, event)),
        ("number_needed_to_evaluate", partial(burden.number_needed_to_evaluate, alerted, caught)),
        *lead,
    ):
        missing = none or ("" if caught.any() or metric == "episode_sensitivity" else "no alert announced an event")
        yield Question(model, metric, "", held.row[held.first], value, some, cut, reason=missing)


def _any(flags: Array, held: Episodes, count: int) -> Array:
    """Whether any row of each episode has the flag, bool "E"."""
    found: Array = np.bincount(held.number, flags, count) > 0
    return found


def _lead(held: Episodes, alert: Array, count: int) -> Array:
    """Hours from the first alert that announced the event to the event, float64 "E"; NaN where none did."""
    lead = np.full(count, np.nan)
    in_time = np.flatnonzero(alert & held.positive)[::-1]  # the first of an episode is written last
    lead[held.number[in_time]] = (held.event[in_time] - held.time[in_time]) / HOUR
    return lead
