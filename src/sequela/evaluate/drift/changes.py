"""A p for each of many columns that holds for all of them together.

The statistic of a test is the chi-squared of two samples. Columns tell much the same (the mean and the last value of one
measurement), so the smallest p of them all is held against the smallest p of resamples in which nothing has changed: rows drawn
twice from the new ones, as many as there are now and as many as there were then (Westfall and Young 1993, single step). No row of
development is needed for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace
from scipy.stats import chi2

from sequela import seed as streams
from sequela.evaluate.drift.cells import Test
from sequela.evaluate.drift.facts import Check, Family
from sequela.types import Array

RESAMPLES = 1000
BASE = 2000  # new rows at most that resamples are drawn from
CELLS = 4_000_000  # of rows times cells, likewise


@dataclass(frozen=True, slots=True)
class Changes:
    """The tests of one family, with a p each that holds for all."""

    tests: Sequence[Test]
    p: Array  # float64, one for each
    least: Array  # float64 "R": the smallest p of each resample, of one test alone, sorted

    def level(self, chance: float) -> float:
        """The p of one test alone at which a false alarm of any of them has this chance."""
        return float(np.quantile(self.least, chance)) if len(self.least) else chance

    def checks(self, family: Family, chance: float) -> list[Check]:
        """Every test as it is told, the smallest p first."""
        told = [_check(family, test, float(p), p <= chance) for test, p in zip(self.tests, self.p, strict=True)]
        return sorted(told, key=lambda one: (not one.alarm, one.p, -(one.psi or 0)))


def changes(found: Sequence[Test], seed: int, resamples: int = RESAMPLES) -> Changes:
    """Every test held against development."""
    if not found:
        return Changes([], np.zeros(0), np.zeros(0))
    first = np.cumsum([0, *(len(one.before) for one in found)])[:-1]
    now, before = (np.concatenate(counts) for counts in ([one.now for one in found], [one.before for one in found]))
    alone = _p(now[None], before[None], first)[0]
    least = np.sort(np.concatenate(list(_least(found, first, seed, resamples))))
    together = (1 + np.searchsorted(least, alone * (1 + 1e-9), side="right")) / (1 + len(least))
    return Changes(found, together, least)


def statistic(now: Array, before: Array, first: Array) -> tuple[Array, Array]:
    """Chi-squared and degrees of freedom "R tests" of counts "R C" whose tests begin at `first`."""
    here, there = (np.add.reduceat(counts, first, 1) for counts in (now, before))
    sizes = np.diff(np.append(first, now.shape[1]))
    ratio = np.repeat(np.sqrt(np.maximum(there, 1e-9) / np.maximum(here, 1e-9)), sizes, 1)
    both = now + before
    each = np.where(both > 0, (ratio * now - before / ratio) ** 2 / np.maximum(both, 1e-9), 0)
    freedom = np.add.reduceat((both > 0).astype(np.float64), first, 1) - 1
    told = (here > 0) & (there > 0) & (freedom > 0)
    return np.where(told, np.add.reduceat(each, first, 1), 0), np.maximum(freedom, 1)


def _p(now: Array, before: Array, first: Array) -> Array:
    value, freedom = statistic(now, before, first)
    p: Array = chi2.sf(value, freedom)
    return p


def _least(found: Sequence[Test], first: Array, seed: int, resamples: int) -> Iterator[Array]:
    """The smallest p of resamples in which nothing has changed, some at a time."""
    random = streams.generator(seed, "drift")
    count, cells = len(found[0].cell), sum(len(one.before) for one in found)
    base = random.permutation(count)[: min(BASE, max(200, CELLS // cells))]
    member = _members(found, base, cells)
    then = max(one.column.rows for one in found)
    size = max(1, min(resamples, CELLS // cells))
    for begin in range(0, resamples, size):
        shape = (min(size, resamples - begin), len(base))
        now, before = (random.poisson(rows / len(base), shape).astype(np.float32) @ member for rows in (count, then))
        yield _p(now.astype(np.float64), before.astype(np.float64), first).min(1)


def _members(found: Sequence[Test], base: Array, cells: int) -> Array:
    """Float32 "rows C": 1 where a row falls into a cell."""
    member = np.zeros((len(base), cells), np.float32)
    begin = 0
    for one in found:
        cell = one.cell[base]
        inside = np.flatnonzero(cell >= 0)
        member[inside, begin + cell[inside]] = 1
        begin += len(one.before)
    return member


def _check(family: Family, test: Test, p: float, alarm: bool) -> Check:
    now, before = test.now, test.before
    here, there = now / max(now.sum(), 1), before / max(before.sum(), 1)
    bare = Check(family=family, what=test.column.name, measure=test.measure, p=p, alarm=bool(alarm))
    if test.measure == "missing" or len(before) == 2:
        return replace(bare, before=float(there[1]), now=float(here[1]))
    floor = 0.5 / max(now.sum(), 1)  # half a row, so that an empty bin has a logarithm
    held, kept = np.maximum(here, floor), np.maximum(there, floor)
    psi = float(((held - kept) * np.log(held / kept)).sum())
    ks = float(np.abs(np.cumsum(here) - np.cumsum(there)).max())
    return replace(bare, before=test.column.mean, now=test.mean, psi=psi, ks=ks)
