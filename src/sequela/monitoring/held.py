"""What has come of a recording and is still needed, as the records that a study reads (implements study.records.Records)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from functools import cached_property

import polars as pl

from sequela.errors import DataError
from sequela.monitoring.recording import END, SECOND, Piece, Signal
from sequela.monitoring.samples import Samples
from sequela.store.shards import GIVEN
from sequela.study import cut
from sequela.types import Part, Payload, Payloads

SUBJECT = 1  # the only one
SCHEMA = {"subject_id": pl.Int64()} | {name: type_ for name, type_ in GIVEN.items() if name != "source_id"}


class Held:
    """The records of one subject as they stand. Samples and events that nothing looks at any more can be let go."""

    def __init__(self, subject: str, signals: Sequence[Signal], kinds: Mapping[str, str]) -> None:
        self.subject = subject
        self.kinds = {**kinds, **{signal.code: "payload" for signal in signals}, END: "event"}
        self.parents: Mapping[str, tuple[str, ...]] = {}
        self.parts: Mapping[int, Part] = {}
        self._samples = {signal.name: Samples(signal) for signal in signals}
        self._events = pl.DataFrame(schema=SCHEMA)
        self._laid: pl.DataFrame | None = None
        self._ends: int | None = None

    @cached_property
    def codes(self) -> pl.DataFrame:
        """code, kind: of the whole recording, come or not."""
        return pl.DataFrame({"code": list(self.kinds), "kind": list(self.kinds.values())}).sort("code")

    @cached_property
    def subjects(self) -> pl.DataFrame:
        """The one subject."""
        return pl.DataFrame({"subject_id": [SUBJECT], "source_id": [self.subject]})

    @property
    def payloads(self) -> Payloads:
        return self

    def open(self, uri: str) -> Payload:
        """Of a signal the samples that are held."""
        if uri not in self._samples:
            raise DataError(f"the recording has no signal {uri!r}")
        return self._samples[uri].payload

    def signals(self, code: str) -> list[Samples]:
        """Of the signals of a code what is held."""
        return [one for one in self._samples.values() if one.signal.code == code and one.payload.values.shape[1]]

    def events(self, codes: Sequence[str] | None = None, subjects: Sequence[int] | None = None) -> pl.DataFrame:
        """As Store.events. A signal stands at the first of its samples that is held."""
        if subjects is not None and SUBJECT not in subjects:
            return pl.DataFrame(schema=SCHEMA)
        if self._laid is None:
            self._laid = self._all()
        return self._laid if codes is None else self._laid.filter(self._laid["code"].is_in(list(codes)))

    def add(self, piece: Piece, ends: int) -> None:
        """What a piece brings. `ends`: where the record is to seem to end, microseconds, as long as more may come."""
        for name, values in piece.samples.items():
            self._samples[name].append(values)
        self.more(piece.events)
        self._laid, self._ends = None, ends

    def more(self, events: pl.DataFrame) -> None:
        """Further events, by time."""
        if len(events):
            self._events = pl.concat([self._events, _whole(events)])
            self._laid = None

    def close(self) -> None:
        """No more comes: the record ends where it says."""
        self._laid, self._ends = None, None

    def forget(self, before: int, kept: Set[str]) -> pl.DataFrame:
        """Lets go of samples and timed events before a moment, in microseconds, but for the codes `kept`; gives those events."""
        for samples in self._samples.values():
            samples.forget(before - SECOND)  # so that a window that reaches back to the moment does not touch the first sample
        time = cut.microseconds(self._events["time"])
        gone = (time != cut.NEVER) & (time < before) & ~self._events["code"].is_in(list(kept)).to_numpy()
        lost, self._events = self._events.filter(gone), self._events.filter(~gone)
        self._laid = None
        return lost

    def _all(self) -> pl.DataFrame:
        begun = [(name, one) for name, one in self._samples.items() if one.payload.values.shape[1]]
        said = {
            "time": pl.Series([one.start for _, one in begun] + [self._ends] * (self._ends is not None), dtype=pl.Int64),
            "code": [one.signal.code for _, one in begun] + [END] * (self._ends is not None),
            "payload": pl.Series([name for name, _ in begun] + [None] * (self._ends is not None), dtype=pl.String),
        }
        frame = pl.DataFrame(said).with_columns(pl.col("time").cast(pl.Datetime("us")))
        return pl.concat([self._events, _whole(frame)]).sort("time", nulls_last=False, maintain_order=True)


def _whole(events: pl.DataFrame) -> pl.DataFrame:
    """The events with every column that a store has."""
    given = {name: pl.col(name) for name in events.columns} | {"subject_id": pl.lit(SUBJECT)}
    return events.select(given.get(name, pl.lit(None)).cast(kind).alias(name) for name, kind in SCHEMA.items())
