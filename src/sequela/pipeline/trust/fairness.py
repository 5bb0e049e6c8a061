"""Groups held against each other on the part that the report shows, and what was done about their gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from msgspec import structs

from sequela.bundle.predictor import Predictor
from sequela.evaluate import threshold
from sequela.evaluate.fairness import KINDS, FairnessFacts, Grouping, MitigationFacts, SideFacts, fairness, groupings
from sequela.evaluate.fairness.mitigation import Risks, cuts, group_thresholds, side
from sequela.pipeline.fairness import WEIGHED
from sequela.pipeline.trust.finished import Finished
from sequela.train import fairly
from sequela.train.fit import fit
from sequela.types import Answer, Array, Cohort

UNMITIGATED = "unmitigated"  # the folder of the second training


def found(done: Finished) -> FairnessFacts | None:
    """What the groups of the answer that is given differ in; None where there is no group, or nothing of the kind is asked."""
    kind, shown = done.predictor.task.kind, done.shown
    if kind not in KINDS or not shown.cohort.groups:
        return None
    settings = done.study.fairness
    groups = groupings(shown.cohort.groups, settings.groups, settings.crossed)
    before = groupings(done.rows.cohort("train").groups, settings.groups, settings.crossed)
    seed = done.study.train.seed
    facts = fairness(kind, done.predictor.final, shown, groups, _counts(before), done.study.evaluate, seed=seed)
    return structs.replace(facts, mitigation=mitigation(done))


def _counts(groups: Sequence[Grouping]) -> dict[str, dict[str, int]]:
    """Rows of each level, by grouping."""
    return {one.name: one.counts() for one in groups}


def mitigation(done: Finished) -> MitigationFacts | None:
    """What the study does about gaps, with its cost; None where it does nothing."""
    given = done.study.fairness
    if given.mitigate in WEIGHED:
        return MitigationFacts(how=given.mitigate, by=given.by, sides=_trainings(done), weights=_weights(done))
    return _thresholds(done) if given.mitigate == "thresholds" else None


# ----------------------------------------------------------------------------------------------------------- weighed training


def _trainings(done: Finished) -> list[SideFacts]:
    """On tune one network trained without the weights beside the one trained with them; the latter alone on the part shown."""
    tune, evaluate = done.rows.cohort("tune"), done.study.evaluate
    plain = _answer(done, _unmitigated(done))
    weighed = _answer(done, replace(done.predictor, members=[done.chosen.trained[0].model.to("cpu")]))
    sides = [_side(done, name, "tune", tune, answer) for name, answer in (("without", plain), ("with", weighed))]
    if done.part != "tune":
        cut = done.predictor.thresholds[done.predictor.final]
        sides.append(side("with", _risks(done, done.part, done.shown.cohort, _given(done)), cut, evaluate))
    return sides


def _unmitigated(done: Finished) -> Predictor:
    """The predictor of one network, trained as the first of the study's but for the weights."""
    study = structs.replace(done.study, fairness=structs.replace(done.study.fairness, mitigate="none", by=""))
    trained = fit(
        study,
        replace(done.rows.train, group=None),
        replace(done.rows.tune, group=None),
        done.folder / UNMITIGATED,
        resume=True,
        progress=done.progress,
        seed=study.train.seed,
    )
    return replace(done.predictor, members=[trained.model.to("cpu")])


def _answer(done: Finished, predictor: Predictor) -> Answer:
    return predictor.network(done.rows.tune)


def _side(done: Finished, name: str, part: str, cohort: Cohort, answer: Answer) -> SideFacts:
    """On a part, each side at its own threshold, chosen there by the study's rule."""
    evaluate = done.study.evaluate
    cut = threshold.choose_all("binary", {"model": answer}, cohort.target, evaluate.threshold)["model"]
    return side(name, _risks(done, part, cohort, answer), cut, evaluate)


def _weights(done: Finished) -> dict[str, float]:
    train = done.rows.train
    if train.group is None:
        return {}
    weights = fairly.WAYS[done.study.fairness.mitigate](train.group, train.target)
    counted = weights[weights > 0]
    return {"least": float(counted.min()), "largest": float(counted.max())}


# ---------------------------------------------------------------------------------------------------------- group thresholds


def _thresholds(done: Finished) -> MitigationFacts:
    """Both ways to decide on tune, where the thresholds are chosen, and on the part shown, where they are told."""
    final, by, evaluate = done.predictor.final, done.study.fairness.by, done.study.evaluate
    common = done.predictor.thresholds[final]
    tune = _risks(done, "tune", done.rows.cohort("tune"), done.chosen.tune[final])
    chosen = group_thresholds(tune, common, evaluate)
    parts = [tune] if done.part == "tune" else [tune, _risks(done, done.part, done.shown.cohort, _given(done))]
    sides = [one for rows in parts for one in _both(rows, common, chosen, done)]
    return MitigationFacts(how="thresholds", by=by, sides=sides, thresholds=chosen)


def _both(rows: Risks, common: float, chosen: Mapping[str, float], done: Finished) -> list[SideFacts]:
    evaluate = done.study.evaluate
    return [side("without", rows, common, evaluate), side("with", rows, cuts(rows.group, chosen, common), evaluate)]


def _given(done: Finished) -> Answer:
    """The answer that the bundle gives to the rows of the part shown."""
    return done.shown.answers[done.predictor.final]


def _risks(done: Finished, part: str, cohort: Cohort, answer: Answer) -> Risks:
    known: Array = np.flatnonzero(cohort.target.known[:, 0])
    (group,) = groupings({done.study.fairness.by: cohort.groups[done.study.fairness.by]})
    return Risks(part, answer.values[known, 0], cohort.target.values[known, 0] > 0, group.level[known])
