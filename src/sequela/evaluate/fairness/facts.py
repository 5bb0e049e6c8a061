"""What was found out about groups: part of trust.json."""

from __future__ import annotations

from msgspec import Struct


class Told(Struct, frozen=True, kw_only=True):
    """A number of one group with its pointwise interval; null where it is undefined or suppressed, with the reason."""

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


class LevelFacts(Struct, frozen=True, kw_only=True):
    """One group."""

    level: str
    rows: int
    subjects: int
    events: int | None = None
    trained: int | None = None  # rows of it in training; 0: the model never saw such a patient
    suppressed: str = ""  # why nothing more is told of it
    told: list[Told] = []


class Gap(Struct, frozen=True, kw_only=True):
    """A group held against the group of reference: group less reference; of observed_expected, group over reference."""

    level: str
    metric: str
    value: float
    low: float | None = None  # of this gap alone
    high: float | None = None
    low_all: float | None = None  # so wide that all gaps of this metric lie in theirs at once
    high_all: float | None = None
    p: float | None = None  # that there is no gap, adjusted for all gaps of this metric
    reason: str = ""


class Worst(Struct, frozen=True, kw_only=True):
    """The group for which a number is least good, among those that are shown."""

    metric: str
    level: str
    value: float
    low: float | None = None
    high: float | None = None


class Spread(Struct, frozen=True, kw_only=True):
    """How far the groups that are shown lie apart, and how far they would by chance if all had the same rates."""

    name: str  # equalised_odds_difference, equalised_odds_ratio, selection_rate_difference, …
    value: float
    chance: float | None = None  # the median where there is no gap at all
    p: float | None = None  # share of such cases in which the groups lie as far apart


class GroupingFacts(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """The groups of one grouping, asked of one outcome, class, label or quantity."""

    name: str  # "sex", "sex × age_band"
    class_: str = ""
    reference: str = ""  # the group that the others are held against: the one with the most rows
    levels: list[LevelFacts] = []
    gaps: list[Gap] = []
    worst: list[Worst] = []
    spreads: list[Spread] = []


class SideFacts(Struct, frozen=True, kw_only=True):
    """One of the two sides of a mitigation, on one part."""

    side: str  # "without", "with"
    part: str
    rows: int
    auroc: float | None
    brier: float | None
    sensitivity: float | None
    specificity: float | None
    sensitivity_gap: float | None  # largest less smallest of the groups that are not suppressed
    specificity_gap: float | None
    observed_expected_gap: float | None  # largest over smallest


class MitigationFacts(Struct, frozen=True, kw_only=True):
    """What was done about gaps, and what it costs; compared on tune."""

    how: str  # reweighting, loss, thresholds
    by: str
    sides: list[SideFacts] = []
    thresholds: dict[str, float] = {}  # by group, of "thresholds"
    weights: dict[str, float] = {}  # least and largest weight of a training row, of the others


class FairnessFacts(Struct, frozen=True, kw_only=True):
    """All that was found about groups."""

    model: str
    kind: str
    confidence: float
    resamples: int
    min_group: int
    min_events: int
    family: dict[str, int] = {}  # metric -> how many gaps were compared, and adjusted for, at once
    left_out: int = 0  # classes or labels that were not asked about: those with the fewest events
    groupings: list[GroupingFacts] = []
    mitigation: MitigationFacts | None = None
