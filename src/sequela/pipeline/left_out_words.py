"""Words of a text left out at random, and the bundle asked again: LIME (explain/tokens/lime.py) of the very answer that it gives.

The documents of a row are written again without some of their words, and read like any others; all else that is known of the row
stays. A text of many words is left out in parts of several neighbours, so that what is asked stays bounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sequela.bundle.predictor import Predictor
from sequela.explain.tokens import lime
from sequela.metrics.calibration import logit
from sequela.modalities import text
from sequela.text.documents import BETWEEN, key
from sequela.text.words import Cuts, words
from sequela.types import Array, Known, Places

SAMPLES, FEWEST = 1000, 100  # texts that are asked about
WORDS = 2_000_000  # in all of them together
PARTS = 256  # of a text, at most; and no more than a quarter of the texts asked about
AT_ONCE = 250  # texts


@dataclass(frozen=True, slots=True)
class Document:
    """One of the documents of a row's text."""

    begin: int  # characters of the row's text before it
    end: int
    key: str
    code: str


@dataclass(frozen=True, slots=True)
class Parts:
    """What is left out of the text of a row, and how it is put together again."""

    text: str
    begin: Array  # int64 "U": characters before each part
    end: Array  # int64 "U"
    documents: tuple[Document, ...]
    words: int

    def kept(self, which: Array) -> list[str]:
        """The documents with these parts alone, bool "U"; a blank, where nothing is left of one."""
        gone = list(zip(self.begin[~which].tolist(), self.end[~which].tolist(), strict=True))
        return [_without(self.text, one, gone) or " " for one in self.documents]

    @property
    def read(self) -> int:
        """Characters of the text that are read; 0: all of them."""
        last = max((one.end for one in self.documents if one.end > one.begin), default=0)
        return 0 if last == len(self.text) else last

    @property
    def samples(self) -> int:
        """How many texts are asked about."""
        return int(np.clip(WORDS // max(self.words, 1), FEWEST, SAMPLES))


def parts(places: Places, row: int, options: text.Config, most: int) -> Parts:
    """Each word of a row's text, or neighbours together where it has many; none lies in two documents.

    Of a text of more than `most` words the first ones are read alone.
    """
    said, pieces = places.texts[row], places.pieces[row]
    ends = [piece.begin - len(BETWEEN) for piece in pieces[1:]] + [len(said)] * bool(pieces)
    documents, cuts, left = list[Document](), list[Cuts](), most
    for piece, end in zip(pieces, ends, strict=True):
        own = words(said[piece.begin : end], options.language, options.chinese)
        kept = Cuts(own.begin[:left], own.end[:left])
        read = end if len(kept) == len(own) else piece.begin + int(kept.end[-1] if left else 0)
        documents.append(Document(piece.begin, read, piece.key, piece.code))
        cuts.append(kept)
        left -= len(kept)
    found = Parts(said, np.zeros(0, np.int64), np.zeros(0, np.int64), tuple(documents), most - left)
    together = max(1, -(-found.words // min(PARTS, found.samples // 4)))
    spans = [_together(own, one.begin, together) for own, one in zip(cuts, documents, strict=True)]
    begins, until = (np.concatenate([found.begin, *(span[side] for span in spans)]) for side in (0, 1))
    return replace(found, begin=begins, end=until)


def _together(cuts: Cuts, before: int, count: int) -> tuple[Array, Array]:
    """Begin and end of every so many words of a document, in the text of the row."""
    first = np.arange(0, len(cuts), count)
    last = np.minimum(first + count, len(cuts)) - 1
    return cuts.begin[first].astype(np.int64) + before, cuts.end[last].astype(np.int64) + before


def _without(whole: str, one: Document, gone: Sequence[tuple[int, int]]) -> str:
    pieces, at = list[str](), one.begin
    for begin, end in gone:
        if one.begin <= begin < one.end:
            pieces.append(whole[at:begin])
            at = end
    return "".join([*pieces, whole[at : one.end]])


@dataclass(frozen=True, slots=True)
class Drawn:
    """The texts that are asked about."""

    samples: int
    seed: int


def fitted(predictor: Predictor, own: Known, of: Parts, columns: Sequence[int], drawn: Drawn) -> lime.Fitted:
    """What each part adds to the log-odds of these columns of the answer about the one row of `own`."""
    place = _events(own, of)

    def telling(kept: Array) -> Array:
        each = [kept[first : first + AT_ONCE] for first in range(0, len(kept), AT_ONCE)]
        return np.concatenate([_asked(predictor, _written(own, place, of, some))[:, columns] for some in each])

    return lime.fitted(telling, len(of.begin), drawn.samples, drawn.seed)


def _events(own: Known, of: Parts) -> list[int]:
    """Which event of the row each document is, in order."""
    said = own.events.select("code", "text_value").rows()
    found, at = list[int](), 0
    for one in of.documents:
        at = next(k for k in range(at, len(said)) if said[k][0] == one.code and key(said[k][1] or "") == one.key)
        found.append(at)
        at += 1
    return found


def _written(own: Known, place: Sequence[int], of: Parts, kept: Array) -> Known:
    """The one row as many rows, with these parts alone in each, bool "n U"."""
    events, count = own.events, len(kept)
    said = events["text_value"].to_list() * count
    for row, which in enumerate(kept):
        for at, document in zip(place, of.kept(which), strict=True):
            said[row * len(events) + at] = document
    rows = pl.Series("row", np.repeat(np.arange(count), len(events)))
    frame = pl.concat([events] * count).with_columns(rows, pl.Series("text_value", said, dtype=pl.String))
    start = None if own.start is None else np.repeat(own.start, count)
    return replace(own, count=count, source=frame, start=start, subject=None)


def _asked(predictor: Predictor, known: Known) -> Array:
    """The log-odds of what is answered about these rows, float64 "n K"."""
    each = np.arange(known.count)
    values = predictor.answer(predictor.evidence(known, each, each.astype(str))).values
    return np.asarray(logit(values))
