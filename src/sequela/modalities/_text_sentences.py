"""Words gathered into sentences, or into chunks of so many: a step is then all the words of one, in order."""

from __future__ import annotations

import numpy as np

from sequela.modalities._text_cut import Cut
from sequela.modalities._text_steps import Steps
from sequela.modalities._visits import Sets
from sequela.types import Array


def gathered(cut: Cut, token: Array, side: Array | None, most: int, *, sentences: bool) -> tuple[Steps, Sets]:
    """The steps, and the tokens (int32 "W") of each; one of more than `most` words goes on in the next step.

    `side` float32 "W E": beside a step is the share of its words that have it.
    """
    opens = _opens(cut, most, sentences)
    first = np.flatnonzero(opens)
    bounds = np.append(first, len(opens)).astype(np.int64)
    count = np.diff(bounds)
    shares = None if side is None else _means(side, bounds)
    steps = Steps(
        offsets=np.searchsorted(first, cut.offsets).astype(np.int64),
        begin=cut.begin[first],
        end=cut.end[first + count - 1],
        entry=np.arange(len(first)),
        side=shares,
        bounds=bounds,
    )
    return steps, Sets(token, bounds)


def _opens(cut: Cut, most: int, sentences: bool) -> Array:
    """Whether a step begins with each word, bool "W"."""
    opens = cut.opens.copy() if sentences else np.zeros(len(cut.form), bool)
    opens[cut.offsets[:-1][np.diff(cut.offsets) > 0]] = True
    word = np.arange(len(opens))
    since = word - np.maximum.accumulate(np.where(opens, word, 0)) if len(word) else word
    return np.asarray(opens | (since % most == 0))


def _means(side: Array, bounds: Array) -> Array:
    total = np.concatenate([np.zeros((1, side.shape[1])), np.cumsum(side, 0, dtype=np.float64)])[bounds]
    return np.asarray(np.diff(total, axis=0) / np.diff(bounds)[:, None], np.float32)
