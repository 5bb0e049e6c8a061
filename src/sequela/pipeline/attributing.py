"""What each part of the inputs adds to the answers of a bundle's networks, by a method of explain/attribution.

The networks of the bundle are explained, before any calibration or average with baselines: an answer that is such an average is
explained whole by leaving codes out (left_out.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela import seed as streams
from sequela.bundle import Bundle
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence, Progress
from sequela.errors import UsageError
from sequela.explain import attribution
from sequela.explain.attribution import Options
from sequela.explain.parts import Parts, parts
from sequela.pipeline.importance import Importance, scale
from sequela.pipeline.reopened import Reopened
from sequela.types import Array, Attribution, Part

TRAIN: Part = "train"
BACKGROUND = 128  # training rows that those of a run are compared with
AVERAGED = "the networks alone are explained; the answer is their average with {partners}: --method left_out asks the whole"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What named parts add to the answers about some rows, and by which method."""

    said: Attribution
    parts: Parts


def methods(predictor: Predictor) -> tuple[str, ...]:
    """Those that suit the bundle's inputs and answers, the default first."""
    specs = {name: one.spec for name, one in predictor.fitted.items()}
    return attribution.suited(specs, predictor.task.kind)


def gathered(
    predictor: Predictor,
    rows: Evidence,
    method: str,
    background: Evidence | None,
    progress: Progress,
    column: Array | None = None,
) -> Gathered:
    """Raises UsageError where the answer is not explained so, or the method does not suit."""
    there = methods(predictor)
    if not there:
        raise UsageError(f"an answer of {predictor.task.kind} is not attributed to its inputs")
    if method in attribution.METHODS and method not in there:
        raise UsageError(f"the method {method!r} does not suit this bundle", hint=f"take {', '.join(there)}")
    options = Options(background=background, column=column)
    said = attribution.attribute(predictor.members, predictor.task, rows, method or there[0], options, progress)
    return Gathered(said, parts(said, rows.inputs, rows.specs))


def table(held: Bundle, rows: Evidence, method: str, background: Evidence | None, progress: Progress) -> Importance:
    """Each feature, code or lead by how much it adds, in the mean over the rows that have it."""
    found = gathered(held.predictor, rows, method, background, progress)
    named = _names(found.parts)
    told = [_row(name, found.parts.sums[:, k][found.parts.present[:, k]]) for k, name in enumerate(named)]
    return Importance(sorted(told, key=lambda row: -row["mean_absolute"]), scale(held), _notes(held.predictor, found.said))


def of_run(opened: Reopened, rows: int, method: str, progress: Progress) -> Importance:
    """The table of a finished run: rows of the part that its report shows, compared with rows of training."""
    shown, learnt = (drawn(len(opened.rows(part)), most, part) for part, most in ((opened.part, rows), (TRAIN, BACKGROUND)))
    background = opened.evidence(TRAIN, learnt)
    return table(opened.held, opened.evidence(opened.part, shown), method, background, progress)


def drawn(count: int, most: int, part: str) -> Array:
    """Indices of at most so many of the rows of a part, by a fixed seed."""
    return np.sort(streams.generator(0, "explain", part).permutation(count)[:most])


def terms(held: Bundle, found: Gathered, shown: int) -> list[tuple[dict[str, Any], ...]]:
    """Of each row the parts that add most, the largest first."""
    named, unit = _names(found.parts), scale(held)
    return [tuple(_terms(named, found.parts, row, unit)[:shown]) for row in range(len(found.said.column))]


def _terms(named: Sequence[str], those: Parts, row: int, unit: str) -> list[dict[str, Any]]:
    order = np.argsort(-np.abs(those.sums[row]), kind="stable")
    return [
        {"code": named[place], "change": float(those.sums[row, place]), "scale": unit}
        for place in order
        if those.present[row, place]
    ]


def _names(those: Parts) -> list[str]:
    """Of the parts; with their input where there are several inputs."""
    several = len(set(those.input)) > 1
    return [f"{given}.{name}" if several else name for given, name in zip(those.input, those.name, strict=True)]


def _row(name: str, each: Array) -> dict[str, Any]:
    return {"code": name, "rows": len(each), "mean_absolute": float(np.abs(each).mean()), "mean": float(each.mean())}


def _notes(predictor: Predictor, said: Attribution) -> tuple[str, ...]:
    partners = ", ".join(name.removeprefix("baseline:") for name in predictor.partners)
    averaged = (AVERAGED.format(partners=partners),) if predictor.weights else ()
    return (f"by {said.method.replace('_', ' ')}", *averaged)
