"""What can be said of sequences that a model has drawn: are they whole and valid, do they repeat, are they training's own?

Of molecules the words are those of MOSES (Polykovskiy 2020): valid is what RDKit reads with its valences; unique are the
different molecules among the valid; novel are those of the different ones that training did not have. Of letters, what ended by
itself with a letter or more is valid: no chemistry or fold is asked. What was cut is never valid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.residues import identity, molecules, smiles
from sequela.residues.alphabets import ALPHABETS
from sequela.residues.words import tidy
from sequela.types import Array

SMILES = "smiles"


@dataclass(frozen=True, slots=True)
class Known:
    """The sequences that a model learnt from."""

    texts: tuple[str, ...]  # the different ones, as `plain` writes them
    shares: dict[str, float]  # of each letter or token among theirs
    lengths: Array  # int64: how many letters or tokens each has


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of each of N sequences."""

    plain: list[str]  # the one way to write it; "" for one that is not valid
    first: Array  # bool "N": valid, and no earlier one is the same
    novel: Array  # bool "N": of these, those that are not among what is known
    nearest: Array  # float64 "N": how alike the most alike of what is known is, 0 to 1; NaN where `first` is False

    @property
    def valid(self) -> Array:
        """bool "N"."""
        return np.array([bool(one) for one in self.plain], bool)


def known(texts: Sequence[str], alphabet: str) -> Known:
    """Of the sequences as the data has them; what is no molecule is left out."""
    written = [one for one in dict.fromkeys(plain(text, alphabet) for text in dict.fromkeys(texts)) if one]
    units = [pieces(one, alphabet) for one in texts]
    return Known(tuple(written), shares(units), np.array([len(one) for one in units], np.int64))


def judged(texts: Sequence[str], ended: Sequence[bool], among: Known, alphabet: str) -> Verdict:
    """Of sequences that were drawn, `ended` those that ended by themselves. Raises MissingExtra for SMILES without RDKit."""
    written = {text: plain(text, alphabet) for text in set(texts)}
    found = [written[text] if whole else "" for text, whole in zip(texts, ended, strict=True)]
    place = {one: number for number, one in reversed(list(enumerate(found))) if one}
    first = np.array([bool(one) and place[one] == number for number, one in enumerate(found)], bool)
    held = set(among.texts)
    novel = first & np.array([one not in held for one in found], bool)
    nearest = np.full(len(found), np.nan)
    rows = np.flatnonzero(first)
    nearest[rows] = alike([found[row] for row in rows.tolist()], among, alphabet)
    return Verdict(found, first, novel, nearest)


def alike(texts: Sequence[str], among: Known, alphabet: str) -> Array:
    """How alike the most alike of what is known is to each: Tanimoto of molecules, identity of letters (residues/identity.py)."""
    if not len(texts) or not among.texts:
        return np.zeros(len(texts))
    return (molecules.nearest if alphabet == SMILES else identity.nearest)(texts, among.texts).identity


def plain(text: str, alphabet: str) -> str:
    """The one way to write a sequence: RDKit's canonical SMILES, or the letters in upper case; "" where it is not valid."""
    if alphabet != SMILES:
        return tidy(text)
    return smiles.canonical(text) if smiles.valid(text) else ""


def pieces(text: str, alphabet: str) -> list[str]:
    """Its letters or tokens."""
    return smiles.tokens(text) if alphabet == SMILES else [one for one in text.upper() if one in ALPHABETS[alphabet].legal]


def shares(units: Sequence[Sequence[str]]) -> dict[str, float]:
    """The share of each letter or token among all."""
    count = Counter(one for each in units for one in each)
    total = max(1, count.total())
    return {name: number / total for name, number in count.most_common()}


def apart(first: dict[str, float], second: dict[str, float]) -> float:
    """Half the sum of the differences of two sets of shares: 0 where they are the same, 1 where they share nothing.

    >>> apart({"A": 0.5, "C": 0.5}, {"A": 1.0})
    0.5
    """
    return sum(abs(first.get(name, 0.0) - second.get(name, 0.0)) for name in {*first, *second}) / 2
