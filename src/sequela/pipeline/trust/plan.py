"""What became of the plan that was sealed before the test part was opened."""

from __future__ import annotations

from sequela.evaluate.planned import PlanFacts
from sequela.pipeline import sealing
from sequela.pipeline.trust.finished import Finished


def found(done: Finished) -> PlanFacts | None:
    """None where the test part stays closed: nothing was sealed."""
    if done.part != "test":
        return None
    metrics = [row for row in done.metrics if row.part == "test"]
    return sealing.facts(done.folder, done.split.store, done.shown.cohort, metrics, done.predictor.final, done.study)
