"""Where rows start and when each is predicted: index events, triggers, and the moments of prediction that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError, UsageError
from sequela.registry import nearest
from sequela.study import cut, spans, windows
from sequela.study.cut import NEVER, Timeline
from sequela.study.flow import Flow
from sequela.study.predicates import Predicates
from sequela.study.records import Records, matching
from sequela.study.spans import Rows, Span, View
from sequela.types import Array, Cohort, Target

INPUT_KINDS = frozenset({"measurement", "static", "payload", "sequence", "text"})
_SAMPLE = "SAMPLE"


@dataclass(frozen=True, slots=True)
class Draft:
    """Rows so far, how they came about, and where each stands."""

    rows: Cohort
    flow: Flow
    visit: Array  # int64 "N": the visit of the event that the row starts from, NEVER where it belongs to none
    several: bool  # a subject may have more than one row

    def without(self, out: Array, what: str, reason: str) -> Draft:
        """The draft less these rows (bool "N"), with the step counted, even where nobody was left out."""
        keep = ~out
        left = self.rows.take(keep)
        flow = self.flow.left_out(what, reason, self.rows, keep)
        return replace(self, rows=left, flow=flow, visit=self.visit[keep])

    def noted(self, text: str, count: int) -> Draft:
        return replace(self, flow=self.flow.noted(text, count))

    @property
    def around(self) -> Rows:
        """The rows as windows are laid around them."""
        rows = self.rows
        return Rows(rows.subject_id, self.visit, cut.microseconds_of(rows.start), cut.microseconds_of(rows.time))


def drafted(
    store: Records, plan: config.Cohort, predicates: Predicates, subjects: Sequence[str] | None, at: datetime | None
) -> Draft:
    """The rows with their moments of prediction, before anything else about them is asked.

    Raises ConfigError, DataError where the study names a start that there is none of, UsageError for a time that cannot be asked.
    """
    _check(plan)
    asked, flow = _asked(store, subjects)
    if plan.index == _SAMPLE:
        return _included(plan, _sampled(store, plan, asked, flow, at))
    line = cut.timeline(_starts(store, plan, predicates, asked, strict=subjects is None))
    draft = _included(plan, _started(plan, asked, flow, line))
    draft = _at(draft, at) if at else _predicted(plan, predicates, draft)
    return draft.without(~_known(line, draft.rows), "time", "what the row starts from was not known at the prediction")


def _check(plan: config.Cohort) -> None:
    if bool(plan.index) == bool(plan.trigger):
        raise ConfigError(
            "a cohort has either an index event or a trigger",
            hint='cohort.index = "ICU//ADMISSION", or cohort.trigger = "PREDICATE"',
        )
    if plan.every and not plan.during:
        raise ConfigError("cohort.every does not say until when", hint='cohort.during = "WINDOW" of cohort.windows')
    if plan.at_end and not plan.every:
        raise ConfigError("cohort.at_end adds a row to those of cohort.every", hint='cohort.every = "60s", or leave at_end out')
    if plan.every and config.microseconds(plan.every) <= 0:
        raise ConfigError(f"cohort.every = {plan.every!r} never comes again")
    if plan.during and plan.during not in plan.windows:
        raise ConfigError(
            f"cohort.during names {plan.during!r}, which is no window", hint=nearest(plan.during, list(plan.windows))
        )
    if plan.index == _SAMPLE and plan.windows:
        raise ConfigError("rows of SAMPLE have no time, so no windows")


def _asked(store: Records, subjects: Sequence[str] | None) -> tuple[pl.DataFrame, Flow]:
    everyone = store.subjects.select("subject_id", "source_id").sort("subject_id")
    if subjects is None:
        return everyone, Flow()
    found = everyone.filter(pl.col("source_id").is_in(list(subjects)))
    absent = sorted(set(subjects) - set(found["source_id"]))
    return found, Flow(refused=dict.fromkeys(absent, "not in the data"))


def _sampled(store: Records, plan: config.Cohort, asked: pl.DataFrame, flow: Flow, at: datetime | None) -> Draft:
    if at is not None:
        raise UsageError("this study has no times, so none can be asked for", hint="leave out the time")
    rows = _rows(asked, np.full(len(asked), np.datetime64("NaT"), "datetime64[us]"))
    inputs = [code for code, kind in store.kinds.items() if kind in INPUT_KINDS]
    timed = store.events(inputs, asked["subject_id"].to_list())["time"].count() if len(asked) else 0
    draft = Draft(rows, flow, np.full(len(asked), NEVER), several=False)
    return draft.noted("events with a time, which a SAMPLE row does not see", timed)


# -------------------------------------------------------------------------------------------------------------------- the start


def _starts(store: Records, plan: config.Cohort, predicates: Predicates, asked: pl.DataFrame, *, strict: bool) -> pl.DataFrame:
    """The timed events from which rows may start."""
    if plan.trigger:
        return predicates.events(plan.trigger).filter(pl.col("time").is_not_null())
    codes = _index_codes(store, plan.index.removeprefix("EACH//"), strict=strict)
    return store.events(codes, None if strict else asked["subject_id"].to_list()).filter(pl.col("time").is_not_null())


def _index_codes(store: Records, code: str, *, strict: bool) -> list[str]:
    found = matching(store, code)
    if not found and strict:
        raise DataError(
            f"the data has no {code!r} event for a row to start from", hint=nearest(code, store.codes["code"].to_list())
        )
    return found


def _started(plan: config.Cohort, asked: pl.DataFrame, flow: Flow, line: Timeline) -> Draft:
    """A row for each moment to start from; a subject without one has a row without time, which is counted and left out."""
    name = plan.trigger or plan.index.removeprefix("EACH//")
    several = bool(plan.trigger) or plan.index.startswith("EACH//")
    moments = cut.timeline(line.events.unique(["subject_id", "time"], keep="first", maintain_order=True))
    first, _, end = moments.of(asked["subject_id"].to_numpy())
    some = end > first
    owner, place = cut.spread(first, np.where(some, end if several else first + 1, first + 1))
    place = np.minimum(place, len(moments.time))
    start = np.where(some[owner], moments.at(place), NEVER).astype("datetime64[us]")
    visit = np.append(moments.events["visit"].fill_null(NEVER).to_numpy(), NEVER)[place]
    draft = Draft(_rows(asked[owner], start), flow, np.where(some[owner], visit, NEVER), several)
    twice = len(line.time) - len(moments.time) if several else 0
    draft = draft.noted(f"{name} events at a moment that already has one", twice)
    return _numbered(draft).without(~some[owner], "trigger" if plan.trigger else "index", f"no {name} event")


def _numbered(draft: Draft) -> Draft:
    """With row ids #1, #2, … for the rows of each subject in turn, where it may have several."""
    if not draft.several:
        return draft
    owner, rows = draft.rows.subject_id, draft.rows
    new = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    number = np.arange(len(owner)) - np.maximum.accumulate(np.where(new, np.arange(len(owner)), 0)) + 1
    ordinal = np.where(np.isnat(rows.start), "", np.char.add("#", number.astype(str)))
    return replace(draft, rows=replace(rows, row_id=np.char.add(rows.source_id, ordinal)))


def _rows(asked: pl.DataFrame, start: Array) -> Cohort:
    source = asked["source_id"].to_numpy().astype(str)
    count = len(source)
    return Cohort(
        subject_id=asked["subject_id"].to_numpy(),
        source_id=source,
        row_id=source,
        start=start,
        time=start,
        part=np.full(count, "", dtype="<U5"),
        target=Target(np.zeros((count, 0)), np.zeros((count, 0), bool), ()),
    )


def _included(plan: config.Cohort, draft: Draft) -> Draft:
    if not plan.include:
        return draft
    absent = len(set(plan.include) - set(draft.rows.source_id))
    draft = draft.noted("subjects of cohort.include without a row", absent)
    return draft.without(~np.isin(draft.rows.source_id, plan.include), "include", "not in the list of subjects")


# --------------------------------------------------------------------------------------------------------------- the prediction


def _at(draft: Draft, at: datetime) -> Draft:
    """One moment for all; the last start before it is meant."""
    moment = _moment(at)
    draft = draft.without(draft.rows.start > moment, "time", "the index event comes after the time asked for")
    later = np.append(draft.rows.subject_id[1:] == draft.rows.subject_id[:-1], False)[: len(draft.rows)]
    draft = draft.without(later, "time", "a later index event comes before the time asked for")
    return replace(draft, rows=replace(draft.rows, time=np.full(len(draft.rows), moment)))


def _moment(at: datetime) -> np.datetime64:
    if at.tzinfo is None:
        raise UsageError(
            "the time of the prediction has no time zone", hint="write it as 2026-01-31T08:00:00+00:00, or end it in Z"
        )
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")


def _predicted(plan: config.Cohort, predicates: Predicates, draft: Draft) -> Draft:
    """Each row with its moment of prediction, or with one row for each of them."""
    told = windows.before_prediction(plan)
    found = View(predicates, draft.around, then=False)
    known = spans.laid(told, found)
    one = windows.predict_at(plan, told)
    moment = spans.edge(one, found, known)
    rows = replace(draft.rows, time=np.where(moment.lacking, NEVER, moment.time).astype("datetime64[us]"))
    draft = replace(draft, rows=rows)
    if plan.every:
        draft = _repeated(draft, plan, known[plan.during], found)
    sought = one.seek or (one.window and any(window.start.seek or window.end.seek for window in told))
    return draft.without(np.isnat(draft.rows.time), "time", one.absent) if sought else draft


def _repeated(draft: Draft, plan: config.Cohort, during: Span, found: View) -> Draft:
    """A row at the first moment, and at every later one, until the window or the record ends; where asked, one at that end.

    What ends before the first moment has, where that is asked, its one row at its end.
    """
    every = config.microseconds(plan.every or "0s")
    first = cut.microseconds_of(draft.rows.time)
    last = np.minimum(during.end.time - 1, found.record[1])
    short = plan.at_end & (first != NEVER) & (last < first) & (last >= cut.microseconds_of(draft.rows.start))
    first = np.where(short, last, first)
    times = np.where(first == NEVER, 1, np.maximum((last - np.maximum(first, 0)) // every + 1, 1))
    left = plan.at_end & (first != NEVER) & (last > first + (times - 1) * every)
    row, ordinal = cut.spread(np.zeros(len(first), np.int64), times + left)
    time = np.where(ordinal == times[row], last[row], first[row] + ordinal * every)
    time = np.where(first[row] == NEVER, NEVER, time)
    order = np.lexsort((time, draft.rows.subject_id[row]))
    rows = replace(draft.rows.take(row[order]), time=time[order].astype("datetime64[us]"))
    return _numbered(replace(draft, rows=rows, visit=draft.visit[row[order]], several=True))


def _known(line: Timeline, rows: Cohort) -> Array:
    """Whether the event that a row starts from was known at the prediction."""
    if line.available is None and line.superseded is None:
        return np.ones(len(rows), bool)
    start = cut.microseconds_of(rows.start)
    pairs = cut.spread(line.since(rows.subject_id, start), line.after(rows.subject_id, start))
    row, _ = line.current(*pairs, cut.microseconds_of(rows.time))
    return np.isin(np.arange(len(rows)), row)
