"""Documents as numbers of a vocabulary, of words or of subwords.

What was cut last is kept, so that the same documents are cut once for an input and for the baselines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.modalities import _text_cut, _text_pieces, _text_vocabulary
from sequela.modalities._text_cut import Cut, How
from sequela.modalities._text_sections import Headings
from sequela.text import subwords
from sequela.text.subwords import Subwords
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Numbered:
    """Documents cut, and which token of the vocabulary each form is."""

    cut: Cut
    number: Array  # int32, of each form
    unknown: int  # the number of what is unknown: of words 0, of subwords what their tokenizer says, -1 where nothing is

    @property
    def known(self) -> Array:
        """`number` with 0 for what is unknown."""
        return np.where(self.number == self.unknown, 0, self.number)


class Cutter:
    """Cuts documents, and names what it finds."""

    def __init__(self, how: How, headings: Headings, *, lower: bool, digits: bool) -> None:
        self._how, self._headings, self._lower, self._digits = how, headings, lower, digits
        self._last: tuple[tuple[str, ...], Subwords | None, Cut] | None = None
        self._read: tuple[str, Subwords] | None = None

    def cut(self, texts: tuple[str, ...], by: Subwords | None = None) -> Cut:
        """The words of these documents, or their subwords."""
        last = self._last
        if last is not None and last[1] is by and last[0] == texts:
            return last[2]
        found = _text_cut.cut(texts, self._how) if by is None else _text_pieces.cut(texts, self._how, by)
        found = self._headings.kept(texts, found)
        self._last = texts, by, found
        return found

    def named(self, cut: Cut) -> list[str]:
        """What the vocabulary calls each form, where they are words."""
        return _text_vocabulary.normalised(cut.forms, self._lower, self._digits)

    def numbered(self, texts: tuple[str, ...], tokens: Sequence[str], tokenizer: str) -> Numbered:
        """These documents in a vocabulary: the tokens of words, or of a tokenizer, where there is one."""
        by = self._tokenizer(tokenizer)
        cut = self.cut(texts, by)
        if by is not None:
            return Numbered(cut, np.arange(len(tokens), dtype=np.int32), by.unknown)
        return Numbered(cut, _text_vocabulary.numbers(tokens, self.named(cut)), 0)

    def _tokenizer(self, state: str) -> Subwords | None:
        """That of the state; the one that was read last is kept."""
        if not state:
            return None
        held = self._read
        if held is None or held[0] != state:
            self._read = held = (state, subwords.read(state))
        return held[1]
