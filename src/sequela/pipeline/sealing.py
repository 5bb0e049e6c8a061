"""The plan of a split: sealed once everything is chosen and before its test part is opened, and judged afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.errors import ConfigError
from sequela.evaluate import acceptance, planned
from sequela.evaluate.acceptance import Criterion
from sequela.evaluate.metric import Metric
from sequela.evaluate.planned import EarlierLook, PlanFacts, Sealed
from sequela.metrics.table import METRICS
from sequela.pipeline import files
from sequela.store import looks
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.types import Cohort

PLAN = "plan.json"
SETTLED = ("name", "question", "cohort", "outcome", "task", "split", "evaluate", "uncertainty", "fairness", "plan")  # of a study
RESAMPLED = ("binary", "multiclass", "multilabel", "regression")  # tasks whose networks may be trained on resamples
SHOWN = 10  # earlier looks that are told, the latest ones


def check(study: Study) -> None:
    """Raises ConfigError for a plan that this study cannot have, before anything is read."""
    criteria(study)
    if not study.plan.bootstrap_models:
        return
    if cohorts.kind_of(study) not in RESAMPLED:
        raise ConfigError(
            f"plan.bootstrap_models tells of {', '.join(RESAMPLED)}; this task is {cohorts.kind_of(study)}", hint="set it to 0"
        )
    if study.pretrain is not None or any(one.vectors is not None for one in study.inputs.values()):
        raise ConfigError(
            "plan.bootstrap_models trains each network from its beginning, and this study pretrains or brings vectors",
            hint="set it to 0, or leave pretrain and vectors out",
        )


def criteria(study: Study) -> list[Criterion]:
    """The acceptance criteria of a study. Raises ConfigError for one that it cannot be asked."""
    groups = [one if isinstance(one, str) else one.name for one in study.cohort.groups]
    return acceptance.criteria(study.plan.accept, cohorts.judged_as(study), groups, bootstrap=study.evaluate.bootstrap)


def check_names(study: Study, names: Sequence[str], cohort: Cohort) -> None:
    """Raises ConfigError for a criterion about a class, or a level of a group, that is not there."""
    levels = {name: np.unique(column).tolist() for name, column in cohort.groups.items()}
    acceptance.check_names(criteria(study), names, levels)


def settled(study: Study, split: str) -> dict[str, Any]:
    """What a study says that its test part is asked, before anything is trained."""
    told = {name: msgspec.to_builtins(getattr(study, name)) for name in SETTLED}
    kind = cohorts.judged_as(study)
    computed = sorted(name for name, entry in METRICS.items() if kind in entry.kinds)
    return told | {"metrics": computed, "part_of": split}


def seal(folder: Path, store: Store, study: Study, split: str, predictor: Predictor) -> Sealed:
    """Writes plan.json and keeps the plan beside the store; gives it with its hash."""
    plan = settled(study, split) | {
        "thresholds": dict(predictor.thresholds),
        "calibration": msgspec.to_builtins(predictor.calibrators),
        "weights": weights(predictor),
    }
    found = Sealed(hash=planned.fingerprint(plan), sealed=datetime.now(UTC).isoformat(timespec="seconds"), plan=plan)
    files.write_json(folder / PLAN, found)
    looks.keep_plan(store.path, found.hash, planned.canonical(plan))
    return found


def weights(predictor: Predictor) -> str:
    """SHA-256 of all numbers of the networks, and of how they are averaged with others."""
    digest = hashlib.sha256(planned.canonical(dict(predictor.weights)))
    for member in predictor.members:
        for name, value in sorted(member.state_dict().items()):
            array = np.ascontiguousarray(value.detach().cpu().numpy())
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def digest_of(cohort: Cohort) -> str:
    """The name of a set of rows among the looks."""
    return hashlib.sha256("\n".join(sorted(map(str, cohort.row_id))).encode()).hexdigest()


def earlier(store: Store, cohort: Cohort, plan: Mapping[str, Any], *, without_last: bool = False) -> list[EarlierLook]:
    """The earlier looks at these rows held against this plan, the latest first."""
    seen = looks.seen(store.path, digest_of(cohort))
    before = seen[:-1] if without_last else seen
    return [planned.earlier(one, looks.kept_plan(store.path, one.plan), plan) for one in before[: -SHOWN - 1 : -1]]


def facts(folder: Path, store: Store, cohort: Cohort, metrics: Sequence[Metric], final: str, study: Study) -> PlanFacts | None:
    """What became of the plan that lies in a run folder, judged on these numbers; None where none was sealed."""
    path = folder / PLAN
    if not path.exists():
        return None
    sealed = files.read_json(path, Sealed)
    accepted = acceptance.judged(criteria(study), metrics, final)
    return PlanFacts(
        hash=sealed.hash,
        sealed=sealed.sealed,
        weights=sealed.plan["weights"],
        metrics=sealed.plan["metrics"],
        thresholds=sealed.plan["thresholds"],
        accepted=accepted,
        verdict=acceptance.verdict(accepted),
        earlier=earlier(store, cohort, sealed.plan, without_last=True),
        looks=looks.looks(store.path, digest_of(cohort)),
    )


def pooled(first: PlanFacts | None, study: Study, metrics: Sequence[Metric], final: str) -> PlanFacts | None:
    """The plan of the first of several splits, judged on the numbers over all of them."""
    if first is None:
        return None
    accepted = acceptance.judged(criteria(study), metrics, final)
    return msgspec.structs.replace(first, accepted=accepted, verdict=acceptance.verdict(accepted))


def lines(look: EarlierLook) -> list[str]:
    """An earlier look in words for a terminal: when, and in which keys its plan differs from this one."""
    head = f"{look.time} {look.study} ({look.purpose}): "
    if not look.known:
        return [head + "what was planned then is not known"]
    if not look.changed:
        return [head + "the same plan"]
    return [head + "another plan", *(f"  {one.key}: {one.before} -> {one.after}" for one in look.changed)]
