"""How the answers of a finished run are explained, and whether the explanations hold.

`explained` needs no run: a predictor, rows that are explained, and training rows from which a pattern is planted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sequela.config import Study
from sequela.contracts import Evidence, Progress, Tagger
from sequela.errors import ConfigError, UsageError
from sequela.evaluate.explained import ExplanationFacts
from sequela.explain.attribution import METHODS, Options, default, suited
from sequela.explain.attribution.methods import REFUSED
from sequela.explain.checks.planting import taken
from sequela.explain.question import EXPLAINED
from sequela.pipeline.explaining import checked, example_rows, mattering
from sequela.pipeline.explaining.material import Material, explainer, timed
from sequela.pipeline.explaining.planted import planted
from sequela.pipeline.trust.finished import Finished
from sequela.registry import nearest

CELLS = 8_000_000  # of the rows that are explained: fewer rows where they are large
SECONDS = 60.0  # of the processor that explaining them may take, about: fewer rows where the method is slow
FEWEST, TRIED = 20, 8  # rows that are explained of any method, and by which it is told what it costs


def found(done: Finished) -> ExplanationFacts | None:
    """Where the study asks for it. The test part lends rows that are explained, and no others: what is planted is of tune."""
    section = done.study.explain
    if section is None:
        return None
    of = Material(
        predictor=done.predictor,
        rows=done.evidence,
        part=done.part,
        train=done.rows.train,
        held_out=done.rows.tune,
        section=section,
        seed=done.study.train.seed,
        confidence=done.study.evaluate.confidence,
        folder=done.folder,
    )
    return explained(of, done.progress)


def check(study: Study) -> None:
    """Raises ConfigError, before anything is trained, where the study asks for a method that there is not, or that is refused."""
    section = study.explain
    if section is None or not section.method or section.method in METHODS:
        return
    raise ConfigError(
        f"explain.method = {section.method!r} is no method of explanation",
        hint=REFUSED.get(section.method) or nearest(section.method, tuple(METHODS)),
    )


def explained(of: Material, progress: Progress) -> ExplanationFacts:
    """What matters to the answers about some rows, the checks and the score of the method, and single rows; or why not.

    Draws single rows into the folder where there is one.
    """
    task = of.task
    if isinstance(task, Tagger) or task.kind not in EXPLAINED:
        return ExplanationFacts(reason="steps" if isinstance(task, Tagger) else "kind", kind=task.kind)
    rows = of.some(of.rows, of.section.rows, CELLS, "rows")
    if not len(rows) or not suited(rows.specs, task.kind):
        return ExplanationFacts(reason="method" if len(rows) else "rows", kind=task.kind)
    method = of.section.method or default(rows.specs, task.kind)
    try:
        return _explained(of, rows, method, progress)
    except UsageError as error:
        return ExplanationFacts(reason="method", kind=task.kind, method=method, told=error.message)


def _explained(of: Material, rows: Evidence, method: str, progress: Progress) -> ExplanationFacts:
    options = Options(seed=of.seed, background=of.background())
    progress("explaining", 0, 1)
    chosen = checked.settled(of, rows, method, options)
    options = replace(options, points=chosen.points if chosen else 0)
    explain = explainer(of.members, of.task, method, options)
    first = timed(explain, taken(rows, np.arange(min(TRIED, len(rows)))))[1]
    rows = taken(rows, np.arange(min(len(rows), max(FEWEST, int(1000 * SECONDS / max(first, 1e-6))))))
    said, ms = timed(explain, rows)
    progress("explaining", 1, 1)
    one = checked.Said(of, rows, method, options, said)
    matters = mattering.matters(said, rows)
    alone = of.task.kind in ("binary", "regression", "survival")
    return ExplanationFacts(
        kind=of.task.kind,
        method=method,
        part=of.part,
        averaged=bool(of.predictor.weights),
        members=len(of.members),
        rows=len(rows),
        subjects=len(np.unique(rows.subject)),
        ms=ms,
        scale="value" if of.task.kind == "regression" else "log-odds",
        column=of.task.names[0] if alone else "",
        floor=of.section.floor,
        checks=checked.checks(one, chosen, ms, progress),
        planted=planted(of, method, options, progress),
        matters=matters.rows,
        edges=matters.edges,
        unit=matters.unit,
        examples=example_rows.written(of, rows, said),
    )
