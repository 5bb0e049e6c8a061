"""Which words and characters have a number of their own: those that enough training subjects wrote, the most frequent first.

What fewer wrote is number 0 of words and 1 of characters, so that no rare string, which might name someone, is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TypeAlias

import numpy as np
from scipy.sparse import csr_array

from sequela.prep.vocabulary import UNKNOWN
from sequela.text.shapes import shape
from sequela.types import Array

NONE, OTHER, FIRST = 0, 1, 2  # numbers of characters: none, one that training did not have, the first that it had

Written: TypeAlias = csr_array  # "Q M": whether subject q has document m


def written(document: Array, subject: Array, documents: int) -> Written:
    """Who has which document, from the pairs "P" of both."""
    who, number = np.unique(subject, return_inverse=True)
    found = csr_array((np.ones(len(document), np.int32), (number, document)), shape=(len(who), documents))
    found.sum_duplicates()
    return found


def subjects(by: Written, document: Array, number: Array, size: int) -> Array:
    """How many subjects have each of `size` things, int64; word w, of a document, is the thing number[w], or none where -1."""
    here = number >= 0
    held = csr_array((np.ones(int(here.sum()), np.int32), (document[here], number[here])), shape=(by.shape[1], size))
    held.sum_duplicates()
    found: Array = np.bincount((by @ held).indices, minlength=size).astype(np.int64)
    return found


def normalised(forms: Sequence[str], lower: bool, digits: bool) -> list[str]:
    """The forms as the vocabulary has them: in lower case, each digit as 0, if so asked.

    >>> normalised(["Fever", "38.5"], lower=True, digits=True)
    ['fever', '00.0']
    """
    found = [form.lower() for form in forms] if lower else list(forms)
    return ["".join("0" if letter.isdecimal() else letter for letter in form) for form in found] if digits else found


def ranked(names: Sequence[str], held: Array, fewest: int, most: int) -> list[tuple[str, int]]:
    """The names that at least `fewest` subjects have, with how many, the most frequent first; only so many (0: all)."""
    enough = np.flatnonzero(held >= fewest).tolist()
    found = sorted(((names[place], int(held[place])) for place in enough), key=lambda one: (-one[1], one[0]))
    return found[:most] if most else found


def numbered(names: Sequence[str]) -> tuple[list[str], Array]:
    """The distinct names, and which of them each is, int32."""
    number: dict[str, int] = {}
    which = np.array([number.setdefault(name, len(number)) for name in names], np.int32)
    return list(number), which


def numbers(tokens: Sequence[str], names: Sequence[str]) -> Array:
    """The number of each name in the vocabulary, int32; 0 where it has none."""
    place = {token: number for number, token in enumerate(tokens) if token != UNKNOWN}
    return np.fromiter((place.get(name, 0) for name in names), np.int32, len(names))


def characters(forms: Sequence[str]) -> tuple[list[str], Array, Array]:
    """The distinct characters of forms; and the pairs of a form and a character in it, int64 each."""
    letters, which = numbered(list(chain.from_iterable(forms)))
    form = np.repeat(np.arange(len(forms)), [len(form) for form in forms])
    return letters, form, which.astype(np.int64)


def spelt(forms: Sequence[str], known: str, most: int) -> Array:
    """Shape and characters of each form, int32 "M 1+C"; of one of more than C characters its first and last halves.

    The end of a word tells as much as its beginning ("-itis", "-oma").
    """
    place = {letter: number for number, letter in enumerate(known, FIRST)}
    found = np.full((len(forms), 1 + most), NONE, np.int32)
    for row, form in enumerate(forms):
        letters = form if len(form) <= most else form[: most - most // 2] + form[len(form) - most // 2 :]
        found[row, 0] = shape(form)
        found[row, 1 : 1 + len(letters)] = [place.get(letter, OTHER) for letter in letters]
    return found
