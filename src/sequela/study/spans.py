"""Windows laid around rows, and what they decide.

They are looked at twice. *As known* at the prediction, with the events that were known then, as they were known: this decides
which rows may be predicted, in training and in use alike. *In the end*, with every event in its final version: this decides
labels, and, only where there are labels, the windows that were not over at the prediction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from sequela import config
from sequela.study import cut
from sequela.study.cut import ALWAYS, NEVER, Timeline
from sequela.study.predicates import Predicates
from sequela.study.windows import RECORD, Bound, Side, Window
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that windows are laid around; arrays of N, times in microseconds."""

    subject: Array  # int64
    visit: Array  # int64: the trigger's, NEVER where it belongs to none
    trigger: Array
    prediction: Array

    def take(self, rows: Array) -> Rows:
        return Rows(self.subject[rows], self.visit[rows], self.trigger[rows], self.prediction[rows])


@dataclass(frozen=True, slots=True)
class Edge:
    """A boundary of N rows."""

    time: Array  # int64: microseconds; ALWAYS where it has not come yet, or never does
    lacking: Array  # bool: it is known that there is none

    def shifted(self, offset: int) -> Edge:
        return Edge(np.where(self.time == ALWAYS, ALWAYS, self.time + offset), self.lacking)


@dataclass(frozen=True, slots=True)
class Span:
    """A window of N rows."""

    window: Window
    start: Edge
    end: Edge

    @property
    def lacking(self) -> Array:
        return self.start.lacking | self.end.lacking

    @property
    def reversed(self) -> Array:
        """Whether it ends before it starts, or has ended and not started."""
        return ~self.lacking & (self.start.time > self.end.time)

    @property
    def counted(self) -> tuple[Array, Array]:
        """Moments after the first of these and up to the second belong to it."""
        plan, end = self.window.plan, self.end.time
        return self.start.time - plan.start_inclusive, np.where(end == ALWAYS, ALWAYS, end - (not plan.end_inclusive))

    def over(self, time: Array) -> Array:
        """Whether nothing after this time can change what is in it."""
        return self.end.time <= time


@dataclass(frozen=True)
class View:
    """The record of each row's subject as it was known at the prediction (`then`), or as it is in the end."""

    predicates: Predicates
    rows: Rows
    then: bool
    _laid: dict[tuple[str, bool], tuple[Timeline, Array]] = field(default_factory=dict)

    def count(self, name: str, span: Span) -> Array:
        """How many times a predicate holds in the window, as far as this view sees; int64 "N"."""
        line, keys = self.line(name, same_visit=span.window.plan.same_visit)
        low, high = span.counted
        count = cut.count_known(line, keys, low, high, self.rows.prediction) if self.then else _in_the_end(line, keys, low, high)
        if span.window.start.text != RECORD[0]:
            return count
        first, timed, _ = line.of(keys)
        row, _ = self.seen(line, *cut.spread(first, timed))
        return count + np.bincount(row, minlength=len(keys))

    def inside(self, line: Timeline, keys: Array, span: Span) -> tuple[Array, Array]:
        """(row, event) of the timed events in the window that the view has, by row, then event."""
        low, high = span.counted
        high = np.minimum(high, self.rows.prediction) if self.then else high
        return self.seen(line, *cut.spread(line.after(keys, low), line.after(keys, high)))

    def summary(self, name: str, span: Span, which: str) -> Array:
        """The first, last, mean, min or max of the predicate's numbers in the window, NaN where there are none; float64 "N"."""
        line, keys = self.line(name, same_visit=span.window.plan.same_visit)
        row, place = self.inside(line, keys, span)
        number = line.events["numeric_value"].cast(pl.Float64)[place]
        found = pl.DataFrame({"row": row, "number": number}).filter(pl.col("number").is_finite())
        found = found.group_by("row", maintain_order=True).agg(getattr(pl.col("number"), which)())
        values = np.full(len(keys), np.nan)
        values[found["row"].to_numpy()] = found["number"].to_numpy()
        return values

    def next(self, name: str, after: Array, *, itself: bool, same_visit: bool) -> Array:
        """The next moment at which the predicate holds, ALWAYS where there is none; `itself`: that very moment counts."""
        line, keys = self.line(name, same_visit=same_visit)
        stop = line.after(keys, self.rows.prediction) if self.then else line.of(keys)[2]
        place = self._first_seen(line, line.since(keys, after) if itself else line.after(keys, after), stop, 1)
        return np.where(place < stop, line.at(np.minimum(place, len(line.time))), ALWAYS)

    def previous(self, name: str, before: Array, *, itself: bool, same_visit: bool) -> Array:
        """The moment before at which the predicate holds, NEVER where there is none."""
        line, keys = self.line(name, same_visit=same_visit)
        stop = line.of(keys)[1] - 1
        place = self._first_seen(line, (line.after(keys, before) if itself else line.since(keys, before)) - 1, stop, -1)
        return np.where(place > stop, line.at(np.maximum(place, 0)), NEVER)

    @property
    def record(self) -> tuple[Array, Array]:
        """First and last moment of each row's record; as known then, it has not ended."""
        line = self.predicates.bounds
        _, timed, end = line.of(self.rows.subject)
        return line.at(timed), np.full(len(end), ALWAYS) if self.then else line.at(np.maximum(end - 1, 0))

    def line(self, name: str, *, same_visit: bool) -> tuple[Timeline, Array]:
        """Where the predicate holds, and the key by which each row finds its own there: its subject, or its trigger's visit."""
        if (name, same_visit) not in self._laid:
            whole = self.predicates.line(name)
            self._laid[name, same_visit] = _by_visit(whole.events, self.rows) if same_visit else (whole, self.rows.subject)
        return self._laid[name, same_visit]

    def seen(self, line: Timeline, row: Array, place: Array) -> tuple[Array, Array]:
        """Those (row, event) pairs, of events up to the prediction, that the view has."""
        if self.then:
            return line.current(row, place, self.rows.prediction)
        final = line.final[place]
        return row[final], place[final]

    def _first_seen(self, line: Timeline, place: Array, stop: Array, step: int) -> Array:
        """From each place on, in steps of one, the first event that the view has; `stop` (or beyond) where there is none."""
        place = place.copy()
        row = np.flatnonzero((stop - place) * step > 0)
        while len(row):
            row = np.setdiff1d(row, self.seen(line, row, place[row])[0], assume_unique=True)
            place[row] += step
            row = row[place[row] != stop[row]]
        return place


def _by_visit(events: pl.DataFrame, rows: Rows) -> tuple[Timeline, Array]:
    asked = pl.DataFrame({"subject_id": rows.subject, "visit": rows.visit})
    visits = asked.unique(maintain_order=True).filter(pl.col("visit") != NEVER).with_row_index("key")
    keys = asked.join(visits, on=["subject_id", "visit"], how="left", maintain_order="left")["key"]
    found = events.join(visits, on=["subject_id", "visit"]).with_columns(subject_id=pl.col("key").cast(pl.Int64))
    line = cut.timeline(found.sort("subject_id", "time", nulls_last=False, maintain_order=True))
    return line, keys.cast(pl.Int64).fill_null(-1).to_numpy()


def _in_the_end(line: Timeline, keys: Array, low: Array, high: Array) -> Array:
    """How many events in their final version lie after `low` and up to `high`."""
    begin, end = line.after(keys, low), line.after(keys, high)
    if line.superseded is None:
        return np.asarray(np.maximum(end - begin, 0))
    sums = np.concatenate([[0], np.cumsum(line.final)])
    return np.asarray(sums[np.maximum(begin, end)] - sums[begin])


def laid(windows: Sequence[Window], view: View) -> dict[str, Span]:
    """Every window of every row, in this view; windows as `ordered` gives them."""
    found: dict[str, Span] = {}
    for window in windows:
        first = window.own_first
        edges = {first: edge(getattr(window, first), view, found, window)}
        other: Side = "end" if first == "start" else "start"
        edges[other] = edge(getattr(window, other), view, found, window, edges)
        found[window.name] = Span(window, edges["start"], edges["end"])
    return found


def edge(
    one: Bound, view: View, known: Mapping[str, Span], window: Window | None = None, own: Mapping[Side, Edge] | None = None
) -> Edge:
    """A boundary of every row, told from the windows known so far, or from the other boundary of its own window."""
    anchor = _anchor(one, view, known, own or {})
    if not one.seek:
        return anchor.shifted(one.offset)
    plan = window.plan if window else config.Window()
    itself = {"start": plan.start_inclusive, "end": plan.end_inclusive}.get(one.anchor, False)
    some = np.where(anchor.time == ALWAYS, 0, anchor.time)  # any moment: the answer is not looked at
    if one.seek == "->":
        found = view.next(one.predicate, some, itself=itself, same_visit=plan.same_visit)
        open_, none = anchor.time == ALWAYS, (found == ALWAYS) & (not view.then)
    else:
        found = view.previous(one.predicate, some, itself=itself, same_visit=plan.same_visit)
        open_ = (anchor.time == ALWAYS) | (view.then & (anchor.time > view.rows.prediction))
        none = found == NEVER
    lacking = anchor.lacking | (none & ~open_)
    return Edge(np.where(open_ | lacking, ALWAYS, found), lacking)


def _anchor(one: Bound, view: View, known: Mapping[str, Span], own: Mapping[Side, Edge]) -> Edge:
    rows, name, side = view.rows, *(one.anchor.partition(".")[::2])
    sure = np.zeros(len(rows.subject), bool)
    if side:
        return known[name].start if side == "start" else known[name].end
    if name in RECORD:
        return Edge(view.record[RECORD.index(name)], sure)
    if name in ("trigger", "prediction"):
        return Edge(getattr(rows, name), sure)
    return own["start" if name == "start" else "end"]


# --------------------------------------------------------------------------------------------------------------- what they decide


@dataclass(frozen=True, slots=True)
class Verdict:
    """Rows that one clause of a window leaves out."""

    out: Array  # bool "N"
    what: str
    reason: str


def within(span: Span, then: View) -> list[Verdict]:
    """Who is left out since the prediction does not lie in the window that the cohort names: from its start to before its end."""
    plan, prediction = span.window.plan, then.rows.prediction
    early = ~span.start.lacking & (prediction < span.start.time)
    late = ~span.end.lacking & (prediction >= span.end.time)
    given = "" if plan.has else plan.reason
    return [
        Verdict(early, "time", given or f"the prediction comes before the window {span.window.name}"),
        Verdict(late, "time", given or f"the window {span.window.name} was over before the prediction"),
    ]


def decided(found: Mapping[str, Span], then: View) -> Iterator[Verdict]:
    """Who is left out by what was known at the prediction: a count passed already, a window that was over and has too few."""
    for span in found.values():
        over = span.over(then.rows.prediction)
        yield from _undefined(span, over, "<-")
        for name, (least, most) in span.window.has.items():
            count = then.count(name, span)
            out = (count > (ALWAYS if most is None else most)) | (over & (count < least))
            yield Verdict(out & ~span.lacking, *_clause(span.window, name))


def borne_out(known: Mapping[str, Span], found: Mapping[str, Span], end: View) -> Iterator[Verdict]:
    """Who is left out by what came after the prediction, where a window was not over at it: only labels may ask for this.

    known: the windows as they were known at the prediction; found: as they are in the end, which is what `end` sees.
    """
    for span in found.values():
        later = ~known[span.window.name].over(end.rows.prediction)
        for verdict in _undefined(span, later, "->"):
            yield replace(verdict, what=f"{verdict.what}, later")
        for name, (least, most) in span.window.has.items():
            count = end.count(name, span)
            out = (count < least) | (count > (ALWAYS if most is None else most))
            what, reason = _clause(span.window, name)
            yield Verdict(out & later & ~span.lacking, f"{what}, later", reason)


def _undefined(span: Span, where: Array, seek: str) -> Iterator[Verdict]:
    """Rows for which a boundary does not exist, or stands on one that does not; which clauses are told, the study alone says."""
    window = span.window
    what = f"window {window.name}"
    for one, edge_ in ((window.start, span.start), (window.end, span.end)):
        if one.seek == seek:
            yield Verdict(edge_.lacking & (where | (seek == "<-")), what, window.plan.reason or one.absent)
    if not window.in_order:
        yield Verdict(span.reversed & where, what, window.plan.reason or "it ends before it starts")


def _clause(window: Window, name: str) -> tuple[str, str]:
    return f"window {window.name}", window.plan.reason or f"{name}: not {_said(*window.has[name])}"


def _said(least: int, most: int | None) -> str:
    """A count in words."""
    if most is None:
        return f"at least {least}"
    return f"{least}" if least == most else f"at most {most}" if not least else f"{least} to {most}"
