"""The curves behind the numbers: ROC, precision and recall, calibration, net benefit, risks by outcome, confusion.

Everything here is small, rounded and free of rows of patients: points on fixed grids, counts in bins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from msgspec import Struct

from sequela.evaluate.incidence import Incidence
from sequela.evaluate.intervals import BYTE, ELEMENTS, Draws, Interval, Weighted, bands, delong, wilson
from sequela.metrics.calibration import logit
from sequela.metrics.discrimination import EXACT
from sequela.metrics.reliability import hosmer_lemeshow, murphy
from sequela.metrics.sums import ratio
from sequela.types import Array

POINTS = 101  # of a grid from 0 to 1
BINS = 10  # of calibration, by quantile of the risk
GRID = 40  # points of the smooth calibration curve
AT_ONCE = 8  # so many times the resamples of a chunk are multiplied with sums at once
RESAMPLES = 400  # of a pointwise band; its ends are drawn, not quoted
DIGITS = 5


class Line(Struct, frozen=True):
    """A curve with its pointwise limits, where it has them; null where undefined."""

    x: list[float]
    y: list[float | None]
    low: list[float | None] = []
    high: list[float | None] = []


class Bin(Struct, frozen=True):
    """Rows of like risk: what was foreseen and what occurred, with Wilson's limits."""

    risk: float
    observed: float
    low: float
    high: float
    n: int
    events: int


class Histogram(Struct, frozen=True):
    """Rows by risk, apart for those with and without the event."""

    edges: list[float]
    events: list[int]
    others: list[int]


class TwoByTwo(Struct, frozen=True):
    """What a threshold decides, counted."""

    threshold: float
    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int
    rates: dict[str, Interval]  # sensitivity, specificity, ppv, npv with Wilson's limits (rows taken as independent)


class BrierParts(Struct, frozen=True, kw_only=True):
    """What the Brier score is made of (reliability - resolution + uncertainty + within), and Hosmer and Lemeshow's test."""

    reliability: float
    resolution: float
    uncertainty: float
    within: float
    hosmer_lemeshow: float | None  # chi-square, of as many degrees of freedom as bins; null where it is infinite
    bins: int
    p: float


class Drawn(Struct, frozen=True, kw_only=True, rename={"class_": "class"}):
    """The curves of one answer to one yes-or-no question."""

    model: str
    class_: str = ""
    n: int
    events: int
    auroc: Interval  # DeLong, allowing for several rows of a subject
    roc: Line  # sensitivity over 1 - specificity
    precision: Line  # PPV over sensitivity
    calibration: list[Bin]
    smooth: Line  # observed over foreseen, a local straight line
    decision: Line  # net benefit over the threshold
    treat_all: Line
    risks: Histogram
    table: TwoByTwo | None = None
    parts: BrierParts | None = None  # of the bins of `calibration`


class Confusion(Struct, frozen=True):
    """How many rows of each true class (rows) were decided for each class (columns)."""

    model: str
    classes: list[str]
    counts: list[list[int]]


class Agreement(Struct, frozen=True):
    """A quantity: the truth among rows of like prediction (mean, and the middle 80 % of them), and the errors."""

    model: str
    quantity: str
    predicted: list[float]
    observed: list[float]
    low: list[float]
    high: list[float]
    n: list[int]
    error_edges: list[float]
    error_counts: list[int]


class Curves(Struct, frozen=True, kw_only=True):
    """Everything that the report draws of one part of one split."""

    kind: str
    part: str
    split: str
    drawn: list[Drawn] = []
    confusion: list[Confusion] = []
    agreement: list[Agreement] = []
    incidence: list[Incidence] = []


def draw(
    risk: Array, event: Array, subject: Array, drawn: Draws, *, model: str, class_: str = "", cut: float | None = None
) -> Drawn:
    """All curves of one answer to one yes-or-no question; both outcomes must occur. `cut` is the threshold, if there is one.

    Bands are drawn around the curves of the model and the ensemble; those of baselines are there to be compared with.
    """
    grid = np.linspace(0, 1, POINTS)
    around = _smooth_grid(risk)
    thresholds = _decision_grid(risk)
    resampled = Draws(drawn.subjects, 0 if model.startswith("baseline:") else min(drawn.count, RESAMPLES), drawn.seed)
    unit = resampled.units(subject)
    sorted_ = _Sorted.of(risk, event, unit)
    smooth = _Sums.of(_local_sums(risk, event, around), unit, len(drawn.subjects))
    benefit = _Sums.of(_benefit_sums(risk, event, thresholds), unit, len(drawn.subjects))
    statistics: list[Weighted] = [
        partial(_piecewise, partial(sorted_.roc, grid)),
        partial(_piecewise, partial(sorted_.precision, grid[1:])),
        lambda counts: _local_line(*smooth(counts)),
        lambda counts: ratio(*benefit(counts)),
    ]
    roc, precision, local, decision = _with_bands([grid, grid[1:], around, thresholds], statistics, len(subject), resampled)
    share = float(event.mean())
    everyone = share - (1 - share) * thresholds / (1 - thresholds)
    return Drawn(
        model=model,
        class_=class_,
        n=len(event),
        events=int(event.sum()),
        auroc=delong(risk, event, subject),
        roc=roc,
        precision=precision,
        calibration=_binned(risk, event),
        smooth=local,
        decision=decision,
        treat_all=Line(_plain(thresholds), _nulls(everyone)),
        risks=_histogram(risk, event),
        table=None if cut is None else two_by_two(risk >= cut, event, cut),
        parts=_parts(risk, event),
    )


def _with_bands(grids: list[Array], statistics: list[Weighted], rows: int, resampled: Draws) -> list[Line]:
    """Each statistic of how often a subject counts ("R U"), once for all subjects and again for each resample."""
    found: list[list[Array]] = [[] for _ in statistics]
    for counts in resampled.chunks(max(rows // AT_ONCE, 1)):
        for values, statistic in zip(found, statistics, strict=True):
            values.append(statistic(counts))
    once = np.ones((1, len(resampled.subjects)))
    lines = []
    for grid, statistic, values in zip(grids, statistics, found, strict=True):
        low, high = bands(np.concatenate(values)) if values else (np.zeros(0), np.zeros(0))
        lines.append(Line(_plain(grid), _nulls(statistic(once)[0]), _nulls(low), _nulls(high)))
    return lines


def _piecewise(statistic: Weighted, counts: Array) -> Array:
    """A statistic that needs every row's weight, a few resamples at a time."""
    size = max(1, ELEMENTS // (4 * counts.shape[1]))
    return np.concatenate([statistic(counts[first : first + size]) for first in range(0, len(counts), size)])


# ------------------------------------------------------------------------------------------------------- curves with weights


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums over rows, gathered by subject once: a resample is then a product with how often each subject counts."""

    parts: tuple[Array, ...]  # each "U k"

    @classmethod
    def of(cls, rows: Iterable[Array], unit: Array, units: int) -> _Sums:
        if units == len(unit):
            return cls(tuple(_placed(values, unit) for values in rows))
        order = np.argsort(unit, kind="stable")
        first = np.flatnonzero(np.append(True, np.diff(unit[order]) != 0))
        return cls(tuple(_gathered(values[order], first, unit[order][first], units) for values in rows))

    def __call__(self, counts: Array) -> list[Array]:
        """The sums, each "R k"."""
        return [counts @ part for part in self.parts]


def _placed(values: Array, unit: Array) -> Array:
    """Where each row is a unit: the rows in the order of the units."""
    if (np.diff(unit) > 0).all():
        return values.astype(np.float64, copy=False)
    placed = np.empty(values.shape)
    placed[unit] = values
    return placed


def _gathered(values: Array, first: Array, unit: Array, units: int) -> Array:
    sums = np.zeros((units, values.shape[1]))
    sums[unit] = np.add.reduceat(values, first, axis=0)
    return sums


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The rows by falling risk, sorted once."""

    unit: Array  # "N"
    event: Array  # "N"
    last: Array  # the last row of each distinct risk

    @classmethod
    def of(cls, risk: Array, event: Array, unit: Array) -> _Sorted:
        order = np.argsort(-risk, kind="stable")
        return cls(unit[order], event[order], np.flatnonzero(np.append(np.diff(risk[order]) != 0, True)))

    def roc(self, grid: Array, counts: Array) -> Array:
        """Sensitivity "R G" at each false-positive rate of the grid."""
        rows = [
            _rate_at(grid, false / max(false[-1], 1e-12), true / max(true[-1], 1e-12))
            for true, false in zip(*self._cumulated(counts), strict=True)
        ]
        return np.stack(rows)

    def precision(self, grid: Array, counts: Array) -> Array:
        """PPV "R G" at the highest threshold that reaches each sensitivity of the grid."""
        rows = []
        for true, false in zip(*self._cumulated(counts), strict=True):
            at = np.searchsorted(true, grid * true[-1] - 1e-9)
            rows.append(ratio(true[at], true[at] + false[at]))
        return np.stack(rows)

    def _cumulated(self, counts: Array) -> tuple[Array, Array]:
        """Weight of events and of others called, "R G+1", as the threshold falls through the G distinct risks."""
        exact = np.float32 if counts.max(initial=0) <= BYTE and len(self.unit) < EXACT else np.float64
        weights = counts.astype(np.uint8 if exact is np.float32 else np.float64)[:, self.unit]
        start = np.zeros((len(weights), 1))
        called = np.cumsum(weights, 1, dtype=exact)[:, self.last].astype(np.float64)
        found = np.cumsum(weights * self.event, 1, dtype=exact)[:, self.last].astype(np.float64)
        return np.hstack([start, found]), np.hstack([start, called - found])


def _rate_at(grid: Array, false_rate: Array, true_rate: Array) -> Array:
    """Straight between the points of the curve, and its upper end where it rises at one false-positive rate."""
    last = np.append(np.diff(false_rate) > 0, True)
    rates: Array = np.interp(grid, false_rate[last], true_rate[last])
    return rates


def _local_sums(risk: Array, event: Array, around: Array) -> Iterator[Array]:
    """What a straight line over the logit around each risk, weighed by a Gaussian of 1/6 of the range, is made of: "N G" each."""
    logits, centres = logit(risk), logit(around)
    width = max(float(np.ptp(centres)) / 6, 1e-3)
    distance = (logits[:, None] - centres) / width
    kernel = np.exp(-0.5 * np.square(distance))
    yield from (kernel, kernel * distance, kernel * np.square(distance))
    yield from (kernel * event[:, None], kernel * distance * event[:, None])


def _local_line(s0: Array, s1: Array, s2: Array, t0: Array, t1: Array) -> Array:
    """The height "R G" of each local line, the observed share around that risk."""
    determinant = s0 * s2 - s1 * s1
    observed: Array = np.clip(ratio(s2 * t0 - s1 * t1, np.where(determinant > 1e-9, determinant, 0)), 0, 1)
    return observed


def _benefit_sums(risk: Array, event: Array, thresholds: Array) -> Iterator[Array]:
    """True positives less false positives times the odds of the threshold, and the rows (Vickers and Elkin 2006)."""
    odds = thresholds / (1 - thresholds)
    yield np.where(event[:, None], 1.0, -odds) * (risk[:, None] >= thresholds)
    yield np.ones((len(risk), 1))


def _smooth_grid(risk: Array) -> Array:
    """Risks, evenly spaced in logits, within the middle 98 % of those that occur."""
    low, high = np.quantile(logit(risk), [0.01, 0.99])
    grid: Array = 1 / (1 + np.exp(-np.linspace(low, high, GRID)))
    return grid


def _decision_grid(risk: Array) -> Array:
    """Thresholds from .01 up to the highest risk that occurs, .99 at most."""
    return np.arange(1, max(2, min(99, int(np.ceil(float(risk.max()) * 100)))) + 1) / 100


# --------------------------------------------------------------------------------------------------------------------- counts


def _binned(risk: Array, event: Array) -> list[Bin]:
    """Bins of as equal a number of rows as ties allow."""
    place = _places(risk)
    bins = []
    for one in np.unique(place):
        inside = place == one
        n, events = int(inside.sum()), int(event[inside].sum())
        low, high = wilson(events, n)
        bins.append(Bin(_round(risk[inside].mean()), _round(events / n), _round(low), _round(high), n, events))
    return bins


def _places(risk: Array) -> Array:
    """The bin of each row."""
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, risk, side="right")


def _parts(risk: Array, event: Array) -> BrierParts:
    place = _places(risk)
    brier, tested = murphy(risk, event, place), hosmer_lemeshow(risk, event, place)
    return BrierParts(
        reliability=_round(brier.reliability),
        resolution=_round(brier.resolution),
        uncertainty=_round(brier.uncertainty),
        within=_round(brier.within),
        hosmer_lemeshow=_round(tested.statistic) if np.isfinite(tested.statistic) else None,
        bins=tested.bins,
        p=_round(tested.p),
    )


def _histogram(risk: Array, event: Array) -> Histogram:
    edges = np.linspace(0, 1, 21)
    events, others = (np.histogram(risk[of], edges)[0].tolist() for of in (event, ~event))
    return Histogram(_plain(edges), events, others)


def two_by_two(decision: Array, event: Array, cut: float) -> TwoByTwo:
    """The four counts at a threshold with their rates."""
    both, only_called = int((decision & event).sum()), int((decision & ~event).sum())
    missed, neither = int((~decision & event).sum()), int((~decision & ~event).sum())
    shares = {
        "sensitivity": (both, both + missed),
        "specificity": (neither, neither + only_called),
        "ppv": (both, both + only_called),
        "npv": (neither, neither + missed),
    }
    rates = {name: Interval(part / whole, *wilson(part, whole)) for name, (part, whole) in shares.items() if whole}
    return TwoByTwo(cut, both, only_called, missed, neither, rates)


def confusion(model: str, decision: Array, truth: Array, classes: tuple[str, ...]) -> Confusion:
    """The confusion matrix of an answer."""
    k = len(classes)
    counts = np.bincount(truth * k + decision, minlength=k * k).reshape(k, k)
    return Confusion(model, list(classes), counts.tolist())


def agreement(model: str, quantity: str, value: Array, truth: Array) -> Agreement:
    """Predictions against the truth in up to 20 bins of as equal a number of rows as ties allow."""
    edges = np.unique(np.quantile(value, np.linspace(0, 1, 21)[1:-1]))
    place = np.searchsorted(edges, value, side="right")
    inside = [truth[place == one] for one in np.unique(place)]
    counts, error_edges = np.histogram(value - truth, 20)
    return Agreement(
        model=model,
        quantity=quantity,
        predicted=[_round(value[place == one].mean()) for one in np.unique(place)],
        observed=[_round(rows.mean()) for rows in inside],
        low=[_round(np.quantile(rows, 0.1)) for rows in inside],
        high=[_round(np.quantile(rows, 0.9)) for rows in inside],
        n=[len(rows) for rows in inside],
        error_edges=_plain(error_edges),
        error_counts=counts.tolist(),
    )


def _round(value: float) -> float:
    return float(f"{float(value):.{DIGITS}g}")


def _plain(values: Array) -> list[float]:
    return [_round(value) for value in values]


def _nulls(values: Array) -> list[float | None]:
    return [None if np.isnan(value) else _round(value) for value in values]
