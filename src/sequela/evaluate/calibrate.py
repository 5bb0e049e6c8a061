"""Maps probabilities to ones that mean what they say: fitted on tune, never on test. Needed after training was balanced."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
from msgspec import Struct
from scipy.optimize import minimize_scalar

from sequela.errors import ConfigError, DataError
from sequela.evaluate import conformal
from sequela.metrics.calibration import logit, recalibration
from sequela.types import Answer, Array, Target

Method: TypeAlias = Literal["none", "platt", "temperature", "isotonic", "conformal"]


class Curve(Struct, frozen=True):
    """One column's map: for platt the intercept and slope on the logit, for isotonic its corners (risk, calibrated)."""

    intercept: float = 0.0
    slope: float = 1.0
    risks: tuple[float, ...] = ()
    calibrated: tuple[float, ...] = ()


class Calibrator(Struct, frozen=True):
    """A fitted calibration: plain numbers that survive JSON."""

    method: Method = "none"
    names: tuple[str, ...] = ()  # of the answer's columns
    columns: tuple[Curve, ...] = ()  # platt, isotonic: one for each name
    temperature: float = 1.0
    exclusive: bool = False  # the columns are classes that sum to 1
    levels: tuple[float, ...] = ()  # conformal: of the quantiles
    widths: tuple[tuple[float, ...], ...] = ()  # conformal, by name: what each interval grows by on both sides, outermost first
    subjects: int = 0  # conformal: that it was measured on

    def apply(self, answer: Answer) -> Answer:
        """The answer with calibrated probabilities. Raises DataError where its columns are not those that were fitted."""
        if self.method == "none":
            return answer
        if answer.names != self.names:
            raise DataError(f"the calibration is of {list(self.names)}, the answer of {list(answer.names)}")
        if self.method == "conformal":
            return self._widened(answer)
        if self.method == "temperature":
            return Answer(answer.kind, _soften(answer.values, self.temperature), answer.names)
        mapped = _platt if self.method == "platt" else _isotonic
        columns = [mapped(answer.values[:, k], curve) for k, curve in enumerate(self.columns)]
        values = np.stack(columns, 1)
        return Answer(answer.kind, _shared(values, answer.values) if self.exclusive else values, answer.names)

    def _widened(self, answer: Answer) -> Answer:
        around = answer.quantiles
        if around is None:
            return answer
        if around.levels != self.levels:
            raise DataError(f"the calibration is of the quantiles {list(self.levels)}, the answer of {list(around.levels)}")
        return replace(answer, quantiles=conformal.widened(around, np.array(self.widths)))


def fit_quantiles(answer: Answer, target: Target, subject: Array) -> Calibrator:
    """The calibration under which the intervals of a forecast hold on these rows what they promise, each subject alike.

    Raises DataError for an answer without quantiles.
    """
    if answer.quantiles is None:
        raise DataError("an answer without quantiles has no intervals to calibrate")
    widths = conformal.widths(answer.quantiles, target, subject)
    counted = len(np.unique(subject[target.known.any(1)]))
    return Calibrator(
        "conformal", answer.names, levels=answer.quantiles.levels, widths=tuple(map(tuple, widths.tolist())), subjects=counted
    )


def fit(answer: Answer, target: Target, method: Method) -> Calibrator:
    """The calibration of an answer on rows whose labels are known.

    platt: logistic on the logit, with Platt's smoothed outcomes, so that it is finite on separated data (Platt 1999).
    isotonic: the rising step curve closest to the outcomes, joined by lines. temperature: one divisor of the log-probabilities
    of several classes (Guo 2017); it cannot mend a shifted prevalence. Raises DataError where an outcome does not occur.
    """
    if method == "none":
        return Calibrator()
    if answer.kind != "probabilities":
        raise ConfigError(
            f"{method!r} calibrates probabilities; this task answers values", hint='set evaluate.recalibrate = "none"'
        )
    exclusive = len(answer.names) > 1 and target.values.shape[1] == 1
    if method == "temperature":
        return _fit_temperature(answer, target, exclusive)
    fitting = _fit_platt if method == "platt" else _fit_isotonic
    curves = []
    for k, name in enumerate(answer.names):
        column = 0 if exclusive else k
        known = target.known[:, column]
        event = target.values[known, column] == k if exclusive else target.values[known, column] > 0
        if event.all() or not event.any():
            raise DataError(f"{name!r} cannot be calibrated: {int(event.sum())} of {len(event)} rows are events")
        curves.append(fitting(answer.values[known, k], event))
    return Calibrator(method, answer.names, tuple(curves), exclusive=exclusive)


def _fit_platt(risk: Array, event: Array) -> Curve:
    events, others = int(event.sum()), int((~event).sum())
    smoothed = np.where(event, (events + 1) / (events + 2), 1 / (others + 2))
    intercept, slope = recalibration(risk, smoothed)
    if np.isnan(slope):  # constant risks carry no slope: all get the smoothed share of events
        return Curve(float(logit(smoothed.mean())), 0.0)
    return Curve(float(intercept), float(slope))


def _fit_isotonic(risk: Array, event: Array) -> Curve:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1).fit(risk, event.astype(np.float64))
    return Curve(risks=tuple(fitted.X_thresholds_.tolist()), calibrated=tuple(fitted.y_thresholds_.tolist()))


def _fit_temperature(answer: Answer, target: Target, exclusive: bool) -> Calibrator:
    known = target.known[:, 0]
    if not exclusive:
        raise ConfigError("temperature calibrates exclusive classes", hint='set evaluate.recalibrate = "platt" or "isotonic"')
    values, truth = answer.values[known], target.values[known, 0].astype(np.int64)

    def loss(log_temperature: float) -> float:
        given = _soften(values, float(np.exp(log_temperature)))[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(given, 1e-300)).mean())

    best = minimize_scalar(loss, bounds=(-3, 3), method="bounded", options={"xatol": 1e-6})
    return Calibrator("temperature", answer.names, temperature=float(np.exp(best.x)), exclusive=True)


def _soften(values: Array, temperature: float) -> Array:
    scaled = np.log(np.maximum(values, 1e-300)) / temperature
    powers = np.exp(scaled - scaled.max(1, keepdims=True))
    softened: Array = powers / powers.sum(1, keepdims=True)
    return softened


def _platt(risk: Array, curve: Curve) -> Array:
    calibrated: Array = 1 / (1 + np.exp(-(curve.intercept + curve.slope * logit(risk))))
    return calibrated


def _isotonic(risk: Array, curve: Curve) -> Array:
    return np.interp(risk, curve.risks, curve.calibrated)


def _shared(values: Array, before: Array) -> Array:
    """Rows that sum to 1 again. A row whose every class maps to 0 keeps what it had before."""
    sums = values.sum(1, keepdims=True)
    return np.where(sums > 0, values / np.where(sums > 0, sums, 1), before)
