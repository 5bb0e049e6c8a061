"""What the rows of a survival table say of time: when each subject's follow-up ended and by what, and when each row was measured.

A row comes back with `#end`, `#entry` and `#visit` (units after the start, float64) and `#cause` (its code, 0 for censored), null
where nothing is asked. Refused by file and row: what cannot be understood, and all rows of a subject of whom two things are said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from sequela.contracts import Sink
from sequela.readers._csv_rows import refuse

LONGEST = 1000 * 365.25  # days of follow-up: beyond it the unit is mistaken
NO_CAUSE = "; a word or a boolean is not taken for a cause"
_TOLD = ("#end", "#cause", "#entry")


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns say when, "" where none does."""

    time: str
    event: str
    entry: str
    visit: str
    subject: str
    intervals: bool  # each row holds from its visit to its time, at which its event came
    optional: bool = False  # time, event and entry need neither be there nor be filled in


def timed(frame: pl.DataFrame, columns: Columns, causes: Sequence[int], longest: float, sink: Sink) -> pl.DataFrame:
    """The rows that can be used. `longest`: units of time that no follow-up exceeds."""
    frame = _numbered(frame, columns.visit, "#visit", sink)
    if columns.visit:
        frame = _without(frame, pl.col("#visit").is_null(), f"no visit time in the column {columns.visit!r}", sink)
        frame = _without(frame, pl.col("#visit").abs() > longest, "a visit more than 1000 years away: is the unit right?", sink)
    else:
        several = pl.col("#subject").is_duplicated()
        frame = _without(frame, several, "the subject has several rows, and no column says when each was measured", sink)
    frame = _outcomes(frame, columns, causes, longest, sink)
    if not columns.time:
        return frame
    frame = _joined(frame, sink) if columns.intervals else _agreeing(frame, sink)
    frame = _without(frame, pl.col("#entry") >= pl.col("#end"), "entry is not before the end of follow-up", sink)
    return _without(frame, pl.col("#visit") > pl.col("#end"), "measured after the end of follow-up", sink)


def _outcomes(frame: pl.DataFrame, columns: Columns, causes: Sequence[int], longest: float, sink: Sink) -> pl.DataFrame:
    frame = _numbered(frame, columns.time, "#end", sink)
    frame = _numbered(frame, columns.event, "#cause", sink, NO_CAUSE)
    frame = _numbered(frame, columns.entry, "#entry", sink)
    told = _told_of(frame, columns)
    for column, name, word in ((columns.time, "#end", "time"), (columns.entry, "#entry", "entry")):
        if column:
            frame = _without(frame, told & pl.col(name).is_null(), f"no {word} in the column {column!r}", sink)
            frame = _without(frame, pl.col(name) < 0, f"a negative {word} in the column {column!r}", sink)
            frame = _without(frame, pl.col(name) > longest, f"a {word} of more than 1000 years: is the unit right?", sink)
    if not columns.event:
        return frame
    frame = _without(frame, told & pl.col("#cause").is_null(), f"no event code in the column {columns.event!r}", sink)
    other = ~pl.col("#cause").is_in([0.0, *map(float, causes)])
    frame = _without(frame, other, f"an event code in the column {columns.event!r} that is neither 0 nor among causes", sink)
    return frame.with_columns(pl.when(told).then(pl.col(name)).alias(name) for name in _TOLD)


def _told_of(frame: pl.DataFrame, columns: Columns) -> pl.Expr:
    """Whether a row says what became of its subject: always, unless it need not and has no time and no event."""
    if not columns.optional:
        return pl.lit(True)
    if columns.event not in frame.columns:
        return pl.lit(False)
    return pl.col("#end").is_not_null() | (pl.col("#cause") > 0).fill_null(False)


def _numbered(frame: pl.DataFrame, column: str, name: str, sink: Sink, why: str = "") -> pl.DataFrame:
    """With the column as numbers; rows that hold something else there are refused, and told `why`."""
    if column not in frame.columns:  # none is named, or one that need not be there
        return frame.with_columns(pl.lit(None, pl.Float64).alias(name))
    number = frame[column].cast(pl.Float64, strict=False)
    wrong = frame[column].is_not_null() & ~number.is_finite().fill_null(False)
    frame = frame.with_columns(number.alias(name))
    refuse(frame.filter(wrong), f"no number in the column {column!r}{why}", sink)
    return frame.filter(~wrong)


def _without(frame: pl.DataFrame, wrong: pl.Expr, reason: str, sink: Sink) -> pl.DataFrame:
    """The frame less the rows for which this holds, which are refused."""
    out = frame.select(wrong.fill_null(False).alias("out"))["out"]
    refuse(frame.filter(out), reason, sink)
    return frame.filter(~out)


def _agreeing(frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """Without the subjects whose rows do not all say one outcome."""
    differs = pl.any_horizontal(pl.col(name).n_unique().over("#subject") > 1 for name in _TOLD)
    return _without(frame, differs, "the outcome differs between the rows of one subject", sink)


def _joined(frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """The intervals of each subject as one follow-up: it ends with the last of them, and by its event.

    One begun later than at 0 is entered then. Refused: intervals that are none, overlap or leave a gap, an event before the last.
    """
    frame = _without(frame, pl.col("#end") <= pl.col("#visit"), "an interval that does not end after it begins", sink)
    frame = frame.sort("#subject", "#visit", maintain_order=True)
    torn = pl.col("#visit").shift(-1).over("#subject") != pl.col("#end")
    frame = _without(frame, torn.any().over("#subject"), "intervals of one subject that overlap or leave a gap", sink)
    early = (pl.col("#cause") != 0) & pl.col("#visit").shift(-1).over("#subject").is_not_null()
    frame = _without(frame, early.any().over("#subject"), "an event before the last interval of its subject", sink)
    first = pl.col("#visit").first().over("#subject")
    return frame.with_columns(
        pl.col("#end").last().over("#subject"),
        pl.col("#cause").last().over("#subject"),
        pl.when(first > 0).then(first).alias("#entry"),
    )
