"""The learning rate of every step, as closed formulas of the step number: nothing to save, nothing to restore.

Steps are optimizer steps, counted from 0 over the whole training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi

from sequela.config import Schedule

# One cycle (Smith & Topin 2018), with the constants of torch.optim.lr_scheduler.OneCycleLR
FIRST = 1 / 25  # share of the largest rate at the first step
LAST = FIRST / 1e4  # and at the last
LOW_MOMENTUM, HIGH_MOMENTUM = 0.85, 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """What one step uses: a factor on the study's learning rate, and the momentum where the schedule moves it too."""

    factor: float
    momentum: float | None = None


def rate(schedule: Schedule, step: int, epochs: int, steps_per_epoch: int, monitored: Sequence[float] = ()) -> Rate:
    """The rate of a step.

    `monitored` are the tune results of the epochs that are over, higher is better; only plateau looks at them.

    >>> rate(Schedule(name="step", every=2, factor=0.5), 4, epochs=4, steps_per_epoch=1).factor
    0.25
    """
    total = epochs * steps_per_epoch
    match schedule.name:
        case "constant":
            return Rate(1.0)
        case "step":
            return Rate(schedule.factor ** (step // steps_per_epoch // schedule.every))
        case "plateau":
            return Rate(schedule.factor ** drops(monitored, schedule.every))
        case "warmup":
            return Rate(_rise(step, schedule.warmup * total))
        case "cosine":
            return Rate(_cosine(step, total, schedule.warmup * total))
        case "one_cycle":
            return _one_cycle(step, total, schedule.rise)


def drops(monitored: Sequence[float], patience: int) -> int:
    """How often the results failed to improve for `patience` epochs in a row (each drop starts the count again)."""
    best, stalled, count = float("-inf"), 0, 0
    for value in monitored:
        best, stalled = (value, 0) if value > best else (best, stalled + 1)
        if stalled == patience:
            stalled, count = 0, count + 1
    return count


def _rise(step: int, warm: float) -> float:
    """Linear, from one part to the whole."""
    return min(1.0, (step + 1) / max(warm, 1.0))


def _cosine(step: int, total: int, warm: float) -> float:
    """Linear rise, then half a cosine to 0 (Loshchilov & Hutter 2017, one period)."""
    if step < warm:
        return _rise(step, warm)
    return _glide(1.0, 0.0, (step - warm) / max(total - warm, 1.0))


def _one_cycle(step: int, total: int, rise: float) -> Rate:
    top, end = max(rise * total - 1, 0.0), total - 1.0
    if step <= top and top > 0:
        share = step / top
        return Rate(_glide(FIRST, 1.0, share), _glide(HIGH_MOMENTUM, LOW_MOMENTUM, share))
    share = (step - top) / max(end - top, 1.0)
    return Rate(_glide(1.0, LAST, share), _glide(LOW_MOMENTUM, HIGH_MOMENTUM, share))


def _glide(start: float, end: float, share: float) -> float:
    """From start to end along half a cosine."""
    return end + (start - end) / 2 * (1 + cos(pi * share))
