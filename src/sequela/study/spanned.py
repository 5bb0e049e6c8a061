"""What somebody marked in texts: stretches of documents by type. The truth of the task entities.

A row's marks are those stamped as its index event, or where it has none, those of the subject without time. They find their
document by its content; a row of which nobody marked a document is not known, and one in whose document nothing was found is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from sequela.types import Array, Cohort, Marked, Piece, Places, Spanned, Spans, Target


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
    read = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(rows)))]).astype(np.int64)
    unlisted = int((spans.label < 0).sum())
    notes = {"marks of a type that no class gathers": unlisted} if unlisted else {}
    told = Marked(spans.keep(spans.label >= 0), read, np.array([one.document for one in marks], object))
    return Target(np.diff(spans.offsets).astype(np.float64)[:, None], np.diff(read)[:, None] > 0, tuple(gathered), told), notes


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
    """The target with its marks in the rows' texts, and the tag of every step, as Spanned.

    A row is known where its text holds a document that somebody read; of its other documents, and of rows without, nothing is.
    """
    marked = target.dense
    if not isinstance(marked, Marked):
        marked = _nothing(len(places))
    read = [marked.read_of(row) for row in range(len(places))]
    spans, unread = _in_rows(marked.spans, places), _unread(read, places)
    known = np.array([any(piece.key in keys for piece in pieces) for keys, pieces in zip(read, places.pieces, strict=True)], bool)
    tags, _ = scheme.tagged(spans, places, known)
    value = np.where(_within(unread, places), -1, tags.value)
    count = np.diff(spans.offsets).astype(np.float64)[:, None]
    return Target(count, known[:, None], target.names, Spanned(spans, replace(tags, value=value), unread))


def _nothing(rows: int) -> Marked:
    """No mark in any row, and nobody read one."""
    offsets, none = np.zeros(rows + 1, np.int64), np.zeros(0, np.int64)
    return Marked(Spans(offsets, none, none, none, document=none.astype(object)), offsets, none.astype(object))


def lost(target: Target, places: Places) -> dict[str, int]:
    """What of the marks the steps cannot tell, counted: an answer cannot find those exactly."""
    spanned = target.dense
    return scheme.tagged(spanned.spans, places, target.known[:, 0])[1] if isinstance(spanned, Spanned) else {}


def _in_rows(spans: Spans, places: Places) -> Spans:
    """The marks of documents that their rows' texts hold, counted in those texts, in order.

    A document that stands twice in a text has its marks twice.
    """
    begins = [begins for row in range(len(places)) for begins in _begins(spans, places.pieces[row], row)]
    mark = np.repeat(np.arange(len(begins)), [len(one) for one in begins])
    shift = np.array([begin for one in begins for begin in one], np.int64)
    order = np.lexsort((spans.end[mark] + shift, spans.begin[mark] + shift, spans.row[mark]))
    mark, shift = mark[order], shift[order]
    concept = None if spans.concept is None else spans.concept[mark]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(spans.row[mark], minlength=len(spans)))]).astype(np.int64)
    return Spans(offsets, spans.begin[mark] + shift, spans.end[mark] + shift, spans.label[mark], concept=concept)


def _begins(spans: Spans, pieces: Sequence[Piece], row: int) -> Iterator[list[int]]:
    """Of each mark of a row where its document begins in the row's text, once for each time that it stands there."""
    assert spans.document is not None
    held: dict[str, list[int]] = {}
    for piece in pieces:
        held.setdefault(piece.key, []).append(piece.begin)
    return (held.get(key, []) for key in spans.document[slice(*spans.offsets[row : row + 2])])


def _unread(read: Sequence[frozenset[str]], places: Places) -> Spans:
    """The documents in the rows' texts that nobody read."""
    each = [_others(keys, places.pieces[row], len(places.texts[row])) for row, keys in enumerate(read)]
    begin, end = np.array([edges for one in each for edges in one], np.int64).reshape(-1, 2).T
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in each])]).astype(np.int64)
    return Spans(offsets, begin, end, np.zeros(len(begin), np.int64))


def _others(read: frozenset[str], pieces: Sequence[Piece], length: int) -> list[tuple[int, int]]:
    """Where the documents of other keys stand in a text of this length, each with the gap behind it."""
    ends = [*(piece.begin for piece in pieces[1:]), length]
    return [(piece.begin, end) for piece, end in zip(pieces, ends, strict=True) if piece.key not in read]


def _within(stretches: Spans, places: Places) -> Array:
    """Whether each step begins inside one of these, bool "S"."""
    found = np.zeros(len(places.begin), bool)
    for row, begin, end in zip(stretches.row, stretches.begin, stretches.end, strict=True):
        own = slice(*places.offsets[row : row + 2])
        found[own] |= (places.begin[own] >= begin) & (places.begin[own] < end)
    return found
