"""What the readers of samples share: events of labels, the names of parts, and a clock for records without a date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from sequela.types import Array, Part

ANCHOR = datetime(2000, 1, 1)  # when records without a date begin: differences of time mean something, dates do not
PART_NAMES: Mapping[str, Part] = {
    "train": "train",
    "training": "train",
    "tune": "tune",
    "tuning": "tune",
    "val": "tune",
    "valid": "tune",
    "validation": "tune",
    "dev": "tune",
    "test": "test",
    "testing": "test",
    "held_out": "test",
}


class Clock:
    """Starts of records that have no date: the first of a subject at ANCHOR, each further one on the first free day after it."""

    def __init__(self) -> None:
        self._free: dict[str, datetime] = {}

    def start(self, subject: str, seconds: float) -> datetime:
        """When a record of this length begins; two records of one subject never overlap."""
        start = self._free.get(subject, ANCHOR)
        self._free[subject] = start + timedelta(days=int(seconds // 86400) + 1)
        return start


def events(source_ids: Sequence[str], code: str, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
    """One event for each subject named, without time unless it is one of these columns."""
    frame = pl.DataFrame({"source_id": pl.Series(source_ids, dtype=pl.String)})
    given = [column.alias(name) for name, column in columns.items()]
    return frame.with_columns(pl.lit(None, pl.Datetime("us")).alias("time"), pl.lit(code).alias("code")).with_columns(given)


def label_events(
    source_ids: Sequence[str], column: str, labels: Array, times: Sequence[datetime | None] | None = None
) -> pl.DataFrame:
    """The events LABEL//<column>, one for each subject whose label is there; without time, or at these.

    A whole number is given as number and as text (it may be a class or a quantity), a fraction as number, a word as text.
    NaN and the empty word are missing: no event.
    """
    code = f"LABEL//{column}"
    at = {} if times is None else {"time": pl.Series(times, dtype=pl.Datetime("us"))}
    if labels.dtype.kind in "biu":
        whole = pl.Series(labels.astype(np.int64))
        return events(source_ids, code, at | {"numeric_value": whole.cast(pl.Float32), "text_value": whole.cast(pl.String)})
    if labels.dtype.kind == "f":
        frame = events(source_ids, code, at | {"numeric_value": pl.Series(labels.astype(np.float32))})
        return frame.filter(pl.col("numeric_value").is_not_nan())
    words = pl.Series([str(label).strip() for label in labels], dtype=pl.String)
    frame = events(source_ids, code, at | {"text_value": words})
    return frame.filter(pl.col("text_value") != "")
