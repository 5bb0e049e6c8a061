"""Which windows are known at each row's prediction: around its beats, or back from its end. Columnar: all rows at once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sequela.modalities._rhythm import Rhythm, rhythm
from sequela.modalities._windows import Places, Shape, rate_of
from sequela.types import Array, Known

DAY = 86_400.0  # seconds
PART = 1e-6  # of a sample: less is rounding
SAME = 1e-3  # seconds: a beat this near to the row's index event is that event


@dataclass(frozen=True, slots=True)
class Waves:
    """The waveforms of all rows, by row, then time: W of them."""

    row: Array  # int64 "W"
    seconds: Array  # float64 "W": of the first sample, before the prediction; NaN without time
    begin: Array  # int64 "W": the samples known
    end: Array  # int64 "W"
    payload: Array  # int64 "W": which of the uris
    uris: list[str]
    rate_hz: Array  # float64, of each uri

    @classmethod
    def of(cls, known: Known, code: str) -> Waves:
        found = known.events.filter(pl.col("code") == code, pl.col("payload").is_not_null(), pl.col("begin") < pl.col("end"))
        uris = found["payload"].unique(maintain_order=True)
        number = pl.DataFrame({"payload": uris}).with_row_index("number")
        place = found.select("payload").join(number, on="payload", how="left", maintain_order="left")["number"]
        rates = [rate_of(known.payloads.open(uri)) for uri in uris]
        row, position, begin, end = (found[name].to_numpy() for name in ("row", "position", "begin", "end"))
        return cls(row, position * DAY, begin, end, place.to_numpy().astype(np.int64), uris.to_list(), np.array(rates))

    @property
    def rate(self) -> Array:
        """Of each waveform."""
        return self.rate_hz[self.payload]


@dataclass(frozen=True, slots=True)
class Found:
    """The windows of all rows, by row, then time: S of them."""

    row: Array  # int64 "S"
    seconds: Array  # float64 "S": of the beat, or of the window's last sample, before the prediction
    where: Places
    current: Array  # bool "S": the row's own beat, or the last window
    rhythm: Rhythm | None

    def take(self, kept: Array) -> Found:
        where = Places(self.where.uris, self.where.payload[kept], self.where.first[kept])
        around = None if self.rhythm is None else Rhythm(*(column[kept] for column in self.rhythm.columns))
        return Found(self.row[kept], self.seconds[kept], where, self.current[kept], around)


def around_beats(known: Known, waves: Waves, code: str, offset: float, shape: Shape, with_rhythm: bool) -> Found:
    """A window from `offset` seconds (negative: before) of every known beat whose samples are all known."""
    beats = known.events.filter(pl.col("code") == code, pl.col("position").is_not_nan()).select("row", "position")
    row, seconds = beats["row"].to_numpy(), beats["position"].to_numpy() * DAY
    wave = _wave_of(row, seconds, waves)
    held = wave >= 0
    row, seconds, wave = row[held], seconds[held], wave[held]
    rate = waves.rate[wave]
    sample = np.round((seconds - waves.seconds[wave]) * rate).astype(np.int64)
    first = sample + np.round(offset * rate).astype(np.int64)
    whole = _whole(first, waves, wave, shape) & (sample < waves.end[wave])
    around = rhythm(row, seconds, waves.payload[wave]) if with_rhythm else None
    found = Found(row, seconds, Places(waves.uris, waves.payload[wave], first), np.zeros(len(row), bool), around).take(whole)
    own = None if known.start is None else known.start * DAY
    current = _current(found.row, found.seconds, own, _has_own(row, seconds, own, known.count))
    return Found(found.row, found.seconds, found.where, current, found.rhythm)


def _wave_of(row: Array, seconds: Array, waves: Waves) -> Array:
    """The waveform of the same row that each beat lies in or after, -1 where there is none."""
    timed = np.flatnonzero(~np.isnan(waves.seconds))
    rows, times = np.concatenate([waves.row[timed], row]), np.concatenate([waves.seconds[timed], seconds])
    is_beat = np.repeat([False, True], [len(timed), len(row)])
    order = np.lexsort((is_beat, times, rows))
    number = np.where(is_beat[order], -1, np.concatenate([np.arange(len(timed)), np.zeros(len(row), np.int64)])[order])
    last = np.maximum.accumulate(number) if len(number) else number  # by row, then time, as the waveforms are numbered
    found = np.empty(len(order), np.int64)
    found[order] = last
    wave = np.concatenate([timed, [-1]])[found[len(timed) :]]
    return np.where((wave >= 0) & (waves.row[wave] == row), wave, -1) if len(waves.row) else np.full(len(row), -1)


def _whole(first: Array, waves: Waves, wave: Array, shape: Shape) -> Array:
    """Whether all that the windows are made of is known; before the start of a record there is nothing to know."""
    context, width = _at_rates(waves, shape)
    payload = waves.payload[wave]
    since = (first - context[payload] >= waves.begin[wave]) | (waves.begin[wave] == 0)
    whole: Array = since & (first + width[payload] <= waves.end[wave])
    return whole


def _at_rates(waves: Waves, shape: Shape) -> tuple[Array, Array]:
    """Samples of context and of a window, at the rate of each uri."""
    context = np.array([shape.context(rate) for rate in waves.rate_hz], np.int64)
    return context, np.array([shape.read_from(rate) for rate in waves.rate_hz], np.int64)


def _has_own(row: Array, seconds: Array, own: Array | None, count: int) -> Array:
    """Whether each row's index event is one of the beats, be its window whole or not."""
    found = np.zeros(count, bool)
    if own is not None:
        found[row[np.abs(seconds - own[row]) < SAME]] = True
    return found


def _current(row: Array, seconds: Array, own: Array | None, has_own: Array) -> Array:
    """The beat that is the row's index event; where that is no beat, the latest."""
    latest = np.append(row[1:] != row[:-1], True)[: len(row)]
    if own is None:
        return latest
    current: Array = np.where(has_own[row], np.abs(seconds - own[row]) < SAME, latest)
    return current


def up_to_the_end(known: Known, waves: Waves, stride_seconds: float, shape: Shape) -> Found:
    """Windows back from the last known sample of each waveform; a record that is shorter than one gives one, padded before.

    A window stands at its last sample, and never later than that many strides before the last known one: what begins at a
    multiple of the stride, such as the next epoch of sleep, begins after it.
    """
    _, widths = _at_rates(waves, shape)
    rate, width = waves.rate, widths[waves.payload]
    stride = np.maximum(stride_seconds * rate, 1)  # samples, perhaps with a fraction, so that no window drifts from its place
    reach = np.where(waves.begin == 0, 0, waves.begin + _at_rates(waves, shape)[0][waves.payload])
    count = np.maximum(np.floor((waves.end - reach - width) / stride + PART), -1).astype(np.int64) + 1
    count = np.where((count == 0) & (waves.begin == 0), 1, count)
    wave = np.repeat(np.arange(len(count)), count)
    back = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    back = count[wave] - 1 - back  # the earliest first
    end = waves.end[wave] - np.ceil(back * stride[wave] - PART).astype(np.int64)
    started = np.where(np.isnan(waves.seconds), -(waves.end - 1) / rate, waves.seconds)  # without time it ends at the prediction
    row, seconds = waves.row[wave], np.minimum(started[wave] + (end - 1) / rate[wave], 0)
    places = Places(waves.uris, waves.payload[wave], end - width[wave])
    found = Found(row, seconds, places, np.append(row[1:] != row[:-1], True)[: len(row)], None)
    return replace(found.take(np.lexsort((seconds, row))), current=found.current)
