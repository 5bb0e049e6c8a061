"""What is asked of labels in a hierarchy: the measures of CAFA, of rows with a label that holds.

What each label tells is learnt from the training rows, and kept beside the thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from sequela.evaluate.question import Question
from sequela.metrics import cafa
from sequela.types import Answer, Array, Target

METRICS = ("fmax", "smin")
INFORMATION = "information"  # how the keys of what labels tell begin


def fixed(names: Sequence[str], information: Array) -> dict[str, float]:
    """What each label tells, in bits, as it is kept beside the thresholds."""
    return {f"{INFORMATION}/{name}": float(bits) for name, bits in zip(names, information, strict=True)}


def questions(model: str, answer: Answer, target: Target, rows: Array, kept: Mapping[str, float]) -> Iterator[Question]:
    """Nothing where the labels stand in no hierarchy."""
    if f"{INFORMATION}/{answer.names[0]}" not in kept:
        return
    information = np.array([kept[f"{INFORMATION}/{name}"] for name in answer.names])
    rows = rows[((target.values[rows] > 0) & target.known[rows]).any(1)]
    told = cafa.told(answer.values[rows], target.values[rows] > 0, target.known[rows], information)
    reason = "" if len(rows) else "no row has a true label"
    yield Question(model, "fmax", "", rows, partial(cafa.fmax, told.precision, told.recall), reason=reason)
    yield Question(model, "smin", "", rows, partial(cafa.smin, told.missed, told.wrong), reason=reason)
