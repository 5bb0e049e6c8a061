"""What is asked of a yes-or-no question as functions of sums over rows, so that many resamples are one product of matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from sequela.evaluate.question import Additive, Columns
from sequela.metrics.calibration import SERVES, expansion
from sequela.metrics.probability import SMALLEST
from sequela.metrics.sums import ratio
from sequela.types import Array

BINS = 10  # of ece


def of_decisions(called: Array, event: Array) -> dict[str, Additive]:
    """By metric: all share their columns (rows, called, events, both, neither)."""
    columns = Columns(partial(_decided, called, event))
    both_occur = bool(event.any() and not event.all())
    functions = dict(_DECISIONS) if both_occur else {name: of for name, of in _DECISIONS.items() if name != "balanced_accuracy"}
    return {name: Additive(columns, partial(_of_counts, of)) for name, of in functions.items()}


def of_scores(risk: Array, event: Array) -> dict[str, Additive]:
    """By metric: sums of squares, losses, gaps by bin, events and risks; calibration by the expansion of its fit."""
    columns = Columns(partial(_scored, risk, event))
    found = {name: Additive(columns, of) for name, of in _SCORES.items()}
    return found | of_fits(risk, event)


def of_fits(risk: Array, event: Array) -> dict[str, Additive]:
    """Intercept and slope of the calibration by the expansion of their fits; none where it does not serve."""
    found = {}
    for name, slope in (("calibration_intercept", False), ("calibration_slope", True)):
        expanded = expansion(risk, event, slope=slope)
        if expanded is not None:
            found[name] = Additive(Columns(expanded.columns), expanded, SERVES, expanded.whole)
    return found


def _decided(called: Array, event: Array) -> Array:
    return np.stack([np.ones(len(event)), called, event, called & event, ~called & ~event], 1).astype(np.float64)


def _scored(risk: Array, event: Array) -> Array:
    """Rows, squares, losses, events, risks, and the gap of each bin."""
    given = np.where(event, risk, 1 - risk)
    place = np.minimum((risk * BINS).astype(np.int64), BINS - 1)
    gaps = np.zeros((len(place), BINS))
    gaps[np.arange(len(place)), place] = risk - event
    losses = -np.log(np.clip(given, SMALLEST, 1))
    return np.column_stack([np.ones(len(risk)), np.square(risk - event), losses, event, risk, gaps])


_SCORES: Mapping[str, Callable[[Array], Array]] = {
    "brier": lambda sums: ratio(sums[..., 1], sums[..., 0]),
    "log_loss": lambda sums: ratio(sums[..., 2], sums[..., 0]),
    "observed_expected": lambda sums: ratio(sums[..., 3], sums[..., 4]),
    "ece": lambda sums: ratio(np.abs(sums[..., 5:]).sum(-1), sums[..., 0]),
}


def _of_counts(function: Callable[..., Array], sums: Array) -> Array:
    return function(*np.moveaxis(sums, -1, 0))


def _sensitivity(_rows: Array, _called: Array, events: Array, both: Array, _neither: Array) -> Array:
    return ratio(both, events)


def _specificity(rows: Array, _called: Array, events: Array, _both: Array, neither: Array) -> Array:
    return ratio(neither, rows - events)


_DECISIONS: Mapping[str, Callable[..., Array]] = {
    "accuracy": lambda rows, called, events, both, neither: ratio(both + neither, rows),
    "balanced_accuracy": lambda *sums: (_sensitivity(*sums) + _specificity(*sums)) / 2,
    "sensitivity": _sensitivity,
    "specificity": _specificity,
    "ppv": lambda rows, called, events, both, neither: ratio(both, called),
    "npv": lambda rows, called, events, both, neither: ratio(neither, rows - called),
    "f1": lambda rows, called, events, both, neither: ratio(2 * both, called + events),
    "lr_positive": lambda *sums: ratio(_sensitivity(*sums), 1 - _specificity(*sums)),
    "lr_negative": lambda *sums: ratio(1 - _sensitivity(*sums), _specificity(*sums)),
}
