"""k-mers, runs of k letters, as integers: the number of one is that of its letters as the digits of a number.

Only runs of letters that are certain have a number; one across a gap, an ambiguous letter or an end has none (NONE).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from scipy.sparse import csr_array, vstack

from sequela.errors import ConfigError
from sequela.residues import alphabets
from sequela.residues.alphabets import NONE, Alphabet
from sequela.types import Array

AT_ONCE = 2_000_000  # letters that are counted together, so that what is counted with stays small
LARGEST = 2**63 - 1  # the numbers are int64
DENSE = 2**22  # numbers that are looked up in a table; more are searched for
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)  # odd, their bits well mixed


def codes(number: Array, offsets: Array, k: int, size: int) -> Array:
    """The k-mer that begins at each letter, int32 "L" or, of many, int64: of letters 0 to size - 1, any other is none.

    Raises ConfigError where so many k-mers have no number.

    >>> codes(np.array([0, 1, 2, -1, 3, 3]), np.array([0, 6]), 2, 4).tolist()
    [1, 6, -1, -1, 15, -1]
    """
    if size**k > LARGEST:
        raise ConfigError(f"{k}-mers of {size} letters are more than can be told by 64 bits", hint="take a smaller k")
    whole = np.int32 if size**k < 2**31 else np.int64
    none = (number < 0) | (number >= size)
    digit = np.where(none, 0, number).astype(whole)
    found: Array = digit.copy()
    for ahead in range(1, k):
        found *= whole(size)
        found[:-ahead] += digit[ahead:]
    wrong = np.concatenate([[0], np.cumsum(none)])
    end = np.minimum(np.arange(len(digit)) + k, len(digit))
    over = np.repeat(offsets[1:], np.diff(offsets)) < np.arange(len(digit)) + k  # it would reach into the next sequence
    found[over | (wrong[end] > wrong[:-1])] = NONE
    return found


def spelt(code: int, k: int, letters: Sequence[str]) -> str:
    """The letters of a k-mer.

    >>> spelt(6, 2, "ACGT")
    'CG'
    """
    digits = []
    for _ in range(k):
        code, digit = divmod(code, len(letters))
        digits.append(letters[digit])
    return "".join(reversed(digits))


def every(k: int, letters: str) -> list[str]:
    """All k-mers, by their number."""
    return ["".join(one) for one in product(letters, repeat=k)]


def parts(offsets: Array, most: int = AT_ONCE) -> Iterator[slice]:
    """The sequences in runs of at most so many letters together; a longer sequence is a run of its own."""
    first = 0
    while first < len(offsets) - 1:
        last = max(first + 1, int(np.searchsorted(offsets, offsets[first] + most, side="right")) - 1)
        yield slice(first, last)
        first = last


def counts(number: Array, offsets: Array, k: int, size: int, columns: Array) -> csr_array:
    """How often each sequence has each of these k-mers (rising codes), float32 "M Q"; `number` as in `codes`."""
    found, placed = [csr_array((0, len(columns)), dtype=np.float32)], Columns(columns, size**k)
    for part in parts(offsets):
        own = offsets[part.start : part.stop + 1]
        column = placed.of(codes(number[own[0] : own[-1]], own - own[0], k, size))
        row = np.repeat(np.arange(len(own) - 1), np.diff(own))
        here = np.flatnonzero(column >= 0)
        ones = np.ones(len(here), np.float32)
        found.append(csr_array((ones, (row[here], column[here])), shape=(len(own) - 1, len(columns))))
    return csr_array(vstack(found, format="csr"))


class Columns:
    """Where k-mers (codes, rising) stand; of few k-mers by a table, else by search."""

    def __init__(self, columns: Array, size: int) -> None:
        self._columns = columns
        self._table = np.full(size, NONE, np.int32) if size <= DENSE else None
        if self._table is not None:
            self._table[columns] = np.arange(len(columns))

    def of(self, code: Array) -> Array:
        """The column of each k-mer; NONE where it has none."""
        if self._table is not None:
            return np.where(code >= 0, self._table[code], np.int32(NONE))
        if not len(self._columns):
            return np.full(len(code), NONE, np.int64)
        near = np.minimum(np.searchsorted(self._columns, code), len(self._columns) - 1)
        return np.where(self._columns[near] == code, near, NONE)


def distinct(number: Array, offsets: Array, k: int, size: int) -> tuple[Array, Array]:
    """The distinct k-mers of each sequence, as pairs of a sequence and a code, int64 each: by sequence, then code."""
    rows, found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for part in parts(offsets):
        own = offsets[part.start : part.stop + 1]
        code = codes(number[own[0] : own[-1]], own - own[0], k, size)
        here = code >= 0
        row, code = _sorted(np.repeat(np.arange(len(own) - 1), np.diff(own))[here], code[here], size**k)
        first = np.append(True, (np.diff(row) != 0) | (np.diff(code) != 0))[: len(row)]
        rows.append(row[first] + part.start)
        found.append(code[first].astype(np.int64))
    return np.concatenate(rows), np.concatenate(found)


def _sorted(row: Array, code: Array, size: int) -> tuple[Array, Array]:
    """Pairs by row, then code; as one number where both fit."""
    if (int(row.max(initial=0)) + 1) * size <= LARGEST:
        found = np.divmod(np.sort(row * size + code), size)
        return found[0], found[1]
    order = np.lexsort((code, row))
    return row[order], code[order]


def sets(texts: Sequence[str], k: int, alphabet: Alphabet) -> csr_array:
    """Which sequence has which k-mer, int32 ones "M Q"; the columns are the distinct k-mers that occur, by number.

    The product with its own transpose tells how many k-mers two sequences share.
    """
    letters = alphabets.numbered(texts, alphabet)
    row, code = distinct(letters.number, letters.offsets, k, len(alphabet.letters))
    each, column = np.unique(code, return_inverse=True)
    return csr_array((np.ones(len(row), np.int32), (row, column)), shape=(len(texts), len(each)))


def signatures(held: csr_array, count: int) -> Array:
    """Of each sequence the smallest of each of `count` hashes of its k-mers (`sets`), uint64 "M count" (Broder 1997).

    The share of equal entries of two rows estimates what share of all their k-mers both have. A sequence without k-mers has the
    largest number throughout. The hashes are of columns: signatures of one table alone are compared.
    """
    found = np.full((held.shape[0], count), np.iinfo(np.uint64).max, np.uint64)
    some = np.flatnonzero(np.diff(held.indptr))
    for number in range(count if len(some) else 0):
        hashed = _mixed(held.indices.astype(np.uint64), number)
        found[some, number] = np.minimum.reduceat(hashed, held.indptr[some])
    return found


def _mixed(key: Array, number: int) -> Array:
    """A hash of each key, another for each number (the finaliser of splitmix64, Steele 2014)."""
    mixed = key * _FACTORS[0] + _FACTORS[1:] * np.uint64(number + 1)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
