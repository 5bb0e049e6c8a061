"""The MiniRocket transform: how much of a series lies where each of many fixed dilated kernels passes a threshold.

Source: Dempster, Schmidt, Webb 2021 (KDD, arXiv:2012.08791), with the channel combinations of its multivariate form. The 84
kernels have nine weights, three of them 2 and six of them -1; dilations are spaced by powers of two; thresholds are quantiles of
the response of a series drawn for each. Shares are taken over what is known of a series alone, so series may differ in length: as
in the authors' form for unequal lengths, zeros stand beyond a series' ends. That form counts every response; ours leaves the ends
away for every second kernel, as the form for equal lengths does, unless a series is shorter than the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations, groupby

import numpy as np

from sequela import seed as streams
from sequela.types import Array

TAPS = 9  # weights of a kernel
KERNELS = np.array(list(combinations(range(TAPS), 3)))  # "84 3": where the three weights of 2 are
MOST_DILATIONS = 32  # a kernel
CHUNK = 1 << 16  # samples worked on at once: what fits the cache of one core
ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(1, dtype=np.uint8)  # in each byte


@dataclass(frozen=True, slots=True)
class Series:
    """M series of C channels, laid into the length of the longest."""

    values: Array  # float32 "M C L"; 0 where nothing is known
    known: Array | None = None  # bool "M L": the samples that a series has; None: all

    def __len__(self) -> int:
        return len(self.values)

    @property
    def samples(self) -> Array:
        """How many each has, int64 "M"."""
        return np.full(len(self), self.values.shape[2]) if self.known is None else self.known.sum(1)

    def take(self, rows: Array | slice) -> Series:
        return Series(self.values[rows], None if self.known is None else self.known[rows])


@dataclass(frozen=True, slots=True)
class Part:
    """One dilation of one kernel: the channels it sums and the thresholds its response is held against."""

    kernel: int
    dilation: int
    channels: Array  # int64
    padded: bool  # whether the ends count too, where the kernel reaches past them into zeros
    thresholds: Array  # float32

    @property
    def reach(self) -> int:
        """Samples to either side."""
        return self.dilation * (TAPS // 2)


def parts(series: Series, features: int, seed: int) -> tuple[Part, ...]:
    """About `features` thresholds in all, from series drawn by the seed among those that have a sample."""
    random = streams.generator(seed, "minirocket")
    drawn = np.flatnonzero(series.samples > 0)
    found, used = [], 0
    for turn, (dilation, count) in enumerate(_dilations(int(series.samples.max(initial=1)), features // len(KERNELS))):
        for kernel in range(len(KERNELS)):
            channels = _channels(series.values.shape[1], random)
            bare = Part(kernel, dilation, channels, (turn + kernel) % 2 == 0, np.zeros(0, np.float32))
            one = series.take(drawn[random.integers(len(drawn), size=1)])
            found.append(replace(bare, thresholds=_thresholds(one, bare, _spread(used, count))))
            used += count
    return tuple(found)


def transform(series: Series, parts: tuple[Part, ...]) -> Array:
    """float32 "M F": for each threshold, the share of the series whose response is above it; 0 for a series without samples."""
    rows = max(CHUNK // max(series.values.shape[2], 1), 1)
    chunks = [_transformed(series.take(slice(i, i + rows)), parts) for i in range(0, len(series), rows)]
    width = sum(len(part.thresholds) for part in parts)
    return np.concatenate(chunks) if chunks else np.zeros((0, width), np.float32)


def _transformed(series: Series, parts: tuple[Part, ...]) -> Array:
    columns: list[Array] = []
    for _, group in groupby(parts, lambda part: part.dilation):
        sums: dict[bytes, _Taps] = {}
        inside: dict[bool, Array | None] = {}
        for part in group:
            key = part.channels.tobytes()
            if key not in sums:
                sums[key] = _Taps.of(series.values[:, part.channels], part.dilation)
            if part.padded not in inside:
                inside[part.padded] = _inside(series, part)
            columns += _shares(sums[key].response(part.kernel), part, inside[part.padded])
    return np.stack(columns, axis=1, dtype=np.float32)


@dataclass(slots=True)
class _Taps:
    """What the kernels of one dilation see: three times the sum of the channels at each tap, and the sum over all taps."""

    tripled: Array  # float32 "TAPS M L"
    total: Array  # float32 "M L"
    _pair: tuple[int, int] = (-1, -1)
    _first: Array | None = None  # of the pair, less the total: kernels that share it follow each other

    @classmethod
    def of(cls, values: Array, dilation: int) -> _Taps:
        summed = values.sum(axis=1, dtype=np.float32)
        reach = dilation * (TAPS // 2)
        padded = np.pad(summed, ((0, 0), (reach, reach)))
        shifted = np.stack([padded[:, tap * dilation : tap * dilation + summed.shape[1]] for tap in range(TAPS)])
        return cls(3 * shifted, shifted.sum(axis=0))

    def response(self, kernel: int) -> Array:
        """The convolution with the kernel, "M L"."""
        first, second, third = KERNELS[kernel]
        if self._first is None or self._pair != (first, second):
            self._pair, self._first = (first, second), self.tripled[first] + self.tripled[second] - self.total
        response: Array = self._first + self.tripled[third]
        return response


def _inside(series: Series, part: Part) -> Array | None:
    """Where a response counts, bool "M L": at a known sample, and where not padded, with the kernel's ends at known samples.

    A series too short for that counts wherever it is known. None where it counts everywhere.
    """
    if series.known is None and (part.padded or 2 * part.reach >= series.values.shape[2]):
        return None
    known = np.ones((len(series), series.values.shape[2]), bool) if series.known is None else series.known
    if part.padded:
        return known
    ends = np.pad(known, ((0, 0), (part.reach, part.reach)))
    whole: Array = known & ends[:, : known.shape[1]] & ends[:, 2 * part.reach :]
    return np.where(whole.any(1, keepdims=True), whole, known)


def _shares(response: Array, part: Part, inside: Array | None) -> Iterator[Array]:
    """Of each threshold, "M"."""
    counted = np.full(len(response), response.shape[1]) if inside is None else _count(inside)
    for threshold in part.thresholds:
        above = response > threshold
        yield _count(above if inside is None else above & inside) / np.maximum(counted, 1)


def _count(marks: Array) -> Array:
    """How many are True in each row: by eights, several times as fast as a sum."""
    found: Array = ONES[np.packbits(marks, axis=1)].sum(axis=1, dtype=np.int64)
    return found


def _thresholds(one: Series, part: Part, levels: Array) -> Array:
    """Quantiles of the whole response, its ends too."""
    response = _Taps.of(one.values[:, part.channels], part.dilation).response(part.kernel)
    return np.asarray(np.quantile(response if one.known is None else response[one.known], levels), np.float32)


def _dilations(length: int, budget: int) -> list[tuple[int, int]]:
    """Each dilation with its number of thresholds a kernel; the widest kernel just spans the longest series."""
    widest = np.log2(max((length - 1) / (TAPS - 1), 1))
    spaced = np.logspace(0, widest, min(budget, MOST_DILATIONS), base=2).astype(np.int64)
    dilations, counts = np.unique(spaced, return_counts=True)
    shares = (counts * (budget / len(spaced))).astype(np.int64)
    shares[: budget - shares.sum()] += 1
    return [(int(d), int(n)) for d, n in zip(dilations, shares, strict=True) if n]


def _channels(count: int, random: np.random.Generator) -> Array:
    """Some channels, few more often than many: their number is a power of two drawn evenly, at most 9."""
    most = np.log2(min(count, TAPS) + 1)
    number = min(int(2 ** random.uniform(0, most)), count)
    return np.sort(random.choice(count, number, replace=False)).astype(np.int64)


def _spread(used: int, count: int) -> Array:
    """Quantiles that fill (0, 1) evenly however many there are: multiples of the golden ratio."""
    return np.asarray((np.arange(used + 1, used + count + 1) * (np.sqrt(5) + 1) / 2) % 1)
