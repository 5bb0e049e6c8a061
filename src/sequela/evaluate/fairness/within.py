"""The numbers of each group, on its rows as they are and on every resample of all subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from sequela.evaluate.additive import of_fits
from sequela.evaluate.intervals import Draws, distinct
from sequela.evaluate.question import Additive, Columns, Ordered, Question
from sequela.evaluate.resampled import resampled
from sequela.metrics.calibration import calibration_intercept, calibration_slope
from sequela.metrics.discrimination import Counted, ranked
from sequela.metrics.sums import ratio, total
from sequela.types import Array

COUNTED = ("selection_rate", "sensitivity", "specificity", "ppv", "observed_expected")  # ratios of sums over rows
RISKS = (*COUNTED[:4], "auroc", "calibration_intercept", "calibration_slope", "observed_expected")
ERRORS = ("mae", "bias")
PROPORTIONS = COUNTED[:4]
FITS = {"calibration_intercept": calibration_intercept, "calibration_slope": calibration_slope}


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

    def questions(self) -> list[Question]:
        """Every metric, in the order of RISKS."""
        order = ranked(self.risk, self.event)
        area = Question("", "auroc", "", self.rows, order.auroc, ordered=Ordered(order, Counted.auroc))
        found = _by_sums(self) | {"auroc": area}
        fits = of_fits(self.risk, self.event)
        for name, function in FITS.items():
            value = partial(function, self.risk, self.event)
            found[name] = Question("", name, "", self.rows, value, additive=fits.get(name))
        return [found[name] for name in RISKS]

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

    def questions(self) -> list[Question]:
        """Every metric, in the order of ERRORS."""
        found = _by_sums(self)
        return [found[name] for name in ERRORS]

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


def within(asked: Sequence[tuple[str, Asked]], subject: Array, drawn: Draws) -> list[Within]:
    """The metrics of each group (its level, and what is asked of its rows), all on the same resamples, drawn once.

    `subject` holds the subject of each row of the cohort.
    """
    questions = [one.questions() for _, one in asked]
    samples = iter(resampled([question for those in questions for question in those], subject, drawn))
    return [
        _found(level, one, those, {question.metric: next(samples) for question in those}, subject[one.rows])
        for (level, one), those in zip(asked, questions, strict=True)
    ]


def _found(level: str, asked: Asked, questions: Sequence[Question], samples: dict[str, Array], subject: Array) -> Within:
    return Within(
        level=level,
        rows=len(asked.rows),
        subjects=distinct(subject),
        events=asked.events,
        point={question.metric: question.point() for question in questions},
        samples=samples,
        trials={name: distinct(subject[rows]) for name, rows in asked.denominators().items()},
        calls=int(asked.called.sum()) if isinstance(asked, YesOrNo) else None,
    )


def _by_sums(asked: Asked) -> dict[str, Question]:
    """What are ratios of sums over the rows, by name."""
    columns = Columns(asked.columns)
    return {
        name: Question(
            "",
            name,
            "",
            asked.rows,
            partial(_of_rows, asked, columns.rows, name),
            additive=Additive(columns, partial(_one_of, asked, name)),
        )
        for name in asked.from_sums(columns.total)
    }


def _one_of(asked: Asked, name: str, sums: Array) -> Array:
    return asked.from_sums(sums)[name]


def _of_rows(asked: Asked, columns: Array, name: str, weights: Array | None) -> Array:
    return _one_of(asked, name, total(columns, weights))
