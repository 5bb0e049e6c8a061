"""Which labels are a row's own: those stamped as its index event, or where it has none, the subject's without time."""

from __future__ import annotations

import numpy as np
import polars as pl

from sequela.study import cut
from sequela.types import Cohort


def own(events: pl.DataFrame, rows: Cohort) -> pl.DataFrame:
    """The events (of one code, or of codes that belong together) that are labels of these rows, with their `row`, by row."""
    line = cut.timeline(events)
    start = cut.microseconds_of(rows.start)
    first, timed, _ = line.of(rows.subject_id)
    begin, end = line.since(rows.subject_id, start), line.after(rows.subject_id, start)
    stamped = begin < end
    owner, place = cut.spread(np.where(stamped, begin, first), np.where(stamped, end, timed))
    return line.events[place].with_columns(row=pl.Series(owner, dtype=pl.Int64))
