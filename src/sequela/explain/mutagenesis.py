"""In-silico mutagenesis: each letter of a sequence put to each other letter, and the answer asked again (Alipanahi 2015, fig. 3).

    change of a letter at a place = what is told of the sequence with that letter there - what is told of the sequence

It asks the whole model, through its own reading of a sequence, so it is exact for the question "what if this letter were another
one", and silent on what takes several letters to change. A SMILES with one letter put to another is mostly no molecule: there
each token is left out in turn, and what is read then need not be a molecule either.

Where a sequence has more letters than can be changed one by one, stretches of neighbours are first put to a letter that is not
known; the letters of those that count most are then changed one by one, the others are not told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from sequela.errors import DataError
from sequela.residues import smiles
from sequela.residues.alphabets import ALPHABETS
from sequela.types import Array

Telling: TypeAlias = Callable[[Sequence[str]], Array]  # of texts the Q numbers that are explained of each, float64 "n Q"

LEFT_OUT = "left out"  # what becomes of a token of a SMILES
UNKNOWN = {"dna": "N", "rna": "N", "protein": "X"}
AT_ONCE = 256  # sequences that are asked about together
MOST = 20_000  # changes of one sequence
SCREENED = 256  # stretches that a sequence is cut into where it has too many letters


@dataclass(frozen=True, slots=True)
class Map:
    """What each change of one sequence does to the Q numbers that are told of it."""

    text: str
    begin: Array  # int64 "P": letters before each place
    end: Array  # int64 "P"
    letters: tuple[str, ...]  # A: what is put there
    change: Array  # float64 "Q P A": NaN where it would change nothing, or was not asked
    told: Array  # float64 "Q": of the sequence as it is

    def strength(self, by: Literal["mean", "largest"] = "mean") -> Array:
        """How far the changes at each place move what is told, by absolute size: float64 "Q P", NaN where none was asked."""
        size = np.abs(self.change)
        asked = ~np.isnan(size)
        filled = np.where(asked, size, 0)
        found = filled.max(2) if by == "largest" else filled.sum(2) / np.maximum(asked.sum(2), 1)
        return np.where(asked.any(2), found, np.nan)


def mutated(text: str, alphabet: str, telling: Telling, *, read: int = 0, most: int = MOST) -> Map:
    """Every change of a sequence, or of its first `read` letters (0: all); at most about `most` of them are asked.

    Raises DataError for a sequence without letters.
    """
    places = _places(text, alphabet, read or len(text))
    if not len(places.begin):
        raise DataError("a sequence without letters has none to change")
    letters = (LEFT_OUT,) if alphabet == "smiles" else tuple(ALPHABETS[alphabet].letters)
    told = telling([text])[0]
    chosen = _chosen(places, alphabet, telling, told, most // len(letters))
    which = [(place, k) for place in chosen for k, letter in enumerate(letters) if letter != places.wild(place)]
    change = np.full((len(told), len(places.begin), len(letters)), np.nan)
    row, column = np.array(which).T
    change[:, row, column] = (_asked([places.put(place, letters[k]) for place, k in which], telling) - told).T
    return Map(text, places.begin, places.end, letters, change, told)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the letters of a sequence stand, or the tokens of a SMILES."""

    text: str
    begin: Array  # int64 "P"
    end: Array  # int64 "P"

    def wild(self, place: int) -> str:
        """What stands there, in upper case."""
        return self.text[self.begin[place] : self.end[place]].upper()

    def put(self, place: int, letter: str) -> str:
        """The sequence with a letter at a place: in lower case where that is masked, so that the mask stays as it is."""
        masked = self.text[self.begin[place]].islower()
        return self.without(range(place, place + 1), "" if letter == LEFT_OUT else letter.lower() if masked else letter)

    def without(self, those: range, instead: str) -> str:
        """The sequence with something else in place of neighbours."""
        return self.text[: self.begin[those.start]] + instead + self.text[self.end[those.stop - 1] :]


def _places(text: str, alphabet: str, read: int) -> _Places:
    """Those in the first `read` letters."""
    if alphabet == "smiles":
        found = smiles.cut([text[:read]])
        return _Places(text, found.begin.astype(np.int64), found.end.astype(np.int64))
    begin = np.arange(min(read, len(text)))
    return _Places(text, begin, begin + 1)


def _chosen(places: _Places, alphabet: str, telling: Telling, told: Array, most: int) -> Sequence[int]:
    """The places whose changes are asked one by one: all, or those in the stretches that count most."""
    if len(places.begin) <= most:
        return range(len(places.begin))
    size = -(-len(places.begin) // min(SCREENED, max(most, 1)))
    stretches = [range(first, min(first + size, len(places.begin))) for first in range(0, len(places.begin), size)]
    hidden = UNKNOWN.get(alphabet, "")
    texts = [places.without(one, hidden * len(one)) for one in stretches]
    moved = np.abs(_asked(texts, telling) - told).max(1)
    order = np.argsort(-moved, kind="stable")[: max(1, most // size)]
    return sorted(place for k in order.tolist() for place in stretches[k])


def _asked(texts: Sequence[str], telling: Telling) -> Array:
    return np.concatenate([telling(some) for some in _parts(texts)])


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(texts), AT_ONCE):
        yield texts[first : first + AT_ONCE]
