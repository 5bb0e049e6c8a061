"""The numbers that stand beside each step of a coded history: age, gap, length, how long ago, which visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import msgspec
import numpy as np
import polars as pl

from sequela.modalities._code_events import BIRTH, born
from sequela.modalities._synthetic import events
from sequela.modalities._visits import Events, Visits
from sequela.prep import scale
from sequela.prep.sample import Sample
from sequela.types import Array, Known

Name: TypeAlias = Literal[
    "age",  # years at the step, and whether it is not known
    "gap",  # days from the end of the step before to this one; 0 for the first
    "length",  # days that the visit had lasted
    "ago",  # days from the step to the prediction
    "ordinal",  # the row's first visit is 1
]
NAMES: tuple[Name, ...] = get_args(Name)
AGE = "AGE"
SAMPLED = 16_384  # steps whose numbers are kept to find their scale
KNOTS = 50


@dataclass(frozen=True, slots=True)
class Steps:
    """S steps by row, then time: days to the prediction when each begins and ends and its visit began; and which visit it is."""

    row: Array
    begin: Array
    end: Array
    since: Array
    ordinal: Array


def of_visits(visits: Visits) -> Steps:
    """A step a visit."""
    return Steps(visits.row, visits.begin, visits.end, visits.begin, visits.ordinal)


def of_events(visits: Visits, taken: Events) -> Steps:
    """A step an event; one without time is as early as its visit."""
    visit = np.repeat(visits.visit, visits.count)
    since, position = visits.begin[visit], taken.clock[np.arange(len(taken.row))]
    position = np.where(np.isnan(position), since, position)
    return Steps(taken.row, position, position, since, visits.ordinal[visit])


def raw(steps: Steps, known: Known, age: str) -> Array:
    """float64 "S 5" in natural units, in the order of NAMES; NaN for an age that is not known."""
    years = _years(steps, known, age) if age else np.full(len(steps.row), np.nan)
    return np.stack([years, *_durations(steps)], 1)


def _years(steps: Steps, known: Known, age: str) -> Array:
    """The age at each step, as one code tells it; NaN where it does not."""
    found: Array = (steps.begin - born(known, age)[steps.row]) / 365.25
    return found


def _durations(steps: Steps) -> tuple[Array, ...]:
    """Days from the step before, days that the visit had lasted, days to the prediction, and which visit it is."""
    gap = np.zeros(len(steps.row))
    gap[1:] = np.where(steps.row[1:] == steps.row[:-1], np.maximum(steps.begin[1:] - steps.end[:-1], 0), 0)
    return gap, np.maximum(steps.end - steps.since, 0), -steps.end, steps.ordinal


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """How the numbers beside a step are scaled; durations and ordinals as log(1 + number)."""

    age: str  # the code that tells it; "" where no training row has one
    scales: dict[str, scale.Scale]

    def width(self, names: Sequence[Name]) -> int:
        """How many numbers stand beside a step."""
        return len(names) + ("age" in names) * (1 if self.age else -1)

    def scaled(self, numbers: Array, names: Sequence[Name]) -> Array:
        """float32 "S width": an unknown age is 0, with 1 in the column after it."""
        columns: list[Array] = []
        for name in names:
            column = numbers[:, NAMES.index(name)]
            if name != "age":
                columns.append(scale.apply(self.scales[name], np.log1p(column)))
            elif self.age:
                columns += [np.nan_to_num(scale.apply(self.scales[name], column)), np.isnan(column)]
        return np.stack(columns, 1).astype(np.float32) if columns else np.zeros((len(numbers), 0), np.float32)


class Learning:
    """A sample of the training steps' numbers, part by part."""

    def __init__(self) -> None:
        self._samples: dict[str, Sample] = {name: Sample(SAMPLED) for name in NAMES if name != "age"}
        self._ages = {code: Sample(SAMPLED) for code in (AGE, BIRTH)}

    def add(self, steps: Steps, known: Known, subject: Array) -> None:
        """Adds the steps of rows of other subjects."""
        owner = subject[steps.row]
        for code, sample in self._ages.items():
            years = _years(steps, known, code)
            sample.add(owner[np.isfinite(years)], years[np.isfinite(years)])
        for name, numbers in zip(NAMES[1:], _durations(steps), strict=True):
            self._samples[name].add(owner, np.log1p(numbers))

    def fitted(self) -> Beside:
        """The scales; age is told by AGE where any training row has it, else by the birth."""
        age = next((code for code, sample in self._ages.items() if len(sample.values)), "")
        samples = self._samples | ({"age": self._ages[age]} if age else {})
        scales = {name: scale.fit(sample.values, "standard", knots=KNOTS, clip=5.0) for name, sample in samples.items()}
        return Beside(age=age, scales=scales)


def drawn(beside: Beside, rows: int, random: np.random.Generator) -> pl.DataFrame:
    """An age for each of so many synthetic rows, or the birth that tells it; nothing where no age is known."""
    if not beside.age:
        return events({})
    years = scale.draw(beside.scales["age"], rows, random)
    if beside.age == AGE:
        return events({"row": range(rows), "code": [AGE] * rows, "position": [float("nan")] * rows, "numeric_value": years})
    return events({"row": range(rows), "code": [BIRTH] * rows, "position": -years * 365.25})


def days(beside: Beside, name: Name, count: int, random: np.random.Generator) -> Array:
    """Durations such as those of training."""
    return np.expm1(scale.draw(beside.scales[name], count, random))
