"""The documents that each row knows: every distinct one once, in order of time, and the text that they make together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sequela.study.records import fits
from sequela.text.documents import BETWEEN, key
from sequela.types import Array, Known, Piece


@dataclass(frozen=True, slots=True)
class Documents:
    """M distinct documents, and the P pairs of a row and a document that it knows, by row, then time."""

    texts: tuple[str, ...]  # M, none of them empty
    codes: tuple[str, ...]  # M: of the event
    row: Array  # int64 "P"
    document: Array  # int64 "P"
    rows: int

    def begins(self) -> Array:
        """Characters of its row's text before the document of each pair, int64 "P"."""
        length = np.array([len(text) for text in self.texts], np.int64)[self.document] + len(BETWEEN)
        before = np.cumsum(length) - length
        first = np.searchsorted(self.row, self.row)
        return np.asarray(before - before[first] if len(before) else before)

    def characters(self) -> Array:
        """Of the documents of each row, int64 "N"."""
        length = np.array([len(text) for text in self.texts], np.int64)[self.document]
        return np.bincount(self.row, length, self.rows).astype(np.int64)

    def bounds(self) -> Array:
        """The pairs of row i are bounds[i]:bounds[i+1], int64 "N+1"."""
        return np.searchsorted(self.row, np.arange(self.rows + 1))


@dataclass(frozen=True, slots=True)
class Texts:
    """The text of each row, put together when it is asked for: rows that know the same documents would hold them many times."""

    texts: tuple[str, ...]  # M
    document: Array  # int64 "P"
    bounds: Array  # int64 "N+1"

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, row: int, /) -> str:
        place = range(len(self))[row]
        return BETWEEN.join(self.texts[one] for one in self.document[slice(*self.bounds[place : place + 2])].tolist())

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))


@dataclass(frozen=True, slots=True)
class Pieces:
    """Which documents stand in the text of each row, told when they are asked for."""

    keys: tuple[str, ...]  # M
    codes: tuple[str, ...]  # M
    document: Array  # int64 "P"
    begin: Array  # int64 "P"
    bounds: Array  # int64 "N+1"

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, row: int, /) -> tuple[Piece, ...]:
        place = range(len(self))[row]
        own = slice(*self.bounds[place : place + 2])
        each = zip(self.begin[own].tolist(), self.document[own].tolist(), strict=True)
        return tuple(Piece(begin, self.keys[one], self.codes[one]) for begin, one in each)

    def __iter__(self) -> Iterator[tuple[Piece, ...]]:
        return map(self.__getitem__, range(len(self)))


def told(documents: Documents) -> tuple[Texts, Pieces]:
    """The text of each row, and which documents stand in it."""
    bounds, keys = documents.bounds(), tuple(map(key, documents.texts))
    pieces = Pieces(keys, documents.codes, documents.document, documents.begins(), bounds)
    return Texts(documents.texts, documents.document, bounds), pieces


def documents(known: Known, patterns: Sequence[str], last: bool) -> Documents:
    """The documents of codes that fit one of the patterns; of each row all that it knows, or the last alone."""
    frame = known.events if known.shared is None else known.shared.events
    here = _wanted(frame, patterns)
    if known.shared is None:
        place = np.flatnonzero(here)
        row = frame["row"].to_numpy()[place]
    else:
        pairs = np.flatnonzero(here[known.shared.place])
        row, place = known.shared.row[pairs], known.shared.place[pairs]
    if last and len(row):
        kept = np.append(row[1:] != row[:-1], True)
        row, place = row[kept], place[kept]
    return _distinct(frame, row, place, known.count)


def _wanted(frame: pl.DataFrame, patterns: Sequence[str]) -> Array:
    """Which events are such documents, bool "E"; an empty document is none."""
    names = frame["code"].unique().cast(pl.String).to_list()
    wanted = [name for name in names if any(fits(name, pattern) for pattern in patterns)]
    here = pl.col("code").is_in(wanted) & (pl.col("text_value").str.len_bytes() > 0)
    found: Array = frame.select(here.fill_null(False).alias("here"))["here"].to_numpy()
    return found


def _distinct(frame: pl.DataFrame, row: Array, place: Array, rows: int) -> Documents:
    used, event = np.unique(place, return_inverse=True)
    said = frame.select(pl.col("code").cast(pl.String), "text_value")[used]
    number: dict[tuple[str, str], int] = {}
    which = [number.setdefault(one, len(number)) for one in said.iter_rows()]
    document = np.array(which, np.int64)[event] if which else np.zeros(0, np.int64)
    return Documents(tuple(text for _, text in number), tuple(code for code, _ in number), row, document, rows)
