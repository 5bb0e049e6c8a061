"""Sentences of clinical notes, as places in them; every word lies in exactly one.

A sentence ends at a stop (. ? ! 。！？；, and the brackets and quotes that close right after it) and at the end of a line. A stop is none
in a number, after an abbreviation ("Dr.", "approx."), after the number of an item ("1. Hypertension") or before a small letter. A
line goes on in the next only where it is as long as wrapped ones are and the next begins small, or where it ends with a word that
asks for another ("of the", "Dr."). Wrapped or listed, notes have both (Griffis et al 2016 compare such rules with trained ones).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sequela.text.words import Cuts, Language, resolved, words
from sequela.types import Array

WRAPPED = 60  # characters of a line: shorter ones were not wrapped

STOPS = frozenset(".?!")
CHINESE_STOPS = frozenset("。！？；．?!;｡")
CLOSERS = frozenset("\"')]}”’」』）】》〉]")
# nothing ends after these, whatever follows
TITLES = frozenset("dr drs mr mrs ms prof st vs eg ie e.g i.e cf fig figs eq approx ca resp incl viz al".split())
# after these a sentence ends only before a capital letter
ABBREVIATIONS = frozenset(
    "no nos vol ed dept tel ext ave temp wt ht hx dx rx tx sx fx pt pts yr yrs mo mos wk wks hr hrs min sec sq tab tabs cap caps "
    "inj sol susp max avg est dist prox lat med ant post sup inf bilat b.i.d t.i.d q.i.d q.d p.r.n p.o a.m p.m bid tid qid qd "
    "prn po am pm h.s a.c p.c o.d o.s o.u i.v i.m s.q etc jan feb mar apr jun jul aug sep sept oct nov dec inc ltd jr sr".split()
)
NUMBERED = frozenset("type grade stage class group hepatitis vitamin factor protein phase level part".split())
UNFINISHED = frozenset(
    "a an the of to in on at by for from with without and or nor but as is are was were be been has have had that which who than "
    "his her their its this these those no not into after before during between per".split()
)


def sentences(text: str, language: Language = "auto", of: Cuts | None = None) -> Cuts:
    """The sentences of a text: each from its first to its last word (`of`: the words, where they are known already).

    >>> text = "Seen by Dr. Lee at 3 p.m. for pain. No fever.\\n1. Aspirin 81 mg"
    >>> sentences(text).of(text)
    ['Seen by Dr. Lee at 3 p.m. for pain.', 'No fever.', '1. Aspirin 81 mg']
    """
    cuts = words(text, language) if of is None else of
    edges = np.flatnonzero(_ends(text, cuts, resolved(text, language) == "zh"))
    first = np.append(0, edges[:-1] + 1)[: len(edges)]
    return Cuts(cuts.begin[first], cuts.end[edges])


def bounds(of: Cuts, within: Cuts) -> Array:
    """Which words lie in which stretch, such as a sentence or a chunk: stretch i has words bounds[i]:bounds[i+1], int64 "S+1".

    The stretches hold every word.
    """
    return np.append(np.searchsorted(of.begin, within.begin), len(of))


def _ends(text: str, cuts: Cuts, chinese: bool) -> Array:
    """Whether each word is the last of its sentence, bool "W"."""
    looked = _Looked(text, cuts, chinese)
    ends = np.zeros(len(cuts), bool)
    ends[-1:] = True
    first = 0
    for word in looked.candidates():
        if word < first:
            continue
        last = looked.ends_at(word, first)
        if last >= 0:
            ends[last] = True
            first = last + 1
    return ends


@dataclass(frozen=True)
class _Looked:
    """A text with its words, looked at for where its sentences end."""

    text: str
    cuts: Cuts
    chinese: bool

    def candidates(self) -> Iterator[int]:
        """The words after which a sentence may end: stops, and the last words of lines; the last word of all is none."""
        begin, end = self.cuts.begin.tolist(), self.cuts.end.tolist()
        text, stops = self.text, STOPS | CHINESE_STOPS if self.chinese else STOPS | frozenset("。！？｡")
        for word in range(len(begin) - 1):
            if text[begin[word]] in stops or (end[word] < begin[word + 1] and _breaks(text[end[word] : begin[word + 1]])):
                yield word

    def ends_at(self, word: int, first: int) -> int:
        """The last word of the sentence that begins with the word `first` and ends about here; -1 where it goes on."""
        last = self._closed(word)
        if self._stops(word, last, first) or self._line_ends(last):
            return last
        return -1

    def _closed(self, word: int) -> int:
        """The last of the brackets and quotes that close right after a stop."""
        last = word
        if self._word(word)[:1] not in STOPS | CHINESE_STOPS:
            return last
        while last + 1 < len(self.cuts) and not self._gap(last) and self._word(last + 1)[:1] in CLOSERS:
            last += 1
        return last

    def _word(self, word: int) -> str:
        return self.text[self.cuts.begin[word] : self.cuts.end[word]] if 0 <= word < len(self.cuts) else ""

    def _gap(self, word: int) -> str:
        """What stands between a word and the next."""
        return self.text[self.cuts.end[word] : self.cuts.begin[word + 1]] if word + 1 < len(self.cuts) else "\n"

    def _stops(self, word: int, last: int, first: int) -> bool:
        """Whether a stop is here, closed at `last`, of a sentence that begins with the word `first`."""
        sign, after = self._word(word)[:1], self._word(last + 1)
        if sign in CHINESE_STOPS and (sign not in STOPS | {";"} or self.chinese):
            return True
        if sign not in STOPS:
            return False
        if sign == "." and not self._full(word, after, first):
            return False
        return bool(self._gap(last)) or last > word or self._run_together(word, after)

    def _full(self, word: int, after: str, first: int) -> bool:
        """Whether this point is a full stop, not one of an abbreviation or of the number of an item."""
        before = self._abbreviation(word)
        if self.chinese and self._word(word - 1) and self._word(word - 1)[-1] >= "\u2e80":
            return True
        if before in TITLES or after[:1].islower() or (word - 1 == first and (before.isdigit() or len(before) == 1)):
            return False
        if before in ABBREVIATIONS:
            return after[:1].isupper() or not after[:1].isalnum()
        return not self._initial(word)

    def _initial(self, word: int) -> bool:
        """Whether the point belongs to the first letter of a name: "J. Smith", not "hepatitis C."."""
        letter, before = self._word(word - 1), self._word(word - 2)
        return (
            len(letter) == 1
            and letter.isupper()
            and before[:1].isupper()
            and before[1:].islower()
            and before.lower() not in NUMBERED
        )

    def _abbreviation(self, word: int) -> str:
        """What stands right before a point, with the points within it, in lower case: "e.g"."""
        begin = word
        while begin > 0 and not self._gap(begin - 1) and (self._word(begin - 1) == "." or self._word(begin - 1).isalnum()):
            begin -= 1
            if word - begin > 6:
                break
        return self.text[self.cuts.begin[begin] : self.cuts.begin[word]].lower()

    def _run_together(self, word: int, after: str) -> bool:
        """Whether only the space after a stop was forgotten: "no pain.The"."""
        before = self._word(word - 1)
        return len(before) > 2 and before.islower() and len(after) > 1 and after[0].isupper() and after[1:].islower()

    def _line_ends(self, word: int) -> bool:
        """Whether a line ends after this word, and the sentence with it."""
        gap = self._gap(word)
        if not _breaks(gap):
            return False
        if gap.replace("\r\n", "\n").count("\n") > 1 or self.chinese:
            return True
        last = self._word(word).lower()
        unfinished = last in UNFINISHED or last == "," or (last == "." and self._abbreviation(word) in TITLES)
        small = self._word(word + 1)[:1].islower()
        return not (self._length(word) >= WRAPPED and (small or unfinished))

    def _length(self, word: int) -> int:
        """Of the line that ends with this word, in characters."""
        end = int(self.cuts.end[word])
        return end - 1 - max(self.text.rfind("\n", 0, end), self.text.rfind("\r", 0, end))


def _breaks(gap: str) -> bool:
    """Whether a line ends in what stands between two words."""
    return len(gap.splitlines()) > 1 or gap[-1:] in ("\n", "\r")
