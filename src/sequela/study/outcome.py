"""What became of each row: an event within a time, a number measured later, or a label that the data carries.

A label that cannot be known is missing, never 0: a row is a negative only where it was observed to the end of its horizon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study import ahead, banded, cut, follow_up, hierarchy, labels, lettered, marked, paired, spanned, tagged
from sequela.study.cut import ALWAYS, NEVER, Timeline
from sequela.study.labels import TargetKind
from sequela.study.records import Records, matching
from sequela.study.stamped import own
from sequela.types import Array, Cohort, Target


@dataclass(frozen=True, slots=True)
class Unusable:
    """Rows that cannot be asked, or (with `later`) that only what happened after the prediction makes unusable."""

    rows: Array  # bool "N"
    reason: str
    later: bool


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The Target of N rows, the rows that it makes unusable, and what was counted on the way."""

    target: Target
    unusable: list[Unusable] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    event: Array | None = None  # int64 "N": microseconds of the event of a yes-or-no or survival question; NEVER where none is


@dataclass(frozen=True, slots=True)
class Horizon:
    """Of each row, in microseconds: an outcome counts after `begin` and up to `end`."""

    start: Array  # the index event
    time: Array  # the prediction
    begin: Array
    end: Array  # ALWAYS where it is open
    observed: Array  # bool: the row was followed to the end


def resolve(store: Records, outcome: config.Outcome, kind: TargetKind, rows: Cohort, *, labelled: bool) -> Outcomes:
    """The outcomes of these rows. With `labelled` False, one that is absent or not understood is missing; nothing is refused.

    Raises ConfigError for an outcome that does not fit the kind of question, DataError for labels that cannot be understood.
    """
    own_way = _OWN_WAY.get(kind)
    if own_way is not None:
        return own_way(store, outcome, rows, labelled)
    _refuse_others(outcome, kind)
    codes, columns = _listed(outcome.code), _listed(outcome.column)
    if outcome.soft and (kind not in ("binary", "multilabel") or not columns or outcome.classes or outcome.cuts):
        raise ConfigError("outcome.soft is of yes-or-no columns without classes or cuts", hint="leave out outcome.soft")
    if bool(codes) == bool(columns):
        raise ConfigError(
            "an outcome has either a code or a column", hint='outcome.code = "DEATH//…", or outcome.column = "label"'
        )
    if columns:
        return _by_column(store, outcome, columns, kind, rows, labelled=labelled)
    _check_code(outcome, codes, kind, rows)
    if outcome.value:
        return _by_value(store, outcome, codes, rows)
    return _by_event(store, outcome, codes, kind, rows)


def _refuse_others(outcome: config.Outcome, kind: TargetKind) -> None:
    """Raises ConfigError where the outcome of a question about rows says what is of another kind of question."""
    if outcome.every:
        raise ConfigError(f"outcome.every is of a forecast, not of a {kind} question", hint='task = "forecast"')
    if outcome.delay != "0s" or outcome.lasting:
        raise ConfigError(f"outcome.delay and lasting are of tagging, not of a {kind} question", hint='task = "tagging"')
    if outcome.letters:
        raise ConfigError(f"outcome.letters is of tagging, not of a {kind} question", hint='task = "tagging"')
    if outcome.mask or outcome.boxes:
        raise ConfigError(f"a {kind} outcome is no mask and no boxes", hint='task = "segment" or "detect"')
    if outcome.spans:
        raise ConfigError(f"a {kind} outcome is no stretches of a text", hint='task = "entities"')
    if outcome.pairs:
        raise ConfigError(f"a {kind} outcome is no pairs of places", hint='task = "contact"')
    if outcome.horizons or outcome.follow_up or outcome.entry or outcome.unit != "days":
        raise ConfigError(
            f"outcome.horizons, follow_up, entry and unit are of survival, not of a {kind} question", hint='task = "survival"'
        )
    if outcome.separator and (kind != "multilabel" or not isinstance(outcome.column, str) or not outcome.column):
        raise ConfigError("outcome.separator is of one column that holds several labels", hint='task = "multilabel"')


def _tagged(store: Records, outcome: config.Outcome, rows: Cohort, labelled: bool) -> Outcomes:
    if outcome.letters:
        found, odd, told = lettered.read(store, outcome, rows, labelled=labelled)
        return Outcomes(found, [Unusable(which, reason, later=True) for reason, which in odd.items()], told)
    target, notes = tagged.read(store, outcome, rows, labelled=labelled)
    return Outcomes(target, notes=notes)


def _spanned(store: Records, outcome: config.Outcome, rows: Cohort, labelled: bool) -> Outcomes:
    target, notes = spanned.read(store, outcome, rows, labelled=labelled)
    return Outcomes(target, notes=notes)


def _paired(store: Records, outcome: config.Outcome, rows: Cohort, labelled: bool) -> Outcomes:
    target, odd = paired.read(store, outcome, rows, labelled=labelled)
    return Outcomes(target, [Unusable(which, reason, later=True) for reason, which in odd.items()])


def _timed(store: Records, outcome: config.Outcome, rows: Cohort, labelled: bool) -> Outcomes:
    found = follow_up.read(store, outcome, rows, labelled=labelled)
    unusable = [Unusable(*found.happened, later=False), *(Unusable(out, reason, later=True) for out, reason in found.later)]
    return Outcomes(found.target, unusable, dict(found.notes), found.event)


def _ahead(store: Records, outcome: config.Outcome, rows: Cohort, labelled: bool) -> Outcomes:
    return Outcomes(ahead.read(store, outcome, rows))


def _segmented(store: Records, outcome: config.Outcome, rows: Cohort, labelled: bool) -> Outcomes:
    return Outcomes(_marked(store, outcome, "segment", rows, labelled=labelled))


def _detected(store: Records, outcome: config.Outcome, rows: Cohort, labelled: bool) -> Outcomes:
    return Outcomes(_marked(store, outcome, "detect", rows, labelled=labelled))


def _marked(store: Records, outcome: config.Outcome, kind: TargetKind, rows: Cohort, *, labelled: bool) -> Target:
    """Raises ConfigError for an outcome of segment that is no mask, of detect that is no boxes, or that is anything else too."""
    wanted, given = ("mask", outcome.mask) if kind == "segment" else ("boxes", outcome.boxes)
    alone = config.Outcome(
        mask=outcome.mask, boxes=outcome.boxes, instances=outcome.instances and kind == "segment", classes=outcome.classes
    )
    if not given or outcome != alone or (outcome.mask and outcome.boxes):
        raise ConfigError(f"the outcome of {kind} is {wanted} and their classes", hint=f'outcome.{wanted} = "…", classes = […]')
    read = marked.masks if kind == "segment" else marked.boxes
    return read(store, outcome, rows, labelled=labelled)


def _none(store: Records, outcome: config.Outcome, rows: Cohort, labelled: bool) -> Outcomes:
    """Every row as it is: what it is asked stands in its own input, and is counted once that is read."""
    if outcome != config.Outcome():
        raise ConfigError("next_event foresees its input, and the study has an outcome", hint="leave out [outcome]")
    count = len(rows)
    return Outcomes(Target(np.zeros((count, 1)), np.ones((count, 1), bool), ("next",)))


# of the kinds whose truth is no label of a row
_OWN_WAY: Mapping[TargetKind, Callable[[Records, config.Outcome, Cohort, bool], Outcomes]] = {
    "next_event": _none,
    "forecast": _ahead,
    "segment": _segmented,
    "detect": _detected,
    "tagging": _tagged,
    "entities": _spanned,
    "survival": _timed,
    "contact": _paired,
}


def _listed(given: str | list[str]) -> list[str]:
    return [given] if isinstance(given, str) and given else list(given)


# ---------------------------------------------------------------------------------------------------------------- label columns


def _by_column(
    store: Records, outcome: config.Outcome, columns: list[str], kind: TargetKind, rows: Cohort, *, labelled: bool
) -> Outcomes:
    if outcome.within or outcome.value:
        raise ConfigError("outcome.within and outcome.value belong to outcome.code, not to a label column")
    if labelled:
        _check_columns(store, columns)
    found = {column: _raw_labels(store, f"LABEL//{column}", rows) for column in columns}
    given = {column: [raw for raw, _ in pairs] for column, pairs in found.items()}
    twofold = np.array([[different for _, different in pairs] for pairs in found.values()], bool).reshape(len(columns), len(rows))
    if outcome.separator:
        given = labels.several(hierarchy.widened(given[columns[0]], outcome), outcome, rows.subject_id)
    try:
        read = _read(given, kind, outcome)
    except DataError:
        if labelled:
            raise
        read = _read({column: [None] * len(rows) for column in columns}, kind, outcome)
    conflict = Unusable(np.any(twofold, axis=0, keepdims=False), "two different labels", later=True)
    return Outcomes(read.target, [conflict], _counted(read))


def _counted(read: labels.Read) -> dict[str, int]:
    """What a user should know of the labels."""
    between = 0 if read.target.soft is None else int((~np.isnan(read.target.soft)).sum())
    found = {"labels that no class gathers": read.unlisted, "labels between 0 and 1, which training alone learns": between}
    return {text: count for text, count in found.items() if count}


def _read(given: Mapping[str, Sequence[str | None]], kind: TargetKind, outcome: config.Outcome) -> labels.Read:
    """The raw labels as they are, or, with cuts, the classes that their numbers fall into."""
    if outcome.separator:
        return labels.read(given, kind, ())
    if not outcome.cuts:
        return labels.read(given, kind, outcome.classes, soft=outcome.soft)
    banded.check(outcome.cuts, kind)
    if outcome.classes or len(given) != 1:
        raise ConfigError("outcome.cuts make the classes of one column", hint="leave out classes")
    number = labels.read(given, "regression", ()).target
    return labels.Read(banded.classes(number.values[:, 0], number.known[:, 0], outcome.cuts, kind))


def _check_columns(store: Records, columns: list[str]) -> None:
    present = [code.removeprefix("LABEL//") for code, kind in store.kinds.items() if kind == "label"]
    for column in columns:
        if column not in present:
            raise DataError(f"the data has no label column {column!r}", hint=nearest(column, present))


def _raw_labels(store: Records, code: str, rows: Cohort) -> list[tuple[str | None, bool]]:
    """Of each row its raw label (None where missing) and whether it has two that differ (then None too).

    A row's label is the one stamped as its index event; where it has none, the subject's label without time.
    """
    events = own(store.events([code]), rows)
    found = events.select("row", labels.raw(events)).drop_nulls()
    found = found.group_by("row").agg(pl.col("raw").first(), (pl.col("raw").n_unique() > 1).alias("twofold"))
    every = pl.DataFrame({"row": np.arange(len(rows))}).join(found, on="row", how="left", maintain_order="left")
    twofold = pl.col("twofold").fill_null(False)
    return every.select(pl.when(~twofold).then("raw").alias("raw"), twofold.alias("twofold")).rows()


# ----------------------------------------------------------------------------------------------------------------------- events


def _check_code(outcome: config.Outcome, codes: list[str], kind: TargetKind, rows: Cohort) -> None:
    if len(rows) and np.isnat(rows.time).all():
        raise ConfigError("an outcome by code needs rows with a time", hint='name an index event, or use outcome.column = "…"')
    if outcome.classes:
        raise ConfigError("outcome.classes belongs to outcome.column, not to a code")
    if kind == "multiclass":
        raise ConfigError(
            "a multiclass outcome is read from a label column", hint='outcome.column = "…"; or the task "multilabel"'
        )
    if (kind == "regression") != bool(outcome.value):
        raise ConfigError(
            f"a {kind} outcome by code {'needs' if kind == 'regression' else 'takes no'} outcome.value",
            hint="first, last, mean, …",
        )
    if kind == "binary" and len(codes) != 1:
        raise ConfigError(f"a binary outcome has one code, not {len(codes)}", hint='the task "multilabel" takes several')
    if not outcome.value and not outcome.within:
        raise ConfigError(
            "outcome.within is missing: how long after the prediction does the event count?", hint='"stay", or "30d"'
        )


def _by_event(store: Records, outcome: config.Outcome, codes: list[str], kind: TargetKind, rows: Cohort) -> Outcomes:
    horizon = _horizon(store, outcome, rows)
    each = [_event(_events(store, code), horizon, rows, recurs=outcome.recurs) for code in codes]
    happened, soon, hit, when = (np.stack(columns, 1) for columns in zip(*each, strict=True))
    known = (hit | horizon.observed[:, None]) & ~happened & ~soon
    unusable = _ended(outcome, horizon)
    if kind == "binary":
        unusable += [
            Unusable(happened[:, 0], "the outcome had already happened", later=False),
            Unusable(soon[:, 0], "the outcome came within the gap", later=True),
            Unusable(~known[:, 0], "not observed to the end of the horizon", later=True),
        ]
    target = Target((hit & known).astype(float), known, tuple(codes))
    return Outcomes(target, unusable, event=when[:, 0] if kind == "binary" else None)


def _event(line: Timeline, horizon: Horizon, rows: Cohort, *, recurs: bool) -> tuple[Array, Array, Array, Array]:
    """Of each row whether the event had happened by the prediction, came within the gap, came within the horizon; and when."""
    subject = rows.subject_id
    first, _, _ = line.of(subject)
    known = line.after(subject, horizon.time)
    happened = known > line.since(subject, horizon.start) if recurs else known > first
    begun = line.after(subject, np.minimum(horizon.begin, horizon.end))
    done = line.after(subject, horizon.end)
    hit = done > begun
    return happened, begun > known, hit, np.where(hit, line.at(begun), NEVER)


def _by_value(store: Records, outcome: config.Outcome, codes: list[str], rows: Cohort) -> Outcomes:
    horizon = _horizon(store, outcome, rows)
    values = np.stack([_value(_events(store, code, numeric=True), horizon, rows, outcome.value) for code in codes], 1)
    whole = np.ones(len(rows), bool) if outcome.value == "first" else horizon.observed
    known = ~np.isnan(values) & whole[:, None]
    return Outcomes(Target(np.where(known, values, 0.0), known, tuple(codes)), _ended(outcome, horizon))


def _value(line: Timeline, horizon: Horizon, rows: Cohort, which: str) -> Array:
    """Of each row that number of the events in its horizon, NaN where there are none."""
    first, end = line.after(rows.subject_id, horizon.begin), line.after(rows.subject_id, horizon.end)
    owner, place = cut.spread(first, end)
    number = line.events["numeric_value"].cast(pl.Float64)[place]
    found = pl.DataFrame({"row": owner, "number": number}).group_by("row").agg(getattr(pl.col("number"), which)())
    values = np.full(len(rows), np.nan)
    values[found["row"].to_numpy()] = found["number"].to_numpy()
    return values


def _events(store: Records, code: str, *, numeric: bool = False) -> Timeline:
    found = matching(store, code)
    events = store.events(found)
    return cut.timeline(events.filter(pl.col("numeric_value").is_finite()) if numeric else events)


def _horizon(store: Records, outcome: config.Outcome, rows: Cohort) -> Horizon:
    start, time = cut.microseconds_of(rows.start), cut.microseconds_of(rows.time)
    begin = time + config.microseconds(outcome.gap)
    if outcome.within == "stay":
        end = _first_after(cut.timeline(store.events(matching(store, outcome.stay_end))), rows, start)
        return Horizon(start, time, begin, end, end < ALWAYS)
    if not outcome.within:
        return Horizon(start, time, begin, np.full(len(rows), ALWAYS), np.ones(len(rows), bool))
    end = begin + config.microseconds(outcome.within)
    return Horizon(start, time, begin, end, _followed_until(store, rows) >= end)


def _first_after(line: Timeline, rows: Cohort, time: Array) -> Array:
    _, _, last = line.of(rows.subject_id)
    place = line.after(rows.subject_id, time)
    return np.where(place < last, line.at(place), ALWAYS)


def _followed_until(store: Records, rows: Cohort) -> Array:
    """The time of each row's subject's last event of any kind."""
    line = cut.timeline(store.events().select("subject_id", "time"))
    return line.at(line.last_known(rows.subject_id, np.full(len(rows), ALWAYS)))


def _ended(outcome: config.Outcome, horizon: Horizon) -> list[Unusable]:
    if outcome.within != "stay":
        return []
    before = horizon.end < horizon.time
    within_gap = ~before & (horizon.end < horizon.begin)
    return [
        Unusable(before, "the stay had ended before the prediction", later=False),
        Unusable(within_gap, "the stay ended within the gap", later=True),
    ]
