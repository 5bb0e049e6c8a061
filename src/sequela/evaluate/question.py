"""One number asked of one answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from sequela.metrics.discrimination import Counted, Ranked
from sequela.types import Array

Value = Callable[[Array | None], Array]  # weights of the question's rows -> its value


class Columns:
    """What is summed over rows, made when it is first asked for: of numbers that are not resampled it often never is."""

    def __init__(self, make: Callable[[], Array]) -> None:
        self._make = make

    @cached_property
    def rows(self) -> Array:
        """float64 "n k"."""
        return self._make()

    @cached_property
    def total(self) -> Array:
        """The sums "k" of the rows as they are."""
        total: Array = self.rows.sum(0)
        return total


@dataclass(frozen=True, slots=True)
class Additive:
    """A number that is a function of sums over rows: any number of resamples of it is one product of matrices."""

    columns: Columns
    of: Callable[[Array], Array]  # sums "... k" -> value
    least: int = 0  # subjects from which on it may take the place of `value`
    whole: float | None = None  # its value on the rows as they are, where that is known without the sums

    def point(self) -> float:
        """Its value on the rows as they are."""
        return float(self.of(self.columns.total)) if self.whole is None else self.whole


@dataclass(frozen=True, slots=True)
class Ordered:
    """A number that needs the order of the rows alone, which all its resamples share."""

    order: Ranked
    of: Callable[[Counted], Array]  # counts of resamples -> values


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
    ordered: Ordered | None = None  # the same value by the order of the rows, where it is one of it

    def point(self) -> float:
        """Its value on the rows as they are; by sums where it has them, which solves no fit anew."""
        return float(self.value(None)) if self.additive is None else self.additive.point()
