"""Maps probabilities to ones that mean what they say: fitted on tune, never on test. Needed after training was balanced."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
from msgspec import Struct
from scipy.optimize import minimize, minimize_scalar

from sequela.errors import ConfigError, DataError
from sequela.evaluate import conformal
from sequela.metrics.calibration import NEAREST, logit, recalibration
from sequela.types import Answer, Array, Target

Method: TypeAlias = Literal["none", "platt", "temperature", "beta", "isotonic", "conformal"]

CLOSE = {"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000}  # of L-BFGS-B: the same map on every machine, to about six digits


class Curve(Struct, frozen=True):
    """One column's map: of platt intercept and slope on the logit, of isotonic its corners (risk, calibrated).

    Of beta the logit is intercept + slope * log(risk) - other * log(1 - risk).
    """

    intercept: float = 0.0
    slope: float = 1.0
    other: float = 1.0
    risks: tuple[float, ...] = ()
    calibrated: tuple[float, ...] = ()


class Tried(Struct, frozen=True):
    """A way to calibrate that was tried, each row of tune judged by a map that was fitted without its subject."""

    method: Method
    log_loss: float | None = None  # mean over what is known; None where it could not be fitted
    gain: float | None = None  # by how much that is less than without calibration
    error: float | None = None  # standard error of the gain, over subjects
    reason: str = ""  # why it could not be fitted


class Calibrator(Struct, frozen=True):
    """A fitted calibration: plain numbers that survive JSON."""

    method: Method = "none"
    names: tuple[str, ...] = ()  # of the answer's columns
    columns: tuple[Curve, ...] = ()  # platt, beta, isotonic: one for each name
    temperature: float = 1.0
    exclusive: bool = False  # the columns are classes that sum to 1
    levels: tuple[float, ...] = ()  # conformal: of the quantiles
    widths: tuple[tuple[float, ...], ...] = ()  # conformal, by name: what each interval grows by on both sides, outermost first
    subjects: int = 0  # conformal: that it was measured on
    tried: tuple[Tried, ...] = ()  # where it was chosen as the best

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
        mapped = {"platt": _platt, "beta": _beta, "isotonic": _isotonic}[self.method]
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
    beta: logistic on the logarithms of risk and of 1 - risk, each of which may only rise (Kull 2017, Electronic Journal of
    Statistics 11:5052), with the same smoothing; it also mends risks that are right in the middle and wrong at one end.
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
    fitting = {"platt": _fit_platt, "beta": _fit_beta, "isotonic": _fit_isotonic}[method]
    curves = []
    for k, name in enumerate(answer.names):
        column = 0 if exclusive else k
        known = target.known[:, column]
        event = target.values[known, column] == k if exclusive else target.values[known, column] > 0
        if event.all() or not event.any():
            raise DataError(f"{name!r} cannot be calibrated: {int(event.sum())} of {len(event)} rows are events")
        curves.append(fitting(answer.values[known, k], event))
    return Calibrator(method, answer.names, tuple(curves), exclusive=exclusive)


def _smoothed(event: Array) -> Array:
    """The outcomes as Platt has them, a little less than sure."""
    events, others = int(event.sum()), int((~event).sum())
    return np.where(event, (events + 1) / (events + 2), 1 / (others + 2))


def _fit_platt(risk: Array, event: Array) -> Curve:
    smoothed = _smoothed(event)
    intercept, slope = recalibration(risk, smoothed)
    if np.isnan(slope):  # constant risks carry no slope: all get the smoothed share of events
        return Curve(float(logit(smoothed.mean())), 0.0)
    return Curve(float(intercept), float(slope))


def _fit_beta(risk: Array, event: Array) -> Curve:
    intercept, slope, other = beta_of(risk, _smoothed(event))
    return Curve(intercept, slope, other)


def beta_of(risk: Array, outcome: Array) -> tuple[float, float, float]:
    """Intercept, slope and other of `Curve` under which outcomes in [0, 1] are likeliest; neither slope is negative."""
    columns = _logs(risk)

    def cost(given: Array) -> tuple[float, Array]:
        logits = given[0] + columns @ given[1:]
        missed = 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - outcome
        return float(np.mean(np.logaddexp(0, logits) - outcome * logits)), np.array(
            [missed.mean(), *(missed @ columns) / len(risk)]
        )

    start = np.array([0.0, 1.0, 1.0])
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(None, None), (0, None), (0, None)], options=CLOSE).x
    return float(found[0]), float(found[1]), float(found[2])


def _logs(risk: Array) -> Array:
    """log(risk) and -log(1 - risk), "N 2"; both rise with the risk."""
    held = np.clip(np.asarray(risk, np.float64), NEAREST, 1 - NEAREST)
    return np.stack([np.log(held), -np.log1p(-held)], 1)


def _fit_isotonic(risk: Array, event: Array) -> Curve:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1).fit(risk, event.astype(np.float64))
    return Curve(risks=tuple(fitted.X_thresholds_.tolist()), calibrated=tuple(fitted.y_thresholds_.tolist()))


def _fit_temperature(answer: Answer, target: Target, exclusive: bool) -> Calibrator:
    known = target.known[:, 0]
    if not exclusive:
        raise ConfigError(
            "temperature calibrates exclusive classes", hint='set evaluate.recalibrate = "platt", "beta" or "isotonic"'
        )
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


def _beta(risk: Array, curve: Curve) -> Array:
    calibrated: Array = 1 / (1 + np.exp(-(curve.intercept + _logs(risk) @ np.array([curve.slope, curve.other]))))
    return calibrated


def _isotonic(risk: Array, curve: Curve) -> Array:
    return np.interp(risk, curve.risks, curve.calibrated)


def _shared(values: Array, before: Array) -> Array:
    """Rows that sum to 1 again. A row whose every class maps to 0 keeps what it had before."""
    sums = values.sum(1, keepdims=True)
    return np.where(sums > 0, values / np.where(sums > 0, sums, 1), before)
