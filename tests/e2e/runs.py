"""What several tests of runs ask for, and look at."""

from __future__ import annotations

from typing import Any

from sequela.pipeline.experiment import Run

PLAIN = ('baselines.names=["logistic"]', "baselines.scores=[]", "ensemble.members=[]", "cohort.groups=[]")
FILES = {
    "study.toml", "flow.json", "metrics.json", "curves.json", "run.json", "predictions.parquet", "report.html",
    "model.sequela", "log.jsonl", "checkpoints", "trust.json", "plan.json", "model_card.md",
}  # fmt: skip


def rows(done: Run, **wanted: Any) -> list[dict[str, Any]]:
    return [row for row in done.metrics if all(row[key.rstrip("_")] == value for key, value in wanted.items())]


def values(done: Run) -> list[tuple[Any, ...]]:
    """All numbers of a run, in order."""
    return [tuple(row.items()) for row in done.metrics]
