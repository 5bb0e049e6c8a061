"""Windows as a study writes them: stretches of a subject's record around each row, and what must happen in them.

A boundary is written in this grammar, and in no other:

    start of record | end of record
    ANCHOR [+ DURATION | - DURATION]         trigger, prediction, NAME.start, NAME.end (of another window), start, end (its own)
    ANCHOR -> PREDICATE                      the next moment at which it holds
    ANCHOR <- PREDICATE                      the one before

How they are laid around rows, and what they decide, is in `spans.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from sequela import config
from sequela.errors import ConfigError
from sequela.registry import nearest
from sequela.study.predicates import ANY_EVENT

RECORD = ("start of record", "end of record")
_BOUND = re.compile(
    r"^(?P<anchor>start of record|end of record|[A-Za-z_]\w*(?:\.(?:start|end))?)"
    r"(?:\s*(?P<sign>[+-])\s*(?P<offset>\d+(?:\.\d+)?(?:us|ms|s|min|h|d|w|mo|y))"
    r"|\s*(?P<seek>->|<-)\s*(?P<predicate>[A-Za-z_]\w*))?$"
)
_AFTER = re.compile(r"^-?\d")  # a duration, no boundary
_COUNT = re.compile(r"^\(\s*(None|\d+)\s*,\s*(None|\d+)\s*\)$")
Side: TypeAlias = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Bound:
    """A boundary as it is written: an anchor, and then an offset, or the event that is sought from there."""

    text: str
    anchor: str
    offset: int = 0  # microseconds
    seek: str = ""  # "->", "<-" or ""
    predicate: str = ""

    @property
    def absent(self) -> str:
        """That there is no such moment, in words."""
        way = {"->": "after", "<-": "before"}.get(self.seek)
        return f"no {self.predicate} {way} {self.anchor}" if way else f"no {self.text}"

    @property
    def window(self) -> str:
        """The other window that it leans on, "" where it leans on none."""
        return self.anchor.partition(".")[0] if "." in self.anchor else ""


def bound(text: str, where: str) -> Bound:
    """The boundary that a text means.

    >>> bound("trigger + 24h", "").offset, bound("start -> discharge", "").predicate
    (86400000000, 'discharge')

    Raises ConfigError for what is not in the grammar.
    """
    match = _BOUND.match(text.strip())
    if not match:
        raise ConfigError(
            f"{where}: {text!r} is not a moment",
            hint='write "start of record", "end of record", or trigger, prediction, start, end, WINDOW.start or WINDOW.end, '
            'which "+ 24h", "- 24h", "-> PREDICATE" or "<- PREDICATE" may follow',
        )
    offset = config.microseconds(match["offset"]) if match["offset"] else 0
    return Bound(
        text.strip(), match["anchor"], -offset if match["sign"] == "-" else offset, match["seek"] or "", match["predicate"] or ""
    )


def counts(asked: int | str, where: str) -> tuple[int, int | None]:
    """Least and largest number (None: any) of a constraint: a number is both, "(5, None)" at least 5.

    Raises ConfigError for anything else.
    """
    if isinstance(asked, int):
        return asked, asked
    match = _COUNT.match(asked.strip())
    low, high = (None if side == "None" else int(side) for side in match.groups()) if match else (1, 0)
    if high is not None and (low or 0) > high:
        raise ConfigError(
            f"{where}: {asked!r} is not a count", hint='a number, or "(least, most)" with None for any: "(5, None)"'
        )
    return low or 0, high


@dataclass(frozen=True, slots=True)
class Window:
    """A window as it is written, its boundaries read."""

    name: str
    plan: config.Window
    start: Bound
    end: Bound
    has: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)

    @property
    def leans_on(self) -> set[str]:
        return {bound.window for bound in (self.start, self.end)} - {""}

    @property
    def in_order(self) -> bool:
        """Whether it follows from how it is written that it does not end before it starts."""
        start, end = self.start, self.end
        forth = end.anchor == "start" and end.offset >= 0 and end.seek != "<-"
        back = start.anchor == "end" and start.offset <= 0 and start.seek != "->"
        return forth or back or start.text == RECORD[0] or end.text == RECORD[1]

    @property
    def own_first(self) -> Side:
        """The boundary to find first: the other may be told from it."""
        return "end" if self.start.anchor == "end" else "start"


def ordered(plan: config.Cohort) -> list[Window]:
    """The windows of a study, each after those that it leans on.

    Raises ConfigError for a boundary, a count or a name that is not understood, and for windows that lean on each other.
    """
    read = {name: _window(name, window) for name, window in plan.windows.items()}
    for window in read.values():
        _check(window, read, plan)
    found: list[Window] = []
    while len(found) < len(read):
        names = {window.name for window in found}
        ready = [window for name, window in read.items() if name not in names and window.leans_on <= names]
        if not ready:
            raise ConfigError(f"the windows {', '.join(sorted(set(read) - names))} lean on each other")
        found += ready
    return found


def before_prediction(plan: config.Cohort) -> list[Window]:
    """The windows that can be told before the moment of prediction is, each after those that it leans on."""
    found: list[Window] = []
    for window in ordered(plan):
        free = "prediction" not in (window.start.anchor, window.end.anchor)
        if free and window.leans_on <= {one.name for one in found}:
            found.append(window)
    if plan.during and plan.during not in {one.name for one in found}:
        raise ConfigError(f"cohort.during = {plan.during!r} is a window that is told from the prediction")
    return found


def predict_at(plan: config.Cohort, told: Sequence[Window]) -> Bound:
    """The moment of prediction: so long after the trigger, or a boundary that these windows tell.

    Raises ConfigError for what is neither.
    """
    if _AFTER.match(plan.predict_at):
        return Bound(plan.predict_at, "trigger", config.microseconds(plan.predict_at))
    one = bound(plan.predict_at, "cohort.predict_at")
    check_bound(one, "cohort.predict_at", {window.name: window for window in told}, plan)
    if one.anchor == "prediction":
        raise ConfigError("cohort.predict_at is told from the prediction itself")
    return one


def _window(name: str, plan: config.Window) -> Window:
    where = f"cohort.windows.{name}"
    has = {predicate: counts(asked, f"{where}.has.{predicate}") for predicate, asked in plan.has.items()}
    return Window(name, plan, bound(plan.start, f"{where}.start"), bound(plan.end, f"{where}.end"), has)


def _check(window: Window, all_: Mapping[str, Window], plan: config.Cohort) -> None:
    where = f"cohort.windows.{window.name}"
    for side, one in (("start", window.start), ("end", window.end)):
        check_bound(one, f"{where}.{side}", all_, plan, own=side)
    for predicate in window.has:
        _check_predicate(predicate, f"{where}.has", plan)
    if window.start.anchor == "end" and window.end.anchor == "start":
        raise ConfigError(f"{where}: start and end are each told from the other", hint="one of them must stand on something else")


def check_bound(one: Bound, where: str, all_: Mapping[str, Window], plan: config.Cohort, *, own: str = "") -> None:
    """Raises ConfigError, with the nearest name, where a boundary leans on what is not there; own: the side that it is."""
    known = ["trigger", "prediction", *RECORD, *({"start", "end"} - {own} if own else ())]
    known += [f"{name}.{side}" for name in all_ for side in ("start", "end")]
    if one.anchor not in known:
        raise ConfigError(f"{where} stands on {one.anchor!r}, which is no moment", hint=nearest(one.anchor, known))
    if one.seek:
        _check_predicate(one.predicate, where, plan)


def _check_predicate(name: str, where: str, plan: config.Cohort) -> None:
    if name != ANY_EVENT and name not in plan.predicates:
        raise ConfigError(f"{where} names {name!r}, which is no predicate", hint=nearest(name, [*plan.predicates, ANY_EVENT]))


def surely_over(window: Window, plan: config.Cohort) -> bool:
    """Whether it follows from the study alone that the window is over at the prediction."""
    end = window.end
    if end.seek == "->" or end.anchor not in ("prediction", "trigger"):
        return plan.predict_at in (end.text, f"{window.name}.end")
    if end.anchor == "prediction":
        return end.offset <= 0
    return _AFTER.match(plan.predict_at) is not None and end.offset <= config.microseconds(plan.predict_at)
