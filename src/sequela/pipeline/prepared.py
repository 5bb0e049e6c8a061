"""What `check` and `run` begin with: the study read, the records opened, the cohort built, the rows split."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import msgspec
import numpy as np

from sequela import config, registry
from sequela import model as models
from sequela.baselines import _label as labels
from sequela.bundle.bundle import history
from sequela.bundle.predictor import SCORES
from sequela.config import Ensemble, Study
from sequela.contracts import Evidence, Fitted, Guarded, Progress
from sequela.errors import ConfigError, DataError
from sequela.evaluate import threshold
from sequela.evaluate.questions import UNRULED, Safety
from sequela.evaluate.robustness import kinds
from sequela.pipeline import fairness, forecasts, pretraining, sealing, uncertain, vectors
from sequela.pipeline.data import records
from sequela.prep import augment
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut, homology, marked
from sequela.study.flow import Flow
from sequela.study.records import matching
from sequela.study.split import Plan, plans
from sequela.types import Array, Cohort, Known, Plain, Target


@dataclass(frozen=True)
class Prepared:
    """A study with its rows and what is known of each, before anything is fitted."""

    study: Study
    store: Store
    cohort: Cohort
    flow: Flow
    plans: Sequence[Plan]
    known: Known  # of every row of the cohort, at its own time
    scores: Plain  # severity scores that the data brings, comparators alone
    asked: Array  # int64: subjects with a row in the cohort, whatever its part
    find: Callable[[str], Path]  # the path of a file that the study names

    def split(self, plan: Plan) -> Prepared:
        """The rows that a plan puts into a part, with their parts."""
        cohort = plan.applied(self.cohort)
        rows = np.flatnonzero(cohort.part != "")
        scores = Plain(self.scores.values[rows], self.scores.names)
        known = self.known if len(rows) == len(cohort) else cut.take(self.known, rows)
        return replace(self, cohort=cohort.take(rows), flow=self._flow(cohort, plan), plans=[plan], known=known, scores=scores)

    def without(self, reasons: Array) -> Prepared:
        """The rows for which there is no reason (str "N", "" for none), the others counted in the flow by theirs."""
        if not (reasons != "").any():
            return self
        rows, flow = np.flatnonzero(reasons == ""), self.flow.refusing("input", reasons, self.cohort)
        scores = Plain(self.scores.values[rows], self.scores.names)
        return replace(self, cohort=self.cohort.take(rows), flow=flow, known=cut.take(self.known, rows), scores=scores)

    def _flow(self, cohort: Cohort, plan: Plan) -> Flow:
        """The flow with the rows that are in no part of the split, where there are any, by the reason."""
        reasons = np.where(cohort.part != "", "", "in no part of the split")
        if plan.left is not None:
            reasons = np.where(plan.left != "", plan.left, reasons)
        return self.flow.refusing("split", reasons, cohort)

    def evidence(self, fitted: Mapping[str, Fitted]) -> Evidence:
        """The inputs of all rows in both forms, the scores among the plain columns."""
        who = (self.cohort.subject_id, self.cohort.row_id)
        found = models.evidence(self.study, fitted, self.known, self.cohort.target, who)
        plain = Plain(
            np.hstack([found.plain.values, self.scores.values]), found.plain.names + self.scores.names, found.plain.counts
        )
        barred = None if self.guard is None else self.guard.barred(self.known)
        marks, group = _marks(self.study, self.store, self.cohort), fairness.mitigated(self.study, self.cohort)
        return replace(found, plain=plain, barred=barred, marks=marks, group=group)

    def asking(self, target: Target) -> Prepared:
        """The same rows, asked for this target: that of the cohort, or what the inputs turned out to hold."""
        return replace(self, cohort=replace(self.cohort, target=target))

    @cached_property
    def guard(self) -> Guarded | None:
        """The study's task, where its answers are held to rules."""
        return models.guard(self.study, self.cohort.target.names)

    def safety(self, rows: Array) -> Safety:
        """What should not be called of these rows (indices), for the evaluation."""
        if self.guard is None:
            return UNRULED
        barred = self.guard.barred(cut.take(self.known, rows)) if self.guard.constrains else None
        return Safety(self.guard.interacts, barred)


def prepare(study: Study, base: Path, data: str | Path | Store | None, progress: Progress) -> Prepared:
    """The study with its rows; its sources are looked for beside `base`.

    Raises ConfigError or DataError where the study cannot be asked of these records.
    """
    names_exist(study)
    find = partial(_beside, base)
    study = models.gathered(study, find)
    store = records(study.data, base, data, progress)
    _outcome_exists(study, store)
    rows, flow = cohorts.build(store, study)
    rows = homology.grouped(store, study.cohort, rows)
    shared = plans(rows, study, store, base)
    _rules_can_hold(study, models.guard(study, rows.target.names), store)
    known = cut.known(store, rows, history(study))
    return Prepared(study, store, rows, flow, shared, known, _scores(study, store, rows), np.unique(rows.subject_id), find)


def _beside(base: Path, file: str) -> Path:
    """A file that the study names: beside it, or under SEQUELA_DATA."""
    root = os.environ.get("SEQUELA_DATA")
    places = [base / file, *([Path(root) / file] if root else [])]
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(
        f"there is no file {file!r}, which the study names",
        hint=f"looked for in {', '.join(str(place.parent) for place in places)}",
    )


def _rules_can_hold(study: Study, guard: Guarded | None, store: Store) -> None:
    """Raises ConfigError where inputs look back so far only, since the rules would forget an allergy of years ago.

    Raises DataError where the data has no code that tells a fact which they ask for: misspelt, the rule would never hold.
    """
    if guard is None or not guard.told:
        return
    if study.cohort.history is not None:
        raise ConfigError(
            "cohort.history would hide from the task's rules what is known of a patient", hint="leave cohort.history out"
        )
    for fact, codes in guard.asked.items():
        if not any(matching(store, code) for code in codes):
            raise DataError(
                f"the data has no event that tells {fact!r}: {', '.join(sorted(set(codes))[:3])}",
                hint=f"correct task.facts.{fact}, or, where it may be missing, say so: optional = true",
            )


def _outcome_exists(study: Study, store: Store) -> None:
    """A code that the data does not know is misspelt rather than an event that never happened."""
    codes = study.outcome.code
    for code in [codes] if isinstance(codes, str) and codes else codes:
        if not matching(store, code):
            raise DataError(
                f"the data has no {code!r} event for outcome.code", hint=registry.nearest(code, store.codes["code"].to_list())
            )


def _scores(study: Study, store: Store, cohort: Cohort) -> Plain:
    """The latest value of each score code of the study, NaN where there is none."""
    codes = study.baselines.scores
    values = np.full((len(cohort), len(codes)), np.nan, np.float32)
    if codes:
        events = cut.known(store, cohort, history(study), codes=codes).events.drop_nulls("numeric_value")
        last = events.group_by("row", "code", maintain_order=True).last()
        place = {code: k for k, code in enumerate(codes)}
        values[last["row"].to_numpy(), [place[code] for code in last["code"]]] = last["numeric_value"].to_numpy()
    return Plain(values, tuple(SCORES + code for code in codes))


def _marks(study: Study, store: Store, cohort: Cohort) -> dict[str, Target]:
    """The masks of other codes that the study's baselines ask for, read as those of the outcome are."""
    named = [config.options("baselines", one, "baselines.names") for one in study.baselines.names or []]
    modules = [(registry.module("baselines", name), options) for name, options in named]
    codes = [module.marks(options) for module, options in modules if hasattr(module, "marks")]
    outcomes = {code: msgspec.structs.replace(study.outcome, mask=code) for code in codes if study.outcome.mask}
    return {code: marked.masks(store, outcome, cohort, labelled=True) for code, outcome in outcomes.items()}


def loaded(study: str | Path | Study, overrides: tuple[str, ...]) -> tuple[Study, Path]:
    """The study, and the folder beside which its data is looked for."""
    if isinstance(study, Study):
        if overrides:
            raise ConfigError("overrides are laid over a study file, not over a study that is already read")
        return study, Path()
    return config.load(study, overrides), Path(study).parent


def names_exist(study: Study) -> None:
    """Every name and option that the study uses, checked before any data is read. Raises ConfigError with the nearest name."""
    config.options("tasks", study.task, "task")
    for name, given in study.inputs.items():
        config.options("modalities", given.modality, f"inputs.{name}.modality")
        config.options("encoders", given.encoder, f"inputs.{name}.encoder")
        if given.augment:
            augment.names_exist(given.augment, config.choice(given.modality, f"inputs.{name}.modality").name)
    called = [labels.label(*config.options("baselines", named, "baselines.names")) for named in study.baselines.names or ()]
    _called_once(called)
    if study.data.reader:
        config.convert(dict(study.data.options), registry.module("readers", study.data.reader).Config, "data.options")
    threshold.check(cohorts.judged_as(study), study.evaluate.threshold)
    sealing.check(study)
    _can_be_held(study.ensemble)
    _foresees_alone(study)
    _alone(study)
    pretraining.check(study)
    vectors.check(study)
    forecasts.check(study)
    if study.robustness is not None:
        kinds.check_task(cohorts.kind_of(study))
        kinds.check(study.robustness.kinds)
    fairness.check(study)
    uncertain.check(study)
    known = {"model", *called}
    for member in study.ensemble.members:
        if study.baselines.names is not None and member not in known:
            raise ConfigError(
                f"ensemble.members names {member!r}, which this study does not train", registry.nearest(member, sorted(known))
            )


def _called_once(called: Sequence[str]) -> None:
    """Raises ConfigError where two baselines would go by one name: the later would take the place of the first."""
    twice = [label for label in called if called.count(label) > 1]
    if twice:
        raise ConfigError(
            f"baselines.names has {called.count(twice[0])} of the name {twice[0]!r}",
            'name it once, or hold one to some of the columns: columns = ["*.mean"]',
        )


def _can_be_held(ensemble: Ensemble) -> None:
    """Raises ConfigError for a member that a bundle could not hold as arrays: it would be found out only after the test."""
    baselines = {name: registry.module("baselines", name) for name in registry.names("baselines")}
    holdable = [name for name, module in baselines.items() if hasattr(module, "from_arrays")]
    for member in ensemble.members:
        name, _, columns = member.removeprefix("baseline:").partition(":")
        if name in baselines and (name not in holdable or (columns and not hasattr(baselines[name], "HELD_TO_COLUMNS"))):
            raise ConfigError(
                f"ensemble.members names {member!r}, which a bundle cannot hold",
                f"with the model can be averaged: {', '.join(f'baseline:{one}' for one in holdable)}",
            )


def _foresees_alone(study: Study) -> None:
    """Raises ConfigError where a step would know how long its record goes on."""
    if cohorts.kind_of(study) != "next_event":
        return
    for name, given in study.inputs.items():
        options = config.options("modalities", given.modality, f"inputs.{name}.modality")[1]
        if "ago" in getattr(options, "side", ()):
            raise ConfigError(
                f"inputs.{name}.modality tells each step how long ago it was, and so how much is still to come",
                hint='name what may stand beside a step, without it: side = ["age", "gap", "length", "ordinal"]',
            )


def _alone(study: Study) -> None:
    """Raises ConfigError where an answer that is no probability of a row would be averaged, calibrated or balanced as one."""
    kind = cohorts.kind_of(study)
    if kind == "tagging":
        _of_steps(study)
    if kind == "survival":
        _of_times(study)
    if kind not in ("next_event", "segment", "detect", "entities", "contact"):
        return
    asked = {
        "train.members": study.train.members > 1 and kind not in ("entities", "contact"),
        "train.final": study.train.final != "best" and kind not in ("next_event", "entities", "contact"),
        "ensemble.members": bool(study.ensemble.members),
        "evaluate.recalibrate": study.evaluate.recalibrate not in ("auto", "none"),
        "train.balance": study.train.balance != "none",
        "pretrain": study.pretrain is not None,
    }
    if named := [key for key, given in asked.items() if given]:
        raise ConfigError(
            f"answers of {kind} have no mean and no calibration: it takes no {named[0]}", hint=f"leave out {', '.join(named)}"
        )
    if getattr(config.options("tasks", study.task, "task")[1], "instances", False) and not study.outcome.instances:
        raise ConfigError("task.instances is set and outcome.instances is not", hint="say it of the masks: outcome.instances")


def _of_times(study: Study) -> None:
    """Raises ConfigError for what is of probabilities, where the answers are curves."""
    asked = {
        "evaluate.recalibrate": study.evaluate.recalibrate not in ("auto", "none"),
        "evaluate.silence": study.evaluate.silence != "0s",
        "train.balance": study.train.balance != "none",
        "baselines.scores": bool(study.baselines.scores),
    }
    if named := [key for key, given in asked.items() if given]:
        raise ConfigError(f"survival answers with curves over time: it takes no {named[0]}", hint=f"leave out {', '.join(named)}")


def _of_steps(study: Study) -> None:
    """Raises ConfigError for what is of rows, where steps are asked."""
    asked = {
        "train.balance": study.train.balance != "none",
        "train.mixup": bool(study.train.mixup),
        "baselines.scores": bool(study.baselines.scores),
        "evaluate.silence": study.evaluate.silence != "0s",
    }
    if named := [key for key, given in asked.items() if given]:
        hint = (
            'steps are balanced by task = { name = "tagging", balance = 0.5 }' if named[0] == "train.balance" else "leave it out"
        )
        raise ConfigError(f"tagging asks about steps: it takes no {named[0]}, which is of rows", hint=hint)
