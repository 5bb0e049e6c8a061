"""One number asked of one answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sequela.types import Array

Value = Callable[[Array | None], Array]  # weights of the question's rows -> its value


@dataclass(frozen=True, slots=True)
class Additive:
    """A number that is a function of sums over rows: any number of resamples of it is one product of matrices."""

    columns: Array  # float64 "n k": what is summed
    of: Callable[[Array], Array]  # sums "... k" -> value
    least: int = 0  # subjects from which on it may take the place of `value`


@dataclass(frozen=True, slots=True)
class Question:
    """One number asked of one answer. Its value is a function of the weights of its rows alone."""

    model: str
    metric: str
    class_: str
    rows: Array  # of the cohort: int64 indices
    value: Value
    events: int | None = None
    threshold: float | None = None
    denominator: Array | None = None  # bool over its rows: of what a proportion is a share
    reason: str = ""  # why it is undefined, or what was left out of it
    additive: Additive | None = None  # the same value by sums, where it has any
    counted: bool = False  # whether its value takes weights as integers of one byte, too
