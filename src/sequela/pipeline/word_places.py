"""Where the words stand that a network was explained by: its steps, or of steps that are sentences the words of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sequela.modalities import text
from sequela.text import stop_words
from sequela.text.words import Cuts, resolved, words
from sequela.types import Array, Ragged


@dataclass(frozen=True, slots=True)
class Standing:
    """The words of one row in its text."""

    begin: Array  # int64 "W": characters before it
    end: Array  # int64 "W"
    step: Array  # int64 "W": which step each is of
    number: Array  # int64 "W": which of the step's words it is; -1: the step as a whole

    def of(self, change: Array) -> Array:
        """What each word adds, float64 "W", of what the row's padded steps add, "T" or "T N"."""
        if change.ndim == 1:
            found: Array = change[self.step]
            return found
        return np.where(self.number < 0, change[self.step].sum(1), change[self.step, self.number])


def of(options: text.Config, ragged: Ragged, row: int) -> Standing:
    """The words of a row. A sentence that cannot be cut again as it was read is told as one."""
    places = ragged.places
    assert places is not None
    steps = slice(*places.offsets[row : row + 2])
    begin, end = places.begin[steps].astype(np.int64), places.end[steps].astype(np.int64)
    if options.form == "words" or ragged.seen is None:
        number = np.arange(len(begin))
        return Standing(begin, end, number, np.zeros_like(number))
    entry = np.arange(steps.start, steps.stop)
    count = ragged.seen[entry if ragged.take is None else ragged.take[entry]].sum(1)
    said = places.texts[row]
    each = [_inside(options, said, first, last, int(n)) for first, last, n in zip(begin, end, count, strict=True)]
    length = np.array([len(one) for one in each])
    step, whole = np.repeat(np.arange(len(each)), length), np.repeat(length != count, length)
    number = np.concatenate([np.arange(n) for n in length])
    laid = [np.concatenate([getattr(one, side) for one in each]).astype(np.int64) for side in ("begin", "end")]
    return Standing(laid[0], laid[1], step, np.where(whole, -1, number))


def widened(words: Standing, around: tuple[int, int], documents: Array) -> Standing:
    """Each word with those around it that its vector was made of, in the same document; `documents`: where each begins."""
    if around == (0, 0) or not len(words.begin):
        return words
    place, last = np.arange(len(words.begin)), len(words.begin) - 1
    own = np.searchsorted(documents, words.begin, side="right")
    first = np.maximum(np.maximum(place - around[0], 0), np.searchsorted(own, own, side="left"))
    until = np.minimum(np.minimum(place + around[1], last), np.searchsorted(own, own, side="right") - 1)
    return replace(words, begin=words.begin[first], end=words.end[until])


def _inside(options: text.Config, whole: str, begin: int, end: int, count: int) -> Cuts:
    """The words of a sentence, or itself where they are not as many as were read."""
    said = whole[begin:end]
    cut = words(said, resolved(whole, options.language), options.chinese)
    if options.stop_words == "dropped":
        kept = np.array([one.lower() not in stop_words.ENGLISH and one not in stop_words.CHINESE for one in cut.of(said)], bool)
        cut = Cuts(cut.begin[kept], cut.end[kept])
    if len(cut) != count:
        return Cuts(np.array([begin]), np.array([end]))
    return Cuts(cut.begin + begin, cut.end + begin)
