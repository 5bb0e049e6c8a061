"""How common the outcome is now, of rows whose outcome nobody knows.

Both estimates hold under label shift alone: the sick look as the sick did, and the healthy as the healthy did. They say nothing
where anything else has changed, which the checks of the inputs and the score are for.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from sequela.evaluate.drift.facts import Shifted
from sequela.study.development import Calls
from sequela.types import Array

STEPS = 1000
NEAR = 1e-8
APART = 0.05  # least distance of sensitivity from the false-positive rate


def shifted(calls: Calls, risk: Array, confidence: float = 0.95) -> Shifted:
    """Of one class or label; `risk` of one row a subject."""
    rows = calls.events + calls.others
    before = calls.events / rows if rows else float("nan")
    if not calls.events or not calls.others:
        return Shifted(name=calls.name, before=before if rows else 0.0, reason="development had but one outcome on tune")
    guess = likeliest(risk, before)
    found, called = calls.called_events / calls.events, calls.called_others / calls.others
    if found - called < APART:
        return Shifted(name=calls.name, before=before, likeliest=guess, reason="its calls hardly tell the outcomes apart")
    now = float((risk >= calls.threshold).mean())
    value = (now - called) / (found - called)
    spread = now * (1 - now) / len(risk) + value**2 * found * (1 - found) / calls.events
    error = float(np.sqrt(spread + (1 - value) ** 2 * called * (1 - called) / calls.others)) / (found - called)
    half = NormalDist().inv_cdf((1 + confidence) / 2) * error
    low, high, value = (float(np.clip(one, 0, 1)) for one in (value - half, value + half, value))
    return Shifted(name=calls.name, before=before, called=value, low=low, high=high, likeliest=guess)


def likeliest(risk: Array, before: float) -> float:
    """The prevalence under which the risks are likeliest (Saerens, Latinne and Decaestecker 2002, equation 2.11).

    The risks are taken to be calibrated for the prevalence `before`.
    """
    now = before
    for _ in range(STEPS):
        sick = risk * (now / before)
        moved = float((sick / np.maximum(sick + (1 - risk) * ((1 - now) / (1 - before)), 1e-300)).mean())
        if abs(moved - now) < NEAR:
            return moved
        now = min(max(moved, 1e-9), 1 - 1e-9)
    return now
