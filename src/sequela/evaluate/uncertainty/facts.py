"""What trust.json holds of uncertainty: what was promised, and what became of it on the part that is shown."""

from __future__ import annotations

from msgspec import Struct

from sequela.evaluate.calibrate import Tried
from sequela.evaluate.uncertainty.abstention import Abstention
from sequela.evaluate.uncertainty.ranges import Ranges
from sequela.evaluate.uncertainty.sets import Sets


class Covered(Struct, frozen=True, kw_only=True):
    """How often sets or ranges held the truth, each subject alike, with an interval by resampling subjects."""

    class_: str = ""  # of a class alone, or of a quantity; "": all
    group: str = ""  # "sex=F"; "": everybody
    rows: int
    subjects: int
    share: float | None = None  # None where it is suppressed, or of no row
    low: float | None = None
    high: float | None = None
    size: float | None = None  # classes in a set, or the width of a range, in the mean
    suppressed: str = ""  # why it is not shown


class RiskCurve(Struct, frozen=True, kw_only=True):
    """The share of wrong decisions among the surest rows, the fewer of them are given."""

    given: list[float]  # share of the rows
    wrong: list[float]  # of these
    low: list[float]
    high: list[float]
    area: float  # below the curve: the mean share over all shares given


class Withheld(Struct, frozen=True, kw_only=True):
    """What abstention did on the part that is shown."""

    fitted: Abstention
    rows: int
    given: int
    wrong: int | None = None  # of those given
    low: float | None = None  # of the share of wrong ones
    high: float | None = None
    by_class: dict[str, tuple[int, int, int]] = {}  # class -> rows, of these given, of these wrong


class Spread(Struct, frozen=True, kw_only=True):
    """How far the networks, or the passes with parts dropped, lie apart about a row: standard deviations."""

    of: str  # "members" or "dropout"
    count: int
    median: float
    high: float  # nine rows of ten have less
    wrong: float | None = None  # median of the rows decided wrongly
    right: float | None = None


class Unusual(Struct, frozen=True, kw_only=True):
    """How many rows of the part are as unusual as the rarest of tune."""

    rows: int
    shares: dict[str, float]  # "0.05" -> share of the rows that are among the rarest 5 % by tune; as many are expected
    rules: dict[str, int]  # of those among the rarest 5 %: measure -> rows that are so by it most of all
    withheld: int | None = None  # rows that get no answer; None: the study withholds none


class Mixed(Struct, frozen=True, kw_only=True):
    """Another mix of classes, told from answers without labels, and sets weighed by it."""

    before: dict[str, float]
    now: dict[str, float]
    effective: float  # rows of tune that the weighed ones are worth
    covered: list[Covered]


class UncertaintyFacts(Struct, frozen=True, kw_only=True):
    """What was found out."""

    model: str  # whose answers: "model" or "ensemble"
    coverage: float
    sets: Sets | None = None
    covered: list[Covered] = []  # by the sets: everybody, each class, each class in each group
    plain: list[Covered] = []  # by sets with one limit over all rows: everybody and each class
    sizes: dict[str, int] = {}  # classes in a set -> rows
    ranges: Ranges | None = None
    within: list[Covered] = []  # by the ranges
    curve: RiskCurve | None = None
    withheld: Withheld | None = None
    spread: Spread | None = None
    unusual: Unusual | None = None
    mixed: Mixed | None = None  # of other data, where the study asks for it
    tried: dict[str, list[Tried]] = {}  # answer -> ways to calibrate it
    calibration: dict[str, str] = {}  # answer -> the way that was taken
