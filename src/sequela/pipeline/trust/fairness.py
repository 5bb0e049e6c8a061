"""Groups held against each other on the part that the report shows."""

from __future__ import annotations

from collections.abc import Sequence

from sequela.evaluate.fairness import KINDS, FairnessFacts, Grouping, fairness, groupings
from sequela.pipeline.trust.finished import Finished


def found(done: Finished) -> FairnessFacts | None:
    """What the groups of the answer that is given differ in; None where there is no group, or nothing of the kind is asked."""
    kind, shown = done.predictor.task.kind, done.shown
    if kind not in KINDS or not shown.cohort.groups:
        return None
    settings = done.study.fairness
    groups = groupings(shown.cohort.groups, settings.groups, settings.crossed)
    before = groupings(done.rows.cohort("train").groups, settings.groups, settings.crossed)
    seed = done.study.train.seed
    return fairness(kind, done.predictor.final, shown, groups, _counts(before), done.study.evaluate, seed=seed)


def _counts(groups: Sequence[Grouping]) -> dict[str, dict[str, int]]:
    """Rows of each level, by grouping."""
    return {one.name: one.counts() for one in groups}
