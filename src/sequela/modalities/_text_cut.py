"""Documents cut into words: where each stands, which it is, where sentences begin, what is said of its scope.

Distinct words are told once, as strings; of all others only integers are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from sequela.text import stop_words
from sequela.text.scope import scopes_of
from sequela.text.sentences import bounds, sentences
from sequela.text.words import Chinese, Cuts, Language, words, words_of
from sequela.types import Array

PIECE = 1 << 16  # words that are held as strings at once


@dataclass(frozen=True, slots=True)
class Cut:
    """The W words of M documents, laid end to end."""

    offsets: Array  # int64 "M+1"
    begin: Array  # int32 "W": characters of its document before it
    end: Array  # int32 "W"
    form: Array  # int32 "W": which of the forms it is
    forms: tuple[str, ...]  # the distinct words as they are written; of subwords all that there are
    opens: Array  # bool "W": whether a sentence begins with it; False where nobody asked
    flags: Array  # bool "W 4", in the order of text/scope.py's SCOPES; "W 0" where nobody asked

    @property
    def document(self) -> Array:
        """int64 "W"."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def keep(self, which: Array) -> Cut:
        """Those words alone, bool "W"; a sentence whose first word is left out begins with the next one that stays."""
        sentence = np.cumsum(self.opens)[which]
        opens = np.append(True, sentence[1:] != sentence[:-1])[: len(sentence)]
        offsets = np.concatenate([[0], np.cumsum(which)])[self.offsets]
        return Cut(offsets, self.begin[which], self.end[which], self.form[which], self.forms, opens, self.flags[which])


@dataclass(frozen=True, slots=True)
class How:
    """The way documents are cut."""

    language: Language
    chinese: Chinese
    sentences: bool  # whether it is told where they begin
    scoped: bool  # whether flags are
    dropped: bool  # whether stop words are


@dataclass(frozen=True, slots=True)
class _One:
    """The words of one document."""

    cuts: Cuts
    form: Array
    opens: Array
    flags: Array


def cut(texts: Sequence[str], how: How) -> Cut:
    """The words of these documents."""
    forms = numbering()
    each = [_of(text, cuts, how, forms) for text, cuts in zip(texts, words_of(texts, how.language, how.chinese), strict=True)]
    found = _joined([_of("", words(""), how, forms), *each], tuple(forms))
    return found.keep(~_stops(found.forms)[found.form]) if how.dropped else found


def numbering() -> defaultdict[str, int]:
    """Numbers strings from 0 on, in the order in which they are first asked for."""
    return defaultdict(count().__next__)


def _of(text: str, cuts: Cuts, how: How, forms: Mapping[str, int]) -> _One:
    """The words of a document; `forms` numbers each."""
    opens = _opens(text, cuts, how.language) if how.sentences else np.zeros(len(cuts), bool)
    flags = scopes_of(text, cuts, how.language) if how.scoped else np.zeros((len(cuts), 0), bool)
    return _One(cuts, _numbered(text, cuts, forms), opens, flags)


def _numbered(text: str, cuts: Cuts, forms: Mapping[str, int]) -> Array:
    found = np.empty(len(cuts), np.int32)
    for first in range(0, len(cuts), PIECE):
        piece = Cuts(cuts.begin[first : first + PIECE], cuts.end[first : first + PIECE])
        found[first : first + PIECE] = np.fromiter(map(forms.__getitem__, piece.of(text)), np.int32, len(piece))
    return found


def _opens(text: str, cuts: Cuts, language: Language) -> Array:
    """Whether a sentence begins with each word, bool "W"."""
    opens = np.zeros(len(cuts), bool)
    opens[bounds(cuts, sentences(text, language, cuts))[:-1]] = True
    return opens


def _joined(each: list[_One], forms: tuple[str, ...]) -> Cut:
    """End to end; the first one is empty, so that there is one at least."""
    offsets = np.cumsum([len(one.cuts) for one in each], dtype=np.int64)
    begin, end = (np.concatenate([getattr(one.cuts, side) for one in each]) for side in ("begin", "end"))
    form, opens, flags = (np.concatenate([getattr(one, name) for one in each]) for name in ("form", "opens", "flags"))
    return Cut(offsets, begin, end, form, forms, opens, flags)


def _stops(forms: tuple[str, ...]) -> Array:
    """Which forms are stop words, of either language: they share no word."""
    return np.array([form.lower() in stop_words.ENGLISH or form in stop_words.CHINESE for form in forms], bool)
