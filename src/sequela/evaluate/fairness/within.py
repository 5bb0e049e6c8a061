"""The numbers of each group, on its rows as they are and on every resample of all subjects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sequela.evaluate.intervals import Draws
from sequela.metrics.calibration import calibration_intercept, calibration_slope
from sequela.metrics.discrimination import ranked
from sequela.metrics.sums import ratio
from sequela.types import Array

COUNTED = ("selection_rate", "sensitivity", "specificity", "ppv", "observed_expected")  # ratios of sums over rows
RISKS = (*COUNTED[:4], "auroc", "calibration_intercept", "calibration_slope", "observed_expected")
ERRORS = ("mae", "bias")
PROPORTIONS = COUNTED[:4]
Weighed = Callable[[Array | None], Array]  # weights of rows "R n" (or None) -> "R"


@dataclass(frozen=True, slots=True)
class YesOrNo:
    """One answer to one yes-or-no question: the rows whose label is known."""

    rows: Array  # int64 "n": of the cohort
    risk: Array  # float64 "n"
    event: Array  # bool "n"
    called: Array  # bool "n"

    metrics = RISKS

    def inside(self, place: Array) -> YesOrNo:
        """Some of the rows, by their place among these."""
        return YesOrNo(self.rows[place], self.risk[place], self.event[place], self.called[place])

    def columns(self) -> Array:
        """What the counted metrics are ratios of, "n 6"."""
        right = self.called & self.event, ~self.called & ~self.event
        return np.stack([np.ones(len(self.rows)), self.called, self.event, *right, self.risk], 1).astype(np.float64)

    def from_sums(self, sums: Array) -> dict[str, Array]:
        """The counted metrics of sums "… 6"."""
        rows, called, events, found, passed, risk = np.moveaxis(sums, -1, 0)
        parts = {
            "selection_rate": (called, rows),
            "sensitivity": (found, events),
            "specificity": (passed, rows - events),
            "ppv": (found, called),
            "observed_expected": (events, risk),
        }
        return {name: ratio(part, whole) for name, (part, whole) in parts.items()}

    def weighed(self) -> Mapping[str, Weighed]:
        """The metrics that need every row's weight."""
        return {
            "auroc": ranked(self.risk, self.event).auroc,
            "calibration_intercept": lambda weights: calibration_intercept(self.risk, self.event, weights),
            "calibration_slope": lambda weights: calibration_slope(self.risk, self.event, weights),
        }

    def denominators(self) -> dict[str, Array]:
        """Of what rows (bool "n") each proportion is a share."""
        every = np.ones(len(self.rows), bool)
        return dict(zip(PROPORTIONS, (every, self.event, ~self.event, self.called), strict=True))

    @property
    def events(self) -> int | None:
        return int(self.event.sum())


@dataclass(frozen=True, slots=True)
class Quantity:
    """One answer of one quantity: the error of each row."""

    rows: Array  # int64 "n"
    error: Array  # float64 "n": said less true, in the quantity's unit

    metrics = ERRORS

    def inside(self, place: Array) -> Quantity:
        """Some of the rows, by their place among these."""
        return Quantity(self.rows[place], self.error[place])

    def columns(self) -> Array:
        """Rows, absolute errors, errors: "n 3"."""
        return np.stack([np.ones(len(self.rows)), np.abs(self.error), self.error], 1)

    def from_sums(self, sums: Array) -> dict[str, Array]:
        """The mean absolute error and the mean error of sums "… 3"."""
        rows, size, error = np.moveaxis(sums, -1, 0)
        return {"mae": ratio(size, rows), "bias": ratio(error, rows)}

    def weighed(self) -> Mapping[str, Weighed]:
        return {}

    def denominators(self) -> dict[str, Array]:
        return {}

    @property
    def events(self) -> int | None:
        return None


Asked = YesOrNo | Quantity


@dataclass(frozen=True, slots=True)
class Within:
    """Every metric of one group."""

    level: str
    rows: int
    subjects: int
    events: int | None
    point: dict[str, float]
    samples: dict[str, Array]  # metric -> "resamples"
    trials: dict[str, int]  # proportion -> subjects in its denominator
    calls: int | None = None


def within(asked: Asked, levels: Sequence[tuple[str, Array]], subject: Array, drawn: Draws) -> list[Within]:
    """The metrics of each group (its name, and the place of its rows among those asked), all on the same resamples.

    `subject` holds the subject of each row of the cohort.
    """
    groups = [_Group.of(level, asked.inside(place), subject, drawn) for level, place in levels]
    for counts in drawn.chunks(max((len(group.unit) for group in groups), default=1)):
        for group in groups:
            group.add(counts)
    return [group.found() for group in groups]


@dataclass(frozen=True, slots=True)
class _Group:
    level: str
    asked: Asked
    unit: Array  # of each row
    subjects: Array  # int64 "U": those of the group, among all that are drawn
    sums: Array  # "U k": of each of these
    weighed: Mapping[str, Weighed]
    samples: dict[str, list[Array]]

    @classmethod
    def of(cls, level: str, asked: Asked, subject: Array, drawn: Draws) -> _Group:
        unit = drawn.units(subject[asked.rows])
        subjects, place = np.unique(unit, return_inverse=True)
        columns = asked.columns()
        sums = np.stack([np.bincount(place, column, len(subjects)) for column in columns.T], 1)
        return cls(level, asked, unit, subjects, sums, asked.weighed(), {name: [] for name in asked.metrics})

    def add(self, counts: Array) -> None:
        """Adds the values on some resamples, "R subjects"."""
        for name, values in self.asked.from_sums(counts[:, self.subjects] @ self.sums).items():
            self.samples[name].append(values)
        weights = counts[:, self.unit] if self.weighed else None
        for name, value in self.weighed.items():
            self.samples[name].append(value(weights))

    def found(self) -> Within:
        asked = self.asked
        point = asked.from_sums(self.sums.sum(0)) | {name: value(None) for name, value in self.weighed.items()}
        trials = {name: len(np.unique(self.unit[rows])) for name, rows in asked.denominators().items()}
        samples = {name: np.concatenate(values) if values else np.zeros(0) for name, values in self.samples.items()}
        plain = {name: float(point[name]) for name in asked.metrics}
        calls = int(asked.called.sum()) if isinstance(asked, YesOrNo) else None
        return Within(self.level, len(asked.rows), len(self.subjects), asked.events, plain, samples, trials, calls)
