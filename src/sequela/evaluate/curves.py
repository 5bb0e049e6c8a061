"""The curves behind the numbers: ROC, precision and recall, calibration, net benefit, risks by outcome, confusion.

Everything here is small, rounded and free of rows of patients: points on fixed grids, counts in bins.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from sequela.evaluate.incidence import Incidence
from sequela.evaluate.intervals import Draws, Interval, bands, delong, wilson
from sequela.evaluate.lines import Lines, lines
from sequela.metrics.reliability import hosmer_lemeshow, murphy
from sequela.types import Array

BINS = 10  # of calibration, by quantile of the risk
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
    resampled = Draws(drawn.subjects, 0 if model.startswith("baseline:") else min(drawn.count, RESAMPLES), drawn.seed)
    drawing = lines(risk, event, resampled.units(subject))
    roc, precision, smooth, decision = _with_bands(drawing, resampled, len(event))
    thresholds = drawing.thresholds
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
        parts=_parts(risk, event),
    )


def _with_bands(drawing: Lines, resampled: Draws, rows: int) -> list[Line]:
    """Each curve, once for all subjects and again for each resample."""
    found = [drawing.at(counts) for counts in resampled.chunks(rows)]
    once = drawing.at(np.ones((1, len(resampled.subjects))))
    grids = (drawing.rates, drawing.rates[1:], drawing.around, drawing.thresholds)
    curves = []
    for k, grid in enumerate(grids):
        low, high = bands(np.concatenate([values[k] for values in found])) if found else (np.zeros(0), np.zeros(0))
        curves.append(Line(_plain(grid), _nulls(once[k][0]), _nulls(low), _nulls(high)))
    return curves


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
