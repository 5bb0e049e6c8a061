"""Steps of documents laid out as the steps of rows, with the place of each in the row's text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.modalities import _text_documents
from sequela.modalities._text_documents import Documents
from sequela.types import Array, Places


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of M documents, U laid end to end."""

    offsets: Array  # int64 "M+1"
    begin: Array  # int32 "U": characters of the document before it
    end: Array  # int32 "U"
    entry: Array  # int64 "U": which of the values it is
    side: Array | None  # float32 "U E"
    bounds: Array  # int64 "U+1": step i is made of the words bounds[i]:bounds[i+1]


@dataclass(frozen=True, slots=True)
class Laid:
    """The steps of rows."""

    step: Array  # int64 "S": which step of the documents each is
    pair: Array  # int64 "S": which pair of a row and a document it is of
    offsets: Array  # int64 "N+1"

    @property
    def position(self) -> Array:
        """float64 "S": 0 for the first step of a row."""
        first = np.repeat(self.offsets[:-1], np.diff(self.offsets))
        return np.asarray(np.arange(len(self.step)) - first, np.float64)


def laid(documents: Documents, offsets: Array, most: int, last: bool) -> Laid:
    """The steps that each row knows, the first or the last `most` of them (0: all); documents have offsets[i]:offsets[i+1]."""
    start, count, bounds = offsets[:-1][documents.document], np.diff(offsets)[documents.document], documents.bounds()
    if most:
        total = np.concatenate([[0], np.cumsum(count)])
        begin = total[bounds[:-1]]  # of the steps of each row, where those of all are laid end to end
        if last:
            begin = np.maximum(begin, total[bounds[1:]] - most)
        low, high = ((edge[documents.row] - total[:-1]).clip(0, count) for edge in (begin, begin + most))
        start, count = start + low, high - low
    pair = np.repeat(np.arange(len(count)), count)
    before = np.concatenate([[0], np.cumsum(count)])
    return Laid(np.arange(before[-1]) + (start - before[:-1])[pair], pair, before[bounds])


def lengths(documents: Documents, offsets: Array) -> Array:
    """How many steps each row knows, int64 "N"; documents have offsets[i]:offsets[i+1]."""
    total = np.concatenate([[0], np.cumsum(np.diff(offsets)[documents.document])])
    return np.diff(total[documents.bounds()])


def places(documents: Documents, steps: Steps, found: Laid) -> Places:
    """Where these steps stand in the texts of their rows."""
    before = documents.begins()[found.pair].astype(np.int32)
    texts, pieces = _text_documents.told(documents)
    return Places(found.offsets, steps.begin[found.step] + before, steps.end[found.step] + before, texts, pieces)
