"""Each step of a sequence as plain columns, for baselines that judge steps: where it is, and what stands around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from sequela.modalities._residue_steps import Laid, Steps
from sequela.types import Array, Counts, Plain

NAMES = ("place", "from.end", "length")
OUTSIDE = "outside"  # beyond the ends of the sequence


def columns(found: Steps, rows: Laid, tokens: Sequence[str], reach: int) -> Plain:
    """NAMES, in steps, and which of the tokens stands at each place from -reach to reach: one 1 at each place."""
    last = np.searchsorted(found.offsets, rows.step, side="right") - 1  # the sequence of each step
    length = np.diff(found.offsets)[last]
    dense = np.stack([rows.inside, length - 1 - rows.inside, length], 1).astype(np.float32)
    return Plain(dense, NAMES, (_window(found, rows, length, tokens, reach),))


def _window(found: Steps, rows: Laid, length: Array, tokens: Sequence[str], reach: int) -> Counts:
    size, apart = len(tokens) + 1, np.arange(-reach, reach + 1)
    there = rows.inside[:, None] + apart
    within = (there >= 0) & (there < length[:, None])
    number = np.full(there.shape, len(tokens), np.int32)
    number[within] = found.number[(rows.step[:, None] + apart)[within]]
    column = (number + np.arange(len(apart), dtype=np.int32) * size).ravel()
    bounds = np.arange(len(rows.step) + 1) * len(apart)
    held = csr_array((np.ones(len(column), np.float32), column, bounds), shape=(len(rows.step), size * len(apart)))
    names = tuple(f"window.{place:+d}.{token}" for place in apart.tolist() for token in (*tokens, OUTSIDE))
    return Counts(held, names, "window")
