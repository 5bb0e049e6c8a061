"""What is found of drift: drift.json. Plain numbers, no row of a patient."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Family: TypeAlias = Literal["inputs", "score", "labels", "performance", "course"]


class Check(Struct, frozen=True, kw_only=True):
    """One thing that was held against development."""

    family: Family
    what: str  # a column, a class or label, or a metric
    measure: str  # "missing", "distribution", "called", "prevalence", a metric's name, or "cumulative sum"
    before: float | None = None  # share, mean or value in development
    now: float | None = None
    low: float | None = None  # of now
    high: float | None = None
    psi: float | None = None  # population stability index of a distribution
    ks: float | None = None  # largest distance of the cumulative shares over the bins
    p: float | None = None  # that holds for all checks of the family together; None: it was not tested
    alarm: bool = False
    reason: str = ""  # why it was not tested


class Foreseen(Struct, frozen=True, kw_only=True):
    """What these rows could show of a named change, and how many subjects it asks for."""

    family: Family
    what: str
    measure: str = ""  # of labels what of them: "prevalence", or "called" where nobody knows the outcomes
    change: float  # that is named: a difference, or a factor
    factor: bool  # which of both
    power: float  # with which these rows show it
    needed: int | None  # subjects for the power that is asked; None: no number of them, development itself was too small
    smallest: float | None  # change that these rows show with that power; None: none that was looked at


class Shifted(Struct, frozen=True, kw_only=True):
    """How common a class or label is thought to be where nobody has told, had nothing changed but that (label shift)."""

    name: str
    before: float  # on tune
    called: float | None = None  # by the share that is called (Lipton 2018)
    low: float | None = None
    high: float | None = None
    likeliest: float | None = None  # by the probabilities (Saerens 2002)
    reason: str = ""


class Window(Struct, frozen=True, kw_only=True):
    """A stretch of time."""

    begin: str  # ISO 8601, a day
    end: str
    subjects: int
    score: float | None = None  # mean of the first score
    p_score: float | None = None
    events: int | None = None
    expected: float | None = None
    p_expected: float | None = None
    auroc: float | None = None
    low: float | None = None
    high: float | None = None
    alarm: bool = False


class CumulativeSum(Struct, frozen=True, kw_only=True):
    """Events that came against those foreseen, added up along time (Steiner 2000), for more events and for fewer."""

    ratio: float  # of odds that it looks for, and its inverse
    limit: float
    at: list[str]  # days
    more: list[float]  # highest since the day before
    fewer: list[float]
    crossed: str | None = None  # the first day above the limit


class DriftFacts(Struct, frozen=True, kw_only=True):
    """What drift.json holds."""

    name: str  # of the study
    bundle: str  # its seal
    data: str  # hash of the records
    rows: int
    subjects: int
    before: int  # subjects of development
    labelled: int  # rows whose label is known
    refused: dict[str, int] = {}  # reason -> rows that no check saw
    false_alarms: float  # chance that any check of all raises an alarm where nothing has changed
    power: float
    families: list[Family] = []  # that were checked: the chance is shared among them alike
    checks: list[Check] = []
    foreseen: list[Foreseen] = []
    shifted: list[Shifted] = []
    windows: list[Window] = []
    run_length: float | None = None  # windows from one false alarm to the next, in the mean
    course: CumulativeSum | None = None
    resamples: int = 0
    seed: int = 0

    @property
    def alarms(self) -> list[Check]:
        return [one for one in self.checks if one.alarm]
