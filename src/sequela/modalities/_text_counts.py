"""Documents as plain columns: how often each word and each run of words occurs, and a few numbers of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from scipy.sparse import csr_array

from sequela.modalities._text_cut import Cut
from sequela.modalities._text_documents import Documents
from sequela.modalities._text_vocabulary import Written, subjects
from sequela.text.scope import SCOPES
from sequela.types import Array, Counts, Plain

DENSE = ("documents.count", "words.count", "words.length", "unknown.share")
LABELS = {1: "words", 2: "bigrams", 3: "trigrams"}
NEGATED = "not_"  # before a word that is negated


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of n words that have a column: which run of n - 1 each begins with (of 2, which token), and its last token."""

    begins: list[int]
    last: list[int]


@dataclass(frozen=True, slots=True)
class Words:
    """The tokens of all words, with the document of each."""

    token: Array  # int64 "W": 0 for one that has no number
    document: Array  # int64 "W"
    size: int  # of the vocabulary
    negated: Array | None = None  # bool "W"; None where they are not to be told apart


def of(cut: Cut, number: Array, size: int, negated: bool = False) -> Words:
    """`number`: of each of the cut's forms, in the vocabulary; `negated`: whether negated words have columns of their own."""
    apart = cut.flags[:, SCOPES.index("negated")] if negated else None
    return Words(number[cut.form].astype(np.int64), cut.document, size, apart)


def learnt(words: Words, by: Written, longest: int, fewest: int, most: int) -> list[Runs]:
    """The runs of 2 to `longest` known words of one document that enough subjects have; of each length the `most` frequent."""
    found: list[Runs] = []
    run = np.where(words.token > 0, words.token, -1)
    for length in range(2, longest + 1):
        key = _keys(run, words, length)
        seen, which = np.unique(key, return_inverse=True)
        which = np.where(key >= 0, which, -1)
        held = np.where(seen >= 0, subjects(by, words.document, which, len(seen)), 0)
        kept = np.flatnonzero(held >= fewest)
        kept = np.sort(kept[np.argsort(-held[kept], kind="stable")[:most]])
        begins, last = np.divmod(seen[kept], words.size)
        found.append(Runs(begins=begins.tolist(), last=last.tolist()))
        run = _placed(key, seen[kept])
    return found


def _keys(run: Array, words: Words, length: int) -> Array:
    """What tells the run of `length` that ends with each word, int64 "W"; -1 where there is none, or its beginning has no column.

    `run` is which run of one fewer ends there.
    """
    before = np.append(-1, run[:-1])[: len(run)]
    first = np.append(-1, words.document[:-1])[: len(run)] != words.document
    return np.where((before >= 0) & ~first & (words.token > 0), before * words.size + words.token, -1)


def _placed(key: Array, kept: Array) -> Array:
    """Which of the kept keys (rising) each is, -1 where it is none."""
    place = np.minimum(np.searchsorted(kept, key), max(len(kept) - 1, 0))
    return np.where(kept[place] == key, place, -1) if len(kept) else np.full(len(key), -1)


def plain(documents: Documents, cut: Cut, words: Words, tokens: Sequence[str], runs: Sequence[Runs]) -> Plain:
    """DENSE of each row, and a block of counts for words and for each length of runs; of negated words one of their own."""
    known = csr_array(
        (np.ones(len(documents.row), np.float32), (documents.row, documents.document)),
        shape=(documents.rows, len(documents.texts)),
    )
    counts = [*_of_words(known, words, tokens), *_of_runs(known, words, tokens, runs)]
    return Plain(_dense(known, documents, cut, words), DENSE, tuple(counts))


def _of_words(known: csr_array, words: Words, tokens: Sequence[str]) -> list[Counts]:
    if words.negated is None:
        return [_counted(known, words, words.token, tokens, LABELS[1])]
    told = _counted(known, words, np.where(words.negated, 0, words.token), tokens, LABELS[1])
    names = [NEGATED + token for token in tokens]
    return [told, _counted(known, words, np.where(words.negated, words.token, 0), names, "negated")]


def _of_runs(known: csr_array, words: Words, tokens: Sequence[str], runs: Sequence[Runs]) -> list[Counts]:
    run, names = np.where(words.token > 0, words.token, -1), list(tokens)
    found = []
    for length, kept in enumerate(runs, 2):
        keys = np.array(kept.begins, np.int64) * words.size + np.array(kept.last, np.int64)
        run = _placed(_keys(run, words, length), keys)
        names = [f"{names[first]} {tokens[last]}" for first, last in zip(kept.begins, kept.last, strict=True)]
        if names:
            found.append(_counted(known, words, run + 1, ["", *names], LABELS.get(length, f"runs of {length}")))
    return found


def _counted(known: csr_array, words: Words, number: Array, names: Sequence[str], label: str) -> Counts:
    """How often each row has each thing but number 0."""
    here = number > 0
    of_documents = csr_array(
        (np.ones(int(here.sum()), np.float32), (words.document[here], number[here] - 1)),
        shape=(known.shape[1], len(names) - 1),
    )
    return Counts(csr_array(known @ of_documents), tuple(f"{label}.{name}" for name in names[1:]), label)


def _dense(known: csr_array, documents: Documents, cut: Cut, words: Words) -> Array:
    """DENSE: how many documents and words, characters of a word on average, share of the words that have no number."""
    size = len(documents.texts)
    each = np.stack(
        [
            np.ones(size),
            np.diff(cut.offsets),
            np.bincount(words.document, cut.end - cut.begin, size),
            np.bincount(words.document, words.token == 0, size),
        ],
        1,
    )
    found = np.asarray(known @ each)
    total = np.where(found[:, 1:2] > 0, found[:, 1:2], np.nan)
    return np.concatenate([found[:, :2], found[:, 2:] / total], 1).astype(np.float32)
