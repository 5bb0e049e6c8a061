"""Outcomes read in a window of the cohort: whether something happens in it, which codes, what number, how long it lasts.

A label is missing, never 0, where the record ends before its window does and the event was not met (unless the study says that
it counts as a negative). One that was known already at the prediction is no question: such a row of a binary question is left
out, such a label of several is masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study import banded, cut, spans, windows
from sequela.study.cut import ALWAYS, NEVER
from sequela.study.labels import TargetKind
from sequela.study.outcome import Outcomes, Unusable
from sequela.study.predicates import Predicates, listed, matching
from sequela.study.spans import Rows, Span, View
from sequela.types import Array, Target

_HOURS = {"hours": 3.6e9, "days": 8.64e10}  # microseconds


@dataclass(frozen=True, slots=True)
class _Asked:
    """A window of N rows, in the end and as it was known at the prediction."""

    span: Span
    end: View
    before: Span
    then: View
    observed: Array  # bool "N": the record goes on to its end

    @property
    def rows(self) -> Rows:
        return self.end.rows


def resolve(study: config.Study, kind: TargetKind, predicates: Predicates, rows: Rows) -> Outcomes:
    """The outcomes of these rows; what is not known of a row, or not there, is missing.

    Raises ConfigError for an outcome that does not fit its window or the question, DataError for codes that are not there.
    """
    outcome = study.outcome
    _check(outcome, study.cohort, kind)
    asked = _asked(study, predicates, rows)
    if outcome.length or outcome.value:
        return _number(outcome, asked)
    names, hit, before = _vocabulary(outcome, asked) if outcome.codes else _labels(listed(outcome.label), asked)
    return _happened(outcome, kind, asked, names, hit, before)


def _asked(study: config.Study, predicates: Predicates, rows: Rows) -> _Asked:
    laid = windows.ordered(study.cohort)
    end, then = (View(predicates, rows, then=then) for then in (False, True))
    span = spans.laid(laid, end)[study.outcome.window]
    followed = study.outcome.censored == "negative" or bool(span.window.end.seek)
    observed = np.ones(len(rows.subject), bool) if followed else end.record[1] >= span.end.time
    return _Asked(span, end, spans.laid(laid, then)[study.outcome.window], then, observed & ~span.lacking)


# ----------------------------------------------------------------------------------------------------------------------- events


def _labels(names: Sequence[str], asked: _Asked) -> tuple[Sequence[str], Array, Array]:
    """Names of K predicates; whether each holds in the window, and whether that was known at the prediction: bool "N K"."""
    hit = [asked.end.count(name, asked.span) > 0 for name in names]
    before = [asked.then.count(name, asked.before) > 0 for name in names]
    return names, np.stack(hit, 1), np.stack(before, 1)


def _vocabulary(outcome: config.Outcome, asked: _Asked) -> tuple[Sequence[str], Array, Array]:
    """The same of every code that fits the patterns and that enough subjects have."""
    predicates = asked.end.predicates
    events = _fitting(outcome, predicates)
    fixed = [one for one in listed(outcome.codes) if not one.startswith("/") and "*" not in one]
    names = sorted({*events["label"], *fixed})
    hit, before = (np.zeros((len(asked.rows.subject), len(names)), bool) for _ in range(2))
    line = cut.timeline(events)
    code = np.searchsorted(names, line.events["label"].to_numpy()) if names else np.zeros(0, np.int64)
    for found, span, view in ((hit, asked.span, asked.end), (before, asked.before, asked.then)):
        row, place = view.inside(line, asked.rows.subject, span)
        found[row, code[place]] = True
    return names, hit, before


def _fitting(outcome: config.Outcome, predicates: Predicates) -> pl.DataFrame:
    """The timed events of the vocabulary, each under every `label` that it tells."""
    store = predicates.store
    pairs = predicates.broader if outcome.broader else store.codes.select("code", broader="code")
    fitting = matching(pairs["broader"].unique(), listed(outcome.codes), "outcome.codes")
    if not fitting and predicates.strict:
        raise DataError(
            f"the data has no code that fits outcome.codes ({', '.join(listed(outcome.codes)[:3])})",
            hint=nearest(listed(outcome.codes)[0], store.codes["code"].to_list()),
        )
    labels = pairs.filter(pl.col("broader").is_in(sorted(fitting))).rename({"broader": "label"})
    events = store.events(labels["code"].unique().to_list(), predicates.subjects).filter(pl.col("time").is_not_null())
    told = events.join(labels, on="code", maintain_order="left")
    return told.filter(pl.col("subject_id").n_unique().over("label") >= outcome.min_subjects)


def _happened(
    outcome: config.Outcome, kind: TargetKind, asked: _Asked, names: Sequence[str], hit: Array, before: Array
) -> Outcomes:
    known = (hit | asked.observed[:, None]) & ~before & ~asked.span.lacking[:, None]
    target = Target((hit & known).astype(float), known, tuple(names))
    unusable = []
    if kind == "binary":
        unusable = [
            Unusable(before[:, 0], "the outcome had already happened", later=False),
            Unusable(~known[:, 0] & ~before[:, 0], "the record ends before the window does", later=True),
        ]
    cut_short = asked.end.record[1] < asked.span.end.time if outcome.censored == "negative" else np.zeros(len(hit), bool)
    count = int((cut_short & ~hit.any(1) & ~asked.span.lacking).sum())
    notes = {"rows whose record ends within the window, taken as negatives": count} if count else {}
    return Outcomes(target, unusable, notes, _when(asked, names[0], hit[:, 0]) if kind == "binary" else None)


def _when(asked: _Asked, name: str, hit: Array) -> Array:
    """The first moment in the window at which the predicate holds, NEVER where it does not; int64 "N"."""
    low, _ = asked.span.counted
    first = asked.end.next(name, low, itself=False, same_visit=asked.span.window.plan.same_visit)
    return np.where(hit & (first != ALWAYS), first, NEVER)


# ---------------------------------------------------------------------------------------------------------------------- numbers


def _number(outcome: config.Outcome, asked: _Asked) -> Outcomes:
    """A number of each row, or the class that it falls into."""
    if outcome.length:
        values, known, name = _lengths(asked, outcome.length), asked.observed, f"{outcome.window}, {outcome.length}"
    else:
        (name,) = listed(outcome.label)
        values = asked.end.summary(name, asked.span, outcome.value)
        known = ~np.isnan(values) & (asked.observed | (outcome.value == "first"))
    early = asked.span.start.time < asked.rows.prediction
    unusable = (
        [Unusable(early & ~asked.span.lacking, "the window starts before the prediction", later=False)] if outcome.value else []
    )
    if outcome.cuts:
        return Outcomes(banded.classes(values, known, outcome.cuts), unusable)
    return Outcomes(Target(np.where(known, values, 0.0)[:, None], known[:, None], (name,)), unusable)


def _lengths(asked: _Asked, unit: str) -> Array:
    span = asked.span
    there = ~span.lacking & (span.end.time != ALWAYS)
    return np.where(there, np.where(there, span.end.time - span.start.time, 0) / _HOURS[unit], np.nan)


# ----------------------------------------------------------------------------------------------------------------------- checks


def _check(outcome: config.Outcome, plan: config.Cohort, kind: TargetKind) -> None:
    if outcome.window not in plan.windows:
        raise ConfigError(
            f"outcome.window names {outcome.window!r}, which is no window", hint=nearest(outcome.window, list(plan.windows))
        )
    if outcome.code or outcome.column or outcome.within or outcome.classes or outcome.soft:
        raise ConfigError(
            "an outcome of a window takes no code, column, within, classes or soft", hint="outcome.label names predicates"
        )
    ways = [bool(outcome.label), bool(outcome.codes), bool(outcome.length)]
    if sum(ways) != 1:
        raise ConfigError("an outcome of a window is one of label, codes and length")
    _check_kind(outcome, kind)


def _check_kind(outcome: config.Outcome, kind: TargetKind) -> None:
    number = bool(outcome.length or outcome.value)
    labels = len(listed(outcome.label))
    needs = {
        "binary": (not number and labels == 1, "one label"),
        "multilabel": (not number, "labels or codes"),
        "regression": (number and not outcome.cuts and labels <= 1, "the length of the window, or a label with a value"),
        "multiclass": (number and bool(outcome.cuts) and labels <= 1, "a length or a value, and the cuts between the classes"),
    }
    if kind not in needs:
        raise ConfigError(f"a {kind} outcome is not read in a window", hint="leave out outcome.window")
    fits, needed = needs[kind]
    if not fits:
        raise ConfigError(f"a {kind} outcome of a window needs {needed}")
    if outcome.cuts:
        banded.check(outcome.cuts, kind)
