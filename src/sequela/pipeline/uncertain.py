"""What the study asks to be promised: whether it can be, and what is fitted on tune before the test part is opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sequela import model as models
from sequela import registry
from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import ConfigError, DataError
from sequela.evaluate.uncertainty import promises, rarity, sets
from sequela.evaluate.uncertainty.promises import Promises, Tune
from sequela.study import cohort as cohorts
from sequela.types import Answer, Cohort

if TYPE_CHECKING:
    from sequela.model import Model

NONE_UNUSUAL = "set uncertainty.unusual = 0"


def check(study: Study) -> None:
    """Raises ConfigError for a promise that this kind of task cannot give, or of a group that the cohort does not tell."""
    asked, kind = study.uncertainty, cohorts.kind_of(study)
    groups = [one if isinstance(one, str) else one.name for one in study.cohort.groups]
    if (asked.by == "group") != bool(asked.group):
        raise ConfigError('uncertainty.group and uncertainty.by = "group" are said together', hint="name one of cohort.groups")
    if asked.group and asked.group not in groups:
        raise ConfigError(f"uncertainty.group is {asked.group!r}, no group of the cohort", registry.nearest(asked.group, groups))
    wanted = {
        "risk": asked.risk is not None and kind not in sets.KINDS,
        "shift": asked.shift != "none" and kind not in sets.KINDS,
        "by": asked.by != "class" and kind not in sets.KINDS,
        "dropout": asked.dropout > 0 and kind not in rarity.KINDS,
        "unusual": asked.unusual > 0 and kind not in rarity.KINDS,
    }
    if named := [key for key, given in wanted.items() if given]:
        raise ConfigError(f"a task of the kind {kind!r} takes no uncertainty.{named[0]}", hint="leave it out")


def check_network(study: Study, model: Model) -> None:
    """Raises ConfigError where the network cannot give what is promised: known before it is trained."""
    asked = study.uncertainty
    if asked.dropout == 1:
        raise ConfigError("one pass with dropout has no spread", hint="uncertainty.dropout = 20")
    if asked.dropout and not models.drops(model):
        raise ConfigError(
            f"uncertainty.dropout asks for {asked.dropout} passes, and no part of the network is dropped in training",
            hint="give the encoder or the task a dropout, or leave uncertainty.dropout out",
        )
    if asked.unusual > 0 and not models.sees_vectors(model):
        raise ConfigError("unusual inputs cannot be told: the task's head sees more than a vector of a row", hint=NONE_UNUSUAL)


def check_rows(study: Study, rows: Mapping[str, int]) -> None:
    """Raises DataError where train or tune has too few rows for what is promised: known before anything is trained."""
    few = [f"{part} has {rows[part]}" for part in ("train", "tune") if rows[part] < rarity.FEWEST]
    if study.uncertainty.unusual > 0 and few:
        raise DataError(
            f"unusual inputs cannot be told of so few rows: {', '.join(few)}, {rarity.FEWEST} are needed", hint=NONE_UNUSUAL
        )


def promised(study: Study, predictor: Predictor, rows: Mapping[str, Evidence], tune: Cohort, answer: Answer) -> Promises:
    """Everything that is promised beside the answer that the bundle gives; `rows`: "train" and "tune", `answer`: of tune.

    Raises DataError where unusual inputs are to be withheld and none could be told.
    """
    kind = predictor.task.kind
    known = rarity.fit(predictor.members[0], rows["train"], rows["tune"], kind, study.train.seed)
    if known is None and study.uncertainty.unusual > 0:
        raise DataError(
            "unusual inputs cannot be told: too few rows of train or tune, or no vector is made of them", hint=NONE_UNUSUAL
        )
    levels = tune.groups.get(study.uncertainty.group)
    found = Tune(kind, answer, tune.target, tune.subject_id, predictor.threshold, levels)
    return promises.fit(found, study.uncertainty, known, study.train.seed)
