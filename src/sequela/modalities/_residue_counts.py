"""Sequences as plain columns: how long, of which letters, and how often each run of letters or tokens occurs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from sequela.modalities import _residue_steps, _text_vocabulary
from sequela.modalities._residue_steps import How
from sequela.modalities._residue_vocabulary import Limits
from sequela.modalities._text_documents import Documents
from sequela.modalities._text_vocabulary import Written
from sequela.residues import kmers
from sequela.residues.alphabets import ALPHABETS
from sequela.types import Array, Counts, Plain

LEARNT_ON = 3_000_000  # letters of sequences, evenly over all, of which the frequent runs are learnt


@dataclass(frozen=True, slots=True)
class Units:
    """What is counted in M sequences, laid end to end: letters that are certain, or the tokens of SMILES that have a number."""

    offsets: Array  # int64 "M+1"
    number: Array  # int8 or int32 "U": from 0, below len(names) for what is counted alone and in runs
    names: Sequence[str]


def units(texts: Sequence[str], how: How, tokens: Sequence[str]) -> Units:
    if how.alphabet == "smiles":
        found = _residue_steps.steps(texts, how, tokens)
        return Units(found.offsets, found.number - 1, tokens[1:])
    letters = _residue_steps.numbered(texts, how)
    return Units(letters.offsets, letters.number, ALPHABETS[how.alphabet].letters)


def learnt(found: Units, by: Written, longest: int, limits: Limits) -> list[list[int]]:
    """The runs of 1, 2, ... `longest` that have a column, as their codes, rising: those that enough training subjects have."""
    chosen = _some(found.offsets)
    lengths = np.diff(found.offsets)[chosen]
    number = found.number[_residue_steps.strided(found.offsets[:-1][chosen], lengths)]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return [_frequent(Units(offsets, number, found.names), by[:, chosen], n, limits) for n in range(1, longest + 1)]


def _some(offsets: Array) -> Array:
    """Sequences evenly over all, so many that they have LEARNT_ON letters or a little more together."""
    count = len(offsets) - 1
    return np.unique(np.linspace(0, count - 1, max(1, int(count * min(1.0, LEARNT_ON / max(offsets[-1], 1))))).astype(np.int64))


def _frequent(found: Units, by: Written, n: int, limits: Limits) -> list[int]:
    sequence, code = kmers.distinct(found.number, found.offsets, n, len(found.names))
    each, which = np.unique(code, return_inverse=True)
    held = _text_vocabulary.subjects(csr_array(by), sequence, which, len(each))
    enough = np.flatnonzero(held >= limits.subjects)
    kept = enough[np.argsort(-held[enough], kind="stable")][: limits.most or None]
    codes: list[int] = np.sort(each[kept]).tolist()
    return codes


def plain(documents: Documents, found: Units, how: How, runs: Sequence[Sequence[int]]) -> Plain:
    """How many letters, and the share of each (of SMILES: tokens, and how many of each); a block for each length of runs."""
    known = _which(documents)
    blocks = [_block(known, found, how, n, columns) for n, columns in enumerate(runs, 1) if len(columns)]
    dense = _tokens(found) if how.alphabet == "smiles" else _composition(found, how)
    return Plain(_of_rows(documents, dense), tuple(dense), tuple(blocks))


def by_place(documents: Documents, found: Units, length: int) -> Counts:
    """Which letter each of these sequences, all of this length, has at each place: one 1 where it is certain."""
    sequence = np.repeat(np.arange(len(found.offsets) - 1), np.diff(found.offsets))
    place = np.arange(found.offsets[-1]) - found.offsets[:-1][sequence]
    kept = (found.number >= 0) & (found.number < len(found.names)) & (place < length)
    size = len(found.names)
    pairs = sequence[kept], place[kept] * size + found.number[kept]
    shape = len(documents.texts), length * size
    held = csr_array((np.ones(int(kept.sum()), np.float32), pairs), shape=shape, dtype=np.float32)
    names = tuple(f"place {place}.{name}" for place in range(1, length + 1) for name in found.names)
    return Counts(csr_array(_which(documents) @ held), names, "letters by place")


def _which(documents: Documents) -> csr_array:
    """1 where a row has a sequence, "N M"."""
    pairs = (documents.row, documents.document)
    return csr_array((np.ones(len(documents.row), np.float32), pairs), shape=(documents.rows, len(documents.texts)))


def _block(known: csr_array, found: Units, how: How, n: int, columns: Sequence[int]) -> Counts:
    counted = kmers.counts(found.number, found.offsets, n, len(found.names), np.array(columns, np.int64))
    what = "tokens" if how.alphabet == "smiles" else "letters"
    label = what if n == 1 else f"runs of {n} {what}"
    names = tuple(f"{label}.{kmers.spelt(code, n, found.names)}" for code in columns)
    return Counts(csr_array(known @ counted), names, label)


def _of_rows(documents: Documents, columns: dict[str, Array]) -> Array:
    """Columns of sequences as those of rows, float32 "N P": of a row without one NaN, but counts, which are 0."""
    found = np.full((documents.rows, len(columns)), np.nan, np.float32)
    found[:, [name.endswith(".count") for name in columns]] = 0
    found[documents.row] = np.stack(list(columns.values()), 1)[documents.document]
    return found


def _tokens(found: Units) -> dict[str, Array]:
    lengths = np.diff(found.offsets)
    each = _singles(found)
    told = {f"{name}.count": each[:, place] for place, name in enumerate(found.names)}
    return {"tokens.count": lengths, "unknown.count": lengths - each.sum(1), **told}


def _composition(found: Units, how: How) -> dict[str, Array]:
    lengths = np.diff(found.offsets)
    share = _singles(found) / np.maximum(lengths, 1)[:, None]
    told = {f"{name}.share": share[:, place] for place, name in enumerate(found.names)}
    if how.alphabet != "protein":
        told["gc.share"] = told["G.share"] + told["C.share"]
    return {"letters.count": lengths, "uncertain.share": 1 - share.sum(1), **told}


def _singles(found: Units) -> Array:
    """How often each unit occurs, float64 "M Q"."""
    counted = kmers.counts(found.number, found.offsets, 1, len(found.names), np.arange(len(found.names)))
    return np.asarray(counted.toarray(), np.float64)
