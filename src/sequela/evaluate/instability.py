"""How far one patient's answer moves when the model is trained on other patients like those it had (Riley & Collins 2023).

Each of B networks learnt from a bootstrap sample of the training subjects; all answer the same rows. Source: Biometrical Journal
65:2200302, which has the mean absolute prediction error and the instability of decisions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from sequela.errors import DataError
from sequela.types import Array

POINTS = 300  # rows that are drawn
BANDS = 10  # of like many rows


class Band(Struct, frozen=True, kw_only=True):
    """Some rows of like answers: the mean over them."""

    rows: int
    answer: float
    error: float  # mean absolute distance of the resampled networks' answers from it
    width: float  # of the range that holds 95 % of them
    flips: float | None = None  # share of decisions that are others; None where nothing is decided


class Point(Struct, frozen=True, kw_only=True):
    """The answer about one row, and the range that 95 % of the resampled networks' answers lie in; no row is named."""

    answer: float
    low: float
    high: float


class InstabilityFacts(Struct, frozen=True, kw_only=True):
    """What the resampled networks said."""

    models: int
    rows: int
    subjects: int
    of: str  # what the answer is: "risk", "probability of the class said", "value"
    error: float
    width: float
    flips: float | None = None
    bands: list[Band] = []  # by rising answer
    points: list[Point] = []
    seconds: float = 0.0  # of the processor, for all networks


def instability(
    answer: Array, resampled: Array, decided: Array | None, again: Array | None, *, subjects: int, of: str, seconds: float
) -> InstabilityFacts:
    """What the networks said of the rows: `answer` "N" of the model, `resampled` "B N" of the others.

    `decided` "N" and `again` "B N" are the decisions, None where nothing is decided. Raises DataError for no network or no row.
    """
    if not len(answer) or not len(resampled):
        raise DataError(f"{len(resampled)} networks and {len(answer)} rows tell nothing of how answers move")
    error = np.abs(resampled - answer).mean(0)
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    flips = None if decided is None or again is None else (again != decided).mean(0)
    order = np.argsort(answer, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, min(POINTS, len(order))).round().astype(np.int64))]
    return InstabilityFacts(
        models=len(resampled),
        rows=len(answer),
        subjects=subjects,
        of=of,
        error=float(error.mean()),
        width=float((high - low).mean()),
        flips=None if flips is None else float(flips.mean()),
        bands=[_band(part, answer, error, high - low, flips) for part in np.array_split(order, BANDS) if len(part)],
        points=[Point(answer=float(answer[k]), low=float(low[k]), high=float(high[k])) for k in shown],
        seconds=seconds,
    )


def _band(rows: Sequence[int] | Array, answer: Array, error: Array, width: Array, flips: Array | None) -> Band:
    return Band(
        rows=len(rows),
        answer=float(answer[rows].mean()),
        error=float(error[rows].mean()),
        width=float(width[rows].mean()),
        flips=None if flips is None else float(flips[rows].mean()),
    )
