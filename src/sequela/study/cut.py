"""What is known at the moment of each row: the only place that cuts time.

An event is known from its own time on, or from when it became available where that is later, until a later version of it took its
place; one without time always is. A history window is closed at both ends, so that 48 h of history before a prediction 48 h after
admission hold the events of admission itself. What describes the subject (kind static) is known however long ago it was told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sequela import types
from sequela.study.records import HIDDEN, Records
from sequela.types import Array, Cohort, Known, Payloads, Shared

DAY, NEVER, ALWAYS = types.DAY, types.NEVER, int(np.iinfo(np.int64).max)  # microseconds; no time; after all
_USUAL = 0.99  # share of events whose lateness is usual

SCHEMA = {
    "row": pl.Int64,
    "position": pl.Float64,
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
    "payload": pl.String,
    "visit": pl.Int64,
    "begin": pl.Int64,
    "end": pl.Int64,
}  # the columns of Known.events
_CARRIED = ("numeric_value", "text_value", "payload", "visit")  # of the events, as they are, beside the code


# -------------------------------------------------------------------------------------------------------------------- timeline


@dataclass(frozen=True, slots=True)
class Timeline:
    """Events of many subjects, laid out so that "which events of this subject lie between these times" is two bisections.

    Arrays of E events, and of U subjects that have any: subject u has events first[u]:end[u], the timed ones from timed[u] on.
    """

    events: pl.DataFrame
    time: Array  # int64 "E": microseconds; NEVER for an event without time
    subject: Array  # int64 "U", rising
    first: Array  # int64 "U"
    timed: Array  # int64 "U"
    end: Array  # int64 "U"
    available: Array | None = None  # int64 "E": microseconds, NEVER where it is the event's own time; None: so throughout
    superseded: Array | None = None  # int64 "E": microseconds, ALWAYS where no later version is; None: so throughout

    def of(self, subject_id: Array) -> tuple[Array, Array, Array]:
        """First, first timed and end event of each of these subjects; an empty range for one without events."""
        place = np.searchsorted(self.subject, subject_id)
        inside = np.minimum(place, max(len(self.subject) - 1, 0))
        if not len(self.subject):
            none = np.zeros(len(subject_id), np.int64)
            return none, none, none
        found = self.subject[inside] == subject_id
        first, timed, end = (np.where(found, bounds[inside], 0) for bounds in (self.first, self.timed, self.end))
        return first, timed, end

    def after(self, subject_id: Array, time: Array) -> Array:
        """For each subject the place of its first timed event later than this time (its end where there is none)."""
        _, timed, end = self.of(subject_id)
        return bisect(self.time, timed, end, time, after_equal=True)

    def since(self, subject_id: Array, time: Array) -> Array:
        """For each subject the place of its first timed event at this time or later (its end where there is none)."""
        _, timed, end = self.of(subject_id)
        return bisect(self.time, timed, end, time, after_equal=False)

    def last_known(self, subject_id: Array, time: Array) -> Array:
        """For each subject the place of its last event known at this time, timed or not; -1 where there is none.

        At NEVER only events without time are known.
        """
        first, _, _ = self.of(subject_id)
        known = self.after(subject_id, time)
        if self.available is None and self.superseded is None:
            return np.where(known > first, known - 1, -1)
        row, place = self.current(*spread(first, known), time)
        latest = np.full(len(subject_id), -1, np.int64)
        latest[row] = place  # of several the last, since they are in order
        return latest

    def current(self, row: Array, place: Array, time: Array) -> tuple[Array, Array]:
        """Those (row, event) pairs whose event is available, and not yet superseded, at the time of its row."""
        if self.available is None and self.superseded is None:
            return row, place
        moment = time[row]
        here = np.ones(len(place), bool)
        if self.available is not None:
            here &= self.available[place] <= moment
        if self.superseded is not None:
            here &= self.superseded[place] > moment
        return row[here], place[here]

    @property
    def final(self) -> Array:
        """bool "E": no later version takes the event's place."""
        return np.ones(len(self.time), bool) if self.superseded is None else self.superseded == ALWAYS

    def at(self, place: Array) -> Array:
        """The time of the event at each place, ALWAYS where the place is past the last event of all."""
        return np.append(self.time, ALWAYS)[place]


def timeline(events: pl.DataFrame) -> Timeline:
    """A Timeline of events sorted by subject, then time, those without time first."""
    subject_id = events["subject_id"].to_numpy()
    time = microseconds(events["time"])
    first = np.flatnonzero(np.append(True, subject_id[1:] != subject_id[:-1])[: len(subject_id)])
    end = np.append(first[1:], len(subject_id)).astype(np.int64)[: len(first)]
    timed = first + np.diff(np.searchsorted(np.flatnonzero(time == NEVER), np.append(first, len(time))))
    available, superseded = _moments(events, "available", NEVER), _moments(events, "superseded", ALWAYS)
    return Timeline(events, time, subject_id[first], first, timed, end, available, superseded)


def _moments(events: pl.DataFrame, column: str, absent: int) -> Array | None:
    """A column of times as int64 microseconds, `absent` where null; None where it is null throughout."""
    if column not in events.columns or events[column].null_count() == len(events):
        return None
    return microseconds(events[column], absent)


def microseconds(time: pl.Series, absent: int = NEVER) -> Array:
    """A column of times as int64 microseconds, `absent` where null."""
    found = time.cast(pl.Datetime("us")).to_physical()
    return (found.fill_null(absent) if found.null_count() else found).to_numpy()


def bisect(values: Array, low: Array, high: Array, sought: Array, *, after_equal: bool) -> Array:
    """For each i, where `sought[i]` would be inserted into the rising values[low[i]:high[i]], all i at once.

    `after_equal`: behind the values that equal it, rather than before them.
    """
    low, high = low.copy(), high.copy()
    while (unsure := low < high).any():
        middle = (low + high) // 2
        probe = values[np.minimum(middle, len(values) - 1)]
        behind = (probe <= sought) if after_equal else (probe < sought)
        low = np.where(unsure & behind, middle + 1, low)
        high = np.where(unsure & ~behind, middle, high)
    return low


def spread(first: Array, end: Array) -> tuple[Array, Array]:
    """The ranges first[i]:end[i] laid end to end, as (i, member) pairs."""
    count = np.maximum(end - first, 0)
    owner = np.repeat(np.arange(len(first)), count)
    before = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - before[owner] + first[owner]


# ----------------------------------------------------------------------------------------------------------------------- known


def known(store: Records, cohort: Cohort, history: int | None, codes: Sequence[str] | None = None) -> Known:
    """The events known at each row's time, looking back `history` microseconds (None: all the way).

    `codes`: these alone. Else all but those of the kinds outcome, label and score, which are inputs only where named.
    """
    line = timeline(store.events(None if codes is None else list(codes), _subjects(store, cohort)))
    window = _Window.of(cohort, history)
    samples = _Samples.of(line, store.payloads)
    row, place = _points(line, window)
    if samples.any:
        row, place = _with_signals(line, samples, window, row, place)
    if history is not None:
        row, place = _with_statics(store, line, window, row, place)
    row, place = line.current(row, place, window.high)
    if codes is None:
        row, place = _without_hidden(store, line, row, place)
    begin, end = samples.range(line, place, window.low[row], window.high[row]) if samples.any else (None, None)
    held = line.events.select("code", *(pl.col(name).cast(SCHEMA[name]) for name in _CARRIED))
    found = Shared(held, line.time, row, place, window.high, begin, end)
    start = _days(microseconds_of(cohort.start), window.high)
    return Known(len(cohort), found, store.payloads, store.kinds, start, cohort.subject_id, store.parents)


def _with_statics(store: Records, line: Timeline, window: _Window, row: Array, place: Array) -> tuple[Array, Array]:
    """The same pairs, with what describes the subject and was told before the window: an age does not lapse."""
    kept = [code for code, kind in store.kinds.items() if kind == "static"]
    told = np.flatnonzero(line.events["code"].is_in(kept).to_numpy() & (line.time != NEVER)) if kept else np.zeros(0, np.int64)
    if not len(told):
        return row, place
    statics = timeline(line.events[told])
    _, timed, _ = statics.of(window.subject_id)
    owner, found = spread(timed, statics.since(window.subject_id, window.low))
    row, place = np.concatenate([row, owner]), np.concatenate([place, told[found]])
    order = np.lexsort((place, row))
    return row[order], place[order]


def _without_hidden(store: Records, line: Timeline, row: Array, place: Array) -> tuple[Array, Array]:
    """Those pairs whose event is of no kind that is an input only where named."""
    hidden = [code for code, kind in store.kinds.items() if kind in HIDDEN]
    if not hidden:
        return row, place
    seen = ~line.events["code"].is_in(hidden).to_numpy()[place]
    return row[seen], place[seen]


def counted(store: Records, cohort: Cohort, history: int | None, codes: Sequence[str]) -> Array:
    """How many events of these codes are known at each row's time, int64 "N"; signals count from their first sample on."""
    line = timeline(store.events(list(codes), _subjects(store, cohort)))
    window = _Window.of(cohort, history)
    first, timed, _ = line.of(cohort.subject_id)
    row, _ = line.current(*spread(first, timed), window.high)
    count = count_known(line, cohort.subject_id, np.maximum(window.low, NEVER + 1) - 1, window.high, window.high)
    return count + np.bincount(row, minlength=len(cohort))


def count_known(line: Timeline, key: Array, low: Array, high: Array, moment: Array) -> Array:
    """How many of each key's timed events after `low` and up to `high` are known at a moment, int64 "N".

    What is stamped longer before the moment than events usually come late, and is never superseded, is known: it is counted by
    bisection. The few others are looked at one by one.
    """
    high = np.minimum(high, moment)
    if line.available is None and line.superseded is None:
        return np.asarray(np.maximum(line.after(key, high) - line.after(key, low), 0))
    late = _lateness(line)
    usual = int(np.quantile(late, _USUAL)) if len(late) else 0
    prompt = line.final & (late <= usual)
    settled = np.clip(np.maximum(moment, NEVER + usual) - usual, low, np.maximum(high, low))
    count = np.zeros(len(key), np.int64)
    for some, after in ((prompt, settled), (~prompt, low)):
        part = line if some.all() else timeline(line.events.filter(some))
        begin, end = part.after(key, after), part.after(key, high)
        row, _ = part.current(*spread(begin, end), moment)
        count += np.bincount(row, minlength=len(key))
        if some is prompt:
            count += begin - part.after(key, low)
    return count


def _lateness(line: Timeline) -> Array:
    """By how many microseconds each event becomes available after its own time, int64 "E"."""
    if line.available is None:
        return np.zeros(len(line.time), np.int64)
    late = (line.available != NEVER) & (line.time != NEVER)
    return np.where(late, np.maximum(np.where(late, line.available, 0) - np.where(late, line.time, 0), 0), 0)


def take(known: Known, rows: Array) -> Known:
    """What is known of these rows (indices, each at most once, in the order given), numbered anew."""
    start, subject = (column if column is None else column[rows] for column in (known.start, known.subject))
    source = _lines(known.events, rows, known.count) if known.shared is None else known.shared.of(rows, known.count)
    return replace(known, count=len(rows), source=source, start=start, subject=subject)


def _lines(events: pl.DataFrame, rows: Array, count: int) -> pl.DataFrame:
    """The lines of these rows, numbered anew."""
    number = np.full(count, -1, np.int64)
    number[rows] = np.arange(len(rows))
    taken = events.with_columns(row=pl.Series(number[events["row"].to_numpy()], dtype=pl.Int64)).filter(pl.col("row") >= 0)
    return taken.sort("row", maintain_order=True) if (np.diff(rows) < 0).any() else taken


def microseconds_of(time: Array) -> Array:
    """datetime64 as int64 microseconds; NaT is NEVER."""
    return time.astype("datetime64[us]").astype(np.int64)


def _subjects(store: Records, cohort: Cohort) -> list[int] | None:
    subjects = np.unique(cohort.subject_id)
    return None if len(subjects) == len(store.subjects) else subjects.tolist()


@dataclass(frozen=True, slots=True)
class _Window:
    """First and last moment that each row may see, in microseconds; a row without time sees no timed event."""

    subject_id: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, cohort: Cohort, history: int | None) -> _Window:
        high = microseconds_of(cohort.time)
        low = np.full(len(high), NEVER + 1) if history is None else np.where(high == NEVER, NEVER, high - history)
        return cls(cohort.subject_id, low, high)


def _points(line: Timeline, window: _Window) -> tuple[Array, Array]:
    """(row, event) of all events without time and of those in the window, by row, then event."""
    first, timed, _ = line.of(window.subject_id)
    start, end = line.since(window.subject_id, window.low), line.after(window.subject_id, window.high)
    owner, place = spread(np.stack([first, start], 1).ravel(), np.stack([timed, end], 1).ravel())
    return owner // 2, place


def _days(time: Array, high: Array) -> Array:
    """Days from the prediction to a time; NaN where either is without time."""
    return np.where((time == NEVER) | (high == NEVER), np.nan, (time - high) / DAY)


# --------------------------------------------------------------------------------------------------------------------- signals


@dataclass(frozen=True, slots=True)
class _Samples:
    """Of each event's payload: its samples and their rate; 0 and NaN where an event has no payload with a time axis."""

    count: Array  # int64 "E"
    rate_hz: Array  # float64 "E"

    @classmethod
    def of(cls, line: Timeline, payloads: Payloads) -> _Samples:
        uris = line.events["payload"].drop_nulls().unique(maintain_order=True)
        opened = [(payload.values.shape[-1], payload.rate_hz) for payload in map(payloads.open, uris)]
        table = pl.DataFrame(
            {"payload": uris, "count": [c for c, _ in opened], "rate": [r for _, r in opened]},
            schema={"payload": pl.String, "count": pl.Int64, "rate": pl.Float64},
        ).filter(pl.col("rate").is_not_null())
        if not len(table):
            return cls(np.zeros(len(line.time), np.int64), np.full(len(line.time), np.nan))
        joined = line.events.select(pl.col("payload").cast(pl.String)).join(
            table, on="payload", how="left", maintain_order="left"
        )
        return cls(joined["count"].fill_null(0).to_numpy(), joined["rate"].fill_null(np.nan).to_numpy())

    @property
    def any(self) -> bool:
        return bool((self.count > 0).any())

    @property
    def longest(self) -> int:
        """Microseconds of the longest signal, rounded up."""
        signal = self.count > 0
        return int(np.ceil((self.count[signal] / self.rate_hz[signal]).max() * 1e6))

    def range(self, line: Timeline, place: Array, low: Array, high: Array) -> tuple[Array, Array]:
        """The half-open range of samples in the window, for each event; -1, -1 without a time axis, all of an event without time.

        Sample k is stamped round(k / rate) microseconds after the first, as every reader stamps what it finds at a sample.
        """
        if not self.any:
            return np.full(len(place), -1), np.full(len(place), -1)
        count, rate, start = self.count[place], self.rate_hz[place] / 1e6, line.time[place]
        untimed = start == NEVER
        until = np.minimum(high, start + self.longest) - start
        since = np.maximum(low, start) - start
        end = np.where(untimed, count, np.minimum(np.floor((until + 0.5) * rate) + 1, count))
        begin = np.where(untimed | (since == 0), 0, np.ceil((since - 0.5) * rate))
        signal = count > 0
        begin, end = (np.where(signal, side, -1).astype(np.int64) for side in (begin, end))
        return begin, end


def _with_signals(line: Timeline, samples: _Samples, window: _Window, row: Array, place: Array) -> tuple[Array, Array]:
    """The same pairs, with every signal that has a sample in the window, though it may have begun before it."""
    is_signal = (samples.count > 0) & (line.time != NEVER)
    signal = np.flatnonzero(is_signal)
    signals = timeline(line.events[signal])
    reach = np.maximum(window.low, NEVER + 1 + samples.longest) - samples.longest
    owner, found = spread(signals.since(window.subject_id, reach), signals.after(window.subject_id, window.high))
    found, apart = signal[found], ~is_signal[place]
    begin, end = samples.range(line, found, window.low[owner], window.high[owner])
    row, place = np.concatenate([row[apart], owner[begin < end]]), np.concatenate([place[apart], found[begin < end]])
    order = np.lexsort((place, row))
    return row[order], place[order]
