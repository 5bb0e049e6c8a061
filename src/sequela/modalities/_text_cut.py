"""Documents cut into words: where each stands, which it is, where sentences begin, what is said of its scope.

Distinct words are told once, as strings; of all others only integers are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.text import stop_words
from sequela.text.scope import scopes_of
from sequela.text.sentences import bounds, sentences
from sequela.text.words import Chinese, Cuts, Language, words
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
    forms: dict[str, int] = {}
    each = [_of(text, how, forms) for text in texts]
    found = _joined([_of("", how, forms), *each], tuple(forms))
    return found.keep(~_stops(found.forms)[found.form]) if how.dropped else found


def _of(text: str, how: How, forms: dict[str, int]) -> _One:
    """The words of a document; those that `forms` lacks are added to it."""
    cuts = words(text, how.language, how.chinese)
    opens = _opens(text, cuts, how.language) if how.sentences else np.zeros(len(cuts), bool)
    flags = scopes_of(text, cuts, how.language) if how.scoped else np.zeros((len(cuts), 0), bool)
    return _One(cuts, _numbered(text, cuts, forms), opens, flags)


def _numbered(text: str, cuts: Cuts, forms: dict[str, int]) -> Array:
    found = np.empty(len(cuts), np.int32)
    for first in range(0, len(cuts), PIECE):
        piece = Cuts(cuts.begin[first : first + PIECE], cuts.end[first : first + PIECE])
        found[first : first + PIECE] = [forms.setdefault(word, len(forms)) for word in piece.of(text)]
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
