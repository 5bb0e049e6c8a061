"""Chinese words by jieba: Han characters put together by its dictionary, and by its hidden Markov model where that has none."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Protocol

import numpy as np

from sequela.extras import need
from sequela.text import characters
from sequela.types import Array


class Segmenter(Protocol):
    """What of jieba is used."""

    def lcut(self, sentence: str) -> list[str]: ...


def segmented(text: str, begin: Array, end: Array) -> tuple[Array, Array]:
    """The words again (int32 "W" each), those of them that are single Han characters put together; all others stay."""
    first = np.array([ord(text[place]) for place in begin.tolist()], np.uint32)
    han = characters.kinds(first) == characters.HAN
    starts = np.ones(len(begin) + 1, bool)
    for low, high in _runs(han, begin, end):
        run = "".join(map(chr, first[low:high].tolist()))
        sizes = [len(word) for word in _jieba().lcut(run)]
        starts[low + 1 : high] = False
        starts[low + np.cumsum(sizes)] = True
    return begin[starts[:-1]], end[starts[1:]]


def _runs(han: Array, begin: Array, end: Array) -> list[tuple[int, int]]:
    """Half-open ranges of words that are Han characters without anything between them."""
    follows = han[1:] & han[:-1] & (begin[1:] == end[:-1])
    low = np.flatnonzero(han & ~np.append(False, follows))
    high = np.flatnonzero(han & ~np.append(follows, False)) + 1
    return list(zip(low.tolist(), high.tolist(), strict=True))


@cache
def _jieba() -> Segmenter:
    """With its own dictionary read here: jieba would log, and keep a copy in a shared temporary folder that anybody may alter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its source's escape sequences, and of pkg_resources
        jieba = need("jieba", "text")
        segmenter = jieba.Tokenizer()
        segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    found: Segmenter = segmenter
    return found
