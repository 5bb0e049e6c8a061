"""What is told of the pairs of a row's sequence: both places, the letters that stand there, and how likely a pair they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sequela.contracts import Evidence
from sequela.types import Answer


def told(names: Sequence[str], rows: Evidence, answer: Answer) -> list[dict[str, Any]]:
    """The fields of each row's Prediction: how many pairs are to be expected, and the likeliest first.

    A pair has low and high, in letters before each, the two letters, and its probability.
    """
    ((_, ragged),) = rows.inputs.items()
    assert ragged.places is not None
    texts = ragged.places.texts
    return [
        {"value": {names[0]: float(answer.values[row, 0])}, "pairs": _row(texts[row], row, answer)} for row in range(len(answer))
    ]


def _row(text: str, row: int, answer: Answer) -> list[dict[str, Any]]:
    assert answer.paired is not None
    own = answer.paired.take(np.array([row]))
    assert own.score is not None
    each = zip(own.low.tolist(), own.high.tolist(), own.score.tolist(), strict=True)
    return [{"low": low, "high": high, "letters": text[low] + text[high], "probability": score} for low, high, score in each]
