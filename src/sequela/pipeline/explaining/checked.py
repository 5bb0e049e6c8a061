"""The checks of the method that is shown, as facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sequela import seed as streams
from sequela.contracts import Evidence, Progress
from sequela.evaluate.explained import ChecksFacts, CompletenessFacts, CurveFacts, PointsFacts, RandomisedFacts, Score, mean_score
from sequela.explain.attribution import Options
from sequela.explain.checks import agreement, cells, completeness, curves, points, randomised, stability
from sequela.explain.checks.asking import asking
from sequela.explain.checks.planting import taken
from sequela.model import Model
from sequela.pipeline.explaining.material import Material, explainer, timed
from sequela.types import Array, Attribution

FEWER, FEWEST = 60, 8  # rows that are explained again and again, and of a slow method
SETTLING = 16  # rows by which the number of points is chosen, fewer of a slow method
AGAIN = 8  # times that they are explained
SECONDS = 40.0  # of the processor that the choice of points, and that the checks may take, about
DRAWS = 3  # networks with their weights in random orders


@dataclass(frozen=True)
class Said:
    """What a method said of some rows that were laid out."""

    of: Material
    rows: Evidence
    method: str
    options: Options
    said: Attribution

    def score(self, values: Array, subject: Array) -> Score:
        return mean_score(values, subject, confidence=self.of.confidence, seed=self.of.seed)


def settled(of: Material, rows: Evidence, method: str, options: Options) -> PointsFacts | None:
    """How many points the method needs; None of one that takes none."""

    def of_points(count: int) -> Callable[[Evidence], Attribution]:
        return explainer(of.members, of.task, method, replace(options, points=count))

    said, ms = timed(of_points(points.FIRST), taken(rows, np.arange(1)))
    if said.points <= 1:
        return None
    some = taken(rows, np.arange(_affordable(2 * ms * points.MOST / points.FIRST, (2, SETTLING), len(rows))))
    chosen = points.settled(of_points, some, cells.seen(some))
    tried = [(count, None if np.isnan(same) else same) for count, same in chosen.tried]
    return PointsFacts(points=chosen.points, tried=tried, settled=chosen.settled, level=points.LEVEL)


def _affordable(ms: float, bounds: tuple[int, int], there: int) -> int:
    """So many rows, each of so many milliseconds, as SECONDS allow: between the bounds, and not more than there are."""
    return min(there, max(bounds[0], min(bounds[1], int(1000 * SECONDS / max(ms, 1e-6)))))


def checks(one: Said, chosen: PointsFacts | None, ms: float, progress: Progress) -> ChecksFacts:
    """All checks; those that explain again and again are of the first rows, of which one costs so many milliseconds."""
    fewer = taken(one.rows, np.arange(_affordable(AGAIN * ms, (FEWEST, FEWER), len(one.rows))))
    again = explainer(one.of.members, one.of.task, one.method, one.options)(fewer)
    some = replace(one, rows=fewer, said=again, options=replace(one.options, column=again.column))
    found = ChecksFacts(completeness=_completeness(one), points=chosen, curves=_curves(some, progress))
    progress("checking explanations", 1, 3)
    stable = _stability(some)
    progress("checking explanations", 2, 3)
    randomly = _randomised(some)
    progress("checking explanations", 3, 3)
    return ChecksFacts(completeness=found.completeness, points=chosen, curves=found.curves, stability=stable, randomised=randomly)


def _completeness(one: Said) -> CompletenessFacts | None:
    gaps = completeness.gaps(one.said, one.rows)
    known = gaps[~np.isnan(gaps)]
    if not one.said.complete or not len(known):
        return None
    return CompletenessFacts(
        rows=len(known),
        median=float(np.median(known)),
        largest=float(known.max()),
        off=float((known > completeness.TOLERANCE).mean()),
        tolerance=completeness.TOLERANCE,
    )


def _curves(one: Said, progress: Progress) -> CurveFacts:
    random = streams.generator(one.of.seed, "explained", "curves")
    asked = asking(one.of.members, one.of.task)
    moved = curves.moved(one.said, one.rows, cells.seen(one.rows), asked, random)
    subject = one.rows.subject
    return CurveFacts(
        shares=list(moved.shares),
        deletion=moved.deletion.mean(0).tolist(),
        deletion_random=moved.deletion_random.mean(0).tolist(),
        insertion=moved.insertion.mean(0).tolist(),
        insertion_random=moved.insertion_random.mean(0).tolist(),
        deletion_gain=one.score(moved.deletion_gain, subject),
        insertion_gain=one.score(moved.insertion_gain, subject),
    )


def _stability(one: Said) -> Score:
    near = stability.disturbed(one.rows, one.of.seed)
    other = explainer(one.of.members, one.of.task, one.method, one.options)(near)
    return one.score(agreement.rank_correlations(one.said, other, cells.seen(one.rows)), one.rows.subject)


def _randomised(one: Said) -> RandomisedFacts:
    return RandomisedFacts(
        head=_with(one, randomised.head_shuffled), all=_with(one, randomised.all_shuffled), limit=randomised.LIMIT
    )


def _with(one: Said, shuffled: Callable[[Model, int], Model]) -> Score:
    """The mean over several draws, row by row."""
    here, each = cells.seen(one.rows), []
    for draw in range(DRAWS):
        members = [shuffled(member, one.of.seed + draw) for member in one.of.members]
        other = explainer(members, one.of.task, one.method, one.options)(one.rows)
        each.append(agreement.rank_correlations(one.said, other, here, signed=True))
    known = ~np.isnan(each)
    mean = np.where(known, each, 0).sum(0) / np.maximum(known.sum(0), 1)
    return one.score(np.where(known.any(0), mean, np.nan), one.rows.subject)
