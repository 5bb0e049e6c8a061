"""Irregular series of numbers (vital signs, laboratory values): on a grid of hours, or a step for each moment.

A step has, for each code, its scaled value (0 where unseen), whether it was seen, and as `side` how long ago the code was seen
before this step, as Che 2018 (Scientific Reports 8:6085, equation 2) has it: 0 at the first step; else the time since the step
before, and what had passed by then where the code was not seen at that step either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
import polars as pl
from msgspec import Meta

from sequela import seed as streams
from sequela.config import Strict, microseconds
from sequela.errors import ConfigError, DataError
from sequela.modalities import _summary
from sequela.modalities._synthetic import Held, events
from sequela.prep import scale, statics
from sequela.study.cut import DAY
from sequela.types import Array, Known, Plain, Ragged, Spec

GRID = r"^(\d+(\.\d+)?(us|ms|s|min|h|d|w|mo|y))?$"  # a duration, or nothing


class Config(Strict, frozen=True):
    codes: tuple[str, ...] = ()  # left out: the measurements that at least `min_share` of the training rows have
    min_share: Annotated[float, Meta(ge=0, le=1)] = 0.005
    grid: Annotated[str, Meta(pattern=GRID)] = ""  # width of a step, counted back from the prediction; "": a step for each moment
    steps: Annotated[int, Meta(ge=0)] = 0  # with a grid: this many steps, empty ones too; 0: from the first to the last seen
    aggregate: Literal["mean", "last"] = "mean"  # of values of a code within one step
    scale: scale.Method = "rank_gauss"
    knots: Annotated[int, Meta(ge=2)] = 400  # quantiles kept of each code
    clip: Annotated[float, Meta(ge=0)] = 3.0  # largest absolute scaled value; 0: none
    elapsed: Literal["hours", "log_hours"] = "hours"  # of side: hours, or the logarithm of 1 + hours
    elapsed_cap: Annotated[float, Meta(gt=0)] = 8760.0  # hours: longer ago counts as so long ago
    context: tuple[str, ...] = ()  # statics that stand beside the sequence


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One code among the training rows."""

    code: str
    scale: scale.Scale
    share: float  # of rows that have it
    each: float  # values a row, of the rows that have it


class State(msgspec.Struct, frozen=True, kw_only=True):
    features: list[Feature]
    context: list[statics.Static]
    span_days: float  # how far back the series of 99 % of the training rows reach
    steps: float  # distinct moments a row, on average


@dataclass(frozen=True, slots=True)
class Points:
    """Values of known codes laid out as numbers: E of them, by row, then time."""

    row: Array  # int64
    feature: Array  # int64
    position: Array  # float64, days
    value: Array  # float64


@dataclass(frozen=True, slots=True)
class Grid:
    """The steps of N rows, and the step that each point belongs to."""

    offsets: Array  # int64 "N+1"
    position: Array  # float64 "S", days
    step: Array  # int64 "E"
    used: Array  # bool "E": whether the point lies on the grid at all


@dataclass(frozen=True, slots=True)
class Measurements:
    config: Config

    def fit(self, known: Known) -> State:
        """Which codes there are, and how each is scaled.

        Raises DataError where no training row has a measurement.
        """
        codes = list(self.config.codes) or sorted(code for code, kind in known.kinds.items() if kind == "measurement")
        points = _points(known, codes)
        features = self._features(points, codes, known.count)
        if not features:
            raise DataError(
                f"no training row has a number of any of {len(codes)} codes", hint="see the input's codes and min_share"
            )
        rows, first = np.unique(points.row, return_index=True)
        return State(
            features=features,
            context=statics.fit(known, self.config.context, self.config.scale, clip=self.config.clip),
            span_days=float(-np.quantile(points.position[first], 0.01)),
            steps=len(_moments(points, known.count).position) / len(rows),
        )

    def read(self, known: Known, state: State) -> Ragged:
        """The series of each row; one without any of the codes has no steps."""
        points = _points(known, [feature.code for feature in state.features])
        grid = self._grid(points, known.count)
        cell, value = _gathered(points, grid, len(state.features), self.config.aggregate)
        shape = len(grid.position), len(state.features)
        values, seen = np.zeros(shape, np.float32), np.zeros(shape, bool)
        for number, feature in enumerate(state.features):
            own = cell[1] == number
            values[cell[0][own], number] = scale.apply(feature.scale, value[own])
            seen[cell[0][own], number] = True
        return Ragged(
            offsets=grid.offsets,
            values=values,
            position=grid.position,
            seen=seen,
            side=self._elapsed(seen, grid),
            context=statics.encode(known, state.context)[0] if state.context else None,
        )

    def plain(self, known: Known, state: State) -> Plain:
        """Of each code last, first, mean, min, max, spread, slope, count, hours since last, and its mean in each quarter."""
        codes = [feature.code for feature in state.features]
        points = _points(known, codes)
        values, names = _summary.summarise(
            points.row, points.feature, points.position, points.value, _summary.Frame(known.count, codes, state.span_days)
        )
        beside = statics.plain(known, state.context)
        return Plain(np.concatenate([values, beside.values], 1), (*names, *beside.names))

    def plain_steps(self, known: Known, state: State) -> Plain:
        """Of each step the values seen, in natural units, and the statics of its row."""
        codes = [feature.code for feature in state.features]
        points = _points(known, codes)
        grid = self._grid(points, known.count)
        cell, value = _gathered(points, grid, len(codes), self.config.aggregate)
        values = np.full((len(grid.position), len(codes)), np.nan, np.float32)
        values[cell] = value
        beside = statics.plain(known, state.context)
        of_row = beside.values[np.repeat(np.arange(known.count), np.diff(grid.offsets))]
        return Plain(np.concatenate([values, of_row], 1), (*codes, *beside.names))

    def spec(self, state: State) -> Spec:
        codes = tuple(feature.code for feature in state.features)
        facts = statics.codes(state.context)
        lines = tuple(line for feature in state.features if (line := scale.line(feature.scale)) is not None)
        exact = lines if len(lines) == len(codes) else ()
        rulers = tuple(scale.ruler(feature.scale) for feature in state.features)
        return Spec(
            "measurements",
            (len(codes),),
            "days",
            codes,
            side=len(codes),
            context=len(facts),
            facts=facts,
            lines=exact,
            rulers=rulers,
        )

    def example(self, state: State, rows: int, seed: int) -> Known:
        """Values drawn between the training quantiles, at moments spread evenly over the typical span."""
        random = streams.generator(seed, "example", "measurements")
        moments = max(2, min(64, round(state.steps)))
        at = -np.sort(random.random((rows, moments)), 1)[:, ::-1] * state.span_days
        drawn = [self._drawn(feature, at, random) for feature in state.features]
        timed = events({name: [x for part in drawn for x in part[name]] for name in ("row", "position", "code", "numeric_value")})
        still = statics.synthetic(state.context, rows, random)
        beside = events({**still, "position": [float("nan")] * len(still["row"])})
        both = pl.concat([beside, timed]).sort("row", pl.col("position").fill_nan(None), nulls_last=False, maintain_order=True)
        kinds = {static.code: "static" for static in state.context} | {feature.code: "measurement" for feature in state.features}
        return Known(rows, both, Held({}), kinds, np.full(rows, -state.span_days))

    def _features(self, points: Points, codes: list[str], rows: int) -> list[Feature]:
        """The codes that enough rows have, with their scales, in the order given."""
        order = np.argsort(points.feature, kind="stable")
        bounds = np.searchsorted(points.feature[order], np.arange(len(codes) + 1))
        found = []
        for number, code in enumerate(codes):
            own = order[bounds[number] : bounds[number + 1]]
            having = len(np.unique(points.row[own]))
            if having and (self.config.codes or having >= self.config.min_share * rows):
                fitted = scale.fit(points.value[own], self.config.scale, knots=self.config.knots, clip=self.config.clip)
                found.append(Feature(code=code, scale=fitted, share=having / rows, each=len(own) / having))
        return found

    def _grid(self, points: Points, rows: int) -> Grid:
        if not self.config.grid:
            if self.config.steps:
                raise ConfigError("measurements: steps needs a grid", hint='grid = "1h"')
            return _moments(points, rows)
        return _regular(points, rows, microseconds(self.config.grid), self.config.steps)

    def _elapsed(self, seen: Array, grid: Grid) -> Array:
        """How long ago each code was seen before each step, float32 "S F"; at a row's first step 0."""
        steps = np.arange(len(grid.position))
        start = np.repeat(grid.offsets[:-1], np.diff(grid.offsets))
        elapsed = np.zeros(seen.shape, np.float32)
        for number in range(seen.shape[1]):
            before = np.append(False, seen[:-1, number])[: len(steps)]
            last = np.maximum(np.maximum.accumulate(np.where(before, steps - 1, 0)), start)
            elapsed[:, number] = (grid.position - grid.position[last]) * 24
        np.minimum(elapsed, self.config.elapsed_cap, out=elapsed)
        return np.log1p(elapsed) if self.config.elapsed == "log_hours" else elapsed

    def _drawn(self, feature: Feature, at: Array, random: np.random.Generator) -> dict[str, list[object]]:
        rows, moments = at.shape
        chance = min(1.0, feature.each / moments) * (random.random((rows, 1)) < feature.share)
        row, moment = np.nonzero(random.random(at.shape) < chance)
        return {
            "row": row.tolist(),
            "position": at[row, moment].tolist(),
            "code": [feature.code] * len(row),
            "numeric_value": scale.draw(feature.scale, len(row), random).tolist(),
        }


def build(config: Config) -> Measurements:
    return Measurements(config)


def _points(known: Known, codes: list[str]) -> Points:
    """The numbers of these codes that have a time; what has none is no part of a series."""
    number = pl.col("code").replace_strict(codes, list(range(len(codes))), default=None, return_dtype=pl.Int64)
    wanted = pl.col("code").is_in(codes) & pl.col("numeric_value").is_finite() & pl.col("position").is_not_nan()
    found = known.events.filter(wanted).select(
        "row", "position", number.alias("feature"), pl.col("numeric_value").cast(pl.Float64)
    )
    return Points(*(found[name].to_numpy() for name in ("row", "feature", "position", "numeric_value")))


def _moments(points: Points, rows: int) -> Grid:
    """A step for each distinct moment of a row."""
    new = np.ones(len(points.row), bool)
    new[1:] = (np.diff(points.row) != 0) | (np.diff(points.position) != 0)
    counts = np.bincount(points.row[new], minlength=rows)
    return Grid(_offsets(counts), points.position[new], np.cumsum(new) - 1, np.ones(len(new), bool))


def _regular(points: Points, rows: int, width: int, steps: int) -> Grid:
    """Steps of equal width that end at the prediction: a point belongs to the step it lies in or ends; each is placed at its end.

    With `steps`, a point exactly at the far border belongs to the first, and every row that has a point has so many.
    """
    ago = np.rint(-points.position * DAY).astype(np.int64)
    back = ago // width  # 0: the last step
    if steps:
        back -= (ago == steps * width).astype(np.int64)
        used = back < steps
        counts = np.where(np.bincount(points.row[used], minlength=rows) > 0, steps, 0)
        far, near = np.full(rows, steps - 1), np.zeros(rows, np.int64)
    else:
        used = np.ones(len(back), bool)
        far, near = np.full(rows, -1), np.full(rows, np.iinfo(np.int64).max)
        np.maximum.at(far, points.row, back)
        np.minimum.at(near, points.row, back)
        counts = np.maximum(far - np.minimum(near, far + 1) + 1, 0)
    offsets = _offsets(counts)
    owner = np.repeat(np.arange(rows), counts)
    position = -(far[owner] - (np.arange(len(owner)) - offsets[owner])) * (width / DAY)
    return Grid(offsets, position, offsets[points.row] + far[points.row] - back, used)


def _offsets(counts: Array) -> Array:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _gathered(points: Points, grid: Grid, features: int, how: str) -> tuple[tuple[Array, Array], Array]:
    """(step, feature) of every cell that has a value, and that value: the mean or the last of its points."""
    flat = (grid.step * features + points.feature)[grid.used]
    order = np.argsort(flat, kind="stable")
    flat, value = flat[order], points.value[grid.used][order]
    first = np.flatnonzero(np.append(True, flat[1:] != flat[:-1])[: len(flat)])
    cell, count = flat[first], np.diff(np.append(first, len(flat)))
    if not len(cell):
        return (cell, cell), value
    gathered = value[first + count - 1] if how == "last" else np.add.reduceat(value, first) / count
    return (cell // features, cell % features), gathered
