"""Labels of moments: what tagging holds against the steps of a row, and which of its steps a row is asked about.

Rows of one record follow one another. Each is asked about the steps that became `delay` old since the row before it; the last row
of a record, about all that are left. So every step is asked about once, and `delay` is how much of what follows a step is known
when it is judged.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study import cut, labels
from sequela.study.records import Records
from sequela.types import DAY, Array, Cohort, Labels, Target


def read(store: Records, outcome: config.Outcome, rows: Cohort, *, labelled: bool) -> tuple[Target, dict[str, int]]:
    """The labels of these rows, and what a user should know of them.

    Raises ConfigError for an outcome that is no column of labels, or rows without time; DataError where the data has no such
    labels. With `labelled` False labels that are not there, or not understood, are unknown.
    """
    column = _column(outcome)
    if len(rows) and np.isnat(rows.time).any():
        of_letters = "letters = true, where a label has a letter for each letter of a sequence; otherwise "
        hint = f"{of_letters if 'sequence' in store.kinds.values() else ''}cohort.index names an event, not SAMPLE"
        raise ConfigError("tagging asks about moments of a record, and the rows have no time", hint=hint)
    if labelled:
        _check(store, column)
    since, until = _asked(rows, config.microseconds(outcome.delay))
    held = _held(store, column, rows, since, lasting=outcome.lasting)
    classes = _classes(held["raw"].to_list(), outcome, labelled=labelled)
    time = cut.microseconds_of(rows.time)
    order = held["row"].to_numpy()
    value = np.where(classes.target.known[:, 0], classes.target.values[:, 0], -1).astype(np.int64)
    told = Labels(
        offsets=np.searchsorted(order, np.arange(len(rows) + 1)),
        position=(held["moment"].to_numpy() - time[order]) / DAY,
        value=value,
        since=since / DAY,
        until=until / DAY,
        lasting=outcome.lasting,
    )
    inside = value >= 0 if outcome.lasting else (value >= 0) & _within(told, order)
    count = np.bincount(order[inside], minlength=len(rows)).astype(np.float64)[:, None]
    notes = {"labels that no class gathers": classes.unlisted} if classes.unlisted else {}
    return Target(count, count > 0, classes.target.names, told), notes


def _column(outcome: config.Outcome) -> str:
    """Raises ConfigError where the outcome is not one column of labels, with its classes."""
    alone = config.Outcome(column=outcome.column, classes=outcome.classes, lasting=outcome.lasting, delay=outcome.delay)
    if not isinstance(outcome.column, str) or not outcome.column or outcome != alone:
        raise ConfigError("the outcome of tagging is one column of labels and its classes", hint='outcome.column = "beat"')
    if config.microseconds(outcome.delay) < 0:
        raise ConfigError(f"outcome.delay is {outcome.delay}", hint="a step cannot be judged before it is there")
    return outcome.column


def _check(store: Records, column: str) -> None:
    present = [code.removeprefix("LABEL//") for code, kind in store.kinds.items() if kind == "label"]
    if column not in present:
        raise DataError(f"the data has no label column {column!r}", hint=nearest(column, present))


def _asked(rows: Cohort, delay: int) -> tuple[Array, Array]:
    """Microseconds, float64 "N" each: after which, and up to which, a step is the row's to be judged; -inf for its first."""
    time, start = cut.microseconds_of(rows.time), cut.microseconds_of(rows.start)
    order = np.lexsort((time, start, rows.subject_id))
    follows = np.zeros(len(rows), bool)
    follows[1:] = (np.diff(rows.subject_id[order]) == 0) & (np.diff(start[order]) == 0)
    before = np.full(len(rows), -np.inf)
    before[1:] = np.where(follows[1:], -np.diff(time[order]) - delay, -np.inf)
    last = np.append(~follows[1:], True)[: len(rows)]
    since, until = np.empty(len(rows)), np.empty(len(rows))
    since[order] = before
    until[order] = np.where(last, 0.0, -delay)
    return since, until


def _held(store: Records, column: str, rows: Cohort, since: Array, *, lasting: bool) -> pl.DataFrame:
    """The labels that a row's steps may have: row, moment (microseconds) and raw, by row, then moment.

    Of lasting ones also the last before the steps that are asked about: it still holds.
    """
    line = cut.timeline(store.events([f"LABEL//{column}"]))
    time = cut.microseconds_of(rows.time)
    _, first, _ = line.of(rows.subject_id)
    whole = np.isinf(since)
    later = np.where(whole, first, line.after(rows.subject_id, time + np.where(whole, 0, since).astype(np.int64)))
    begin = np.maximum(first, later - 1) if lasting else later
    owner, place = cut.spread(begin, line.after(rows.subject_id, time))
    return pl.DataFrame({"row": owner, "moment": line.at(place), "raw": labels.raw(line.events[place])})


def _classes(raw: list[str | None], outcome: config.Outcome, *, labelled: bool) -> labels.Read:
    try:
        return labels.read({"tag": raw}, "multiclass", outcome.classes)
    except DataError:
        if labelled:
            raise
        return labels.read({"tag": [None] * len(raw)}, "multiclass", outcome.classes)


def _within(told: Labels, row: Array) -> Array:
    return np.asarray((told.position > told.since[row]) & (told.position <= told.until[row]))
