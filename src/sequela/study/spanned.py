"""What somebody marked in texts: stretches of documents by type. The truth of the task entities.

A row's marks are those stamped as its index event, or where it has none, those of the subject without time. They find their
document by its content; a row of which nobody marked a document is not known, and one in whose document nothing was found is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study import labels
from sequela.study.records import Records
from sequela.study.stamped import own
from sequela.text import documents, scheme
from sequela.text.documents import Mark, Marks
from sequela.types import Array, Cohort, Piece, Places, Spanned, Spans, Target


def read(store: Records, outcome: config.Outcome, rows: Cohort, *, labelled: bool) -> tuple[Target, dict[str, int]]:
    """The marks of these rows, and what a user should know of them. Places count in documents; `placed` brings them to the rows.

    Raises ConfigError for an outcome that is no marks, DataError where the data has none of that name.
    """
    _check(outcome)
    code = f"{documents.SPANS}//{outcome.spans}"
    if labelled and code not in store.kinds:
        present = [one.removeprefix(f"{documents.SPANS}//") for one in store.kinds if one.startswith(f"{documents.SPANS}//")]
        raise DataError(f"no text of the data has marks {outcome.spans!r}", hint=nearest(outcome.spans, present))
    found = own(store.events([code]), rows)
    row, marks = found["row"].to_numpy(), [documents.marks(text) for text in found["text_value"].to_list()]
    gathered = labels.gathered([mark.type for one in marks for mark in one.spans], outcome.classes)
    spans = _laid(row, marks, {raw: place for place, raws in enumerate(gathered.values()) for raw in raws}, len(rows))
    known = np.isin(np.arange(len(rows)), row)
    count = np.diff(spans.offsets).astype(np.float64)[:, None]
    unlisted = int((spans.label < 0).sum())
    notes = {"marks of a type that no class gathers": unlisted} if unlisted else {}
    return Target(count, known[:, None], tuple(gathered), spans.keep(spans.label >= 0)), notes


def _check(outcome: config.Outcome) -> None:
    if not outcome.spans or outcome != config.Outcome(spans=outcome.spans, classes=outcome.classes):
        raise ConfigError("the outcome of entities is the name of marks in texts, and their classes", hint='outcome.spans = "…"')


def _laid(row: Array, marks: Sequence[Marks], place: dict[str, int], rows: int) -> Spans:
    """The marks end to end, by row; -1 for a type that no class gathers."""
    each: list[tuple[int, str, Mark]] = [
        (int(r), one.document, mark) for r, one in zip(row, marks, strict=True) for mark in one.spans
    ]
    return Spans(
        offsets=np.concatenate([[0], np.cumsum(np.bincount([r for r, _, _ in each], minlength=rows))]).astype(np.int64),
        begin=np.array([mark.begin for _, _, mark in each], np.int64),
        end=np.array([mark.end for _, _, mark in each], np.int64),
        label=np.array([place.get(mark.type, -1) for _, _, mark in each], np.int64),
        concept=np.array([mark.concept for _, _, mark in each], object),
        document=np.array([document for _, document, _ in each], object),
    )


def placed(target: Target, places: Places) -> Target:
    """The target with its marks in the rows' texts, and the tag of every step, as Spanned; without marks no step's is known."""
    spans = target.dense
    if not isinstance(spans, Spans):
        none = np.zeros(0, np.int64)
        spans = Spans(np.zeros(len(places) + 1, np.int64), none, none, none)
        target = Target(np.zeros((len(places), 1)), np.zeros((len(places), 1), bool), target.names)
    moved = _in_rows(spans, places) if spans.document is not None else spans
    tags, _ = scheme.tagged(moved, places, target.known[:, 0])
    count = np.diff(moved.offsets).astype(np.float64)[:, None]
    return replace(target, values=count, dense=Spanned(moved, tags))


def lost(target: Target, places: Places) -> dict[str, int]:
    """What of the marks the steps cannot tell, counted: an answer cannot find those exactly."""
    spanned = target.dense
    return scheme.tagged(spanned.spans, places, target.known[:, 0])[1] if isinstance(spanned, Spanned) else {}


def _in_rows(spans: Spans, places: Places) -> Spans:
    """The marks of documents that their rows' texts hold, counted in those texts, in order."""
    assert spans.document is not None
    marked = np.flatnonzero(np.diff(spans.offsets))
    begins = [_begins(places.pieces[row], spans.document[slice(*spans.offsets[row : row + 2])]) for row in marked.tolist()]
    begin = np.concatenate([np.zeros(0, np.int64), *begins])
    held = spans.keep(begin >= 0)
    shift = begin[begin >= 0]
    order = np.lexsort((held.end + shift, held.begin + shift, held.row))
    concept = None if held.concept is None else held.concept[order]
    return Spans(held.offsets, (held.begin + shift)[order], (held.end + shift)[order], held.label[order], concept=concept)


def _begins(pieces: Sequence[Piece], keys: Array) -> Array:
    """Where each of these documents begins in its row's text, int64; -1 where the row does not hold it. The first one counts."""
    begin = {piece.key: piece.begin for piece in reversed(pieces)}
    return np.array([begin.get(key, -1) for key in keys], np.int64)
