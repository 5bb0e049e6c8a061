"""Sequences cut into steps, and these laid out as the steps of rows: every step knows which letters it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from sequela.modalities import _text_documents, _text_vocabulary
from sequela.modalities._text_documents import Documents
from sequela.residues import alphabets, kmers, smiles
from sequela.residues.alphabets import ALPHABETS
from sequela.types import Array, Places

Keep: TypeAlias = Literal["begin", "end", "ends"]


@dataclass(frozen=True, slots=True)
class How:
    """How a sequence is cut."""

    alphabet: str
    k: int  # letters of a step
    stride: int  # letters from one step to the next
    masked: bool  # what is in lower case is unknown


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of M sequences, U laid end to end."""

    offsets: Array  # int64 "M+1"
    number: Array  # int8 or int32 "U": 0 for one that is unknown
    width: int  # letters of each step
    stride: int  # letters from one step to the next
    bounds: tuple[Array, Array] | None = None  # int32 "U" each, where steps are of different widths: begin and end

    def places(self, step: Array, inside: Array) -> tuple[Array, Array]:
        """The letters of these steps, each with its number in its own sequence: begin and end, int32."""
        if self.bounds is not None:
            return self.bounds[0][step], self.bounds[1][step]
        begin = (inside * self.stride).astype(np.int32)
        return begin, begin + np.int32(self.width)


@dataclass(frozen=True, slots=True)
class Laid:
    """The steps of rows."""

    step: Array  # int32 or int64 "S": which step of the sequences each is
    inside: Array  # int32 "S": its number in its sequence
    position: Array  # float64 "S": its number in the row
    offsets: Array  # int64 "N+1"


def steps(texts: Sequence[str], how: How, tokens: Sequence[str]) -> Steps:
    """The steps of these sequences by their number among the tokens, of which 0 is what is unknown."""
    if how.alphabet == "smiles":
        found = smiles.cut(texts)
        number = _text_vocabulary.numbers(tokens, found.forms)[found.form]
        return Steps(found.offsets, number, 1, 1, (found.begin, found.end))
    return _letters(texts, how) if how.k == 1 else _kmers(texts, how, tokens)


def between_marks(found: Steps, texts: Sequence[str], begin: int, end: int) -> Steps:
    """The steps of each sequence after one with the number `begin` and before one with the number `end`: these have no letter."""
    count = np.diff(found.offsets)
    inside = np.arange(len(found.number)) - np.repeat(found.offsets[:-1], count)
    lengths = np.array([len(text) for text in texts], np.int32)
    first, last = found.places(np.arange(len(found.number)), inside)
    at, none = np.concatenate([found.offsets[:-1], found.offsets[1:]]), np.zeros(len(texts), np.int32)
    marks = np.repeat(np.array([begin, end], found.number.dtype), len(texts))
    edges = np.concatenate([none, lengths])
    order = np.lexsort((np.tile(np.arange(len(texts)), 2), at))  # of an empty sequence its begin stands before its end
    laid = [np.insert(part, at[order], one[order]) for part, one in ((found.number, marks), (first, edges), (last, edges))]
    return Steps(found.offsets + 2 * np.arange(len(texts) + 1), laid[0], 1, 1, (laid[1], laid[2]))


def numbered(texts: Sequence[str], how: How) -> alphabets.Letters:
    """The letters, without those in lower case where they are to be unknown."""
    found = alphabets.numbered(texts, ALPHABETS[how.alphabet])
    if how.masked:
        found.number[found.masked] = alphabets.NONE
    return found


def _letters(texts: Sequence[str], how: How) -> Steps:
    letters = numbered(texts, how)
    return Steps(letters.offsets, letters.number + np.int8(1), 1, 1)


def _kmers(texts: Sequence[str], how: How, tokens: Sequence[str]) -> Steps:
    """The k-mers from one stride to the next; one that would reach beyond the end is none."""
    letters, size = numbered(texts, how), len(ALPHABETS[how.alphabet].letters)
    known = codes_of(tokens, how)
    order = np.argsort(known)
    held = kmers.Columns(known[order], size**how.k)
    named = np.append(order + 1, 0).astype(np.int32)  # the last is for what has no column
    offsets, found = [0], [np.zeros(0, np.int32)]
    for part in kmers.parts(letters.offsets):
        own = letters.offsets[part.start : part.stop + 1]
        code = kmers.codes(letters.number[own[0] : own[-1]], own - own[0], how.k, size)
        count = np.maximum((np.diff(own) - how.k) // how.stride + 1, 0)
        found.append(named[held.of(code[strided(own[:-1] - own[0], count, how.stride)])])
        offsets += (offsets[-1] + np.cumsum(count)).tolist()
    return Steps(np.array(offsets, np.int64), np.concatenate(found), how.k, how.stride)


def strided(first: Array, count: Array, stride: int = 1) -> Array:
    """first[i], first[i] + stride, ..., count[i] of them, end to end."""
    before = np.concatenate([[0], np.cumsum(count)])
    return np.asarray((np.arange(before[-1]) - np.repeat(before[:-1], count)) * stride + np.repeat(first, count))


def codes_of(tokens: Sequence[str], how: How) -> Array:
    """The code of each k-mer token but the first, which is the unknown one, int64."""
    letters = ALPHABETS[how.alphabet]
    number = alphabets.numbered(tokens[1:], letters)
    return kmers.codes(number.number, number.offsets, how.k, len(letters.letters))[number.offsets[:-1]]


def laid(documents: Documents, found: Steps, most: int, keep: Keep) -> Laid:
    """The steps of each row: of more than `most` (0: all) those where it begins, where it ends, or half of them each."""
    whole = lengths(documents, found)
    count = np.minimum(whole, most) if most else whole
    offsets = np.concatenate([[0], np.cumsum(count)])
    small = np.int32 if max(len(found.number), offsets[-1]) < 2**31 else np.int64
    number = np.arange(offsets[-1], dtype=small) - np.repeat(offsets[:-1].astype(small), count)
    inside = number
    if (whole > count).any():
        ahead = {"begin": most, "end": 0, "ends": most - most // 2}[keep]
        inside = number + np.where(number >= ahead, np.repeat((whole - count).astype(small), count), 0).astype(small)
    first = np.zeros(documents.rows, small)
    first[documents.row] = found.offsets[:-1][documents.document]
    return Laid(inside + np.repeat(first, count), inside, number.astype(np.float64), offsets)


def lengths(documents: Documents, found: Steps) -> Array:
    """How many steps the sequence of each row has, int64 "N"."""
    count = np.zeros(documents.rows, np.int64)
    count[documents.row] = np.diff(found.offsets)[documents.document]
    return count


def places(documents: Documents, found: Steps, rows: Laid) -> Places:
    """Which letters of its row's sequence each step is."""
    begin, end = found.places(rows.step, rows.inside)
    texts, pieces = _text_documents.told(documents)
    return Places(rows.offsets, begin, end, texts, pieces)
