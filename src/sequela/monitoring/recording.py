"""A recording with its signals and events, and the pieces in which it comes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sequela.errors import DataError, UsageError
from sequela.study import cut
from sequela.types import Array, Payload

SECOND = 1_000_000  # microseconds
START, END = "RECORD//START", "RECORD//END"


@dataclass(frozen=True, slots=True)
class Signal:
    """Samples that lie evenly in time: sample k is stamped round(k / rate_hz) after `start`."""

    name: str
    code: str  # of its event: WAVEFORM
    start: int  # microseconds
    payload: Payload  # the whole, where it is in a file; without samples where they are yet to come
    first: int = 0  # the sample of the payload that is sample 0
    length: int = 0  # samples; 0 where nobody knows how many will come

    @property
    def rate_hz(self) -> float:
        return float(self.payload.rate_hz or 0.0)

    @property
    def end(self) -> int:
        """The stamp of the sample that would follow the last."""
        return self.stamp(self.length)

    def stamp(self, sample: int) -> int:
        return self.start + round(sample / self.rate_hz * SECOND)

    def count(self, until: int) -> int:
        """How many samples are stamped before a moment, were there no last one."""
        return max(int(np.floor((until - self.start - 0.5) * self.rate_hz / SECOND)) + 1, 0)

    def clipped(self, since: int, until: int) -> Signal:
        """The samples stamped from `since` to before `until`."""
        first = self.count(since)
        return replace(
            self,
            start=self.stamp(first),
            first=self.first + first,
            length=max(min(self.count(until), self.length) - first, 0),
        )

    def samples(self, since: int, until: int) -> Array:
        """Those stamped from `since` to before `until`, float32 "C n", read now."""
        first, end = self.count(since), min(self.count(until), self.length)
        return np.array(self.payload.values[:, self.first + first : self.first + max(first, end)], np.float32)


@dataclass(frozen=True, slots=True)
class Piece:
    """What has come since the piece before it: all that is before `until`, and of the last piece what is at that moment too."""

    until: int  # microseconds
    samples: Mapping[str, Array]  # by the name of their signal, float32 "C n"
    events: pl.DataFrame  # time, code, numeric_value, text_value; by time, those without time first


@dataclass(frozen=True, slots=True)
class Recording:
    """One subject's recording: what a file holds."""

    subject: str  # as the source names it
    signals: tuple[Signal, ...]
    events: pl.DataFrame  # all but those of the signals; by time, those without time first
    kinds: Mapping[str, str]  # code -> kind: see store/schema.py

    @property
    def start(self) -> int:
        """Microseconds: of the first sample."""
        return min(signal.start for signal in self.signals)

    @property
    def end(self) -> int:
        return max(signal.end for signal in self.signals)

    def between(self, since: float | None, until: float | None) -> Recording:
        """The recording as if it had begun and ended at these seconds after its first sample.

        Raises UsageError where it has no sample between them.
        """
        low = self.start + round((since or 0.0) * SECOND)
        high = self.end if until is None else min(self.start + round(until * SECOND), self.end)
        signals = tuple(one for one in (signal.clipped(low, high) for signal in self.signals) if one.length)
        if not signals:
            length = (self.end - self.start) / SECOND
            raise UsageError(
                f"the recording lasts {length:g} s and has no sample between the moments asked for", hint="--from and --until"
            )
        return replace(self, signals=signals, events=_bounded(self.events, low, high))

    def pieces(self, seconds: float) -> Iterator[Piece]:
        """The recording in pieces of this length; events without time come with the first."""
        time = cut.microseconds(self.events["time"])
        step = max(round(seconds * SECOND), 1)
        since, last, done = self.start, max(self.end, int(time.max(initial=self.end))), 0
        while since < last:
            until = min(since + step, last)
            here = len(time) if until == last else int(np.searchsorted(time, until))
            samples = {signal.name: signal.samples(since, until) for signal in self.signals}
            yield Piece(until, {name: values for name, values in samples.items() if values.size}, self.events[done:here])
            since, done = until, here


def _bounded(events: pl.DataFrame, low: int, high: int) -> pl.DataFrame:
    """The events without time or between these moments; what marks the ends of the record stands at them."""
    moved = (
        pl.when(pl.col("code") == START)
        .then(pl.lit(low).cast(pl.Datetime("us")))
        .when(pl.col("code") == END)
        .then(pl.lit(high).cast(pl.Datetime("us")))
        .otherwise(pl.col("time"))
    )
    time = pl.col("time").cast(pl.Int64)
    return events.with_columns(time=moved).filter(time.is_null() | time.is_between(low, high)).sort("time", nulls_last=False)


def of_events(subject: str, events: pl.DataFrame, kinds: Mapping[str, str], payloads: Mapping[str, Payload]) -> Recording:
    """The recording in the events of one subject: those with a payload are its signals.

    Raises DataError where there is no signal with a time axis.
    """
    pointing = events.filter(pl.col("payload").is_not_null() & pl.col("time").is_not_null())
    signals = [
        Signal(uri, code, time, payloads[uri], 0, payloads[uri].values.shape[-1])
        for uri, code, time in pointing.select("payload", "code", pl.col("time").cast(pl.Int64)).iter_rows()
        if payloads[uri].rate_hz
    ]
    if not signals:
        raise DataError(f"the recording of {subject!r} has no signal", hint="see `sequela inspect` of its store")
    rest = events.filter(pl.col("payload").is_null()).select("time", "code", "numeric_value", "text_value")
    return Recording(subject, tuple(signals), rest.sort("time", nulls_last=False, maintain_order=True), kinds)
