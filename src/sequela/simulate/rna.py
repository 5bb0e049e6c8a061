"""RNA that folds: stems, stretches whose letters pair, read backwards, with those of another one; the truth is their pairs.

From left to right stand free letters and hairpins: a stem of STEM pairs around a loop, or around another hairpin. A pairs with U,
G with C, and now and then G with U (a wobble). Among them stand decoys, laid out as hairpins are, of which every third pair is
none: they hold two pairs in a row at most, which is not stable, and count for nothing. So two letters that could pair tell
little, and only a whole stem tells its pairs. Letters pair by chance too, and a long run of them is told from a stem by nothing:
no model is right throughout. Reader: sequences, with the columns id, rna, pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.residues import record
from sequela.types import Array

LETTERS = "ACGU"
PARTNER = {"A": "U", "C": "G", "G": "C", "U": "A"}
WOBBLE = {"G": "U", "U": "G"}
WOBBLES = 0.08  # chance that a pair with a G or U is one
LENGTH = (60, 100)  # letters of a molecule, least and most
STEM = (6, 9)  # pairs
LOOP = (4, 9)  # letters
BULGE = (0, 3)  # letters between a stem and the hairpin that it encloses, on each side
FREE = (1, 5)  # letters between hairpins
ENCLOSES = 0.35  # chance that a stem encloses another hairpin
DECOY = 0.35  # chance that a hairpin is a decoy
BROKEN = 3  # every such pair of a decoy is none
PairsOfPlaces: TypeAlias = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Molecule:
    """One molecule, its pairs of places, and those of its decoys that could pair."""

    letters: str
    pairs: PairsOfPlaces
    decoys: PairsOfPlaces


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes rna.csv (id, rna, pairs) and truth.csv (id, pairs, decoys), places counted from 0."""
    rows, truth = ["id,rna,pairs"], ["id,pairs,decoys"]
    for number in range(1, subjects + 1):
        one = drawn(streams.generator(seed, "rna", number))
        pairs = record.written(one.pairs)
        rows.append(f"rna{number},{one.letters},{pairs}")
        truth.append(f"rna{number},{pairs},{record.written(one.decoys)}")
        progress("molecules", number, subjects)
    (folder / "rna.csv").write_text("\n".join(rows) + "\n", encoding="ascii")
    (folder / "truth.csv").write_text("\n".join(truth) + "\n", encoding="ascii")


def drawn(random: np.random.Generator) -> Molecule:
    """A molecule with one stem or more."""
    length = _between(LENGTH, random)
    pairs: PairsOfPlaces = []
    decoys: PairsOfPlaces = []
    begin = _between(FREE, random)
    while True:
        decoy = bool(pairs) and random.random() < DECOY
        found, end = _decoy(begin, random) if decoy else _hairpin(begin, random)
        if end > length:
            break
        (decoys if decoy else pairs).extend(found)
        begin = end + _between(FREE, random)
    if not pairs:  # the first hairpin was too long
        return drawn(random)
    letters = np.array(list(LETTERS))[random.integers(0, 4, length)]
    _bind(letters, pairs, random)
    broken = decoys[BROKEN - 1 :: BROKEN]
    held = [pair for pair in decoys if pair not in broken]
    _bind(letters, held, random)
    _part(letters, broken, random)
    return Molecule("".join(letters.tolist()), pairs, held)


def _between(bounds: tuple[int, int], random: np.random.Generator) -> int:
    return int(random.integers(bounds[0], bounds[1] + 1))


def _hairpin(begin: int, random: np.random.Generator) -> tuple[PairsOfPlaces, int]:
    """The pairs of a stem that begins there and of what it encloses, and where it ends."""
    size = _between(STEM, random)
    if random.random() < ENCLOSES:
        inner, end = _hairpin(begin + size + _between(BULGE, random), random)
        end += _between(BULGE, random)
    else:
        inner, end = [], begin + size + _between(LOOP, random)
    return [*_stem(begin, end, size), *inner], end + size


def _decoy(begin: int, random: np.random.Generator) -> tuple[PairsOfPlaces, int]:
    """The pairs of a decoy, the broken ones too, a multiple of BROKEN of them; and where it ends."""
    size = BROKEN * _between((2, 3), random)
    end = begin + size + _between(LOOP, random)
    return _stem(begin, end, size), end + size


def _stem(begin: int, back: int, size: int) -> PairsOfPlaces:
    """So many pairs, the outermost first, of a stretch that begins there and one that begins at `back`."""
    return [(begin + place, back + size - 1 - place) for place in range(size)]


def _bind(letters: Array, pairs: PairsOfPlaces, random: np.random.Generator) -> None:
    for low, high in pairs:
        letter = str(letters[low])
        wobbles = letter in WOBBLE and random.random() < WOBBLES
        letters[high] = WOBBLE[letter] if wobbles else PARTNER[letter]


def _part(letters: Array, pairs: PairsOfPlaces, random: np.random.Generator) -> None:
    """Letters that do not pair with those of the other side."""
    for low, high in pairs:
        letter = str(letters[low])
        letters[high] = random.choice([one for one in LETTERS if one not in (PARTNER[letter], WOBBLE.get(letter))])
