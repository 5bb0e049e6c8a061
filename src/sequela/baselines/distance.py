"""How far a row lies from the mean of the normal rows of train: the plainest answer to what is unlike them.

Over its plain columns or over its last window, whichever tune prefers by AUROC; each number in its own spread, or all by their
covariance (Mahalanobis 1936), shrunk (Ledoit and Wolf 2004). A missing column counts as its mean. Abnormal rows of train are not
seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela.baselines import _oddness, _problem
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array

Over: TypeAlias = Literal["columns", "window"]
Form: TypeAlias = Literal["spread", "covariance"]
SMALL = 1e-6  # a number that varies less has no spread to measure in


class Config(Strict, frozen=True):
    over: tuple[Over, ...] = ("columns", "window")  # those tried
    forms: tuple[Form, ...] = ("spread", "covariance")
    rows: Annotated[int, Meta(ge=2)] = 20_000  # normal rows that a covariance is made of at most, evenly spaced
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class Middle:
    """The mean of normal rows, and what brings a difference from it to spreads."""

    mean: Array  # float64 "F"
    whiten: Array  # float64 "F F", or "F" where each number has its own spread

    def __call__(self, numbers: Array) -> Array:
        """The root of the mean squared difference of "N F", float64 "N"."""
        apart = numbers - self.mean
        spreads = apart * self.whiten if self.whiten.ndim == 1 else apart @ self.whiten
        found: Array = np.sqrt((spreads**2).mean(1))
        return found


@dataclass(frozen=True, slots=True)
class Varying:
    """Plain columns that vary among normal rows, in their spreads."""

    used: Array  # int64 "F"
    mean: Array  # float64 "F"
    spread: Array  # float64 "F"

    def __call__(self, values: Array) -> Array:
        """float64 "N F", 0 where an entry is missing."""
        found: Array = np.nan_to_num((values[:, self.used].astype(np.float64) - self.mean) / self.spread, nan=0.0)
        return found


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the numbers of a row come from."""

    over: Over
    names: tuple[str, ...]  # of the plain columns, or of the input
    varying: Varying | None = None

    def of(self, rows: Evidence, which: Array) -> Array:
        """The numbers "n F" of these rows; NaN where nothing is known of one."""
        if self.varying is None:
            numbers, known = _oddness.windows(rows, self.names[0])
        else:
            plain = _problem.same_columns(rows.plain, self.names)
            numbers, known = self.varying(plain.values), np.asarray(np.isfinite(plain.values).any(1))
        return np.where(known[which, None], numbers[which], np.nan)


class Distance:
    """Fits once, then answers; `chosen` tells every way tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fitted: tuple[_Source, Middle, _oddness.Share, tuple[str, ...]] | None = None
        self._told: dict[str, Any] = {}

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Raises DataError for a question that is not yes-or-no, or where nothing varies among the normal rows of train."""
        asked = _oddness.rows(train, tune, kind)
        ways: list[_oddness.Way] = []
        made: list[tuple[_Source, Middle]] = []
        with threadpool_limits(self._config.threads):
            for source in self._sources(train, asked.normal):
                normal, judged = source.of(train, asked.normal), source.of(tune, asked.judged)
                for form in self._config.forms:
                    middle = self._middle(normal[~np.isnan(normal).any(1)], form)
                    ways.append(_oddness.Way({"over": source.over, "form": form}, middle(normal), middle(judged)))
                    made.append((source, middle))
        best = _oddness.chosen(ways, asked.event)
        self._fitted = (*made[best.place], _oddness.Share(ways[best.place].train), train.target.names)
        self._told = best.told(asked.name)

    def _sources(self, train: Evidence, normal: Array) -> list[_Source]:
        found = []
        plain, name = _problem.of_inputs(train.plain), _oddness.windowed(train)
        varying = _varying(plain.values[normal])
        if "columns" in self._config.over and len(varying.used):
            found.append(_Source("columns", plain.columns, varying))
        if "window" in self._config.over and name and _oddness.windows(train, name)[1][normal].any():
            found.append(_Source("window", (name,)))
        return found

    def _middle(self, numbers: Array, form: Form) -> Middle:
        mean = numbers.mean(0, dtype=np.float64)
        if form == "spread":
            spread = numbers.std(0, dtype=np.float64)
            return Middle(mean, np.where(spread > SMALL, 1 / np.maximum(spread, SMALL), 0.0))
        from sklearn.covariance import ledoit_wolf

        kept = np.linspace(0, len(numbers) - 1, min(self._config.rows, len(numbers))).astype(np.int64)
        covariance, _ = ledoit_wolf(numbers[kept].astype(np.float64) - mean, assume_centered=True)
        values, vectors = np.linalg.eigh(covariance)
        return Middle(mean, vectors / np.sqrt(np.maximum(values, SMALL)))

    def answer(self, rows: Evidence) -> Answer:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        source, middle, share, names = self._fitted
        return _oddness.answer(share(middle(source.of(rows, np.arange(len(rows))))), names)

    @property
    def chosen(self) -> Mapping[str, Any]:
        return self._told


def _varying(values: Array) -> Varying:
    """Of columns "N P"; those that never vary, or were never seen, are left out."""
    finite = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    count = (~np.isnan(finite)).sum(0)
    mean = np.nansum(finite, 0) / np.maximum(count, 1)
    spread = np.sqrt(np.nansum((finite - mean) ** 2, 0) / np.maximum(count, 1))
    used = np.flatnonzero(spread > SMALL).astype(np.int64)
    return Varying(used, mean[used], spread[used])


def build(config: Config) -> Distance:
    return Distance(config)
