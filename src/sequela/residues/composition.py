"""Sequences of letters as numbers: how long each is, and how often each run of letters occurs in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.residues import kmers
from sequela.residues.alphabets import Alphabet, numbered
from sequela.types import Array


def names(alphabet: Alphabet, k: int) -> tuple[str, ...]:
    """The columns of `composed`: the length, then every run of 1, 2 … k certain letters."""
    return ("length", *(run for size in range(1, k + 1) for run in kmers.every(size, alphabet.letters)))


def composed(texts: Sequence[str], alphabet: Alphabet, k: int) -> Array:
    """Letters of each sequence, then how often each run occurs in a hundred places, float32 "M Q"; in none what is in doubt."""
    letters = numbered(texts, alphabet)
    size = len(alphabet.letters)
    certain = np.where(letters.number < size, letters.number, -1)
    length = np.diff(letters.offsets)
    found = [length[:, None].astype(np.float32)]
    for run in range(1, k + 1):
        every = np.arange(size**run)
        counts = kmers.counts(certain, letters.offsets, run, size, every).toarray()
        found.append((100 * counts / np.maximum(length - run + 1, 1)[:, None]).astype(np.float32))
    return np.concatenate(found, 1)
