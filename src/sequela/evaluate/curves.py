"""The curves behind the numbers: ROC, precision and recall, calibration, net benefit, risks by outcome, confusion.

Everything here is small, rounded and free of rows of patients: points on fixed grids, counts in bins.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from msgspec import Struct

from sequela.evaluate.intervals import Draws, Interval, Weighted, bands, delong, wilson
from sequela.metrics.calibration import logit
from sequela.metrics.sums import ratio, total
from sequela.types import Array

POINTS = 101  # of a grid from 0 to 1
BINS = 10  # of calibration, by quantile of the risk
GRID = 40  # points of the smooth calibration curve
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


def draw(
    risk: Array, event: Array, subject: Array, drawn: Draws, *, model: str, class_: str = "", cut: float | None = None
) -> Drawn:
    """All curves of one answer to one yes-or-no question; both outcomes must occur. `cut` is the threshold, if there is one."""
    grid = np.linspace(0, 1, POINTS)
    around = _smooth_grid(risk)
    thresholds = _decision_grid(risk)
    statistics: list[Weighted] = [
        partial(_roc, risk, event, grid),
        partial(_precision, risk, event, grid[1:]),
        partial(_local_line, risk, event, around),
        partial(net_benefit, risk, event, thresholds),
    ]
    roc, precision, smooth, decision = _with_bands([grid, grid[1:], around, thresholds], statistics, subject, drawn)
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
        smooth=smooth,
        decision=decision,
        treat_all=Line(_plain(thresholds), _nulls(everyone)),
        risks=_histogram(risk, event),
        table=None if cut is None else two_by_two(risk >= cut, event, cut),
    )


def _with_bands(grids: list[Array], statistics: list[Weighted], subject: Array, drawn: Draws) -> list[Line]:
    resampled = Draws(drawn.subjects, min(drawn.count, RESAMPLES), drawn.seed)
    unit = resampled.units(subject)
    found: list[list[Array]] = [[] for _ in statistics]
    for counts in resampled.chunks(len(subject) * 4):
        weights = counts[:, unit]
        for values, statistic in zip(found, statistics, strict=True):
            values.append(statistic(weights))
    ones = np.ones((1, len(subject)))
    lines = []
    for grid, statistic, values in zip(grids, statistics, found, strict=True):
        low, high = bands(np.concatenate(values)) if values else (np.zeros(0), np.zeros(0))
        lines.append(Line(_plain(grid), _nulls(statistic(ones)[0]), _nulls(low), _nulls(high)))
    return lines


# ------------------------------------------------------------------------------------------------------- curves with weights


def _cumulated(risk: Array, event: Array, weights: Array) -> tuple[Array, Array]:
    """Weight of events and of others called, "R G+1", as the threshold falls through the G distinct risks."""
    order = np.argsort(-risk, kind="stable")
    last = np.flatnonzero(np.append(np.diff(risk[order]) != 0, True))
    sorted_weights, happened = weights[:, order], event[order]
    start = np.zeros((len(weights), 1))
    found = np.hstack([start, np.cumsum(sorted_weights * happened, 1)[:, last]])
    called = np.hstack([start, np.cumsum(sorted_weights * ~happened, 1)[:, last]])
    return found, called


def _roc(risk: Array, event: Array, grid: Array, weights: Array) -> Array:
    """Sensitivity "R G" at each false-positive rate of the grid."""
    found, called = _cumulated(risk, event, weights)
    rows = [
        _rate_at(grid, false / max(false[-1], 1e-12), true / max(true[-1], 1e-12))
        for true, false in zip(found, called, strict=True)
    ]
    return np.stack(rows)


def _rate_at(grid: Array, false_rate: Array, true_rate: Array) -> Array:
    """Straight between the points of the curve, and its upper end where it rises at one false-positive rate."""
    last = np.append(np.diff(false_rate) > 0, True)
    rates: Array = np.interp(grid, false_rate[last], true_rate[last])
    return rates


def _precision(risk: Array, event: Array, grid: Array, weights: Array) -> Array:
    """PPV "R G" at the highest threshold that reaches each sensitivity of the grid."""
    found, called = _cumulated(risk, event, weights)
    rows = []
    for true, false in zip(found, called, strict=True):
        at = np.searchsorted(true, grid * true[-1] - 1e-9)
        rows.append(ratio(true[at], true[at] + false[at]))
    return np.stack(rows)


def _local_line(risk: Array, event: Array, around: Array, weights: Array) -> Array:
    """Observed share "R G" around each risk: a straight line over the logit, weighed by a Gaussian of 1/6 of its range."""
    logits, centres = logit(risk), logit(around)
    width = max(float(np.ptp(centres)) / 6, 1e-3)
    distance = (logits[:, None] - centres) / width  # N G
    kernel = np.exp(-0.5 * np.square(distance))
    s0, s1, s2 = total(kernel, weights), total(kernel * distance, weights), total(kernel * np.square(distance), weights)
    t0, t1 = total(kernel * event[:, None], weights), total(kernel * distance * event[:, None], weights)
    determinant = s0 * s2 - s1 * s1
    observed: Array = np.clip(ratio(s2 * t0 - s1 * t1, np.where(determinant > 1e-9, determinant, 0)), 0, 1)
    return observed


def net_benefit(risk: Array, event: Array, thresholds: Array, weights: Array) -> Array:
    """True positives a row less false positives a row times the odds of the threshold, "R G" (Vickers and Elkin 2006)."""
    called = risk[:, None] >= thresholds
    odds = thresholds / (1 - thresholds)
    worth = np.where(event[:, None], 1.0, -odds) * called
    return ratio(total(worth, weights), weights.sum(-1)[..., None])


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
    edges = np.unique(np.quantile(risk, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, risk, side="right")
    bins = []
    for one in np.unique(place):
        inside = place == one
        n, events = int(inside.sum()), int(event[inside].sum())
        low, high = wilson(events, n)
        bins.append(Bin(_round(risk[inside].mean()), _round(events / n), _round(low), _round(high), n, events))
    return bins


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
