"""Cells of the tables: a value with its interval in small print."""

from __future__ import annotations

from sequela.evaluate.metric import Metric
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import Piece, tag
from sequela.evaluate.report.words import later, retold, say

RESAMPLED = later("bootstrap over subjects; of one subject alone, over stretches of time")


def resampled() -> str:
    """How the intervals of tables came about, for their captions."""
    return say(RESAMPLED)


def valued(row: Metric | None) -> Piece:
    """The value and its limits; an en dash where there is none."""
    if row is None or row.value is None:
        return "–"
    limits = numbers.limits(row)
    return tag("span", numbers.number(row.value, row.metric), tag("small", f" {limits}") if limits else "")


def because(why: str) -> str:
    """Why a case is shown, as a heading."""
    said = retold(why)
    return said[:1].upper() + said[1:]
