"""What is found of robustness, a field of trust.json: plain numbers, no row of a patient."""

from __future__ import annotations

from msgspec import Struct


class Measured(Struct, frozen=True, kw_only=True):
    """A number with its interval by subject; null where it is not defined."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class Point(Struct, frozen=True, kw_only=True):
    """What the answers to rows spoilt to one level are worth. All but `refused` is of the rows that were answered."""

    level: float
    rows: int  # that were answered
    refused: int  # that were not
    score: Measured = Measured()  # the main metric
    drop: Measured = Measured()  # of it, from the same rows unspoilt
    calibration: Measured = Measured()
    flipped: Measured = Measured()  # share of rows that are called otherwise than unspoilt
    moved: float | None = None  # mean absolute change of the answer
    unusual: float | None = None  # share of rows whose input is remarked on as rare; None where nothing can tell


class Curve(Struct, frozen=True, kw_only=True):
    """One kind of spoiling, from the rows as they are (level 0) on."""

    kind: str
    model: str  # "model", "ensemble" or "baseline:NAME"
    points: list[Point]


class Alone(Struct, frozen=True, kw_only=True):
    """One channel, column or code spoilt alone."""

    name: str
    having: int  # rows that have it: the others cannot change
    how: str = ""  # "absent", or the mix-up by name: "recorded in mmol/L"
    point: Point


class RobustnessFacts(Struct, frozen=True, kw_only=True):
    """How the rows were drawn and judged, and what was found."""

    metric: str
    calibration: str = ""  # the metric of it; "" where the task has none
    rows: int
    subjects: int
    events: int | None = None  # of a yes-or-no question
    seed: int
    resamples: int
    draws: int  # of tokens put for others, of which the worst is taken
    curves: list[Curve] = []
    channels: list[Alone] = []  # each absent altogether, the worst first
    units: list[Alone] = []  # recorded in another unit, the worst first
    skipped: dict[str, str] = {}  # kind that was asked for -> why it was not done
    cpu_seconds: float
