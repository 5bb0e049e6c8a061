"""What a study may ask of groups: refused before any data is read where it cannot be held."""

from __future__ import annotations

from sequela import config
from sequela.config import Study
from sequela.errors import ConfigError
from sequela.evaluate.fairness.groupings import check as groups_exist
from sequela.study import cohort as cohorts
from sequela.train import fairly
from sequela.types import Array, Cohort

WEIGHED = tuple(fairly.WAYS)  # mitigations of training


def check(study: Study) -> None:
    """Raises ConfigError for a group that the cohort has not, and for settings that contradict each other."""
    given = study.fairness
    known = [one if isinstance(one, str) else one.name for one in study.cohort.groups]
    groups_exist(known, [*given.groups, *([given.by] if given.by else [])], given.crossed)
    if given.mitigate == "none":
        if given.by:
            raise ConfigError(
                f"fairness.by names {given.by!r}, and fairness.mitigate is none", hint='mitigate = "reweighting", or leave it out'
            )
        return
    if not given.by:
        raise ConfigError(
            f"fairness.mitigate is {given.mitigate!r} and fairness.by is not set", hint=f"one of {', '.join(known)}"
        )
    _can_mitigate(study)


def _can_mitigate(study: Study) -> None:
    how, task = study.fairness.mitigate, config.choice(study.task, "task").name
    kind = cohorts.kind_of(study)
    if kind != "binary" or task == "anomaly":
        raise ConfigError(
            f"fairness.mitigate weighs the two outcomes of a yes-or-no question; the task is {task}", hint="leave it out"
        )
    if how in WEIGHED and study.train.balance != "none":
        raise ConfigError(
            f"train.balance = {study.train.balance!r} and fairness.mitigate = {how!r} both say how much a row counts",
            hint="keep one of them",
        )
    if how == "thresholds" and not _chosen(study.evaluate.threshold):
        raise ConfigError(
            "fairness.mitigate = 'thresholds' chooses a threshold of each group, and evaluate.threshold is a number",
            hint='a rule: "youden", "sensitivity=0.9"',
        )


def _chosen(rule: str | float) -> bool:
    try:
        float(rule)
    except ValueError:
        return True
    return False


def mitigated(study: Study, cohort: Cohort) -> Array | None:
    """The group by which training rows are weighed; None where they are not."""
    return cohort.groups[study.fairness.by] if study.fairness.mitigate in WEIGHED else None
