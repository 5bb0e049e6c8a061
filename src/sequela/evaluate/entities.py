"""Stretches of texts held against the truth, row by row, and the numbers asked of them: the tally is all that evaluation needs.

No threshold is chosen: what is called are the stretches that the task itself decided for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from sequela.evaluate.question import Question
from sequela.metrics import detection, entities
from sequela.metrics.entities import KINDS, RIGHT
from sequela.metrics.table import METRICS
from sequela.types import Answer, Array, Spans, Target

COMPARED = ("entity_f1", "entity_f1_partial", "ppv", "sensitivity")
COUNTED = ("entities_right", "entities_boundary", "entities_type", "entities_both", "entities_spurious")  # in the order of KINDS
MISSED = "entities_missed"


@dataclass(frozen=True, slots=True)
class Tally:
    """What is said of N texts, held against what is there; places count in the rows' texts."""

    said: Spans  # D stretches, with their scores
    truth: Spans  # G stretches of the classes alone
    of: Array  # int64 "D": the true one that each is held against, as its place in its row's; -1 for none
    kind: Array  # int64 "D": a place in metrics.entities.KINDS

    def __len__(self) -> int:
        return len(self.said)

    def take(self, rows: Array) -> Tally:
        """Of these rows (indices or a mask), in the order given."""
        said = self.said.take(rows)
        place = np.repeat(self.said.offsets[:-1][rows] - said.offsets[:-1], np.diff(said.offsets)) + np.arange(said.offsets[-1])
        return Tally(said, self.truth.take(rows), self.of[place], self.kind[place])

    @property
    def missed(self) -> Array:
        """bool "G": the true ones that nothing is held against."""
        found = np.zeros(len(self.truth.begin), bool)
        held = self.of >= 0
        found[(self.truth.offsets[self.said.row] + self.of)[held]] = True
        return ~found

    def numbers(self, column: int | None = None) -> Mapping[str, Array]:
        """Of each row how many are said and true, are found in part, are of each kind, and are missed: int64 "N".

        Of the class at `column` alone: that of what is said, and of the missed that of the truth; None for all classes.
        """
        said, truth = (one.label >= 0 if column is None else one.label == column for one in (self.said, self.truth))
        kinds = {name: said & (self.kind == kind) for kind, name in enumerate(COUNTED)}
        partly = {"partial": said & (self.kind <= entities.BOUNDARY)}
        of_said = {"said": said, **partly, **kinds}
        of_truth = {"truth": truth, MISSED: truth & self.missed}
        return {
            **{name: _each(self.said, which) for name, which in of_said.items()},
            **{name: _each(self.truth, which) for name, which in of_truth.items()},
        }


def _each(spans: Spans, which: Array) -> Array:
    """How many of these (bool "M") each row has."""
    return np.bincount(spans.row[which], minlength=len(spans))


def tally(answer: Answer, target: Target) -> Tally:
    """The stretches of an answer, placed in the rows' texts, held against those of the target; not those in what nobody read."""
    truth = target.dense.spans
    assert answer.spanned is not None
    said, unread = answer.spanned, target.dense.unread
    judged = said if unread is None else said.keep(~entities.inside(said, unread))
    return _held(judged, truth.keep(truth.label >= 0))


def _held(said: Spans, truth: Spans) -> Tally:
    of, kind = entities.compared(said, truth)
    own = np.where(of >= 0, of - truth.offsets[said.row], -1)
    return Tally(said, truth, own, kind)


# ----------------------------------------------------------------------------------------------------- through a table and back


def columns(tally: Tally) -> dict[str, list[Any]]:
    """An entry a row: place, class and score of what is said, and how it compares; place, class and concept of what is true."""
    said, truth = tally.said, tally.truth
    nowhere = np.full(len(said.begin), np.nan)
    of_said = {
        "span_begin": said.begin,
        "span_end": said.end,
        "span_class": said.label,
        "span_score": nowhere if said.score is None else said.score,
        "span_is": np.array(KINDS)[tally.kind],
    }
    of_truth = {"true_begin": truth.begin, "true_end": truth.end, "true_class": truth.label}
    concepts = {} if truth.concept is None else {"true_concept": truth.concept}
    return _lists(of_said, said.offsets) | _lists({**of_truth, **concepts}, truth.offsets)


def _lists(columns: Mapping[str, Array], offsets: Array) -> dict[str, list[Any]]:
    between, rows = offsets[1:-1], len(offsets) - 1
    return {name: [one.tolist() for one in np.split(values, between)][:rows] for name, values in columns.items()}


def restored(frame: pl.DataFrame, names: tuple[str, ...]) -> Tally:
    """The tally that `columns` wrote."""
    said, truth = _spans(frame, "span"), _spans(frame, "true")
    score = _flat(frame["span_score"], pl.Float64)
    concept = _flat(frame["true_concept"], pl.String).astype(str) if "true_concept" in frame.columns else None
    return _held(replace(said, score=score), replace(truth, concept=concept))


def _spans(frame: pl.DataFrame, of: str) -> Spans:
    count = frame[f"{of}_begin"].list.len().to_numpy().astype(np.int64)
    begin, end, label = (_flat(frame[f"{of}_{name}"], pl.Int64) for name in ("begin", "end", "class"))
    return Spans(np.concatenate([[0], np.cumsum(count)]), begin, end, label)


def _flat(lists: pl.Series, kind: type[pl.DataType]) -> Array:
    """What the lists hold, one after the other; an empty one holds nothing."""
    return lists.cast(pl.List(kind)).explode().drop_nulls().to_numpy()


# --------------------------------------------------------------------------------------------------------------- the questions


def questions(model: str, tally: Tally, rows: Array, names: tuple[str, ...]) -> Iterator[Question]:
    """What is asked of all classes together, and of each where there are several, on these rows, all of them read."""
    of_rows = tally.take(rows)
    yield from _asked(model, "", rows, of_rows.numbers())
    for column, name in enumerate(names if len(names) > 1 else ()):
        yield from _asked(model, name, rows, of_rows.numbers(column))


def _asked(model: str, class_: str, rows: Array, of: Mapping[str, Array]) -> Iterator[Question]:
    none = "" if len(rows) else "no rows"
    said, truth, right = of["said"], of["truth"], of[COUNTED[RIGHT]]
    absent = none or ("" if truth.any() else "no such entity is there")
    silent = none or ("" if said.any() else "no entity was said")
    neither = none or ("" if said.any() or truth.any() else "no entity was said, and none is there")
    shares: Mapping[str, tuple[Callable[..., Array], str, Array | None]] = {
        "entity_f1": (partial(entities.entity_f1, right, said, truth), neither, None),
        "entity_f1_partial": (partial(entities.entity_f1_partial, of["partial"], said, truth), neither, None),
        "ppv": (partial(detection.true_share, right, said), silent, said > 0),
        "sensitivity": (partial(detection.found_share, right, truth), absent, truth > 0),
    }
    for metric, (value, reason, of_rows) in shares.items():
        yield Question(model, metric, class_, rows, value, denominator=of_rows, reason=reason)
    for metric in (*COUNTED, MISSED):
        yield Question(model, metric, class_, rows, partial(METRICS[metric].function, of[metric]), reason=none)
