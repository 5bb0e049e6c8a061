"""Whether a quantity was recorded in two units: its values fall into two lumps of one shape, a known factor apart.

Lumps that overlap are not told apart (weights in kilograms and pounds), nor is a unit that fewer than 1 % of the values have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from sequela.study.audit.material import NAMED, Alarm, Material
from sequela.study.records import HIDDEN
from sequela.types import Array, Known

FEWEST, DISTINCT = 200, 10  # values of a code, and different ones in each lump, below which lumps are chance
PILED = 0.5  # share of a lump that may be one value: more is a limit of the instrument
SHARE, LEAST = 0.01, 20  # of the values, and how many, that the smaller lump has
MOST = 20_000  # values looked at of one code
BINS = 60  # of the logarithms, between their 0.5 % and 99.5 %
PEAK = 5  # values in one of the bins, the mean with its neighbours, below which it is no peak
VALLEY = 0.25  # of the lower of two peaks: how many values at most lie between them
ALIKE = 0.25  # largest distance between the distributions of the two lumps in one unit (Kolmogorov and Smirnov)

Back = Callable[[Array], Array]
PAIRS: Mapping[str, Back] = {  # what the higher values may be -> the same in the unit of the lower ones
    "a factor of 10": lambda high: high / 10,
    "a factor of 100": lambda high: high / 100,
    "a factor of 1000": lambda high: high / 1000,
    "degrees Fahrenheit for Celsius": lambda high: (high - 32) / 1.8,
    "mmHg for kPa": lambda high: high / 7.50062,
    "mg/dL for mmol/L of glucose": lambda high: high / 18.016,
    "mg/dL for mmol/L of cholesterol": lambda high: high / 38.67,
    "mg/dL for mmol/L of urea nitrogen": lambda high: high / 2.801,
    "µmol/L for mg/dL of creatinine": lambda high: high / 88.42,
    "µmol/L for mg/dL of bilirubin": lambda high: high / 17.1,
    "centimetres for inches": lambda high: high / 2.54,
}


@dataclass(frozen=True, slots=True)
class Lumps:
    """Values of one code that look like one quantity in two units."""

    code: str
    pair: str
    high: int  # values in the higher lump
    of: int
    border: float  # between the two


def mixed_units(material: Material) -> Alarm:
    """Codes whose numbers look like two units of one quantity."""
    found = [lumps for code, values in _values(material.known) if (lumps := lumped(code, values)) is not None]
    if not found:
        return Alarm("mixed_units", "ok", "no quantity falls into two lumps that a change of units would explain")
    told = "; ".join(
        f"{one.code}: {one.high} of {one.of} values above {one.border:.4g} look like {one.pair}" for one in found[:NAMED]
    )
    return Alarm("mixed_units", "warning", told, len(found))


def _values(known: Known) -> Iterator[tuple[str, Array]]:
    """The numbers of each code, at most MOST of it, evenly over the record."""
    events = known.events if known.shared is None else known.shared.events
    measured = [code for code, kind in known.kinds.items() if kind not in HIDDEN]
    numbers = (
        events.select("code", "numeric_value")
        .filter(pl.col("code").cast(pl.String).is_in(measured))
        .filter(pl.col("numeric_value").is_finite() & (pl.col("numeric_value") > 0))
    )
    for (code,), group in numbers.group_by("code", maintain_order=True):
        yield str(code), group["numeric_value"].gather_every(max(1, len(group) // MOST)).to_numpy().astype(np.float64)


def lumped(code: str, values: Array) -> Lumps | None:
    """The two lumps of positive values, with the pair of units that explains them best; None where nothing does."""
    if len(values) < FEWEST:
        return None
    found = [
        (distance, Lumps(code, pair, int((values > border).sum()), len(values), border))
        for border in _valleys(values)
        for pair, back in PAIRS.items()
        if (distance := _apart(values, border, back)) <= ALIKE
    ]
    return min(found, key=lambda one: one[0])[1] if found else None


def _valleys(values: Array) -> Iterator[float]:
    """Values that few others are near, while many lie on either side."""
    logs = np.log10(values)
    low, high = np.quantile(logs, [0.005, 0.995])
    if high <= low:
        return
    count, edges = np.histogram(logs, BINS, (low, high))
    smooth = np.convolve(count, np.ones(3) / 3, "same")
    before, after = np.maximum.accumulate(smooth), np.maximum.accumulate(smooth[::-1])[::-1]
    peaks = np.minimum(before, after)
    deep = (smooth <= VALLEY * peaks) & (peaks >= PEAK)
    begins = np.flatnonzero(np.diff(np.r_[False, deep, False].astype(np.int8)))
    for begin, end in begins.reshape(-1, 2):
        yield float(10 ** ((edges[begin] + edges[end]) / 2))


def _apart(values: Array, border: float, back: Back) -> float:
    """How far the distributions of both lumps are apart in one unit, 0 to 1; 1 where one is too small."""
    low, high = values[values <= border], values[values > border]
    if min(len(low), len(high)) < max(LEAST, SHARE * len(values)) or not (_spread_out(low) and _spread_out(high)):
        return 1.0
    there = np.sort(back(high))
    both = np.concatenate([low, there])
    ours, theirs = (np.searchsorted(np.sort(one), both, side="right") / len(one) for one in (low, there))
    return float(np.abs(ours - theirs).max())


def _spread_out(lump: Array) -> bool:
    """Whether it is more than a few values, which rounding or a limit makes of the end of a distribution."""
    count = np.unique(lump, return_counts=True)[1]
    return len(count) >= DISTINCT and bool(count.max() <= PILED * len(lump))
