"""What is found out about a bundle in another place: its patients, its sites, its local calibration, and whether it may be used.

The bundle holds no patient, and so nothing that tells whether a row here was among those it learnt from but the hash of the whole
store: a list of hashed names could be tried name by name, and would be patient data itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from sequela import registry
from sequela.bundle import Bundle
from sequela.config import Study
from sequela.contracts import Progress
from sequela.errors import UsageError
from sequela.evaluate import acceptance
from sequela.evaluate.evaluation import RECALIBRATED, Judged
from sequela.evaluate.external import local, sites
from sequela.evaluate.external.case_mix import Here, case_mix
from sequela.evaluate.external.facts import CaseMix, Decision, ExternalFacts, SiteFacts
from sequela.evaluate.metric import Metric
from sequela.evaluate.size.facts import SizeFacts
from sequela.evaluate.trusted import Trusted
from sequela.pipeline import sealing, sizing
from sequela.pipeline.development import prevalences, scores
from sequela.study.development import one_each, summarised, summary
from sequela.types import Cohort, Plain

DECISIONS: Mapping[str, Decision] = {
    "met": "go",
    "not met": "no-go",
    "cannot be told": "cannot be told",
    "": "nothing was to be met",
}


@dataclass(frozen=True)
class Elsewhere:
    """What there is beside the answers: the rows as the cohort has them, their plain columns, and what was asked for."""

    rows: Cohort
    columns: Plain | None  # of the rows; None where there is nothing to hold them against
    site: str  # the group that names the site, or ""
    way: str  # of recalibration, or ""
    progress: Progress


def site_group(study: Study, asked: str) -> str:
    """The group that names the site; "" where none does. Raises UsageError for one that the study has not."""
    groups = [one if isinstance(one, str) else one.name for one in study.cohort.groups]
    if asked and asked not in groups:
        hint = registry.nearest(asked, groups) if groups else "this bundle's study has no groups"
        raise UsageError(f"{asked!r} is none of cohort.groups of the bundle's study", hint=hint)
    return asked or (study.split.column if study.split.column in groups else "")


def plan_of(held: Bundle) -> str:
    """The hash of the plan that was sealed for the run that made the bundle; "" where none was."""
    return str(held.index["facts"].get("plan", ""))


def trusted(held: Bundle, one: Judged, metrics: Sequence[Metric], where: Elsewhere) -> Trusted:
    """What is examined of a bundle that was judged elsewhere."""
    where.progress("examining", 0, 1)
    final = held.predictor.final
    criteria = sealing.criteria(held.study)
    accepted = acceptance.judged(criteria, metrics, final)
    again = acceptance.judged(criteria, metrics, RECALIBRATED) if where.way else []
    facts = ExternalFacts(
        bundle=held.digest,
        site=where.site,
        mix=_mix(held, one, where),
        accepted=accepted,
        decision=DECISIONS[acceptance.verdict(accepted)],
        accepted_recalibrated=again,
        decision_recalibrated=DECISIONS[acceptance.verdict(again)],
    )
    if held.predictor.task.kind == "binary":
        facts = _of_risks(facts, held, one, where)
    size = _size(one, final, metrics) if held.predictor.task.kind == "binary" else None
    where.progress("examining", 1, 1)
    return Trusted(split=one.split, part="test", external=facts, size=size)


def _of_risks(facts: ExternalFacts, held: Bundle, one: Judged, where: Elsewhere) -> ExternalFacts:
    """The same with sites and local calibration, which are told of yes-or-no questions."""
    known = np.flatnonzero(one.cohort.target.known[:, 0])
    answer, target, subject = one.answers[held.predictor.final], one.cohort.target, one.cohort.subject_id
    risk, event = answer.values[known, 0], target.values[known, 0] > 0
    found = []
    if where.site:
        found = sites.sites(one.cohort.groups[where.site][known], risk, event, subject[known], held.study.evaluate)
    pooled = sites.pooled(found)
    needed = local.needs(where.way, answer, target, subject, held.study.train.seed)
    return msgspec.structs.replace(facts, sites=found, pooled=pooled, not_pooled=_not_pooled(where.site, found), local=needed)


def _not_pooled(site: str, found: Sequence[SiteFacts]) -> str:
    """Why the sites are not told as one; "" where they are."""
    if not site:
        return "no group of the study names the site"
    told = sum(bool(one.numbers) for one in found)
    return "" if told > 1 else f"{len(found)} sites, of which {told} are large enough: how sites differ takes two"


def _size(one: Judged, final: str, metrics: Sequence[Metric]) -> SizeFacts:
    known = one.cohort.target.known[:, 0]
    risk, event = one.answers[final].values[known, 0], one.cohort.target.values[known, 0] > 0
    rows = [row for row in metrics if row.model == final]
    return sizing.reached(SizeFacts(), risk, event, one.cohort.subject_id[known], rows, [])


def _mix(held: Bundle, one: Judged, where: Elsewhere) -> CaseMix | None:
    if held.development is None or where.columns is None:
        return None
    seed = held.study.train.seed
    kept, judged = one_each(where.rows.subject_id, seed), one_each(one.cohort.subject_id, seed)
    answer = one.answers[held.predictor.final].take(judged)
    here = Here(
        subjects=len(kept),
        columns=summarised(where.columns.take(kept)),
        scores=[summary(name, column) for name, column in zip(answer.names, scores(answer).T, strict=True)],
        prevalences=prevalences(held.predictor.task.kind, one.cohort.target.take(judged)),
        unseen=_unseen(held, where.rows),
        unknown=_unknown(where.rows),
    )
    return case_mix(held.development, here)


def _unseen(held: Bundle, rows: Cohort) -> list[str]:
    """Levels of groups here of which the bundle's metrics tell nothing, though they tell of others of that group."""
    told = {str(row["group"]) for row in held.metrics if "=" in str(row["group"])}
    groups = {name.partition("=")[0] for name in told}
    levels = {f"{name}={value}" for name, values in rows.groups.items() if name in groups for value in np.unique(values) if value}
    return sorted(levels - told)


def _unknown(rows: Cohort) -> dict[str, float]:
    shares = {name: float((values == "").mean()) for name, values in rows.groups.items()}
    return {name: share for name, share in shares.items() if share}
