"""From words to phrases: neighbours that speak alike are told as one, with where they stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from sequela.types import Array

LEAST = 0.1  # of the strongest word: what adds or takes less is no part of a phrase
BETWEEN = 2  # characters between two words of a phrase at most: a blank, a comma and a blank
_BREAK = re.compile(r"[\r\n]|[.!?]\s|[。！？].", re.DOTALL)  # the end of a line or sentence, and what follows it


@dataclass(frozen=True, slots=True)
class Phrase:
    """A stretch of a text and what it adds."""

    begin: int  # characters before it
    end: int  # up to and with its last one
    change: float


def phrases(begin: Array, end: Array, change: Array, text: str) -> list[Phrase]:
    """The phrases of a text, by where they stand: words "W" of like sign that follow each other, each at least LEAST.

    No phrase crosses the end of a line or sentence, nor what stands between two documents.
    """
    loud = np.flatnonzero((np.abs(change) >= LEAST * np.abs(change).max(initial=0)) & (change != 0))
    runs = np.split(loud, np.flatnonzero(_apart(loud, begin, end, change, text)) + 1) if len(loud) else []
    return [Phrase(int(begin[run[0]]), int(end[run[-1]]), float(change[run].sum())) for run in runs]


def _apart(loud: Array, begin: Array, end: Array, change: Array, text: str) -> Array:
    """Of each of these words but the last whether the next begins another phrase."""
    one, next_ = loud[:-1], loud[1:]
    far = (next_ != one + 1) | (np.sign(change[one]) != np.sign(change[next_])) | (begin[next_] - end[one] > BETWEEN)
    around = zip(end[one].tolist(), begin[next_].tolist(), strict=True)  # from the one's last character to the next's first
    apart: Array = far | np.array([_BREAK.search(text[a - 1 : b + 1]) is not None for a, b in around], bool)
    return apart
