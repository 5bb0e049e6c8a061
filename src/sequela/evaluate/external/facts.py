"""What trust.json tells of a bundle that was judged on other data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sequela.evaluate.acceptance import Judgement

Decision = Literal["go", "no-go", "cannot be told", "nothing was to be met"]


class ColumnMix(Struct, frozen=True, kw_only=True):
    """One column then and here; None where too few patients have a value."""

    column: str
    mean: float | None
    mean_here: float | None
    spread: float | None
    spread_here: float | None
    missing: float | None  # share
    missing_here: float | None
    difference: float | None = None  # of the means, in standard deviations of development


class PrevalenceMix(Struct, frozen=True, kw_only=True):
    """How common a class or label was in training, and is here."""

    name: str
    then: float
    here: float


class CaseMix(Struct, frozen=True, kw_only=True):
    """The rows here, one of each patient, beside those of development."""

    subjects: int
    subjects_here: int
    columns: list[ColumnMix] = []  # those that differ most first
    left_out: int = 0  # further columns
    scores: list[ColumnMix] = []  # what the answer said, in log-odds: on tune, and here
    prevalences: list[PrevalenceMix] = []
    unseen: list[str] = []  # "hospital=C": levels of a group that no training row had, as far as that is told
    unknown: dict[str, float] = {}  # share of rows whose level of a group is not known, where any


class SiteNumber(Struct, frozen=True, kw_only=True):
    """One number of one site; the limits are of 95 %."""

    metric: str
    value: float
    low: float
    high: float


class SiteFacts(Struct, frozen=True, kw_only=True):
    """One site."""

    name: str
    rows: int
    subjects: int
    events: int
    numbers: list[SiteNumber] = []
    reason: str = ""  # why it has none


class PooledFacts(Struct, frozen=True, kw_only=True):
    """One number over the sites, on its own scale."""

    metric: str
    sites: int
    value: float
    low: float
    high: float
    predicted_low: float | None = None
    predicted_high: float | None = None
    between: float  # τ, on the scale on which sites were pooled: logit, log, or as it is
    inconsistency: float


class WayAt(Struct, frozen=True, kw_only=True):
    """One way to recalibrate, learnt from so many patients drawn from those here, judged on the others."""

    way: str  # "none", "intercept", "slope", "full"
    subjects: int
    error: float | None  # expected calibration error, the mean over draws; None where no draw could be learnt from
    log_loss: float | None
    draws: int  # that could be learnt from


class LocalFacts(Struct, frozen=True, kw_only=True):
    """How much data each way to recalibrate needs here."""

    way: str = ""  # that was chosen and cross-fitted; "" where none was asked for
    events: int = 0
    ways: list[WayAt] = []
    width: float = 0.2  # of the 95 % intervals that the next two are for
    rows_for_intercept: int | None = None
    rows_for_slope: int | None = None
    reason: str = ""  # why nothing could be learnt here


class ExternalFacts(Struct, frozen=True, kw_only=True):
    """A bundle on other data: not what it was made for, until shown."""

    bundle: str = ""  # its seal
    site: str = ""  # the group that names the site; "" where none does
    sites: list[SiteFacts] = []
    pooled: list[PooledFacts] = []
    not_pooled: str = ""  # why sites were not
    mix: CaseMix | None = None  # None where the bundle tells nothing of its development
    local: LocalFacts | None = None
    accepted: list[Judgement] = []  # of the answer as it comes
    decision: Decision = "nothing was to be met"
    accepted_recalibrated: list[Judgement] = []
    decision_recalibrated: Decision = "nothing was to be met"
