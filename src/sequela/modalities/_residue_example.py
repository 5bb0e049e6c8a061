"""Sequences that nobody has: letters, k-mers or tokens drawn one by one, by how often training sequences have each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela import seed as streams
from sequela.modalities._synthetic import Held, events
from sequela.types import Array, Known

LONGEST = 200  # letters or tokens of one, at most: an example is kept in a bundle


def known(names: Sequence[str], often: Sequence[float], length: float, code: str, rows: int, seed: int) -> Known:
    """A sequence of these letters or tokens for each row, `length` of them on average."""
    random = streams.generator(seed, "example", "residues")
    return _drawn(names, often, np.clip(random.poisson(length, rows), 1, LONGEST), code, random)


def aligned(names: Sequence[str], often: Sequence[float], length: float, code: str, rows: int, seed: int) -> Known:
    """A sequence of just so many of these letters for each row."""
    random = streams.generator(seed, "example", "residues")
    return _drawn(names, often, np.full(rows, round(length)), code, random)


def _drawn(names: Sequence[str], often: Sequence[float], count: Array, code: str, random: np.random.Generator) -> Known:
    """A sequence for each of these numbers of letters or tokens."""
    weight = np.array(often, np.float64)
    drawn = [random.choice(len(names), size, p=weight / weight.sum()).tolist() for size in count.tolist()]
    texts, rows = ["".join(names[number] for number in one) for one in drawn], len(drawn)
    frame = events(
        {"row": range(rows), "position": [float("nan")] * rows, "code": [code] * rows, "text_value": texts},
    )
    return Known(rows, frame, Held({}), {code: "sequence"})
