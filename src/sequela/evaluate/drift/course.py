"""Drift along time: windows that are each held against development, and a cumulative sum that adds up what each would miss.

Every subject stands for one row. A window raises a false alarm with a stated chance, so that so many windows pass from one to
the next; the limit of the sum is crossed at all with a stated chance, by simulation of outcomes that come as foreseen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from msgspec.structs import replace
from scipy.stats import chi2

from sequela import seed as streams
from sequela.evaluate.drift.cells import tests
from sequela.evaluate.drift.changes import statistic
from sequela.evaluate.drift.facts import CumulativeSum, Window
from sequela.evaluate.intervals import delong
from sequela.metrics.calibration import logit
from sequela.study.development import Summary
from sequela.types import Array

RATIO = 1.5  # of odds that the sum looks for, and its inverse
SIMULATIONS = 1000
FEWEST = 50  # subjects of a window
MOST = 12  # windows, where nobody says how long one is
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class Told:
    """Rows of distinct subjects with a time, in its order; `event` is None where no outcome is known."""

    time: Array  # datetime64 "N"
    score: Array  # float64 "N": of the first class or label
    risk: Array | None = None  # float64 "N", where the answer is the risk of one event
    event: Array | None = None  # bool "N"
    off: tuple[float, float] = (0.0, 0.0)  # by how much the logits were too low in development, and the error of that


def spans(time: Array, days: float | None) -> list[tuple[Array, Array]]:
    """Begin and end of every window with enough subjects; of about equal number where no length is given. [] of too few rows."""
    if days is None:
        count = min(MOST, len(time) // (2 * FEWEST))
        if count < 2 or time[-1] - time[0] < count * DAY:
            return []
        cuts = time[np.linspace(0, len(time) - 1, count + 1).astype(np.int64)]
        return list(zip(cuts[:-1], [*cuts[1:-1], cuts[-1] + DAY], strict=True))
    step = np.timedelta64(round(days * 86_400), "s")
    begins = np.arange(time[0], time[-1] + step, step)
    ends = [(begin, begin + step) for begin in begins]
    return [(b, e) for b, e in ends if ((time >= b) & (time < e)).sum() >= FEWEST]


def windows(told: Told, score: Summary, chance: float, days: float | None) -> list[Window]:
    """Each window's checks; both together raise a false alarm with that chance."""
    return [_window(told, score, chance, begin, end) for begin, end in spans(told.time, days)]


def _window(told: Told, score: Summary, chance: float, begin: Array, end: Array) -> Window:
    inside = np.flatnonzero((told.time >= begin) & (told.time < end))
    found = tests([score], {score.name: told.score[inside]})
    parts = [float(chi2.sf(*_alone(one.now, one.before))) for one in found if one.measure == "distribution"]
    window = Window(begin=str(begin.astype("datetime64[D]")), end=str(end.astype("datetime64[D]")), subjects=len(inside))
    p_score = parts[0] if parts else None
    mean = float(told.score[inside].mean())
    if told.event is None or told.risk is None:
        return replace(window, score=mean, p_score=p_score, alarm=_any([p_score], chance))
    event, risk = told.event[inside], told.risk[inside]
    expected, p_expected = _expected(risk, event, told.off)
    area = delong(risk, event) if min(event.sum(), (~event).sum()) >= 2 else None
    seen = replace(window, score=mean, p_score=p_score, alarm=_any([p_score, p_expected], chance))
    counted = replace(seen, events=int(event.sum()), expected=expected, p_expected=p_expected)
    return counted if area is None else replace(counted, auroc=area.value, low=area.low, high=area.high)


def _alone(now: Array, before: Array) -> tuple[float, float]:
    value, freedom = statistic(now[None], before[None], np.zeros(1, np.int64))
    return float(value[0, 0]), float(freedom[0, 0])


def _any(parts: Sequence[float | None], chance: float) -> bool:
    """Whether the smallest, times their number, is within the chance (Bonferroni)."""
    held = [p for p in parts if p is not None]
    return bool(held) and min(held) * len(held) <= chance


def _expected(risk: Array, event: Array, off: tuple[float, float]) -> tuple[float, float]:
    """Events foreseen, put right by what was off in development, and the p of those that came."""
    held = _right(risk, off[0])
    spread = (held * (1 - held)).sum()
    error = float(np.sqrt(spread + (off[1] * spread) ** 2))
    return float(held.sum()), 2 * NormalDist().cdf(-abs(float(event.sum() - held.sum())) / max(error, 1e-9))


def _right(risk: Array, by: float | Array) -> Array:
    risks: Array = 1 / (1 + np.exp(-(logit(risk) + by)))
    return risks


def course(told: Told, chance: float, seed: int) -> CumulativeSum | None:
    """The sum of all rows; None where no outcome is known."""
    if told.event is None or told.risk is None or len(told.event) < FEWEST:
        return None
    risk = _right(told.risk, told.off[0])
    limit = float(np.quantile(_highest(risk, told.off[1], streams.generator(seed, "course")), 1 - chance))
    more, fewer = (sums(risk, told.event, ratio) for ratio in (RATIO, 1 / RATIO))
    days = told.time.astype("datetime64[D]")
    each, first = np.unique(days, return_index=True)
    top = [np.maximum.reduceat(one, first).tolist() for one in (more, fewer)]
    over = np.flatnonzero(np.maximum(more, fewer) > limit)
    crossed = str(days[over[0]]) if len(over) else None
    return CumulativeSum(ratio=RATIO, limit=limit, at=each.astype(str).tolist(), more=top[0], fewer=top[1], crossed=crossed)


def sums(risk: Array, event: Array, ratio: float) -> Array:
    """The sum after each row, float64 "N", never below 0 (Steiner 2000, equation 2.2)."""
    found, last = np.zeros(len(risk)), 0.0
    for k, step in enumerate(_steps(risk, event, ratio)):
        found[k] = last = max(0.0, last + step)
    return found


def _steps(risk: Array, event: Array, ratio: float | Array) -> Array:
    """What each row adds: the logarithm of how much likelier its outcome is with odds so many times as high."""
    step: Array = np.where(event, np.log(ratio), 0.0) - np.log(1 - risk + ratio * risk)
    return step


def _highest(risk: Array, error: float, random: np.random.Generator) -> Array:
    """The largest that either sum grows to in each simulation, float64 "S", of outcomes that come as foreseen."""
    by = error * random.normal(size=SIMULATIONS)  # development did not know its own calibration better
    last, highest = np.zeros((2, SIMULATIONS)), np.zeros(SIMULATIONS)
    ratios = np.array([[RATIO], [1 / RATIO]])
    for one in risk:
        event = random.random(SIMULATIONS) < _right(np.full(1, one), by)
        last = np.maximum(0, last + _steps(np.full(1, one), event, ratios))
        np.maximum(highest, last.max(0), out=highest)
    return highest
