"""The table of characteristics of a finished split: its parts side by side, and the part shown by outcome."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sequela.evaluate.characteristics import CharacteristicsFacts, Column, Side, table
from sequela.pipeline.trust.finished import Finished
from sequela.types import PARTS, Array, Cohort, Part, Plain

MOST = 60  # columns of inputs
CLASSES = 4  # that a table has room for


def found(done: Finished) -> CharacteristicsFacts | None:
    """What is known of the rows by their groups and plain columns. The test part is left out where it was not opened."""
    if not _plain(done, "train").names and not done.shown.cohort.groups:
        return None
    columns = [k for k, name in enumerate(_plain(done, "train").names) if _told(name)][:MOST]
    sides = [side for part in PARTS if part != "test" or part in done.judged for side in [_side(done, part, columns)]]
    sides += _by_outcome(done, columns)
    return table(sides, [_plain(done, "train").names[k] for k in columns])


def _plain(done: Finished, part: Part) -> Plain:
    return done.rows.of(part).asked.plain


def _told(name: str) -> bool:
    """Of a measurement its last value; of anything else what stands for itself: "chart.Lactate.last", "patient.AGE"."""
    return name.count(".") == 1 or name.endswith(".last")


def _side(done: Finished, part: Part, columns: list[int]) -> Side:
    cohort = done.rows.cohort(part)
    return _of(cohort, part, "", _plain(done, part).values[:, columns], np.arange(len(cohort)))


def _by_outcome(done: Finished, columns: list[int]) -> Iterator[Side]:
    """Of a yes-or-no question and of few classes, the rows of each of the part shown."""
    kind, target = done.predictor.task.kind, done.shown.cohort.target
    if kind not in ("binary", "multiclass") or len(target.names) > CLASSES:
        return
    values, known = _plain(done, done.part).values[:, columns], target.known[:, 0]
    names = list(target.names) if kind == "multiclass" else [f"no {target.names[0]}", target.names[0]]
    for code, name in reversed(list(enumerate(names))) if kind == "binary" else enumerate(names):
        rows = np.flatnonzero(known & (target.values[:, 0] == code))
        yield _of(done.shown.cohort, done.part, name, values, rows)


def _of(cohort: Cohort, part: Part, outcome: str, values: Array, rows: Array) -> Side:
    own = cohort.take(rows)
    days = own.time[~np.isnat(own.time)]
    first, last = (str(day.astype("datetime64[Y]")) for day in (days.min(), days.max())) if len(days) else ("", "")
    column = Column(part=part, outcome=outcome, rows=len(rows), subjects=len(np.unique(own.subject_id)), first=first, last=last)
    return Side(column, own.groups, values[rows])
