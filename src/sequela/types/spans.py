"""What is said of stretches of texts, and where the steps of an input stand in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.types.arrays import Array
from sequela.types.lazy import OfRows, chosen
from sequela.types.marks import Tags, spread


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of the texts of N rows, laid end to end; row i has offsets[i]:offsets[i+1], by begin, then end."""

    offsets: Array  # int64 "N+1"
    begin: Array  # int64 "M": characters (code points) before it in the row's text, or in its document
    end: Array  # int64 "M": up to and with its last one
    label: Array  # int64 "M": the place in names, -1 where no class gathers the type
    score: Array | None = None  # float64 "M", in [0, 1]: how sure it is; None of the truth
    concept: Array | None = None  # str "M": the code of what it names, "" where nobody tells; None: nobody tells of any
    document: Array | None = None  # str "M": key of the document in which begin and end count; None: they count in the row's text

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def row(self) -> Array:
        """int64 "M"."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def take(self, rows: Array) -> Spans:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = spread(self.offsets, rows)
        return self._of(offsets, place)

    def keep(self, which: Array) -> Spans:
        """Those stretches alone, bool "M"."""
        offsets = np.concatenate([[0], np.cumsum(np.bincount(self.row[which], minlength=len(self)))])
        return self._of(offsets, which)

    def _of(self, offsets: Array, place: Array) -> Spans:
        score, concept, document = (
            None if values is None else values[place] for values in (self.score, self.concept, self.document)
        )
        return Spans(offsets, self.begin[place], self.end[place], self.label[place], score, concept, document)


@dataclass(frozen=True, slots=True)
class Marked:
    """What was marked for N rows, told by document: a row may read others too, of which nothing is known."""

    spans: Spans  # with the document of each
    offsets: Array  # int64 "N+1"
    read: Array  # str "R": keys of the documents that somebody read; of row i offsets[i]:offsets[i+1]

    def __len__(self) -> int:
        return len(self.spans)

    def take(self, rows: Array) -> Marked:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = spread(self.offsets, rows)
        return Marked(self.spans.take(rows), offsets, self.read[place])

    def read_of(self, row: int) -> frozenset[str]:
        """Keys of the documents that somebody read for a row."""
        return frozenset(self.read[slice(*self.offsets[row : row + 2])].tolist())


@dataclass(frozen=True, slots=True)
class Spanned:
    """What is true of N texts: the stretches that somebody marked, in the row's text, and the tag of each step that they make."""

    spans: Spans
    tags: Tags
    unread: Spans | None = None  # documents in the texts of which nobody told: nothing said there is judged; None: all were read

    def __len__(self) -> int:
        return len(self.spans)

    def take(self, rows: Array) -> Spanned:
        """Of these rows (indices or a mask), in the order given."""
        return Spanned(self.spans.take(rows), self.tags.take(rows), self.unread and self.unread.take(rows))


@dataclass(frozen=True, slots=True)
class Piece:
    """A document inside the text of a row."""

    begin: int  # characters of the row's text before it
    key: str  # told by its content (text/documents.py), so that what is said of it finds it wherever it stands
    code: str  # of its event


@dataclass(frozen=True, slots=True)
class Places:
    """Where the steps of N rows stand in their texts: by this, every answer points back to the exact characters of a source."""

    offsets: Array  # int64 "N+1": of steps, as of the Ragged
    begin: Array  # int32 "S": characters (code points) before the step in its row's text
    end: Array  # int32 "S"
    texts: OfRows[str]  # N: the documents of the row, one after the other, a blank line between them
    pieces: OfRows[tuple[Piece, ...]]  # N: these documents, in order

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Places:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = spread(self.offsets, rows)
        return Places(offsets, self.begin[place], self.end[place], chosen(self.texts, rows), chosen(self.pieces, rows))


def joined(spans: Sequence[Spans]) -> Spans:
    """The stretches of several rows after one another; all tell the same columns."""
    count = np.concatenate([np.diff(one.offsets) for one in spans])
    begin, end, label = (np.concatenate([getattr(one, name) for one in spans]) for name in ("begin", "end", "label"))
    score, concept, document = (
        None if getattr(spans[0], name) is None else np.concatenate([getattr(one, name) for one in spans])
        for name in ("score", "concept", "document")
    )
    return Spans(np.concatenate([[0], np.cumsum(count)]), begin, end, label, score, concept, document)
