"""Series of numbers as plain columns: what a clinician would read off a chart, and what the plain baselines learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.types import Array

NAMES = ("last", "first", "mean", "min", "max", "spread", "slope", "count", "hours_since")
QUARTERS = ("mean_q1", "mean_q2", "mean_q3", "mean_q4")  # of the span; q4 ends at the prediction


@dataclass(frozen=True, slots=True)
class Frame:
    """Of what is summarised: the rows, the codes, and how many days the quarters divide."""

    rows: int
    codes: Sequence[str]
    span_days: float


def summarise(row: Array, feature: Array, position: Array, value: Array, frame: Frame) -> tuple[Array, tuple[str, ...]]:
    """float32 "N P" in natural units and the P names; NaN where a code was never seen, but 0 for its count.

    spread is the standard deviation; slope is that of the least squares line, a day (0 where all is at one time).
    """
    width = len(frame.codes)
    key = row * width + feature
    order = np.argsort(key, kind="stable")
    cell, first, count = np.unique(key[order], return_index=True, return_counts=True)
    columns = _series(position[order], value[order], first, count) if len(cell) else np.zeros((len(NAMES), 0))
    whole = np.full((len(NAMES) + len(QUARTERS), frame.rows * width), np.nan, np.float32)
    whole[NAMES.index("count")] = 0
    whole[: len(NAMES), cell] = columns
    quarter = 3 - np.clip((-position / max(frame.span_days, 1e-9) * 4).astype(np.int64), 0, 3)
    for number in range(4):
        own = quarter == number
        total = np.bincount(key[own], value[own], minlength=frame.rows * width)
        seen = np.bincount(key[own], minlength=frame.rows * width)
        whole[len(NAMES) + number] = np.where(seen > 0, total / np.maximum(seen, 1), np.nan)
    names = tuple(f"{code}.{name}" for name in (*NAMES, *QUARTERS) for code in frame.codes)
    return whole.reshape(-1, frame.rows, width).transpose(1, 0, 2).reshape(frame.rows, -1), names


def _series(time: Array, value: Array, first: Array, count: Array) -> Array:
    """The columns NAMES of each run of values, by time: "9 R"."""
    last = first + count - 1
    owner = np.repeat(np.arange(len(first)), count)
    mean, middle = np.add.reduceat(value, first) / count, np.add.reduceat(time, first) / count
    off, away = value - mean[owner], time - middle[owner]
    spread = np.sqrt(np.add.reduceat(off * off, first) / count)
    across = np.add.reduceat(away * away, first)
    slope = np.where(across > 1e-12, np.add.reduceat(off * away, first) / np.maximum(across, 1e-12), 0.0)
    low, high = np.minimum.reduceat(value, first), np.maximum.reduceat(value, first)
    return np.stack([value[last], value[first], mean, low, high, spread, slope, count, -time[last] * 24])
