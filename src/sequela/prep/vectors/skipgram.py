"""Skip-gram with negative sampling over words and their character n-grams (Mikolov 2013, Bojanowski 2017), of the training text.

A word is the mean of a vector of its own and those of its n-grams, "<fever>" having "<fe", "fev", ... of 3 to 6 characters. It is
moved towards the words around it, up to `window` away, and away from others drawn by how frequent they are (to the power 3/4).

Beside the papers: n-grams are not hashed, and count where two words or more share them; pairs are taken in batches, whose
negatives are drawn once and shared (Ji 2016), with Adagrad's step for each vector in place of one that falls for all. So it is a
function of the text, the options and the seed alone, and a minute's work for a million words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Annotated

import numpy as np
from msgspec import Meta
from scipy.sparse import csr_array
from scipy.special import expit

from sequela import seed as streams
from sequela.config import Strict
from sequela.errors import ConfigError, DataError
from sequela.prep.vectors.corpus import UNKNOWN, Corpus
from sequela.types import Array

PAIRS = 2_048  # of a batch
SHARED = 256  # negatives of a batch
POWER = 0.75  # of the frequency by which negatives are drawn (Mikolov 2013, section 2.2)


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 100
    epochs: Annotated[int, Meta(ge=1)] = 5
    window: Annotated[int, Meta(ge=1)] = 5  # words on each side, at most; how many is drawn for each word
    negatives: Annotated[int, Meta(ge=1)] = 5  # for each pair
    shortest: Annotated[int, Meta(ge=1)] = 3  # characters of an n-gram, with < and > at the ends of a word
    longest: Annotated[int, Meta(ge=0)] = 6  # 0: no n-grams
    lr: Annotated[float, Meta(gt=0)] = 0.1
    frequent: Annotated[float, Meta(ge=0)] = 1e-3  # share of the text above which a word is often passed over; 0: none is


def learn(text: Corpus, config: Config, seed: int) -> Array:
    """Vectors float32 "V D" of the vocabulary; 0 for a word of which the text has nothing.

    Raises ConfigError for n-grams that end before they begin, DataError for a text without two words in a sentence.
    """
    if 0 < config.longest < config.shortest:
        raise ConfigError(f"n-grams from {config.shortest} to {config.longest} characters: the longest must not be the shorter")
    parts = _parts(text.names, config)
    tables = _begun(parts.shape[1], len(text.names), config.width, streams.generator(seed, "vectors"))
    counts = np.bincount(text.words, minlength=len(text.names))
    trained = 0
    for epoch in range(config.epochs):
        random = streams.generator(seed, "vectors", epoch)
        for centre, around in _batches(text, counts, config, random):
            _step(tables, parts, centre, around, _drawn(counts, random), config)
            trained += len(centre)
    if not trained:
        raise DataError("the training text has no two known words in a sentence", hint="min_subjects of the vocabulary")
    return np.where(counts[:, None] > 0, parts @ tables.words, 0).astype(np.float32)


# ------------------------------------------------------------------------------------------------------------------------- words


def _parts(names: tuple[str, ...], config: Config) -> csr_array:
    """What each word is the mean of, "V G": itself (the first V columns), and the n-grams that it shares with others."""
    grams = [ngrams(name, config.shortest, config.longest) for name in names]
    grams[UNKNOWN] = ()
    each, count = np.unique(np.array([*chain.from_iterable(grams), ""]), return_counts=True)
    shared = {gram: len(names) + place for place, gram in enumerate(each[count > 1].tolist())}
    columns = [[word, *(shared[gram] for gram in of if gram in shared)] for word, of in enumerate(grams)]
    lengths = np.array([len(of) for of in columns])
    weight = np.repeat(1 / lengths, lengths).astype(np.float32)
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    return csr_array((weight, np.array([*chain.from_iterable(columns)]), pointers), shape=(len(names), len(names) + len(shared)))


def ngrams(word: str, shortest: int, longest: int) -> tuple[str, ...]:
    """The distinct n-grams of a word between < and >, but not the whole of it.

    >>> ngrams("flu", 3, 4)
    ('<fl', 'flu', 'lu>', '<flu', 'flu>')
    """
    whole = f"<{word}>"
    sizes = range(shortest, min(longest, len(whole) - 1) + 1)
    return tuple(dict.fromkeys(whole[begin : begin + size] for size in sizes for begin in range(len(whole) - size + 1)))


# ------------------------------------------------------------------------------------------------------------------------- pairs


def _batches(text: Corpus, counts: Array, config: Config, random: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """The pairs of a word and one around it, in random order."""
    kept = random.random(len(text.words)) < _chance(counts, config.frequent)[text.words]
    words, sentence = text.words[kept], text.sentence[kept]
    reach = random.integers(1, config.window + 1, len(words))
    pairs = [_apart(words, sentence, reach, distance) for distance in range(1, config.window + 1)]
    centre, around = (np.concatenate(side) for side in zip(*pairs, strict=True))
    order = random.permutation(len(centre))
    for begin in range(0, len(order), PAIRS):
        some = order[begin : begin + PAIRS]
        yield centre[some], around[some]


def _apart(words: Array, sentence: Array, reach: Array, distance: int) -> tuple[Array, Array]:
    """The pairs so far apart, each word with the one behind it and with the one before it where it reaches so far."""
    first, second, near = words[:-distance], words[distance:], sentence[:-distance] == sentence[distance:]
    ahead, back = near & (reach[:-distance] >= distance), near & (reach[distance:] >= distance)
    return np.concatenate([first[ahead], second[back]]), np.concatenate([second[ahead], first[back]])


def _chance(counts: Array, frequent: float) -> Array:
    """That an occurrence of each word is read (the formula of the authors' code)."""
    share = counts / max(counts.sum(), 1)
    ratio = frequent / np.maximum(share, 1e-12)
    return np.minimum(np.sqrt(ratio) + ratio, 1) if frequent else np.ones(len(counts))


def _drawn(counts: Array, random: np.random.Generator) -> Array:
    """The negatives of a batch, int64 "Q"."""
    chance = np.cumsum(counts**POWER)
    found: Array = np.searchsorted(chance, random.random(SHARED) * chance[-1], side="right")
    return found


# ---------------------------------------------------------------------------------------------------------------------- learning


@dataclass(frozen=True, slots=True)
class Tables:
    """Vectors that are learnt, in place, each with the sum of squares of its steps."""

    words: Array  # float32 "G D": of words and n-grams, as they are read
    around: Array  # float32 "V D": of words, as they are foretold
    words_squares: Array  # float32 "G"
    around_squares: Array  # float32 "V"


def _begun(parts: int, names: int, width: int, random: np.random.Generator) -> Tables:
    words = random.uniform(-1 / width, 1 / width, (parts, width)).astype(np.float32)
    zeros = np.zeros((names, width), np.float32)
    return Tables(words, zeros, np.full(parts, 1e-8, np.float32), np.full(names, 1e-8, np.float32))


def _step(tables: Tables, parts: csr_array, centre: Array, around: Array, others: Array, config: Config) -> None:
    """One step down the loss of a batch of pairs and its negatives."""
    words, place = np.unique(centre, return_inverse=True)
    near, near_place = np.unique(around, return_inverse=True)
    of = parts[words]
    columns, column = np.unique(of.indices, return_inverse=True)
    of = csr_array((of.data, column, of.indptr), shape=(len(words), len(columns)))
    read = of @ tables.words[columns]  # u D
    told, other = tables.around[near], tables.around[others]
    wrong = expit((read[place] * told[near_place]).sum(1)) - 1
    pairs = csr_array((wrong, (place, near_place)), shape=(len(words), len(near)))
    share = np.bincount(place, minlength=len(words)).astype(np.float32) * np.float32(config.negatives / len(others))
    false = expit(read @ other.T) * share[:, None]  # u Q
    _move(tables.words, tables.words_squares, columns, of.T @ (pairs @ told + false @ other), config.lr)
    _move(tables.around, tables.around_squares, near, pairs.T @ read, config.lr)
    _move(tables.around, tables.around_squares, *_summed(others, false.T @ read), config.lr)


def _summed(rows: Array, gradient: Array) -> tuple[Array, Array]:
    each, place = np.unique(rows, return_inverse=True)
    return each, csr_array(
        (np.ones(len(rows), np.float32), (place, np.arange(len(rows)))), shape=(len(each), len(rows))
    ) @ gradient


def _move(table: Array, squares: Array, rows: Array, gradient: Array, lr: float) -> None:
    """Adagrad (Duchi 2011) with one rate a vector: its step is the shorter the further it has gone."""
    squares[rows] += np.square(gradient).mean(1)
    table[rows] -= lr * gradient / np.sqrt(squares[rows])[:, None]
