"""False alarms by the hour and ranges found, where a question is asked of each moment of a recording.

Rows of one subject that are no further apart than `evaluate.recording` are of one recording. A row stands for the time until the
next; the last one of a recording for the cohort's median gap. Abnormal rows that follow each other, among the rows that are
judged, are a true range; rows that are called so are a called one. An alarm is a call that no other alarm of its recording came
less than `silence` before; it is false at a row without the event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from sequela import config
from sequela.evaluate.question import Question
from sequela.evaluate.questions import Asked
from sequela.evaluate.threshold import key
from sequela.metrics import ranges
from sequela.types import Array, Cohort

HOUR = 3.6e9  # microseconds


@dataclass(frozen=True, slots=True)
class Recordings:
    """Rows in order of recording, then time; arrays of N rows."""

    row: Array  # int64: rows of the cohort
    number: Array  # int64: the recording of each
    time: Array  # int64: microseconds of the prediction
    hours: Array  # float64: that each stands for
    positive: Array  # bool


def recordings(cohort: Cohort, rows: Array, apart: int) -> Recordings | None:
    """The recordings of these rows of a yes-or-no question; None where no two of one subject are within `apart` microseconds."""
    rows = rows[cohort.target.known[rows, 0] & ~np.isnat(cohort.time[rows])]
    time = cohort.time[rows].astype("datetime64[us]").astype(np.int64)
    order = np.lexsort((time, cohort.subject_id[rows]))
    rows, time = rows[order], time[order]
    subject, gap = cohort.subject_id[rows], np.append(np.diff(time), 0)[: len(rows)]
    last = np.append((subject[1:] != subject[:-1]) | (gap[:-1] > apart), True)[: len(rows)]
    if last.all():
        return None
    hours = np.where(last, np.median(gap[~last]), gap) / HOUR
    number = np.cumsum(np.append(False, last[:-1]))
    return Recordings(rows, number, time, hours, cohort.target.values[rows, 0] > 0)


def questions(asked: Asked, cohort: Cohort, rows: Array, settings: config.Evaluate) -> Iterator[Question]:
    """What each answer's calls find and cost over the recordings; nothing where the study speaks of none."""
    if asked.kind != "binary" or not settings.recording:
        return
    held = recordings(cohort, rows, config.microseconds(settings.recording))
    if held is None:
        return
    silence = config.microseconds(settings.silence)
    for model, answer in asked.answers.items():
        cut = asked.thresholds[key(model)]
        yield from _of_model(held, answer.values[held.row, 0] >= cut, model, cut, silence)


def _of_model(held: Recordings, called: Array, model: str, cut: float, silence: int) -> Iterator[Question]:
    alarm = alarms(called, held.number, held.time, silence)
    rate = partial(ranges.false_alarms_per_hour, alarm & ~held.positive, held.hours)
    yield Question(model, "false_alarms_per_hour", "", held.row, rate, int(held.positive.sum()), cut)
    true, said = ranges.runs(held.positive, held.number), ranges.runs(called, held.number)
    found, right = ranges.rewards(*true, called), ranges.rewards(*said, held.positive)
    recall, precision = _Mean(true[0], found), _Mean(said[0], right)
    count = len(true[0])
    none_true, none_called = "" if count else "no row has the event", "" if len(said[0]) else "no row is called"
    of_true, of_called = held.row[true[0]], held.row[said[0]]
    yield Question(model, "range_recall", "", of_true, partial(ranges.range_recall, found), count, cut, reason=none_true)
    yield Question(model, "range_precision", "", of_called, partial(ranges.range_precision, right), None, cut, reason=none_called)
    both = _F1(precision, recall)
    yield Question(model, "range_f1", "", held.row, both, count, cut, reason=none_true or none_called)


@dataclass(frozen=True, slots=True)
class _Mean:
    """The mean reward of ranges, each with the weight of the row that it begins with."""

    first: Array
    reward: Array

    def __call__(self, weights: Array | None) -> Array:
        return ranges.range_recall(self.reward, None if weights is None else weights[..., self.first])


@dataclass(frozen=True, slots=True)
class _F1:
    precision: _Mean
    recall: _Mean

    def __call__(self, weights: Array | None) -> Array:
        return ranges.range_f1(self.precision(weights), self.recall(weights))


def alarms(called: Array, group: Array, time: Array, silence: int) -> Array:
    """Which calls are alarms, bool "N": the first of a group, and each that comes `silence` microseconds or more after one."""
    if silence <= 0:
        return called
    alarm = np.zeros(len(called), bool)
    quiet: dict[int, int] = {}
    for row in np.flatnonzero(called).tolist():
        here, now = int(group[row]), int(time[row])
        if now >= quiet.get(here, now):
            alarm[row], quiet[here] = True, now + silence
    return alarm
