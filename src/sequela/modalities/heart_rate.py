"""Heart rate and its variability in successive windows, from the moments of the beats: a day is 288 steps of five minutes.

The windows are counted back from the prediction, so the last one ends with it; a window with too few intervals is no step. An
interval is taken for normal by its length and its neighbours (signals/heart_rate.py): the labels of beats are not read. Beats are
annotated, or found by a reader (its option `detect`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
import polars as pl
from msgspec import Meta

from sequela import seed as streams
from sequela.config import Duration, Strict, microseconds
from sequela.errors import ConfigError, DataError
from sequela.modalities._synthetic import Held, events
from sequela.prep import scale
from sequela.signals.heart_rate import FEATURES, cleaned, intervals, variability
from sequela.types import Array, Known, Plain, Ragged, Spec

DAY = 86_400.0  # seconds
SUMMARIES = ("last", "mean", "min", "max")
EXAMPLE_WINDOWS = 3


class Config(Strict, frozen=True):
    beat: str = "BEAT"
    window: Duration = "5min"  # as long as the Task Force (1996) recommends
    least: Annotated[int, Meta(ge=3)] = 20  # intervals of a window that is a step
    most: Annotated[int, Meta(ge=1)] | None = None  # at most so many steps, the latest
    scale: scale.Method = "rank_gauss"
    clip: float = 3.0  # largest absolute scaled number; 0: none


class State(msgspec.Struct, frozen=True, kw_only=True):
    scales: tuple[scale.Scale, ...]  # of FEATURES
    interval: float  # median seconds between beats, for the synthetic example
    spread: float  # seconds: their standard deviation in the middle window


@dataclass(frozen=True, slots=True)
class _Windows:
    """The windows of all rows, by row, then time: S of them."""

    row: Array  # int64 "S"
    seconds: Array  # float64 "S": of the end, before the prediction
    values: Array  # float64 "S F", NaN where a feature is not known


@dataclass(frozen=True, slots=True)
class HeartRateInput:
    config: Config

    def fit(self, known: Known) -> State:
        """Scales of the training windows.

        Raises DataError where no training row has a window with enough beats.
        """
        found = self._windows(known).values
        if not len(found):
            raise DataError(
                f"no training row has {self.config.least} intervals between events {self.config.beat!r} in {self.config.window}",
                hint="see the reader's option detect, or a longer history",
            )
        columns = [column[~np.isnan(column)] for column in found.T]
        scales = [self._scale(column) for column in columns]
        interval, spread = 60 / np.median(columns[0]), np.median(columns[1]) / 1e3
        return State(scales=tuple(scales), interval=float(interval), spread=float(spread))

    def read(self, known: Known, state: State) -> Ragged:
        """A step for each window that has enough beats, scaled; what is not known of it is 0 and not seen."""
        found = self._windows(known)
        seen = ~np.isnan(found.values)
        scaled = [scale.apply(one, column) for one, column in zip(state.scales, np.nan_to_num(found.values).T, strict=True)]
        offsets = np.searchsorted(found.row, np.arange(known.count + 1))
        return Ragged(offsets, np.where(seen, np.stack(scaled, 1), np.float32(0)), found.seconds, seen)

    def plain(self, known: Known, state: State) -> Plain:
        """Of each feature in its own unit the last window's, and the mean, least and most over the row's windows."""
        found = self._windows(known)
        rows = np.full((known.count, len(SUMMARIES), len(FEATURES)), np.nan, np.float32)
        for first, last in _runs(found.row):
            rows[found.row[first]] = _summaries(found.values[first:last])
        names = tuple(f"{feature}.{summary}" for summary in SUMMARIES for feature in FEATURES)
        return Plain(rows.reshape(known.count, -1), names)

    def plain_steps(self, known: Known, state: State) -> Plain:
        """The features of each window in their own units."""
        return Plain(self._windows(known).values.astype(np.float32), FEATURES)

    def spec(self, state: State) -> Spec:
        """names: FEATURES. Position in seconds before the prediction, of the window's end."""
        return Spec("heart_rate", (len(FEATURES),), "seconds", FEATURES)

    def example(self, state: State, rows: int, seed: int) -> Known:
        """Beats at the median interval of training, spread as it is in the middle window, over a few windows."""
        random = streams.generator(seed, "example", "heart_rate")
        seconds = EXAMPLE_WINDOWS * self._length
        frames = [self._beats(state, random, seconds).with_columns(pl.lit(row).alias("row")) for row in range(rows)]
        return Known(rows, events(pl.concat(frames).to_dict()), Held({}), {self.config.beat: "event"}, np.zeros(rows))

    def _beats(self, state: State, random: np.random.Generator, seconds: float) -> pl.DataFrame:
        count = int(seconds / state.interval)
        gaps = np.maximum(random.normal(state.interval, state.spread, count), state.interval / 2)
        positions = -np.cumsum(gaps)[::-1] / DAY
        return pl.DataFrame({"code": [self.config.beat] * count, "position": positions})

    def _scale(self, known: Array) -> scale.Scale:
        """Of a feature; one that no training window has is left as it is."""
        return scale.fit(known if len(known) else np.zeros(1), self.config.scale, clip=self.config.clip)

    @property
    def _length(self) -> float:
        return microseconds(self.config.window) / 1e6

    def _windows(self, known: Known) -> _Windows:
        wanted = (pl.col("code") == self.config.beat) & pl.col("position").is_not_nan()
        beats = known.events.filter(wanted).select("row", "position")
        row, seconds = beats["row"].to_numpy(), beats["position"].to_numpy() * DAY
        found = [one for first, last in _runs(row) for one in self._of_row(int(row[first]), seconds[first:last])]
        rows, ends, values = zip(*found, strict=True) if found else ((), (), ())
        table = np.array(values, np.float64).reshape(len(rows), len(FEATURES))
        return _Windows(np.array(rows, np.int64), np.array(ends, np.float64), table)

    def _of_row(self, row: int, seconds: Array) -> list[tuple[int, float, Array]]:
        """Row, end and features of each window of one row, the earliest first; an interval belongs to where it ends."""
        between = intervals(seconds)
        back = np.floor(-between.seconds / self._length).astype(np.int64)
        steps = [
            (row, -float(number) * self._length, variability(normal))
            for number, first, last in _numbered(back)
            if len((normal := cleaned(between.take(np.arange(first, last)))).ms) >= self.config.least
        ]
        return steps if self.config.most is None else steps[-self.config.most :]


def _runs(key: Array) -> Iterator[tuple[int, int]]:
    """Where each stretch of one key begins, and one past its end."""
    edges = np.flatnonzero(np.diff(key, prepend=key[:1] - 1, append=key[-1:] + 1)) if len(key) else np.zeros(0, np.int64)
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)


def _numbered(key: Array) -> Iterator[tuple[int, int, int]]:
    for first, last in _runs(key):
        yield int(key[first]), first, last


def _summaries(values: Array) -> Array:
    """Float32 "4 F" of the windows "W F" of one row; NaN where no window has a feature."""
    some = ~np.isnan(values)
    count = some.sum(0)
    mean = np.where(count > 0, np.where(some, values, 0).sum(0) / np.maximum(count, 1), np.nan)
    low, high = (np.where(count > 0, end, np.nan) for end in (np.fmin.reduce(values, 0), np.fmax.reduce(values, 0)))
    return np.stack([values[-1], mean, low, high]).astype(np.float32)


def build(config: Config) -> HeartRateInput:
    """Raises ConfigError for a window that is not of positive length."""
    if microseconds(config.window) <= 0:
        raise ConfigError("a window of heart rate must be longer than nothing")
    return HeartRateInput(config)
