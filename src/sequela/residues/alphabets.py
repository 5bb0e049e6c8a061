"""The letters of DNA, RNA and proteins, with the codes of IUPAC for what is not certain (Cornish-Bowden 1985, IUPAC-IUB 1984).

A letter in lower case is the same letter, soft-masked: repeats and what is of low complexity are told so. `-` and `.` are gaps of
an alignment, `*` the stop of a translation. What is no letter of the alphabet is told by its place, never taken for another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sequela.types import Array

SHOWN = 5  # letters that are named where a sequence has some that are not legal
NONE = -1  # the number of what is no letter of the alphabet
BEGIN, END = "<begin>", "<end>"  # steps before the first letter and after the last one


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The letters that a sequence may have, in upper case."""

    name: str
    letters: str  # those that are certain
    ambiguous: str  # those that stand for several, or for none that is known
    signs: str  # gaps and stops

    @property
    def legal(self) -> str:
        """All of them, in the order in which they are numbered: the certain ones first."""
        return self.letters + self.ambiguous + self.signs

    def table(self) -> Array:
        """The number of each byte, int8 "256": its place in `legal`, in upper or lower case; NONE for any other."""
        found = np.full(256, NONE, np.int8)
        for number, letter in enumerate(self.legal):
            found[ord(letter)] = found[ord(letter.lower())] = number
        return found


DNA = Alphabet("dna", "ACGT", "RYSWKMBDHVN", "-.")
RNA = Alphabet("rna", "ACGU", "RYSWKMBDHVN", "-.")
PROTEIN = Alphabet("protein", "ACDEFGHIKLMNPQRSTVWY", "UOBZJX", "*-.")  # U selenocysteine, O pyrrolysine: rare, not of the 20
ALPHABETS: Mapping[str, Alphabet] = {one.name: one for one in (DNA, RNA, PROTEIN)}


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters of M sequences laid end to end; sequence i has offsets[i]:offsets[i+1]."""

    offsets: Array  # int64 "M+1"
    number: Array  # int8 "L": the place in Alphabet.legal, or NONE
    masked: Array  # bool "L": in lower case


def numbered(texts: Sequence[str], alphabet: Alphabet) -> Letters:
    """The letters of these sequences as numbers."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    read = np.frombuffer("".join(texts).encode("ascii", "replace"), np.uint8)  # a letter beyond ASCII is "?": none either
    masked = (read >= ord("a")) & (read <= ord("z"))
    return Letters(np.concatenate([[0], np.cumsum(lengths)]), alphabet.table()[read], masked)


def illegal(text: str, alphabet: Alphabet) -> str:
    """What of a sequence is no letter of the alphabet: how many, which, and where the first stands; "" where all is legal.

    >>> illegal("ACGU", DNA)
    "1 of 4 letters is no letter of dna ('U'), the first at 3"
    """
    legal = frozenset(alphabet.legal + alphabet.legal.lower())
    if legal.issuperset(text):
        return ""
    return told(text, [place for place, letter in enumerate(text) if letter not in legal], f"letter of {alphabet.name}")


def told(text: str, places: Sequence[int], what: str) -> str:
    """That the letters at these places, from 0 and rising, are no `what`; "" where there are none."""
    if not places:
        return ""
    which = sorted({text[place] for place in places})
    named = ", ".join(map(repr, which[:SHOWN])) + (", …" if len(which) > SHOWN else "")
    are = "is" if len(places) == 1 else "are"
    return f"{len(places):,} of {len(text):,} letters {are} no {what} ({named}), the first at {places[0]:,}"
