"""Whether the study was large enough: patients, events and columns beside what would be needed, and how wide intervals became."""

from __future__ import annotations

from sequela.evaluate.size.facts import SizeFacts
from sequela.pipeline import sizing
from sequela.pipeline.trust.finished import Finished
from sequela.study import cohort as cohorts
from sequela.types import PARTS


def found(done: Finished) -> SizeFacts | None:
    """None for questions of which no such reckoning is known: several classes, pictures, texts."""
    kind, final = cohorts.judged_as(done.study), done.predictor.final
    facts = sizing.of_training(kind, done.rows.train.asked)
    if facts is None:
        return None
    weights = sum(weight.numel() for member in done.predictor.members for weight in member.parameters())
    facts = sizing.weighed(facts, weights)
    if kind != "binary":
        return facts
    told = {part: [row for row in done.metrics if row.part == part and row.model == final] for part in PARTS}
    cohort, known = done.shown.cohort, done.shown.cohort.target.known[:, 0]
    risk, event = done.shown.answers[final].values[known, 0], cohort.target.values[known, 0] > 0
    return sizing.reached(facts, risk, event, cohort.subject_id[known], told[done.part], told["tune"])
