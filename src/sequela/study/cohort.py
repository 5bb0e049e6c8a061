"""The rows that a study asks about, and the flow of everything that is not among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import get_args

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError, UsageError
from sequela.registry import nearest
from sequela.study import cut, groups, outcome
from sequela.study.flow import Flow
from sequela.study.labels import TargetKind
from sequela.study.records import Records, kinds, matching
from sequela.types import Array, Cohort, Target

_COMPARISON = re.compile(r"^(?P<code>\S+)\s*(?P<sign><=|>=|==|!=|<|>)\s*(?P<number>-?\d+(\.\d+)?)$")
_SIGNS: dict[str, Callable[[Array, float], Array]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip
_INPUT_KINDS = frozenset({"measurement", "static", "payload"})


@dataclass(frozen=True, slots=True)
class _Draft:
    """Rows so far, and how they came about."""

    rows: Cohort
    flow: Flow

    def without(self, out: Array, what: str, reason: str) -> _Draft:
        """The draft less these rows (bool "N"), with the step counted, even where nobody was left out."""
        keep = ~out
        left = self.rows.take(keep)
        return _Draft(left, self.flow.left_out(what, reason, self.rows.row_id, keep, len(np.unique(left.subject_id))))

    def noted(self, text: str, count: int) -> _Draft:
        return replace(self, flow=self.flow.noted(text, count))


def build(
    store: Records,
    study: config.Study,
    kind: TargetKind | None = None,
    *,
    labelled: bool = True,
    subjects: Sequence[str] | None = None,
    at: datetime | None = None,
) -> tuple[Cohort, Flow]:
    """The rows of a study by subject_id, then time, and the flow that led to them.

    kind: of the target; left out, it is the task's name. labelled: leaves out rows whose label is not known; otherwise they stay,
    with `known` False, and nothing that happened after the prediction leaves a row out. subjects: these alone, by source id.
    at: one moment of prediction for all, with a time zone, instead of `predict_at`.

    Raises DataError, naming the step that did it, where no row remains; ConfigError for what the study cannot mean.
    """
    draft = _drafted(store, study.cohort, subjects, at)
    cohort, flow = _finished(store, study, kind or kind_of(study), draft, labelled=labelled)
    if not len(cohort):
        raise _empty(flow)
    return cohort, flow


def eligible(
    store: Records,
    study: config.Study,
    kind: TargetKind | None = None,
    *,
    subjects: Sequence[str] | None = None,
    at: datetime | None = None,
) -> tuple[Cohort, Flow]:
    """The rows that may be predicted for these subjects; `flow.refused` has the reason for each row or subject that may not.

    The same function as in training decides, from what is known at the prediction alone. There may be no rows.
    """
    return _finished(store, study, kind or kind_of(study), _drafted(store, study.cohort, subjects, at), labelled=False)


def kind_of(study: config.Study) -> TargetKind:
    """The kind of target that a study's task has where its name says so.

    Raises ConfigError for a task that is named otherwise: its kind must be given.
    """
    name = config.choice(study.task, "task").name
    for kind in get_args(TargetKind):
        if kind == name:
            return kind  # type: ignore[no-any-return]
    raise ConfigError(
        f"the task {name!r} does not say what kind of target it has", hint=f"one of {', '.join(get_args(TargetKind))}"
    )


def _drafted(store: Records, plan: config.Cohort, subjects: Sequence[str] | None, at: datetime | None) -> _Draft:
    """The rows that the cohort section alone decides on."""
    draft = _timed(plan, _included(plan, _indexed(store, plan, subjects)), at)
    for exclusion in plan.exclude:
        draft = _excluded(store, plan, exclusion, draft)
    return _first_rows(plan, draft)


def _finished(store: Records, study: config.Study, kind: TargetKind, draft: _Draft, *, labelled: bool) -> tuple[Cohort, Flow]:
    draft = _with_outcome(store, study, kind, draft, labelled=labelled)
    return replace(draft.rows, groups=_groups(store, study.cohort, draft.rows, strict=labelled)), draft.flow


def _empty(flow: Flow) -> DataError:
    step = flow.emptied_by()
    if step is None:
        return DataError("the cohort is empty: the data has none of the subjects asked for")
    return DataError(
        f"the cohort is empty: {step.what} left out the last {step.out} rows ({step.reason})",
        hint="`sequela check` prints the whole flow",
    )


# -------------------------------------------------------------------------------------------------------------------- the index


def _indexed(store: Records, plan: config.Cohort, subjects: Sequence[str] | None) -> _Draft:
    """A row for each index event; a subject without one has a row without time, which the next step counts and leaves out."""
    asked, flow = _asked(store, subjects)
    if plan.index == "SAMPLE":
        return _sampled(store, asked, flow)
    each, code = plan.index.startswith("EACH//"), plan.index.removeprefix("EACH//")
    events = store.events(
        _index_codes(store, code, strict=subjects is None), None if subjects is None else asked["subject_id"].to_list()
    )
    events = events.filter(pl.col("time").is_not_null())
    moments = events.unique(["subject_id", "time"], keep="first", maintain_order=True)
    line = cut.timeline(moments)
    subject = asked["subject_id"].to_numpy()
    first, _, end = line.of(subject)
    some = end > first
    owner, place = cut.spread(first, np.where(some, end if each else first + 1, first + 1))
    start = np.where(some[owner], line.at(np.minimum(place, len(line.time))), cut.NEVER).astype("datetime64[us]")
    draft = _Draft(_rows(asked[owner], start, _ordinal(owner, some) if each else None), flow)
    draft = draft.noted(f"{code} events at a moment that already has one", len(events) - len(moments) if each else 0)
    return draft.without(~some[owner], "index", f"no {code} event")


def _asked(store: Records, subjects: Sequence[str] | None) -> tuple[pl.DataFrame, Flow]:
    everyone = store.subjects.select("subject_id", "source_id").sort("subject_id")
    if subjects is None:
        return everyone, Flow()
    found = everyone.filter(pl.col("source_id").is_in(list(subjects)))
    absent = sorted(set(subjects) - set(found["source_id"]))
    return found, Flow(refused=dict.fromkeys(absent, "not in the data"))


def _sampled(store: Records, asked: pl.DataFrame, flow: Flow) -> _Draft:
    rows = _rows(asked, np.full(len(asked), np.datetime64("NaT"), "datetime64[us]"), None)
    inputs = [code for code, kind in kinds(store).items() if kind in _INPUT_KINDS]
    timed = store.events(inputs, asked["subject_id"].to_list())["time"].count() if len(asked) else 0
    return _Draft(rows, flow.noted("events with a time, which a SAMPLE row does not see", timed))


def _index_codes(store: Records, code: str, *, strict: bool) -> list[str]:
    found = matching(store, code)
    if not found and strict:
        raise DataError(
            f"the data has no {code!r} event for a row to start from", hint=nearest(code, store.codes["code"].to_list())
        )
    return found


def _ordinal(owner: Array, some: Array) -> Array:
    """#1, #2, … for the rows of each subject in turn; "" for the row of a subject without index event."""
    new = np.append(True, owner[1:] != owner[:-1])[: len(owner)]
    number = np.arange(len(owner)) - np.maximum.accumulate(np.where(new, np.arange(len(owner)), 0)) + 1
    return np.where(some[owner], np.char.add("#", number.astype(str)), "")


def _rows(asked: pl.DataFrame, start: Array, ordinal: Array | None) -> Cohort:
    source = asked["source_id"].to_numpy().astype(str)
    count = len(source)
    return Cohort(
        subject_id=asked["subject_id"].to_numpy(),
        source_id=source,
        row_id=source if ordinal is None else np.char.add(source, ordinal),
        start=start,
        time=start,
        part=np.full(count, "", dtype="<U5"),
        target=Target(np.zeros((count, 0)), np.zeros((count, 0), bool), ()),
    )


def _included(plan: config.Cohort, draft: _Draft) -> _Draft:
    if not plan.include:
        return draft
    absent = len(set(plan.include) - set(draft.rows.source_id))
    draft = draft.noted("subjects of cohort.include without a row", absent)
    return draft.without(~np.isin(draft.rows.source_id, plan.include), "include", "not in the list of subjects")


def _timed(plan: config.Cohort, draft: _Draft, at: datetime | None) -> _Draft:
    """The rows with their moment of prediction; at an explicit one, the last index event before it is meant."""
    if at is None:
        return replace(
            draft, rows=replace(draft.rows, time=draft.rows.start + np.timedelta64(config.microseconds(plan.predict_at), "us"))
        )
    if plan.index == "SAMPLE":
        raise UsageError("this study has no times, so none can be asked for", hint="leave out the time")
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


# ------------------------------------------------------------------------------------------------------------------- exclusions


def _excluded(store: Records, plan: config.Cohort, exclusion: config.Exclusion, draft: _Draft) -> _Draft:
    if sum(map(bool, (exclusion.when, exclusion.code, exclusion.subjects))) != 1:
        raise ConfigError(f"the exclusion {exclusion.reason!r} has not exactly one of when, code and subjects")
    if exclusion.when == "no label":
        return draft  # counted where labels are read
    return draft.without(_excludes(store, plan, exclusion, draft.rows), "exclude", exclusion.reason)


def _excludes(store: Records, plan: config.Cohort, exclusion: config.Exclusion, rows: Cohort) -> Array:
    history = None if plan.history is None else config.microseconds(plan.history)
    if exclusion.subjects:
        return np.isin(rows.source_id, exclusion.subjects)
    if exclusion.code:
        return cut.counted(store, rows, None, matching(store, exclusion.code)) > 0
    if exclusion.when == "no measurement":
        return ~(cut.counted(store, rows, history, _of_kinds(store, frozenset({"measurement"}))) > 0)
    if exclusion.when == "no input":
        found = cut.known(store, rows, history, _of_kinds(store, _INPUT_KINDS)).events["row"].unique()
        return ~np.isin(np.arange(len(rows)), found)
    return _compares(store, exclusion, rows)


def _of_kinds(store: Records, wanted: frozenset[str]) -> list[str]:
    return [code for code, kind in kinds(store).items() if kind in wanted]


def _compares(store: Records, exclusion: config.Exclusion, rows: Cohort) -> Array:
    """Whether the latest number known of the code compares so; a row without one is not excluded."""
    match = _COMPARISON.match(exclusion.when)
    if not match:
        raise ConfigError(
            f"the exclusion {exclusion.reason!r} is not understood: {exclusion.when!r}",
            hint='"no measurement", "no input", "no label", or a comparison such as "AGE < 18"',
        )
    number = _latest_number(store, match["code"], rows)
    excluded: Array = np.asarray(_SIGNS[match["sign"]](number, float(match["number"]))) & ~np.isnan(number)
    return excluded


def _latest_number(store: Records, code: str, rows: Cohort) -> Array:
    line = cut.timeline(store.events([code]).filter(pl.col("numeric_value").is_finite()))
    place = line.last_known(rows.subject_id, cut.microseconds_of(rows.time))
    return np.where(place >= 0, np.append(line.events["numeric_value"].to_numpy(), np.nan)[place], np.nan)


def _first_rows(plan: config.Cohort, draft: _Draft) -> _Draft:
    most = plan.max_rows_per_subject
    if most is None:
        return draft
    _, first = np.unique(draft.rows.subject_id, return_index=True)
    count = np.diff(np.append(first, len(draft.rows)))
    place = np.arange(len(draft.rows)) - np.repeat(first, count)
    return draft.without(place >= most, "max_rows_per_subject", f"beyond the first {most} of the subject")


# -------------------------------------------------------------------------------------------------------------- outcome, groups


def _with_outcome(store: Records, study: config.Study, kind: TargetKind, draft: _Draft, *, labelled: bool) -> _Draft:
    found = outcome.resolve(store, study.outcome, kind, draft.rows, labelled=labelled)
    draft = replace(draft, rows=replace(draft.rows, target=found.target))
    for text, count in found.notes.items():
        draft = draft.noted(text, count)
    number = np.arange(len(draft.rows))  # each row's place in found, as rows leave
    for unusable in found.unusable:
        if labelled or not unusable.later:
            out = unusable.rows[number]
            draft, number = draft.without(out, "outcome", unusable.reason), number[~out]
    if not labelled:
        return draft
    reasons = [exclusion.reason for exclusion in study.cohort.exclude if exclusion.when == "no label"]
    return draft.without(~draft.rows.target.known.any(1), "outcome", reasons[0] if reasons else "label not known")


def _groups(store: Records, plan: config.Cohort, rows: Cohort, *, strict: bool) -> dict[str, Array]:
    found = {}
    codes = store.codes["code"].to_list()
    for group in map(groups.declared, plan.groups):
        if strict:
            groups.check(group, codes)
        line = cut.timeline(store.events([group.code]))
        found[group.name] = groups.column(group, line, line.last_known(rows.subject_id, cut.microseconds_of(rows.time)))
    return found
