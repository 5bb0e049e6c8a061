"""The words of k letters that sequences hold, and where: what two of them share is found without aligning all with all.

The shorter the words, the more of them alike sequences share, and the more unlike ones share by chance: k is chosen so that two
unrelated sequences of the mean length share about one word in `APART` of their letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sequela.residues import alphabets, kmers
from sequela.residues.alphabets import DNA, PROTEIN, RNA, Alphabet
from sequela.types import Array

APART = 400
_MOSTLY = 0.95  # share of the letters from which sequences are nucleotides


@dataclass(frozen=True, slots=True)
class Words:
    """S sequences, each as its letters and as the words of k certain letters that it holds."""

    k: int
    letters: Array  # uint8 of all sequences in a row, from 1 on; 0 for one that is not certain
    start: Array  # int64 "S": where each begins in letters
    length: Array  # int64 "S"
    present: csr_array  # int32 "S V": 1 where the sequence holds the word
    key: Array  # int64 of each entry of `present`: its row times V, plus its column; rising
    place: Array  # int64 of each entry: where the word first stands in the sequence
    chance: float  # of a word of one sequence and a word of another to be the same

    def where(self, row: Array, word: Array) -> Array:
        """Where these words first stand in these sequences, int64; -1 where they do not."""
        asked = row * self.present.shape[1] + word
        found = np.searchsorted(self.key, asked)
        return np.where(np.append(self.key, -1)[found] == asked, np.append(self.place, -1)[found], -1)


def tidy(sequence: str) -> str:
    """A sequence without blanks, masking and the stop at its end: "acgt*" as "ACGT"."""
    return "".join(sequence.split()).upper().rstrip("*")


def alphabet(sequences: Sequence[str]) -> Alphabet:
    """DNA or RNA where nearly all letters are theirs, else the proteins'.

    >>> alphabet(["ACGTNACGT"]).name, alphabet(["MKVLAAGIT"]).name
    ('dna', 'protein')
    """
    count = {letter: sum(one.count(letter) for one in sequences) for letter in "ACGNTU"}
    if sum(count.values()) < _MOSTLY * sum(map(len, sequences)):
        return PROTEIN
    return RNA if count["U"] > count["T"] else DNA


def words(sequences: Sequence[str]) -> Words:
    """Of sequences that are tidy."""
    known = alphabet(sequences)
    size, read = len(known.letters), alphabets.numbered(sequences, known)
    length, start = np.diff(read.offsets), read.offsets[:-1]
    k = _size(size, float(length.mean()) if len(length) else 0.0)
    code = kmers.codes(read.number, read.offsets, k, size)
    here = np.flatnonzero(code >= 0)
    row = np.repeat(np.arange(len(length)), length)[here]
    names, word = np.unique(code[here], return_inverse=True)
    width = max(1, len(names))
    key, first = np.unique(row * width + word, return_index=True)
    bounds = np.searchsorted(key, width * np.arange(len(length) + 1))
    present = csr_array((np.ones(len(key), np.int32), key % width, bounds), shape=(len(length), width))
    share = np.bincount(word, minlength=width) / max(1, len(word))
    letters = np.where((read.number >= 0) & (read.number < size), read.number + 1, 0).astype(np.uint8)
    return Words(k, letters, start, length, present, key, (here - start[row])[first], float((share**2).sum()))


def _size(size: int, mean: float) -> int:
    """k for an alphabet of this size and sequences of this mean length, of which one 64-bit number tells a word."""
    return int(np.clip(np.ceil(np.log(APART * max(1.0, mean)) / np.log(size)), 2, 12))
