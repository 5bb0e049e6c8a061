"""What inputs matter over all rows: the parts of each feature, code or channel added up row by row, and by bands of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.contracts import Evidence, Fitted
from sequela.evaluate.explained import MatterFacts
from sequela.explain.checks import cells
from sequela.prep import statics
from sequela.types import Array, Attribution, Ragged, Spec

SHOWN = 15
BANDS = 8  # of time, of equal width
FEWEST = 5  # rows that have a code, for it to be named
SERIES = ("days", "seconds", "hours")  # units in which a place of a step is a time


@dataclass(frozen=True, slots=True)
class Matters:
    """Those that matter most, first, and the bands of time that they are told by."""

    rows: list[MatterFacts]
    edges: list[float]
    unit: str


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of one input, or of what stands beside it: M numbers, each of a row, a name and a time."""

    input: str
    names: tuple[str, ...]
    row: Array  # int64 "M"
    name: Array  # int64 "M": a place in names
    value: Array  # float64 "M"
    position: Array  # float64 "M"; NaN where it has no time


def matters(said: Attribution, rows: Evidence, fitted: Mapping[str, Fitted]) -> Matters:
    """What matters most over these rows, which were laid out: by the mean over all rows, those that have it not counting 0."""
    parts = list(_parts(said, rows, fitted))
    edges, unit = _edges(rows)
    found = [one for part in parts for one in _summed(part, edges)]
    order = sorted(found, key=lambda one: -one.mean_absolute * one.rows)
    return Matters(order[:SHOWN], edges.tolist(), unit)


def _parts(said: Attribution, rows: Evidence, fitted: Mapping[str, Fitted]) -> Iterator[_Parts]:
    for name, ragged in rows.inputs.items():
        spec = rows.specs[name]
        yield _of_cells(name, said.cells[name], ragged, spec)
        if name in said.side and ragged.side is not None:
            yield _of_side(name, said.side[name], ragged, spec)
        if name in said.context:
            yield _of_context(name, said.context[name], fitted.get(name))


def _of_cells(name: str, values: Array, ragged: Ragged, spec: Spec) -> _Parts:
    """By code or word, by feature, or by channel of windows and pictures."""
    seen = cells.cells_seen(ragged, spec)
    if spec.vocabulary:
        number = np.asarray(ragged.values)[..., 0] if spec.words is not None else np.asarray(ragged.values)
        names = spec.names if len(spec.names) == spec.vocabulary else tuple(map(str, range(spec.vocabulary)))
        step = np.nonzero(seen)[0]
        return _Parts(name, names, _row(ragged, step), number[seen].astype(np.int64), values[seen], _times(ragged, step, spec))
    summed = np.where(seen, values, 0.0).reshape(*values.shape[:2], -1).sum(2) if values.ndim > 1 else values[:, None]
    there = seen.reshape(*seen.shape[:2], -1).any(2) if seen.ndim > 1 else seen[:, None]
    step, feature = np.nonzero(there)
    return _Parts(
        name, _names(name, spec, summed.shape[1]), _row(ragged, step), feature, summed[there], _times(ragged, step, spec)
    )


def _names(name: str, spec: Spec, count: int) -> tuple[str, ...]:
    if len(spec.names) == count:
        return spec.names
    return (name,) if count == 1 else tuple(f"{name} {k + 1}" for k in range(count))


def _of_side(name: str, values: Array, ragged: Ragged, spec: Spec) -> _Parts:
    """Of each feature how long ago it was seen; of all else the numbers beside a step together."""
    each = spec.kind == "measurements" and values.shape[1] == len(spec.names)
    names = tuple(f"{one}, how long ago" for one in spec.names) if each else ("beside the steps",)
    laid = values if each else values.sum(1, keepdims=True)
    step = np.repeat(np.arange(len(laid)), laid.shape[1])
    feature = np.tile(np.arange(laid.shape[1]), len(laid))
    return _Parts(name, names, _row(ragged, step), feature, laid.ravel(), _times(ragged, step, spec))


def _of_context(name: str, values: Array, fitted: Fitted | None) -> _Parts:
    """By number of the row."""
    held: list[Any] = getattr(fitted.state, "context", []) if fitted is not None else []
    told = statics.names(held) if held else ()
    names = told if len(told) == values.shape[1] else tuple(f"of the row {k + 1}" for k in range(values.shape[1]))
    row, place = (np.indices(values.shape)[k].ravel() for k in (0, 1))
    return _Parts(name, names, row, place, values.ravel(), np.full(values.size, np.nan))


def _row(ragged: Ragged, step: Array) -> Array:
    return np.searchsorted(ragged.offsets, step, side="right") - 1


def _times(ragged: Ragged, step: Array, spec: Spec) -> Array:
    return ragged.position[step] if spec.unit in SERIES and not spec.single else np.full(len(step), np.nan)


def _edges(rows: Evidence) -> tuple[Array, str]:
    """The bands of the longest series: from the 99 of 100 latest of its steps on, up to the last."""
    series = [(ragged, rows.specs[name]) for name, ragged in rows.inputs.items()]
    timed = [(one, spec) for one, spec in series if spec.unit in SERIES and not spec.single and len(one.position)]
    if not timed:
        return np.zeros(0), ""
    longest, spec = max(timed, key=lambda each: len(each[0].position))
    known = longest.position[np.isfinite(longest.position)]
    if not len(known):
        return np.zeros(0), ""
    low, high = float(np.quantile(known, 0.01)), float(known.max())
    return (np.linspace(low, high, BANDS + 1), spec.unit) if low < high else (np.zeros(0), "")


def _summed(part: _Parts, edges: Array) -> Iterator[MatterFacts]:
    count = len(part.names)
    if not len(part.row):
        return
    key, inverse = np.unique(part.row * count + part.name, return_inverse=True)
    total = np.bincount(inverse, part.value)
    name = key % count
    rows = np.bincount(name, minlength=count)
    absolute, signed = (np.bincount(name, values, count) / np.maximum(rows, 1) for values in (np.abs(total), total))
    bands = _by_band(part, count, edges) / np.maximum(rows, 1)[:, None]
    for one in np.flatnonzero((rows >= FEWEST) & (absolute > 0)).tolist():
        timed = bands[one].tolist() if bands[one].any() else []
        yield MatterFacts(
            input=part.input,
            name=part.names[one],
            mean_absolute=float(absolute[one]),
            mean=float(signed[one]),
            rows=int(rows[one]),
            bands=timed,
        )


def _by_band(part: _Parts, count: int, edges: Array) -> Array:
    """The absolute sums of each name within each band, added up over rows, "names bands"."""
    bands = max(0, len(edges) - 1)
    timed = np.isfinite(part.position) if bands else np.zeros(len(part.row), bool)
    found = np.zeros((count, bands))
    if not timed.any():
        return found
    band = np.clip(np.searchsorted(edges, part.position[timed], side="right") - 1, 0, bands - 1)
    key, inverse = np.unique((part.row[timed] * count + part.name[timed]) * bands + band, return_inverse=True)
    total = np.abs(np.bincount(inverse, part.value[timed]))
    np.add.at(found, (key // bands % count, key % bands), total)
    return found
