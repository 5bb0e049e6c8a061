"""Which words of documents are read, by the headings that they stand under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.modalities._text_cut import Cut
from sequela.study.records import fits
from sequela.text.sections import Section, normalised, sections
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Headings:
    """Titles, each with an optional * at either end; "" is what stands before the first heading."""

    only: tuple[str, ...]  # nothing else is read; (): everything
    never: tuple[str, ...]  # never read, whatever `only` says

    def reads(self, section: Section) -> bool:
        """Whether what stands under this heading is read."""
        wanted = not self.only or _among(section.title, self.only)
        return wanted and not _among(section.title, self.never)

    def kept(self, texts: Sequence[str], cut: Cut) -> Cut:
        """The words under headings that are read; a heading goes with what stands under it where nothing is chosen by `only`."""
        if not self.only and not self.never:
            return cut
        each = [self._words(text, begin) for text, begin in zip(texts, _each(cut), strict=True)]
        return cut.keep(np.concatenate([np.zeros(0, bool), *each]))

    def _words(self, text: str, begin: Array) -> Array:
        """Whether each word of a document, by the characters before it, is read, bool."""
        parts = sections(text)
        if not parts:
            return np.zeros(len(begin), bool)
        place = np.searchsorted([part.begin for part in parts], begin, side="right") - 1
        read = np.array([self.reads(part) for part in parts])
        first = np.array([part.body if self.only else part.begin for part in parts])
        return np.asarray(read[place] & (begin >= first[place]))


def _each(cut: Cut) -> list[Array]:
    """`begin` of the words of each document."""
    return np.split(cut.begin, cut.offsets[1:-1])


def _among(title: str, patterns: Sequence[str]) -> bool:
    return any(fits(title, normalised(pattern)) for pattern in patterns)
