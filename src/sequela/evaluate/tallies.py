"""Answers about points or stretches held against the truth, row by row: all that evaluation needs of them is their tally."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

import polars as pl

from sequela.types import Answer, Target

# what lists of boxes, of stretches and of pairs hold: those of a model that says nothing are all empty, and do not tell
LISTS: Mapping[str, type[pl.DataType]] = {
    "box_class": pl.Int64, "box_score": pl.Float64, "box_hit": pl.Int64,
    "span_begin": pl.Int64, "span_end": pl.Int64, "span_class": pl.Int64, "span_score": pl.Float64, "span_is": pl.String,
    "true_begin": pl.Int64, "true_end": pl.Int64, "true_class": pl.Int64, "true_concept": pl.String,
    "pair_low": pl.Int64, "pair_high": pl.Int64, "pair_score": pl.Float64, "pair_right": pl.Boolean,
    "true_low": pl.Int64, "true_high": pl.Int64,
}  # fmt: skip


def tallied(kind: str, answer: Answer, target: Target, tolerance: float) -> Answer:
    """The answer with its tally; one that already has it, or is of another kind of task, as it is.

    `tolerance` is that of the normalised surface distance of masks, in mm (points where no spacing is known).
    """
    of = _of(kind)
    if of is None or answer.tally is not None:
        return answer
    given = (tolerance,) if kind == "segment" else ()
    return replace(answer, tally=of.tally(answer, target, *given))


def columns(kind: str, answer: Answer) -> dict[str, pl.Series]:
    """The tally as columns of predictions.parquet, a list or number for each row; none for a task without."""
    of = _of(kind)
    told: dict[str, list[Any]] = {} if of is None else of.columns(answer.tally)
    return {name: pl.Series(name, values, dtype=pl.List(LISTS[name]) if name in LISTS else None) for name, values in told.items()}


def restored(kind: str, said: pl.DataFrame, answer: Answer) -> Answer:
    """The answer with the tally that stands in these columns."""
    of = _of(kind)
    return answer if of is None else replace(answer, tally=of.restored(said, answer.names))


def _of(kind: str) -> ModuleType | None:
    """Where the tallies of a kind of task are made."""
    if kind == "segment":
        from sequela.evaluate import segmentation

        return segmentation
    if kind == "detect":
        from sequela.evaluate import detection

        return detection
    if kind == "entities":
        from sequela.evaluate import entities

        return entities
    if kind == "contact":
        from sequela.evaluate import contacts

        return contacts
    return None
