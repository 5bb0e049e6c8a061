"""Whether every row of a block of CSV has as many entries as the header: told by bits, 64 bytes at a time."""

from __future__ import annotations

import numpy as np

from sequela.types import Array

_PIECE = 2**18  # of a block, looked at at once: fits into a cache


def enclosed(marks: Array) -> Array:
    """Which bytes lie between an opening quotation mark and the one that closes it."""
    return np.bitwise_xor.accumulate(marks.view(np.uint8)).view(bool)


def even(block: bytes, entries: int, quoted: bool) -> int:
    """How many rows the block has; -1 where one of them has more or fewer entries than the header."""
    text = np.frombuffer(block, np.uint8)
    inside = enclosed(text == ord('"')) if quoted else None
    return _even_rows(_words(text, ",", inside), _words(text, "\n", inside), entries)


def _words(text: Array, sign: str, inside: Array | None) -> Array:
    """Where this sign stands outside quotation marks, as bits, 64 to a word, the first the lowest."""
    packed = np.zeros((len(text) + 63) // 64 * 8, np.uint8)
    for first in range(0, len(text), _PIECE):
        found = text[first : first + _PIECE] == ord(sign)
        if inside is not None:
            found &= ~inside[first : first + _PIECE]
        packed[first // 8 : (first + len(found) + 7) // 8] = np.packbits(found, bitorder="little")
    return packed.view(np.uint64)


def _even_rows(commas: Array, ends: Array, entries: int) -> int:
    """As even, of words: the n-th end has n (entries - 1) commas before it. The first end of each word, then the second, …"""
    commas_before, ends_before = _before(commas), _before(ends)
    at = np.flatnonzero(ends)
    left = ends[at]
    while len(at):
        below = ~left & (left - np.uint64(1))
        row = ends_before[at] + np.bitwise_count(ends[at] & below) + 1
        if (commas_before[at] + np.bitwise_count(commas[at] & below) != (entries - 1) * row).any():
            return -1
        left &= left - np.uint64(1)
        more = left != 0
        at, left = at[more], left[more]
    return int(np.bitwise_count(ends).sum()) or -1


def _before(words: Array) -> Array:
    """How many bits are set before each word."""
    counts = np.bitwise_count(words)
    before: Array = np.cumsum(counts, dtype=np.int64) - counts
    return before
