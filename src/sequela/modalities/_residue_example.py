"""Sequences that nobody has: letters, k-mers or tokens drawn one by one, by how often training sequences have each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela import seed as streams
from sequela.modalities._synthetic import Held, events
from sequela.types import Known

LONGEST = 200  # letters or tokens of one, at most: an example is kept in a bundle


def known(names: Sequence[str], often: Sequence[float], length: float, code: str, rows: int, seed: int) -> Known:
    """A sequence of these letters or tokens for each row, `length` of them on average."""
    random = streams.generator(seed, "example", "residues")
    weight = np.array(often, np.float64)
    count = np.clip(random.poisson(length, rows), 1, LONGEST)
    drawn = [random.choice(len(names), size, p=weight / weight.sum()).tolist() for size in count.tolist()]
    texts = ["".join(names[number] for number in one) for one in drawn]
    frame = events(
        {"row": range(rows), "position": [float("nan")] * rows, "code": [code] * rows, "text_value": texts},
    )
    return Known(rows, frame, Held({}), {code: "sequence"})
