"""One split of a study: fitted on train, chosen on tune, and only then, once, judged on test.

The order of the functions below is the order of events; nothing that chooses can see the test part, because `Chosen` is complete
before `opened` is called.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from sequela import config, registry
from sequela import model as models
from sequela import seed as streams
from sequela.baselines import _defaults as suited
from sequela.baselines import _label as labels
from sequela.bundle.predictor import Predictor
from sequela.config import Study
from sequela.contracts import Baseline, Evidence, Fitted, Progress
from sequela.errors import DataError
from sequela.evaluate import cafa, calibrate, recalibration, threshold
from sequela.evaluate.evaluation import Judged, check_names, evaluate
from sequela.evaluate.facts import PretrainFacts, VectorFacts
from sequela.evaluate.metric import Evaluation
from sequela.evaluate.tallies import tallied
from sequela.pipeline import forecasts, knowledge, pretraining, uncertain, vectors
from sequela.pipeline.prepared import Prepared
from sequela.prep import augment
from sequela.study import cohort as cohorts
from sequela.study import cut, hierarchy, steps
from sequela.train import ensemble, members
from sequela.train import rows as evidences
from sequela.train.fit import Trained, fit
from sequela.train.refit import refit
from sequela.train.state import Weights
from sequela.types import PARTS, Answer, Array, Cohort, Part, Tags, Target

if TYPE_CHECKING:
    from sequela.model import Model


@dataclass(frozen=True)
class Read:
    """The inputs of all rows, the modalities fitted on train alone."""

    fitted: dict[str, Fitted]
    all: Evidence
    parts: Mapping[Part, Array]  # the rows of each
    split: Prepared  # with the rows that were read: without those that an input refuses
    material: pretraining.Material | None = None
    foreseen: Evidence | None = None  # what the material holds, where an encoder is pretrained

    def of(self, part: Part) -> Evidence:
        """Raises DataError where the part has no rows."""
        if not len(self.parts[part]):
            raise DataError(f"the {part} part has no rows", hint="look at split in the study and at the flow of the cohort")
        return evidences.take(self.all, self.parts[part])

    @cached_property
    def asked(self) -> Cohort:
        """What is answered and judged, a row each: the rows, or the steps of them that are asked."""
        return judged(self.split.cohort, self.all)

    def cohort(self, part: Part) -> Cohort:
        """The same of a part."""
        return self.asked.take(self.asked.of(part))

    @cached_property
    def train(self) -> Evidence:
        return self.of("train")

    @cached_property
    def tune(self) -> Evidence:
        return self.of("tune")


@dataclass(frozen=True)
class Way:
    """How a training is carried out: where, whether it goes on with an earlier one, and what the user sees and is told."""

    folder: Path
    resume: bool
    command: str  # that resumes it
    progress: Progress


@dataclass(frozen=True)
class Chosen:
    """Everything decided before the test part is opened."""

    predictor: Predictor
    baselines: Mapping[str, Baseline]  # "baseline:boosting"; "baseline:score:CODE" for a score that the data brings
    trained: Sequence[Trained]
    declined: Mapping[str, str]  # baselines that do not apply, with the reason
    tune: Mapping[str, Answer]
    cpu_seconds: Mapping[str, float]  # "model", "baseline:…"
    pretrained: PretrainFacts | None = None
    vectors: Sequence[VectorFacts] = ()

    def answers(self, rows: Evidence) -> dict[str, Answer]:
        """What everybody says of these rows: the model, the ensemble, each baseline."""
        plain = {name: self.predictor.consistent(one.answer(rows.asked)) for name, one in self.baselines.items()}
        said = self.predictor.answers(rows) | plain
        kind, tolerance = self.predictor.task.kind, self.predictor.study.evaluate.tolerance
        return {name: tallied(kind, answer, rows.asked.target, tolerance) for name, answer in said.items()}


def judged(cohort: Cohort, rows: Evidence) -> Cohort:
    """The rows with their target as it was read; where steps are asked, these as rows."""
    if not isinstance(rows.target.dense, Tags):
        return replace(cohort, target=rows.target)
    ((name, ragged),) = rows.inputs.items()
    return steps.cohort(cohort, rows.target.dense, ragged, rows.specs[name])


def read(split: Prepared) -> Read:
    """Raises ConfigError where an encoder cannot read its input, an augmentation cannot change it, or a class is misnamed.

    Raises DataError where an input has nothing to read in train.
    """
    material = pretraining.material(split)
    learnt_from = pretraining.learnt_from(split, material)
    train = _learnt(split)
    fitted = models.fit_inputs(split.study, cut.take(split.known, train), learnt_from)
    split = split.without(models.refusals(fitted, split.known))
    parts = {part: split.cohort.of(part) for part in PARTS}
    specs = {name: one.spec for name, one in fitted.items()}
    names = models.target_names(split.study, specs, split.cohort.target.names)
    model, _ = models.build(split.study, specs, names)
    knowledge.check(split.study, fitted, names, split.find)
    uncertain.check_network(split.study, model)
    uncertain.check_rows(split.study, {part: len(rows) for part, rows in parts.items()})
    foreseen = pretraining.evidence(split.study, material, fitted)
    evidence = split.evidence(fitted)
    check_names(split.study.evaluate, evidence.target.names)
    _changed(split.study, evidence, parts["train"])
    return Read(fitted, evidence, parts, split, material, foreseen)


def _changed(study: Study, rows: Evidence, train: Array) -> None:
    """Raises ConfigError for an augmentation that an input or the task cannot have, as training would once it begins."""
    asked = {name: given.augment for name, given in study.inputs.items() if given.augment}
    if not asked:
        return
    kind = cohorts.kind_of(study)
    classes = augment.classes(kind, rows.target.take(train))
    for name, named in asked.items():
        augment.build(named, rows.specs[name], classes, kind)


def _learnt(split: Prepared) -> Array:
    """The training rows that the task learns from, indices. Raises DataError where there is none."""
    train = split.cohort.of("train")
    learnt = train[models.learns(split.study, split.cohort.target)[train]]
    if not len(learnt):
        raise DataError(
            f"the task learns from none of the {len(train)} training rows",
            hint="anomaly learns from the rows without the event: the first of outcome.classes is what is normal",
        )
    return learnt


def choose(study: Study, rows: Read, way: Way) -> Chosen:
    """The model trained, everything else chosen on tune."""
    parts = rows.train.asked.target, rows.tune.asked.target
    threshold.check_events(cohorts.judged_as(study), *parts, study.evaluate.threshold)
    began = time.process_time()
    begun = vectors.begun(study, rows.train, rows.split.find, way.progress)
    pretrained = pretraining.pretrained(study, rows.foreseen, rows.material, way, begun.weights)
    start = vectors.joined(begun.weights, None if pretrained is None else pretrained.weights)
    trained = _members(study, rows, start, way)
    seconds = {"model": max(time.process_time() - began, sum(one.cpu_seconds for one in trained))}
    bare = Predictor(study, rows.fitted, trained[0].task, [one.model.to("cpu") for one in trained])
    raw = {"model": bare.network(rows.tune)}
    baselines, declined = _baselines(study, rows, way.progress, seconds)
    asked = rows.tune.asked
    said = {name: bare.consistent(one.answer(asked)) for name, one in baselines.items()}
    weights = _weights(study, raw | said, asked)
    if weights:
        raw["ensemble"] = ensemble.combine(raw | said, weights, study.ensemble.space)
    calibrators = _calibrators(study, raw, asked)
    calibrated = {name: calibrators[name].apply(answer) if name in calibrators else answer for name, answer in raw.items()}
    held = {name: bare.held(answer, rows.tune) for name, answer in calibrated.items()} | said
    tolerance = study.evaluate.tolerance
    tune = {name: tallied(bare.task.kind, answer, asked.target, tolerance) for name, answer in held.items()}
    thresholds = threshold.choose_all(bare.task.kind, tune, asked.target, study.evaluate.threshold)
    thresholds |= forecasts.fixed(study, rows.train) | _information(study, rows.train.asked.target)
    partners = {name: baselines[name] for name in weights if name != "model"}
    predictor = replace(
        bare,
        members=_final(study, rows, trained, start, way),
        partners=partners,
        weights=weights,
        calibrators=calibrators,
        thresholds=thresholds,
    )
    parts_read = {"train": rows.train, "tune": rows.tune}
    promises = uncertain.promised(study, predictor, parts_read, rows.cohort("tune"), tune[predictor.final])
    predictor = replace(predictor, promises=promises)
    told = None if pretrained is None else pretrained.told
    return Chosen(predictor, baselines, trained, declined, tune, seconds, told, begun.told)


def _information(study: Study, train: Target) -> dict[str, float]:
    """What each label tells, where they stand in a hierarchy."""
    found = hierarchy.of(study.outcome, train.names)
    return {} if found is None else cafa.fixed(train.names, found.information(train))


def judge(study: Study, chosen: Chosen, one: Judged, part: Part) -> Evaluation:
    """Every number about one part, each model's decisions at the thresholds chosen on tune."""
    kind, seed = chosen.predictor.task.kind, study.train.seed
    return evaluate(
        kind, one.cohort, one.answers, study.evaluate, one.thresholds, part=part, split=one.split, seed=seed, safety=one.safety
    )


# ------------------------------------------------------------------------------------------------------------------- training


def _members(study: Study, rows: Read, start: Weights | None, way: Way) -> list[Trained]:
    """One network for each seed, each the best on tune."""
    count = study.train.members
    return [
        fit(
            study,
            rows.train,
            rows.tune,
            members.place(way.folder, k, count),
            resume=way.resume,
            progress=way.progress,
            seed=study.train.seed + k,
            resume_command=way.command,
            start=start,
        )
        for k in range(count)
    ]


def _final(study: Study, rows: Read, trained: Sequence[Trained], start: Weights | None, way: Way) -> list[Model]:
    """The networks that answer: those trained, or with final = "refit" their like, trained on train and tune together."""
    if study.train.final == "best":
        return [one.model.to("cpu") for one in trained]
    again = [
        refit(
            study,
            rows.train,
            rows.tune,
            members.place(way.folder, k, len(trained)),
            resume=True,  # the first training is finished, and given back as it is
            progress=way.progress,
            seed=study.train.seed + k,
            resume_command=way.command,
            start=start,
        )
        for k in range(len(trained))
    ]
    return [one.model.to("cpu") for one in again]


# -------------------------------------------------------------------------------------------------------------------- baselines


def _baselines(
    study: Study, rows: Read, progress: Progress, seconds: dict[str, float]
) -> tuple[dict[str, Baseline], dict[str, str]]:
    """Every baseline fitted; those that say that they do not apply to these inputs, with their reason."""
    kind = cohorts.judged_as(study)
    named = study.baselines.names
    wanted: list[config.Named] = list(suited.default_for(kind, rows.train.asked.specs)) if named is None else list(named)
    wanted += [{"name": "score", "code": code} for code in study.baselines.scores]
    found: dict[str, Baseline] = {}
    declined: dict[str, str] = {}
    for k, one in enumerate(wanted):
        progress("baselines", k, len(wanted))
        began = time.process_time()
        name, options = config.options("baselines", one, "baselines.names")
        options = forecasts.levelled(study, options)
        label = labels.label(name, options)
        baseline: Baseline = registry.module("baselines", name).build(options)
        try:
            baseline.fit(rows.train.asked, rows.tune.asked, kind, streams.number(study.train.seed, label) % 2**31)
        except DataError as error:
            declined[label] = error.message
            continue
        found[label] = baseline
        seconds[label] = time.process_time() - began
    progress("baselines", len(wanted), len(wanted))
    return found, declined


def _weights(study: Study, answers: Mapping[str, Answer], tune: Evidence) -> dict[str, float]:
    """The ensemble's weights, chosen on tune; none where the study asks for no ensemble."""
    members = study.ensemble.members
    if not members:
        return {}
    missing = [name for name in members if name not in answers]
    if missing:
        raise DataError(f"the ensemble needs {missing[0]!r}, which does not apply to these inputs")
    return ensemble.weigh({name: answers[name] for name in members}, tune.target, study.ensemble.space)


def _calibrators(study: Study, answers: Mapping[str, Answer], tune: Evidence) -> dict[str, calibrate.Calibrator]:
    """By the method that the study asks for; "auto" recalibrates where training was balanced, and not otherwise, "best" chooses.

    Of a forecast its intervals are calibrated, where its task asks for that.
    """
    if cohorts.kind_of(study) == "forecast":
        return forecasts.calibrators(study, answers, tune)
    method = study.evaluate.recalibrate
    if method == "auto":
        risks = cohorts.judged_as(study) in ("binary", "multiclass", "multilabel")
        method = "platt" if risks and study.train.balance != "none" else "none"
    if method == "none":
        return {}
    if method == "best":
        return {name: recalibration.best(answer, tune.target, tune.subject, study.train.seed) for name, answer in answers.items()}
    return {name: calibrate.fit(answer, tune.target, method) for name, answer in answers.items()}
