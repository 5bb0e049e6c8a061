"""When what a survival study asks about came to each row, or until when it was seen not to: days after the prediction.

The first of the causes ends a row's follow-up. One at the very moment at which observation ends was seen; one after it was not,
and is counted. Of a row whose event or end does not come after the prediction nothing can be said: it is unusable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study import cut
from sequela.study.cut import ALWAYS, DAY, NEVER, Timeline
from sequela.study.records import Records, matching
from sequela.types import Array, Cohort, Horizon, Target, Times

EVENT = "EVENT//"  # before the name of a cause, as the reader `survival` writes it
BEYOND = "events after the end of observation, not counted"


@dataclass(frozen=True, slots=True)
class Found:
    """What became of N rows, and what makes some of them unusable: reasons, each with its rows (bool "N")."""

    target: Target
    happened: tuple[Array, str]  # known at the prediction
    later: Sequence[tuple[Array, str]]  # known by what came after it
    notes: Mapping[str, int]  # what a user should know besides -> how many times
    event: Array  # int64 "N": microseconds of the event, NEVER where none was seen


def read(store: Records, outcome: config.Outcome, rows: Cohort, *, labelled: bool) -> Found:
    """The Times of these rows; of one that cannot be used the target is not known, and its time is that of the last horizon.

    Raises ConfigError for an outcome that is no time to an event, or rows without time; with `labelled` DataError where the data
    has no such event.
    """
    causes, horizons = _causes(outcome), horizons_of(outcome)
    if len(rows) and np.isnat(rows.time).all():
        raise ConfigError(
            "a survival outcome needs rows with a time", hint='cohort.index names an event, such as "START", not SAMPLE'
        )
    if labelled:
        _check(store, outcome, causes)
    time = cut.microseconds_of(rows.time)
    first = _first(store, causes, rows, recurs=outcome.recurs)
    end, over = _ended(store, outcome.follow_up, rows)
    entry = _entered(store, outcome.entry, rows)
    seen = first.time <= end
    stop = np.where(seen, first.time, end)
    lacking = stop == ALWAYS
    later = [
        (over & ~first.happened, "observation ended no later than the prediction"),
        (lacking & ~over & ~first.happened, "no event, and no end of observation"),
        (first.twofold & seen, "two causes at one moment"),
        (~lacking & (entry >= stop), "under observation only from its end on"),
    ]
    usable = ~first.happened & ~np.any([out for out, _ in later], axis=0)
    cause = np.where(usable & seen, first.cause, 0)
    days = np.where(usable, (np.where(usable, stop, time) - time) / DAY, horizons[-1].days)
    since = np.where(usable, (np.maximum(entry, time) - time) / DAY, 0.0)
    told = Times(days, cause, since, horizons, outcome.unit)
    target = Target(cause[:, None].astype(np.float64), usable[:, None], tuple(causes), told)
    beyond = int((usable & ~seen & (first.time != ALWAYS)).sum())
    notes = ({BEYOND: beyond} if beyond else {}) | (_unnamed(store, causes, rows, stop, usable) if labelled else {})
    event = np.where(cause > 0, first.time, NEVER)
    return Found(target, (first.happened, "the outcome had already happened"), later, notes, event)


def _unnamed(store: Records, causes: Mapping[str, Sequence[str]], rows: Cohort, stop: Array, usable: Array) -> dict[str, int]:
    """Events of outcome that are no cause here, each with its subjects: it ended their observation, or they were watched on.

    stop: microseconds at which each row's observation ends.
    """
    named = {found for codes in causes.values() for code in codes for found in matching(store, code)}
    others = [code for code, kind in store.kinds.items() if kind == "outcome" and code.startswith(EVENT) and code not in named]
    found = {}
    for code in sorted(others):
        line = _line(store, [code])
        came = _at(line, line.of(rows.subject_id)[1], rows.subject_id)
        for what, rows_so in (("are censored at it", came == stop), ("are watched on after it", came < stop)):
            subjects = len(np.unique(rows.subject_id[usable & rows_so]))
            found[f"subjects with {code}, which the outcome does not name, who {what}"] = subjects
    return {text: count for text, count in found.items() if count}


# ----------------------------------------------------------------------------------------------------------------------- config


def _causes(outcome: config.Outcome) -> dict[str, list[str]]:
    """Each cause with the codes that it gathers, in order.

    Raises ConfigError where the outcome says anything that is not of survival, or names a code twice.
    """
    alone = config.Outcome(
        code=outcome.code,
        classes=outcome.classes,
        horizons=outcome.horizons,
        follow_up=outcome.follow_up,
        entry=outcome.entry,
        unit=outcome.unit,
        recurs=outcome.recurs,
    )
    codes = [outcome.code] if isinstance(outcome.code, str) and outcome.code else list(outcome.code)
    if outcome != alone or not (codes or outcome.classes):
        raise ConfigError(
            "the outcome of survival is its events, by code or gathered into causes, with horizons, follow_up, entry and unit",
            hint='outcome.code = ["EVENT//death", "EVENT//transplant"], horizons = ["1y", "3y"]',
        )
    causes = _gathered(outcome, codes) if outcome.classes else {code.removeprefix(EVENT): [code] for code in codes}
    named = [code for gathers in causes.values() for code in gathers]
    if len(set(named)) < len(named) or (not outcome.classes and len(causes) < len(codes)):
        raise ConfigError("a code stands for two causes, or twice for one", hint="name each code once")
    return causes


def _gathered(outcome: config.Outcome, codes: Sequence[str]) -> dict[str, list[str]]:
    if not isinstance(outcome.classes, Mapping):
        raise ConfigError(
            "outcome.classes of survival is a table: each cause with the codes that it gathers",
            hint='classes = { death = ["EVENT//death"], transplant = ["EVENT//transplant"] }',
        )
    causes = {name: list(gathers) for name, gathers in outcome.classes.items()}
    if empty := [name for name, gathers in causes.items() if not gathers]:
        raise ConfigError(f"the cause {empty[0]!r} gathers no code")
    if codes and {code for gathers in causes.values() for code in gathers} != set(codes):
        raise ConfigError("outcome.code and outcome.classes name other codes", hint="leave out outcome.code")
    return causes


def horizons_of(outcome: config.Outcome) -> tuple[Horizon, ...]:
    """By when answers are judged. Raises ConfigError where there are none, or where they do not rise from above 0."""
    if not outcome.horizons:
        raise ConfigError("outcome.horizons is missing: by when are answers judged?", hint='horizons = ["1y", "3y", "5y"]')
    found = tuple(Horizon(label, config.microseconds(label) / DAY) for label in outcome.horizons)
    if found[0].days <= 0 or any(before.days >= after.days for before, after in pairwise(found)):
        raise ConfigError("outcome.horizons do not rise from above 0", hint="write them from soon to late, each once")
    return found


def _check(store: Records, outcome: config.Outcome, causes: Mapping[str, Sequence[str]]) -> None:
    """Raises DataError, with the nearest code, for one that the data does not have."""
    named = {"outcome.follow_up": [outcome.follow_up], "outcome.entry": [outcome.entry]}
    named |= {f"the cause {name!r}": list(codes) for name, codes in causes.items()}
    for place, codes in named.items():
        for code in codes:
            if code and not matching(store, code):
                raise DataError(f"the data has no {code!r} event for {place}", hint=nearest(code, store.codes["code"].to_list()))


# ----------------------------------------------------------------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class _First:
    """Of N rows the first event of any cause after the prediction."""

    time: Array  # int64 "N": microseconds, ALWAYS where there is none
    cause: Array  # int64 "N": of the event, 0 where there is none
    twofold: Array  # bool "N": two causes came at that moment
    happened: Array  # bool "N": one had come by the prediction


def _first(store: Records, causes: Mapping[str, Sequence[str]], rows: Cohort, *, recurs: bool) -> _First:
    subject, moment = rows.subject_id, cut.microseconds_of(rows.time)
    when, happened = np.full((len(rows), len(causes)), ALWAYS), np.zeros(len(rows), bool)
    for number, codes in enumerate(causes.values()):
        line = _line(store, codes)
        known = line.after(subject, moment)
        begin, _, _ = line.of(subject)
        happened |= known > (line.since(subject, cut.microseconds_of(rows.start)) if recurs else begin)
        when[:, number] = _at(line, known, subject)
    first = when.min(axis=1, initial=ALWAYS)
    hit = (when == first[:, None]) & (first != ALWAYS)[:, None]
    return _First(first, np.where(hit.any(1), hit.argmax(1) + 1, 0), hit.sum(1) > 1, happened)


def _ended(store: Records, code: str, rows: Cohort) -> tuple[Array, Array]:
    """Microseconds at which each row's observation ends, ALWAYS where nothing says it; and whether it had ended by then.

    Without a code it is the last event of the subject's record; with one, its first after the prediction.
    """
    subject, moment = rows.subject_id, cut.microseconds_of(rows.time)
    if not code:
        line = cut.timeline(store.events().select("subject_id", "time"))
        last = line.at(line.last_known(subject, np.full(len(rows), ALWAYS)))
        return np.where(last > moment, last, ALWAYS), last <= moment
    line = _line(store, [code])
    after = line.after(subject, moment)
    end = _at(line, after, subject)
    _, timed, _ = line.of(subject)
    return end, (end == ALWAYS) & (after > timed)


def _entered(store: Records, code: str, rows: Cohort) -> Array:
    """Microseconds from which on each row is under observation: its first such event; NEVER where it has none."""
    if not code:
        return np.full(len(rows), NEVER)
    line = _line(store, [code])
    _, timed, _ = line.of(rows.subject_id)
    found = _at(line, timed, rows.subject_id)
    return np.where(found == ALWAYS, NEVER, found)


def _line(store: Records, codes: Sequence[str]) -> Timeline:
    """The events of all codes that these stand for."""
    return cut.timeline(store.events(sorted({found for code in codes for found in matching(store, code)})))


def _at(line: Timeline, place: Array, subject: Array) -> Array:
    """When the event at each place came, ALWAYS where the place is past the subject's last."""
    _, _, last = line.of(subject)
    return np.where(place < last, line.at(place), ALWAYS)
