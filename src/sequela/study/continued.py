"""Recordings that go on where the one before ends: pieces of one signal that came as records of their own.

Asked of records whose names follow each other. Whether the samples after a join are what those before it lead to expect is told
by an autoregression of each of the two records, forwards and backwards. Chance is measured, not reckoned: the same is asked of
places in the middle of the next record, where nothing continues; what a true join looks like, of places in the middle of each.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from sequela.types import Array, Cohort, Known, Payloads

ORDER = 8  # samples that an autoregression looks back on, and the samples after a join that are held against it
FITTED_ON = 2048  # samples of a record
TRUE = 0.9  # share of the true joins that are as smooth as the limit
ELSEWHERE = (0.2, 0.4, 0.6, 0.8)  # places in the middle of a record, as shares of its length
SPREADS = 4.0  # of a count by chance above which it is none
FEWEST = 5  # joins
EXACT = 1e-6  # a signal that is foreseen up to this share of its spread is a formula, not a recording


@dataclass(frozen=True, slots=True)
class Stretch:
    """The samples of a recording that rows of one part know."""

    uri: str
    begin: int
    end: int
    row: int  # one of those rows
    part: str


@dataclass(frozen=True, slots=True)
class Joins:
    """Neighbours in different parts of which the second seems to go on where the first ends, and how many chance would give."""

    rows: Array  # int64: of those that seem to go on
    chance: float

    @property
    def beyond_chance(self) -> bool:
        return len(self.rows) >= FEWEST and len(self.rows) - self.chance > SPREADS * max(self.chance, 1.0) ** 0.5


def stretches(known: Known, cohort: Cohort) -> list[Stretch]:
    """Of each recording what the rows of each part know, by the name of the subject ("S2" before "S10"), as they were stored."""
    held = _held(known)
    part = pl.Series("part", cohort.part[held["row"].to_numpy()], dtype=pl.String)
    bounds = (pl.col("begin").min(), pl.col("end").max(), pl.col("row").min())
    found = held.with_columns(part).filter(pl.col("part") != "").group_by("payload", "part").agg(*bounds)
    made = [Stretch(one["payload"], one["begin"], one["end"], one["row"], one["part"]) for one in found.iter_rows(named=True)]
    return sorted(made, key=lambda one: (_natural(str(cohort.source_id[one.row])), one.uri, one.begin, one.part))


def _held(known: Known) -> pl.DataFrame:
    """row, payload, begin and end of all that has a time axis."""
    columns = ["row", "payload", "begin", "end"]
    shared = known.shared
    if shared is None:
        return known.events.select(columns).drop_nulls()
    if shared.begin is None or shared.end is None:
        return pl.DataFrame(schema={"row": pl.Int64, "payload": pl.String, "begin": pl.Int64, "end": pl.Int64})
    kept = np.flatnonzero(shared.begin >= 0)
    payload = shared.events["payload"][shared.place[kept]]
    found = {"row": shared.row[kept], "payload": payload, "begin": shared.begin[kept], "end": shared.end[kept]}
    return pl.DataFrame(found)


def _natural(name: str) -> list[tuple[int, str]]:
    """By which names sort with their numbers as numbers."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", name)]


def joins(stretches: Sequence[Stretch], payloads: Payloads) -> Joins:
    """What there is of joins between stretches, in the order given, whose rate and first channel are the same."""
    found = [_ends(stretch, payloads) for stretch in stretches]
    known = [one for one in found if one is not None]
    if not known:
        return Joins(np.zeros(0, np.int64), 0.0)
    limit = float(np.quantile(np.concatenate([_roughness(one, one.before, one, one.starts[1:]) for one in known]), TRUE))
    rough, rows = [], []
    for one, following in pairwise(found):
        if one is not None and following is not None and _may_join(one, following):
            rough.append(_roughness(one, one.last, following, following.starts))
            rows.append(following.stretch.row)
    near = np.array(rough).reshape(-1, 1 + len(ELSEWHERE)) <= limit
    return Joins(np.array(rows, np.int64)[near[:, 0]], float(near[:, 1:].sum() / len(ELSEWHERE)))


@dataclass(frozen=True, slots=True)
class _Ends:
    """What is asked of one stretch."""

    stretch: Stretch
    kind: tuple[float | None, tuple[str, ...]]  # rate and first channel
    mean: float
    weights: Array  # float64 "ORDER": the next sample from the last ones, the latest first, as differences from the mean
    spread: float  # of what they leave unexplained
    last: Array  # float64 "ORDER": its last samples
    starts: Array  # float64 "1+ELSEWHERE ORDER": its first samples, and as many from places in its middle
    before: Array  # float64 "ELSEWHERE ORDER": the samples before those places


def _may_join(one: _Ends, following: _Ends) -> bool:
    a, b = one.stretch, following.stretch
    return one.kind == following.kind and a.part != b.part and a.uri != b.uri


def _ends(stretch: Stretch, payloads: Payloads) -> _Ends | None:
    """None for a stretch that is too short, flat, or not known throughout."""
    payload, length = payloads.open(stretch.uri), stretch.end - stretch.begin
    if length < 8 * ORDER:
        return None
    signal = np.asarray(payload.values[0, stretch.begin : stretch.end], np.float64)
    mean = float(signal[-FITTED_ON:].mean())
    learnt = signal[-FITTED_ON:] - mean
    if not np.isfinite(signal).all() or not learnt.any():
        return None
    past = np.lib.stride_tricks.sliding_window_view(learnt, ORDER)[:-1, ::-1]
    weights = np.linalg.lstsq(past, learnt[ORDER:], rcond=None)[0]
    spread = float(np.std(learnt[ORDER:] - past @ weights))
    if spread < EXACT * np.std(learnt):
        return None
    places = [ORDER + int(share * (length - 2 * ORDER)) for share in ELSEWHERE]
    starts = np.stack([signal[place : place + ORDER] for place in (0, *places)])
    before = np.stack([signal[place - ORDER : place] for place in places])
    return _Ends(stretch, (payload.rate_hz, payload.channels[:1]), mean, weights, spread, signal[-ORDER:], starts, before)


def _roughness(one: _Ends, before: Array, following: _Ends, after: Array) -> Array:
    """Of joins of samples "… ORDER", how either record is surprised by the other: the larger of the two."""
    return np.maximum(_surprise(one, before, after), _surprise(following, after[..., ::-1], before[..., ::-1]))


def _surprise(one: _Ends, before: Array, after: Array) -> Array:
    """The mean square of how samples differ from what a record leads to expect, in its own spreads: about 1 where it goes on."""
    shape = np.broadcast_shapes(before.shape, after.shape)
    joined = np.concatenate([np.broadcast_to(before, shape), np.broadcast_to(after, shape)], -1) - one.mean
    expected = sum(one.weights[lag] * joined[..., ORDER - 1 - lag : -1 - lag] for lag in range(ORDER))
    found: Array = np.mean((joined[..., ORDER:] - expected) ** 2, -1) / one.spread**2
    return found
