"""Curves of a row as its prediction tells them: the incidence of each cause, the risk by each horizon, median and mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela import config
from sequela.errors import UsageError
from sequela.study import follow_up
from sequela.types import DAY, UNITS, Array, Curves, Horizon


@dataclass(frozen=True, slots=True)
class Asked:
    """What a study asks of its curves, and since when a row is known to be free of everything."""

    names: tuple[str, ...]
    horizons: tuple[Horizon, ...]
    unit: str  # in which times are told
    free: str = ""  # for so long after the prediction nothing has come: a duration

    @property
    def days(self) -> float:
        """Of what is known to be free, in days."""
        return config.microseconds(self.free) / DAY if self.free else 0.0


def asked(outcome: config.Outcome, names: tuple[str, ...], free: str = "") -> Asked:
    """Raises UsageError where a row is said to be free for no time, or for as long as the curves go."""
    found = Asked(names, follow_up.horizons_of(outcome), outcome.unit, free)
    last = found.horizons[-1]
    if free and not 0 < found.days < last.days:
        raise UsageError(f"free for {free} is no time before the last horizon, {last.label}", hint="a duration, such as 6mo")
    return found


def told(curves: Curves, asked: Asked) -> list[dict[str, Any]]:
    """Of each row what its prediction has; with `free`, times and horizons count from then on, up to the last of all."""
    last = asked.horizons[-1].days
    left, last = (curves.given(asked.days), last - asked.days) if asked.free else (curves, last)
    until = min(last, float(left.times[-1]))
    median, mean = left.median(), left.mean_until(until)
    horizons = [one for one in asked.horizons if one.days <= last]
    risk = left.at(np.array([one.days for one in horizons])) if horizons else np.zeros((len(median), len(asked.names), 0))
    day = UNITS[asked.unit]
    return [
        {
            "incidence": {"unit": asked.unit, "times": (left.times / day).tolist(), **_each(asked.names, left.incidence[i])},
            "risk": {name: _by(horizons, risk[i, k]) for k, name in enumerate(asked.names)},
            "median": _told(median[i] / day),
            "restricted_mean": _told(mean[i] / day),
            "restricted_to": until / day,
            "free": asked.free or None,
            "unit": asked.unit,
        }
        for i in range(len(median))
    ]


def _each(names: Sequence[str], incidence: Array) -> dict[str, Any]:
    return {"causes": {name: incidence[k].tolist() for k, name in enumerate(names)}}


def _by(horizons: Sequence[Horizon], risk: Array) -> dict[str, float]:
    return {one.label: float(value) for one, value in zip(horizons, risk, strict=True)}


def _told(value: float) -> float | None:
    """None where the curves do not tell it."""
    return None if np.isnan(value) else float(value)


def line(risk: dict[str, dict[str, float]], median: float | None, unit: str, free: str | None) -> str:
    """For a person: the risk of each cause by each horizon, and the median."""
    said = [f"{name} " + ", ".join(f"{value:.3f} by {label}" for label, value in by.items()) for name, by in risk.items() if by]
    middle = "median not reached" if median is None else f"median {median:.3g} {unit}"
    since = f"if nothing has come for {free}, and counted from then on: " if free else ""
    return since + "; ".join([*said, middle])
