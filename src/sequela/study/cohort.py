"""The rows that a study asks about, and the flow of everything that is not among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args

import numpy as np
import polars as pl

from sequela import config, registry
from sequela.errors import ConfigError, DataError
from sequela.metrics.table import Kind
from sequela.study import cut, groups, hierarchy, outcome, spans, triggers, windowed, windows
from sequela.study.flow import Flow
from sequela.study.labels import TargetKind
from sequela.study.predicates import Predicates
from sequela.study.records import Records, matching
from sequela.study.spans import Verdict, View
from sequela.study.triggers import INPUT_KINDS, Draft
from sequela.types import Array, Cohort, Target

_COMPARISON = re.compile(r"^(?P<code>\S+)\s*(?P<sign><=|>=|==|!=|<|>)\s*(?P<number>-?\d+(\.\d+)?)$")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_SIGNS: dict[str, Callable[[Array, float], Array]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal, "!=": np.not_equal,
}  # fmt: skip


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
    cohort, flow = _built(store, study, kind or kind_of(study), labelled=labelled, subjects=subjects, at=at)
    if not len(cohort):
        raise empty(flow)
    return cohort, flow


def labelled(store: Records, study: config.Study, kind: TargetKind | None = None) -> tuple[Cohort, Flow]:
    """As `build`, of records that may have no row: a shard of a store."""
    return _built(store, study, kind or kind_of(study), labelled=True, subjects=None, at=None)


def _built(
    store: Records,
    study: config.Study,
    kind: TargetKind,
    *,
    labelled: bool,
    subjects: Sequence[str] | None,
    at: datetime | None,
) -> tuple[Cohort, Flow]:
    predicates = _predicates(store, study, subjects, strict=subjects is None)
    draft = _drafted(store, study.cohort, predicates, subjects, at, strict=labelled)
    return _finished(store, study, kind, predicates, draft, labelled=labelled)


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
    predicates = _predicates(store, study, subjects, strict=False)
    draft = _drafted(store, study.cohort, predicates, subjects, at, strict=False)
    return _finished(store, study, kind or kind_of(study), predicates, draft, labelled=False)


def kind_of(study: config.Study) -> TargetKind:
    """The kind of target that a study's task has: its name, or what its module says as KIND.

    Raises ConfigError for a task that says neither: its kind must be given.
    """
    name = config.choice(study.task, "task").name
    said = name if name in get_args(TargetKind) else getattr(registry.module("tasks", name), "KIND", "")
    for kind in get_args(TargetKind):
        if kind == said:
            return kind  # type: ignore[no-any-return]
    raise ConfigError(
        f"the task {name!r} does not say what kind of target it has", hint=f"one of {', '.join(get_args(TargetKind))}"
    )


def judged_as(study: config.Study) -> Kind:
    """How the answers of a study's task are evaluated: as its kind of target, or steps that are tagged as rows with a class."""
    kind = kind_of(study)
    return "multiclass" if kind == "tagging" else kind


def _in_order(study: config.Study, target: Target) -> Target:
    """The target, `ordered` where the order of its classes means something: cuts made them, or the task's module says ORDERED.

    Raises ConfigError where such a task's classes are words and the study does not say their order.
    """
    name = config.choice(study.task, "task").name
    if study.outcome.cuts or name in get_args(TargetKind):
        return replace(target, ordered=bool(study.outcome.cuts))
    if not getattr(registry.module("tasks", name), "ORDERED", False):
        return target
    if not study.outcome.classes and not all(_NUMBER.fullmatch(one) for one in target.names):
        raise ConfigError(
            f"the order of the classes {', '.join(target.names)} is not known",
            hint="outcome.classes lists them from first to last",
        )
    return replace(target, ordered=True)


def _predicates(store: Records, study: config.Study, subjects: Sequence[str] | None, *, strict: bool) -> Predicates:
    found = None if subjects is None else store.subjects.filter(pl.col("source_id").is_in(list(subjects)))["subject_id"].to_list()
    return Predicates(store, study.cohort.predicates, found, strict)


def _drafted(
    store: Records,
    plan: config.Cohort,
    predicates: Predicates,
    subjects: Sequence[str] | None,
    at: datetime | None,
    *,
    strict: bool,
) -> Draft:
    """The rows that the cohort section alone decides on, with their groups, so that each step is counted by group."""
    draft = triggers.drafted(store, plan, predicates, subjects, at)
    draft = replace(draft, rows=replace(draft.rows, groups=_groups(store, plan, draft.rows, strict=strict)))
    draft = _windowed(plan, predicates, draft)
    for exclusion in plan.exclude:
        draft = _excluded(store, plan, exclusion, draft)
    return _first_rows(plan, draft)


def _finished(
    store: Records, study: config.Study, kind: TargetKind, predicates: Predicates, draft: Draft, *, labelled: bool
) -> tuple[Cohort, Flow]:
    if labelled:
        draft = _borne_out(study.cohort, predicates, draft)
    draft = _with_outcome(store, study, kind, predicates, draft, labelled=labelled)
    return draft.rows, draft.flow


def empty(flow: Flow) -> DataError:
    """What to say of a flow that led to no row."""
    step = flow.emptied_by()
    if step is None:
        return DataError("the cohort is empty: the data has none of the subjects asked for")
    return DataError(
        f"the cohort is empty: {step.what} left out the last {step.out} rows ({step.reason})",
        hint="`sequela check` prints the whole flow",
    )


# --------------------------------------------------------------------------------------------------------------------- windows


def _windowed(plan: config.Cohort, predicates: Predicates, draft: Draft) -> Draft:
    """Without the rows whose windows, as they were known at the prediction, do not hold what the study asks of them."""
    then = View(predicates, draft.around, then=True)
    found = spans.laid(windows.ordered(plan), then)
    during = spans.within(found[plan.during], then) if plan.during else []
    return _without_each(draft, [*during, *spans.decided(found, then)])


def _borne_out(plan: config.Cohort, predicates: Predicates, draft: Draft) -> Draft:
    """Without those whose windows turned out otherwise after the prediction."""
    asked = windows.ordered(plan)
    then, end = (View(predicates, draft.around, then=then) for then in (True, False))
    found = {name: span for name, span in spans.laid(asked, end).items() if not windows.surely_over(span.window, plan)}
    return _without_each(draft, spans.borne_out(spans.laid(asked, then), found, end))


def _without_each(draft: Draft, verdicts: Iterable[Verdict]) -> Draft:
    number = np.arange(len(draft.rows))  # each row's place in the verdicts, as rows leave
    for verdict in verdicts:
        out = verdict.out[number]
        draft, number = draft.without(out, verdict.what, verdict.reason), number[~out]
    return draft


# ------------------------------------------------------------------------------------------------------------------- exclusions


def _excluded(store: Records, plan: config.Cohort, exclusion: config.Exclusion, draft: Draft) -> Draft:
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
        found = cut.known(store, rows, history, _of_kinds(store, INPUT_KINDS)).events["row"].unique()
        return ~np.isin(np.arange(len(rows)), found)
    return _compares(store, exclusion, rows)


def _of_kinds(store: Records, wanted: frozenset[str]) -> list[str]:
    return [code for code, kind in store.kinds.items() if kind in wanted]


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


def _first_rows(plan: config.Cohort, draft: Draft) -> Draft:
    most = plan.max_rows_per_subject
    if most is None:
        return draft
    _, first = np.unique(draft.rows.subject_id, return_index=True)
    count = np.diff(np.append(first, len(draft.rows)))
    place = np.arange(len(draft.rows)) - np.repeat(first, count)
    return draft.without(place >= most, "max_rows_per_subject", f"beyond the first {most} of the subject")


# -------------------------------------------------------------------------------------------------------------- outcome, groups


def _with_outcome(
    store: Records, study: config.Study, kind: TargetKind, predicates: Predicates, draft: Draft, *, labelled: bool
) -> Draft:
    if study.outcome.window:
        found = windowed.resolve(study, kind, predicates, draft.around)
    else:
        found = outcome.resolve(store, study.outcome, kind, draft.rows, labelled=labelled)
    told = hierarchy.propagated(study.outcome, kind, found.target)
    when = None if found.event is None else found.event.astype("datetime64[us]")
    draft = replace(draft, rows=replace(draft.rows, target=_in_order(study, told), event=when))
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
    return draft.without(~draft.rows.target.learnt.known.any(1), "outcome", reasons[0] if reasons else "label not known")


def _groups(store: Records, plan: config.Cohort, rows: Cohort, *, strict: bool) -> dict[str, Array]:
    found = {}
    codes = store.codes["code"].to_list()
    for group in map(groups.declared, plan.groups):
        if group.sequence:
            continue  # of all rows at once, by homology.grouped, where they are split
        if group.elapsed:
            found[group.name] = groups.elapsed(group, cut.microseconds_of(rows.start), cut.microseconds_of(rows.time))
            continue
        if strict:
            groups.check(group, codes)
        line = cut.timeline(store.events([group.code]))
        found[group.name] = groups.column(group, line, line.last_known(rows.subject_id, cut.microseconds_of(rows.time)))
    return found
