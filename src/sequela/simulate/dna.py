"""Stretches of DNA with planted motifs: positive where both motifs stand in it, in their order, within reach of each other.

A negative has one of the two, or both in the wrong order or too far apart, and in the place of what it lacks a decoy: the letters
of a motif shuffled. So neither the share of a letter nor either motif alone tells the class. A letter of a motif is another one
with the chance WRONG, as binding sites are. Where the motifs stand is in truth.csv: an explanation can be held to it.
Reader: sequences, with the columns id, dna, label.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.types import Array

LETTERS = "ACGT"
LENGTH = 150
MOTIFS = ("TTGACGCA", "TATGCAAT")  # in their order
REACH = (6, 30)  # letters between them, least and most
WRONG = 0.04  # chance that a letter of a motif is another one
Kind: TypeAlias = Literal["both", "first alone", "second alone", "wrong order", "too far"]
NEGATIVES: tuple[Kind, ...] = ("first alone", "second alone", "wrong order", "too far")


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of DNA and where its motifs stand."""

    letters: str
    kind: Kind
    begin: tuple[int, ...]  # of each motif that stands in it, as MOTIFS orders them; -1 for one that does not

    @property
    def label(self) -> int:
        return int(self.kind == "both")


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes dna.csv (id, dna, label) and truth.csv (id, kind, first, second: letters before each motif, -1 where it is not)."""
    rows, truth = ["id,dna,label"], ["id,kind,first,second"]
    for number in range(1, subjects + 1):
        one = drawn(streams.generator(seed, "dna", number))
        rows.append(f"seq{number},{one.letters},{one.label}")
        truth.append(f"seq{number},{one.kind},{one.begin[0]},{one.begin[1]}")
        progress("stretches", number, subjects)
    (folder / "dna.csv").write_text("\n".join(rows) + "\n", encoding="ascii")
    (folder / "truth.csv").write_text("\n".join(truth) + "\n", encoding="ascii")


def drawn(random: np.random.Generator) -> Stretch:
    """A stretch, positive in half of the draws."""
    kind: Kind = "both" if random.random() < 0.5 else NEGATIVES[random.integers(len(NEGATIVES))]
    letters = random.integers(0, 4, LENGTH)
    sites = [_copied(_numbers(motif), random) for motif in MOTIFS]
    for lacking in {"first alone": [1], "second alone": [0]}.get(kind, []):
        sites[lacking] = _shuffled(_numbers(MOTIFS[lacking]), random)
    begins = _places(kind, random)
    for begin, site in zip(begins, sites, strict=True):
        letters[begin : begin + len(site)] = site
    absent = {"first alone": 1, "second alone": 0}.get(kind)
    told = tuple(-1 if k == absent else begin for k, begin in enumerate(begins))
    return Stretch("".join(LETTERS[k] for k in letters), kind, told)


def _numbers(motif: str) -> Array:
    return np.array([LETTERS.index(letter) for letter in motif])


def _copied(motif: Array, random: np.random.Generator) -> Array:
    """The motif with a letter here and there that is another one."""
    other = (motif + random.integers(1, 4, len(motif))) % 4
    return np.where(random.random(len(motif)) < WRONG, other, motif)


def _shuffled(motif: Array, random: np.random.Generator) -> Array:
    """Its letters in an order that shares half of its places at most."""
    while True:
        order = random.permutation(motif)
        if (order == motif).mean() <= 0.5:
            return order


def _places(kind: Kind, random: np.random.Generator) -> list[int]:
    """Letters before each motif."""
    size, (least, most) = len(MOTIFS[0]), REACH
    gap = int(random.integers(most + 20, most + 50) if kind == "too far" else random.integers(least, most + 1))
    begin = int(random.integers(0, LENGTH - 2 * size - gap + 1))
    places = [begin, begin + size + gap]
    return places[::-1] if kind == "wrong order" else places
