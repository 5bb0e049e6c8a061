"""Sentences of clinical notes, as places in them; every word lies in exactly one.

A sentence ends at a stop (. ? ! 。！？；, and the brackets and quotes that close right after it) and at a line's end. A stop is
none in a number, after an abbreviation ("Dr.", "approx."), after the number of an item ("1. Hypertension") or before a small
letter. A line goes on in the next only where it is as long as wrapped ones are and either the next begins small or it ends with a
word that asks for more ("of the", "Dr."): so wrapped notes and lists are both read. The rules are ours; Griffis et al 2016
measured how such ones fare on clinical text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from sequela.text import characters
from sequela.text.abbreviations import ABBREVIATIONS, NUMBERED, TITLES, UNFINISHED
from sequela.text.words import Cuts, Language, resolved, words
from sequela.types import Array

WRAPPED = 60  # characters of a line: shorter ones were not wrapped

WESTERN = frozenset(".?!")  # stops where a space follows
EASTERN = frozenset("。！？｡")  # stops whatever follows
CHINESE = frozenset("；;")  # stops in Chinese alone
CLOSERS = frozenset("\"')]}”’」』）】》〉")
BREAKS = frozenset("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")  # as in str.splitlines
_LONGEST = 6  # words of an abbreviation with its points: "q . i . d"


def sentences(text: str, language: Language = "auto", of: Cuts | None = None) -> Cuts:
    """The sentences of a text: each from its first to its last word (`of`: the words, where they are known already).

    >>> text = "Seen by Dr. Lee at 3 p.m. for pain. No fever.\\n1. Aspirin 81 mg"
    >>> sentences(text).of(text)
    ['Seen by Dr. Lee at 3 p.m. for pain.', 'No fever.', '1. Aspirin 81 mg']
    """
    cuts = words(text, language) if of is None else of
    edges = np.array(_edges(text, cuts, resolved(text, language) == "zh"), np.int64)
    return Cuts(cuts.begin[edges[:-1]], cuts.end[edges[1:] - 1])


def bounds(of: Cuts, within: Cuts) -> Array:
    """Which words lie in which stretch, such as a sentence or a chunk: stretch i has words bounds[i]:bounds[i+1], int64 "S+1".

    The stretches hold every word.
    """
    return np.append(np.searchsorted(of.begin, within.begin), len(of))


def _edges(text: str, cuts: Cuts, chinese: bool) -> list[int]:
    """The first word of each sentence, and how many words there are."""
    points = characters.code_points(text)
    breaks = np.flatnonzero(_among(BREAKS)[points])
    stops = np.flatnonzero(_among(WESTERN | EASTERN | CHINESE)[points[cuts.begin]])
    lines = np.searchsorted(cuts.begin, breaks) - 1  # the last words of lines
    note = _Note(text, cuts.begin.tolist(), cuts.end.tolist(), breaks.tolist(), chinese)
    edges = [0]
    for word in np.union1d(stops, lines[lines >= 0]).tolist():
        last = note.ended(word, edges[-1]) if edges[-1] <= word < len(cuts) - 1 else -1
        if last >= 0:
            edges.append(last + 1)
    return edges if edges[-1] == len(cuts) else [*edges, len(cuts)]


@cache
def _among(some: frozenset[str]) -> Array:
    """Which code points are of these: bool "1114112"."""
    table = np.zeros(0x110000, bool)
    table[[ord(character) for character in some]] = True
    return table


@dataclass(frozen=True, slots=True)
class _Note:
    """A text with its words, looked at for where its sentences end."""

    text: str
    begin: Sequence[int]
    end: Sequence[int]
    breaks: Sequence[int]  # where lines end
    chinese: bool

    def ended(self, word: int, first: int) -> int:
        """The last word of the sentence that begins with the word `first` and ends about here; -1 where it goes on."""
        last = self._closed(word) if self._is_stop(word) else word
        return last if self._stops(word, last, first) or self._line_ends(last) else -1

    def _word(self, word: int) -> str:
        return self.text[self.begin[word] : self.end[word]] if 0 <= word < len(self.begin) else ""

    def _apart(self, word: int) -> bool:
        """Whether white space, or nothing more, follows a word."""
        return word + 1 >= len(self.begin) or self.end[word] < self.begin[word + 1]

    def _is_stop(self, word: int) -> bool:
        sign = self.text[self.begin[word]]
        return sign in WESTERN or sign in EASTERN or (self.chinese and sign in CHINESE)

    def _closed(self, word: int) -> int:
        """The last of the brackets and quotes that close right after a stop."""
        while not self._apart(word) and self._word(word + 1)[0] in CLOSERS:
            word += 1
        return word

    def _stops(self, word: int, last: int, first: int) -> bool:
        """Whether this is a stop, closed at `last`, of a sentence that begins with the word `first`."""
        if not self._is_stop(word):
            return False
        sign = self.text[self.begin[word]]
        if self.chinese or sign in EASTERN:
            return sign != "." or self._chinese_point(word) or self._full(word, last, first)
        return (sign != "." or self._full(word, last, first)) and (self._apart(last) or self._run_together(word))

    def _chinese_point(self, word: int) -> bool:
        """Whether the point stands after a Han character or a sign of Chinese."""
        return self.begin[word] > 0 and self.text[self.begin[word] - 1] >= "\u2e80"

    def _full(self, word: int, last: int, first: int) -> bool:
        """Whether this point is a full stop, not one of an abbreviation or of the number of an item."""
        before, after = self._abbreviation(word), self._word(last + 1)
        if before in TITLES or after[:1].islower() or (word - 1 == first and (before.isdigit() or len(before) == 1)):
            return False
        if before in ABBREVIATIONS:
            return after[:1].isupper() or not after[:1].isalnum()
        return (self._apart(last) or self._run_together(word)) and not self._initial(word)

    def _abbreviation(self, word: int) -> str:
        """What stands right before a point, with the points within it, in lower case: "e.g"."""
        begin = word
        while begin > max(0, word - _LONGEST) and not self._apart(begin - 1) and self._spells(begin - 1):
            begin -= 1
        return self.text[self.begin[begin] : self.begin[word]].lower()

    def _spells(self, word: int) -> bool:
        return self._word(word) == "." or self._word(word).isalnum()

    def _initial(self, word: int) -> bool:
        """Whether the point belongs to the first letter of a name: "J. Smith", not "hepatitis C."."""
        letter, before = self._word(word - 1), self._word(word - 2)
        named = before[:1].isupper() and before[1:].islower() and before.lower() not in NUMBERED
        return len(letter) == 1 and letter.isupper() and named

    def _run_together(self, word: int) -> bool:
        """Whether only the space after a stop was forgotten: "no pain.The"."""
        before, after = self._word(word - 1), self._word(word + 1)
        return len(before) > 2 and before.islower() and after[:1].isupper() and after[1:].islower()

    def _line_ends(self, word: int) -> bool:
        """Whether a line ends after this word, and the sentence with it."""
        low = bisect_left(self.breaks, self.end[word])
        high = bisect_left(self.breaks, self.begin[word + 1], low)
        if low == high:
            return False
        if self.chinese or high - low > 1 + ("\r\n" in self.text[self.end[word] : self.begin[word + 1]]):
            return True
        start = self.breaks[low - 1] + 1 if low else 0
        return self.end[word] - start < WRAPPED or not self._goes_on(word)

    def _goes_on(self, word: int) -> bool:
        """Whether a sentence whose line ends with this word goes on in the next."""
        last = self._word(word).lower()
        unfinished = last in UNFINISHED or last == "," or (last == "." and self._abbreviation(word) in TITLES)
        return unfinished or self._word(word + 1)[0].islower()
