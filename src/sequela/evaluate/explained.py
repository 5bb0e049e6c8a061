"""What was found out about how the answers of a run are explained, and whether the explanations hold: a part of trust.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from msgspec import Struct

from sequela.evaluate.intervals import bootstrap, percentiles
from sequela.types import Array

RESAMPLES = 400  # of subjects, for a mean over rows


class Score(Struct, frozen=True, kw_only=True):
    """A mean over rows, with its interval by resampling subjects; None where no row has it."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int = 0
    subjects: int = 0


class MethodFacts(Struct, frozen=True, kw_only=True):
    """A method against the planted cells."""

    method: str
    auroc: Score | None = None  # None where it was not scored
    auprc: Score | None = None
    gain: Score | None = None  # of the AUPRC over that of the method that is shown, row by row; None of that itself
    ms: float | None = None  # milliseconds a row took
    points: int = 0
    reason: Literal["", "slow", "refused"] = ""  # why it was not scored
    told: str = ""  # of one that was refused: why


class PlantedFacts(Struct, frozen=True, kw_only=True):
    """Known cells that were planted, what the network made of them, and who found them."""

    input: str = ""
    plant: str = ""  # window, codes, motif, bump, patch
    trained: int = 0  # rows that the network learnt it from
    part: str = "tune"  # whose rows were held out
    scored: int = 0  # held-out rows on which methods are scored
    steps: int = 0  # that it learnt for
    cpu_seconds: float = 0.0
    auroc: float | None = None  # of the planted label on the held-out rows
    level: float = 0.0  # that it must reach
    share: float | None = None  # of a row's cells that are planted, in the mean
    chance: float | None = None  # AUPRC of cells in a random order
    methods: list[MethodFacts] = []  # the best first
    reason: Literal["", "unasked", "rows", "input", "task", "unlearnt"] = ""  # why nothing was scored


class CompletenessFacts(Struct, frozen=True, kw_only=True):
    """How far the parts are from their sum, in shares of it."""

    rows: int
    median: float
    largest: float
    off: float  # share of rows that are off by more than the tolerance
    tolerance: float


class CurveFacts(Struct, frozen=True, kw_only=True):
    """How far the answer moved as cells were taken away, or given alone: means over rows."""

    shares: list[float]
    deletion: list[float]
    deletion_random: list[float]
    insertion: list[float]
    insertion_random: list[float]
    deletion_gain: Score  # above 0: farther than by chance
    insertion_gain: Score  # above 0: nearer than by chance


class RandomisedFacts(Struct, frozen=True, kw_only=True):
    """Rank correlation with the explanation of networks whose weights were put in a random order."""

    head: Score
    all: Score
    limit: float  # above which the method does not see the weights


class PointsFacts(Struct, frozen=True, kw_only=True):
    """How many points were taken, and the rank correlation of each number tried with half as many."""

    points: int
    tried: list[tuple[int, float | None]]
    settled: bool
    level: float


class ChecksFacts(Struct, frozen=True, kw_only=True):
    """What was asked of the method that is shown."""

    completeness: CompletenessFacts | None = None  # None where the method claims none
    curves: CurveFacts | None = None
    randomised: RandomisedFacts | None = None
    stability: Score | None = None  # rank correlation with that of rows that are hardly different
    points: PointsFacts | None = None


class MatterFacts(Struct, frozen=True, kw_only=True):
    """A feature, code or channel, and what it adds over all its cells of a row."""

    input: str
    name: str
    mean_absolute: float  # over the rows that have it
    mean: float
    rows: int
    bands: list[float] = []  # mean absolute sum within each band of time, of the rows that have it


class ExampleFacts(Struct, frozen=True, kw_only=True):
    """One row, drawn in a file of the run folder."""

    file: str
    why: Literal["right", "wrong", "middle", "highest", "lowest"]
    row_id: str
    column: str  # the class, label, cause or quantity that is explained
    told: float  # what is explained: log-odds, or a value
    said: float  # the answer that is given: a probability, or a value
    true: str = ""  # "" where it is not known


class ExplanationFacts(Struct, frozen=True, kw_only=True):
    """How the answers of a run are explained."""

    reason: Literal["", "kind", "steps", "method", "rows"] = ""  # why they are not
    kind: str = ""  # of the task
    told: str = ""  # of a method that was refused: why
    method: str = ""
    part: str = ""  # whose rows
    averaged: bool = False  # the answer that is given is an average of the networks with baselines, which are not explained
    members: int = 1
    rows: int = 0
    subjects: int = 0
    ms: float = 0.0  # a row
    scale: Literal["log-odds", "value"] = "log-odds"
    column: str = ""  # what is explained; "" where it is of each row the likeliest
    floor: float = 0.0
    checks: ChecksFacts = ChecksFacts()
    planted: PlantedFacts = PlantedFacts(reason="unasked")
    matters: list[MatterFacts] = []
    edges: list[float] = []  # of the bands of time
    unit: str = ""  # of the edges
    examples: list[ExampleFacts] = []

    @property
    def scored(self) -> MethodFacts | None:
        """The score of the method that is shown; None where it has none."""
        return next((one for one in self.planted.methods if one.method == self.method and one.auprc is not None), None)


def mean_score(values: Array, subject: Array, *, confidence: float = 0.95, seed: int = 0) -> Score:
    """The mean of one number a row, NaN left out, with its interval by resampling subjects.

    Without an interval where it does not vary, or there is one subject alone.
    """
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        return Score()
    own, who = values[known], subject[known]
    people = len(np.unique(who))
    samples = bootstrap(who, [_mean_of(own)], RESAMPLES, seed)[0]
    limits = percentiles(samples, confidence) if people > 1 else None
    low, high = limits if limits is not None and limits[0] < limits[1] else (None, None)
    return Score(value=float(own.mean()), low=low, high=high, rows=len(known), subjects=people)


def _mean_of(values: Array) -> Callable[[Array], Array]:
    return lambda weights: weights @ values / np.maximum(weights.sum(-1), 1e-12)
