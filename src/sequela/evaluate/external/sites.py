"""Each site's discrimination and calibration for a yes-or-no question, and all of them as one with how they differ.

Every standard error gathers the rows of a patient, who may have several: DeLong's by subject, and sandwiches for the calibration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy.special import expit
from scipy.special import logit as log_odds

from sequela import config
from sequela.evaluate.external import meta
from sequela.evaluate.external.facts import PooledFacts, SiteFacts, SiteNumber
from sequela.evaluate.intervals import delong
from sequela.metrics.calibration import calibration_intercept, logit, recalibration
from sequela.types import Array

Z = 1.959963984540054  # of a 95 % interval
_Scale = tuple[Callable[[Array], Array], Callable[[Array], Array]]  # to where sites are pooled, and back


def _same(values: Array) -> Array:
    return values


SCALES: dict[str, _Scale] = {
    "auroc": (log_odds, expit),
    "observed_expected": (np.log, np.exp),
    "calibration_intercept": (_same, _same),
    "calibration_slope": (_same, _same),
}


def sites(level: Array, risk: Array, event: Array, subject: Array, settings: config.Evaluate) -> list[SiteFacts]:
    """One for each level (str "N") of the group that names the site; too small ones have no numbers and say why."""
    return [_site(name, rows, risk, event, subject, settings) for name, rows in _levels(level)]


def _levels(level: Array) -> Iterator[tuple[str, Array]]:
    for name in np.unique(level):
        yield str(name) or "unknown", np.flatnonzero(level == name)


def _site(name: str, rows: Array, risk: Array, event: Array, subject: Array, settings: config.Evaluate) -> SiteFacts:
    events = int(event[rows].sum())
    reason = _too_small(len(rows), events, settings)
    numbers = [] if reason else list(_numbers(risk[rows], event[rows], subject[rows]))
    return SiteFacts(
        name=name, rows=len(rows), subjects=len(np.unique(subject[rows])), events=events, numbers=numbers, reason=reason
    )


def _too_small(rows: int, events: int, settings: config.Evaluate) -> str:
    if rows < settings.min_group:
        return f"suppressed: {rows} rows, {settings.min_group} are needed"
    if min(events, rows - events) < max(settings.min_events, 2):
        least = max(settings.min_events, 2)
        return f"suppressed: {events} events in {rows} rows, {least} of each outcome are needed"
    return ""


def _numbers(risk: Array, event: Array, subject: Array) -> Iterator[SiteNumber]:
    area = delong(risk, event, subject)
    yield from _number("auroc", area.value, (area.high - area.value) / Z if area.high < 1 else (area.value - area.low) / Z)
    observed, expected = float(event.sum()), float(risk.sum())
    if expected > 0:
        ratio = observed / expected
        relative = np.sqrt(_gathered((event - ratio * risk)[:, None], subject)[0, 0]) / observed
        yield from _number("observed_expected", ratio, ratio * float(relative))
    for metric, coefficients, columns in _calibrations(risk, event):
        fitted = expit(columns @ coefficients if metric == "calibration_slope" else logit(risk) + coefficients[0])
        yield from _number(metric, float(coefficients[-1]), _error(columns, fitted, event, subject))


def _calibrations(risk: Array, event: Array) -> Iterator[tuple[str, Array, Array]]:
    ones = np.ones(len(risk))
    yield "calibration_intercept", np.atleast_1d(calibration_intercept(risk, event)), ones[:, None]
    yield "calibration_slope", recalibration(risk, event), np.stack([ones, logit(risk)], 1)


def _number(metric: str, value: float, error: float) -> Iterator[SiteNumber]:
    """With its limits, worked out on the scale on which sites are pooled; nothing where it is undefined."""
    if not (np.isfinite(value) and np.isfinite(error) and error > 0):
        return
    to, back = SCALES[metric]
    if metric == "auroc" and not 0 < value < 1:
        return
    middle, half = float(to(np.array([value]))[0]), Z * error * _steepness(metric, value)
    low, high = back(np.array([middle - half, middle + half])).tolist()
    yield SiteNumber(metric=metric, value=value, low=low, high=high)


def _steepness(metric: str, value: float) -> float:
    """The slope of the scale at a value, which turns a standard error into one on it."""
    return 1 / (value * (1 - value)) if metric == "auroc" else 1 / value if metric == "observed_expected" else 1.0


def _error(columns: Array, fitted: Array, event: Array, subject: Array) -> float:
    """The standard error of the last coefficient of a logistic fit, by a sandwich over subjects."""
    information = (columns * (fitted * (1 - fitted))[:, None]).T @ columns
    if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
        return float("nan")
    inverse = np.linalg.inv(information)
    covariance = inverse @ _gathered(columns * (event - fitted)[:, None], subject) @ inverse
    return float(np.sqrt(max(covariance[-1, -1], 0.0)))


def _gathered(scores: Array, subject: Array) -> Array:
    """The sum over subjects of the outer product of their summed scores "N k", with n / (n - 1) for n subjects."""
    _, place = np.unique(subject, return_inverse=True)
    each = np.stack([np.bincount(place, column) for column in scores.T], 1)
    found: Array = each.T @ each * (len(each) / max(len(each) - 1, 1))
    return found


def pooled(found: Sequence[SiteFacts]) -> list[PooledFacts]:
    """Every number that two sites or more have, as one."""
    return [one for metric in SCALES if (one := _pooled(metric, found)) is not None]


def _pooled(metric: str, found: Sequence[SiteFacts]) -> PooledFacts | None:
    numbers = [number for site in found for number in site.numbers if number.metric == metric]
    if len(numbers) < 2:
        return None
    to, back = SCALES[metric]
    values, low, high = (to(np.array([getattr(one, name) for one in numbers])) for name in ("value", "low", "high"))
    one = meta.summary(values, ((high - low) / (2 * Z)) ** 2)
    given = (one.estimate, one.low, one.high, one.predicted_low, one.predicted_high)
    value, lowest, highest, first, last = [None if number is None else float(back(np.array([number]))[0]) for number in given]
    if value is None or lowest is None or highest is None:
        return None
    return PooledFacts(
        metric=metric,
        sites=one.sites,
        value=value,
        low=lowest,
        high=highest,
        predicted_low=first,
        predicted_high=last,
        between=one.between,
        inconsistency=one.inconsistency,
    )
