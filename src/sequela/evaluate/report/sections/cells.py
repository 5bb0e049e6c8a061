"""Cells of the tables: a value with its interval in small print."""

from __future__ import annotations

from sequela.evaluate.metric import Metric
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import Piece, tag

RESAMPLED = "bootstrap over subjects; of one subject alone, over stretches of time"


def valued(row: Metric | None) -> Piece:
    """The value and its limits; an en dash where there is none."""
    if row is None or row.value is None:
        return "–"
    limits = numbers.limits(row)
    return tag("span", numbers.number(row.value, row.metric), tag("small", f" {limits}") if limits else "")
