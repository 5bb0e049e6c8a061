"""Known cells planted into training rows, learnt by a copy of the network, and every affordable method held against them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from msgspec import structs

from sequela import seed as streams
from sequela.contracts import Choosing, Evidence, Progress
from sequela.errors import UsageError
from sequela.evaluate.explained import MethodFacts, PlantedFacts, Score, mean_score
from sequela.explain.attribution import Options, suited
from sequela.explain.checks import Explainer, cells, finding, learning, planting
from sequela.explain.checks.asking import asking
from sequela.explain.checks.finding import Found
from sequela.explain.checks.learning import Learnt
from sequela.explain.checks.planting import Pattern, Planted
from sequela.pipeline.explaining.material import Material, explainer, timed
from sequela.types import Array

LEARNT_FROM, LEARNT_CELLS = 2_000, 50_000_000  # rows, and cells of them: 200 MB
SCORED, SCORED_CELLS = 64, 3_000_000
FEWEST = 10  # rows with room for the pattern, below which nothing is learnt or scored
TRIED = (1, 3)  # rows by which it is told what a method costs, besides what any call of it does
SECONDS = 20.0  # of the processor that a method may take: a slower one is scored on fewer rows


@dataclass(frozen=True)
class _Scored:
    """A method's scores of each held-out row."""

    facts: MethodFacts
    found: Found | None = None


def planted(of: Material, method: str, options: Options, progress: Progress) -> PlantedFacts:
    """The table of methods; `options` are those of the method that is shown, the others take their own number of points."""
    if not of.section.planted:
        return PlantedFacts(reason="unasked")
    if of.train is None or of.held_out is None:
        return PlantedFacts(reason="rows")
    if isinstance(of.task, Choosing):
        return PlantedFacts(reason="task")
    train = of.some(of.train, LEARNT_FROM, LEARNT_CELLS, "planted")
    pattern = planting.settle(train, streams.generator(of.seed, "explained", "pattern"))
    if pattern is None:
        return PlantedFacts(reason="input")
    held_out = of.some(of.held_out, SCORED, SCORED_CELLS, "held out")
    both = _put(of, train, pattern, "train"), _put(of, held_out, pattern, "held out")
    if min(len(one.rows) for one in both) < FEWEST:
        return PlantedFacts(reason="rows")
    return _learnt(of, pattern, both, (method, options), progress)


def _put(of: Material, rows: Evidence, pattern: Pattern, name: str) -> Planted:
    return planting.planted(rows, pattern, of.task.kind, streams.generator(of.seed, "explained", "planted", name))


def _learnt(
    of: Material, pattern: Pattern, both: tuple[Planted, Planted], shown: tuple[str, Options], progress: Progress
) -> PlantedFacts:
    held_out = both[1]
    progress("learning what was planted", 0, 1)
    learnt = learning.learnt(of.members[0], of.task, both, lambda model: asking([model], of.task), seed=of.seed)
    progress("learning what was planted", 1, 1)
    facts = _facts(of, pattern, both, learnt)
    if not learnt.knows:
        return structs.replace(facts, reason="unlearnt")
    methods = [shown[0], *(name for name in suited(held_out.rows.specs, of.task.kind, [learnt.model]) if name != shown[0])]
    scored: list[_Scored] = []
    for number, name in enumerate(methods):
        progress("scoring methods", number, len(methods))
        scored.append(_scored(of, learnt, held_out, name, shown[1] if name == shown[0] else replace(shown[1], points=0)))
    progress("scoring methods", len(methods), len(methods))
    return _told(of, facts, held_out, scored)


def _facts(of: Material, pattern: Pattern, both: tuple[Planted, Planted], learnt: Learnt) -> PlantedFacts:
    train, held_out = both
    here = cells.seen(held_out.rows)
    planted = here.read(held_out.truth).astype(bool)
    return PlantedFacts(
        input=pattern.name,
        plant=pattern.plant.told,
        trained=len(train.rows),
        part=of.held_out_part,
        scored=len(held_out.rows),
        steps=learnt.steps,
        cpu_seconds=learnt.cpu_seconds,
        auroc=learnt.auroc,
        level=learning.LEVEL,
        share=float(np.mean([own.mean() for (own,) in here.each(planted)])),
        chance=finding.by_chance(here, held_out.truth, streams.generator(of.seed, "explained", "chance")),
    )


def _scored(of: Material, learnt: Learnt, held_out: Planted, name: str, options: Options) -> _Scored:
    """The method against the planted cells; why not, where it is refused or would take too long."""
    of_rows = explainer([learnt.model], of.task, name, options)
    try:
        ms = _cost(of_rows, held_out.rows)
        count = min(len(held_out.rows), int(1000 * SECONDS / max(ms, 1e-6)))
        if count < FEWEST:
            return _Scored(MethodFacts(method=name, ms=ms, reason="slow"))
        first = held_out.first(count)
        said, ms = timed(of_rows, first.rows)
    except UsageError as error:
        return _Scored(MethodFacts(method=name, reason="refused", told=error.message))
    found = finding.found(said, cells.seen(first.rows), first.truth)
    auroc, auprc = (_mean(of, values, held_out.rows) for values in (found.auroc, found.auprc))
    return _Scored(MethodFacts(method=name, auroc=auroc, auprc=auprc, ms=ms, points=said.points), found)


def _cost(of_rows: Explainer, rows: Evidence) -> float:
    """Milliseconds of the processor for one row more."""
    few, more = (timed(of_rows, planting.taken(rows, np.arange(count)))[1] * count for count in TRIED)
    return max(0.0, more - few) / (TRIED[1] - TRIED[0])


def _mean(of: Material, values: Array, rows: Evidence) -> Score:
    """Of the first rows."""
    return mean_score(values, rows.subject[: len(values)], confidence=of.confidence, seed=of.seed)


def _told(of: Material, facts: PlantedFacts, held_out: Planted, scored: list[_Scored]) -> PlantedFacts:
    """The best method first, each with what it gains over the one that is shown; those that were not scored last."""
    shown = scored[0].found
    methods = [
        structs.replace(one.facts, gain=_mean(of, _gain(one.found.auprc, shown.auprc), held_out.rows))
        if number and one.found is not None and shown is not None
        else one.facts
        for number, one in enumerate(scored)
    ]
    return structs.replace(facts, methods=sorted(methods, key=_value, reverse=True))


def _gain(auprc: Array, of_shown: Array) -> Array:
    """Of the rows that both scored."""
    count = min(len(auprc), len(of_shown))
    return np.asarray(auprc[:count] - of_shown[:count])


def _value(one: MethodFacts) -> float:
    return -1.0 if one.auprc is None or one.auprc.value is None else one.auprc.value
