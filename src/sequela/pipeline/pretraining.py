"""Pretraining: before the question is learnt, the encoder of one input of codes learns to foresee the next code, or to tell
codes that are hidden from it (tasks/masked.py).

Whom it reads decides whether a result can be believed, so it is decided here alone: subjects of the training part, each once,
and, where the study says so, the whole records of subjects without any row in the cohort. A subject with a row in tune or test,
or in no part of a split, or that the study excludes by name, is never read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from msgspec import structs

from sequela import config, seed
from sequela import model as models
from sequela.bundle.bundle import history
from sequela.config import Pretrain, Study
from sequela.contracts import Evidence, Fitted
from sequela.errors import ConfigError, DataError
from sequela.evaluate.facts import PretrainFacts
from sequela.study import cut
from sequela.study.records import HIDDEN
from sequela.train import rows as evidences
from sequela.train.fit import Trained, fit
from sequela.train.state import Weights
from sequela.types import Array, Cohort, Known, Plain, Target

if TYPE_CHECKING:
    from sequela.pipeline.prepared import Prepared
    from sequela.pipeline.trial import Way

FOLDER = "pretrain"  # beside the training of the members


@dataclass(frozen=True)
class Material:
    """What the encoder of one input is pretrained on."""

    input: str
    cohort: Cohort  # a row a subject
    known: Known
    unlabelled: int  # rows of subjects without a row in the study's cohort


@dataclass(frozen=True)
class Pretrained:
    """The first weights of every member, by name, and how they came about."""

    weights: Weights
    told: PretrainFacts


def check(study: Study) -> None:
    """Raises ConfigError where the study asks for a pretraining that it does not have an input for, or that would look ahead."""
    plan = study.pretrain
    if config.choice(study.task, "task").name == "masked":
        raise ConfigError("masked is how an encoder is pretrained, and no question to records", hint="[pretrain] masked = 0.15")
    if plan is None:
        return
    _input(study, plan)
    split = study.split
    if split.by == "time" and (plan.unlabelled or plan.records == "whole"):
        raise ConfigError(
            "whole records would reach past the moments that the split divides",
            hint='pretrain.records = "known", unlabelled = false',
        )
    if plan.unlabelled and (split.by == "site" or split.unit):
        raise ConfigError(
            f"subjects without a row in the cohort have no {split.column or split.unit}: they may be of those kept for the test",
            hint="pretrain.unlabelled = false",
        )


def _input(study: Study, plan: Pretrain) -> str:
    if plan.input and plan.input not in study.inputs:
        raise ConfigError(f"pretrain.input names {plan.input!r}, which is no input", hint=f"known: {', '.join(study.inputs)}")
    if not plan.input and len(study.inputs) > 1:
        raise ConfigError("pretrain does not say which input", hint=f"pretrain.input, one of {', '.join(study.inputs)}")
    return plan.input or next(iter(study.inputs))


# ------------------------------------------------------------------------------------------------------------------- who is read


def material(split: Prepared) -> Material | None:
    """The rows to pretrain on with what is known of them; None where the study asks for none.

    Raises DataError where nobody is left.
    """
    plan = split.study.pretrain
    if plan is None:
        return None
    labelled, unlabelled = _learners(split), _unlabelled(split) if plan.unlabelled else np.zeros(0, np.int64)
    cohort = _known_rows(split, labelled) if plan.records == "known" else _whole(split, labelled)
    cohort = _joined(cohort, _whole(split, unlabelled))
    if len(cohort) < 2:
        raise DataError(f"{len(cohort)} subjects can be pretrained on, 2 are needed", hint="pretrain.unlabelled = true")
    read = cut.known(split.store, cohort, history(split.study))
    return Material(_input(split.study, plan), cohort, read, int(np.isin(cohort.subject_id, unlabelled).sum()))


def _learners(split: Prepared) -> Array:
    """Subjects of the training part that are in no other."""
    subject, part = split.cohort.subject_id, split.cohort.part
    return np.setdiff1d(subject[part == "train"], subject[part != "train"])


def _unlabelled(split: Prepared) -> Array:
    """Subjects without any row in the cohort, whatever its part, that no exclusion names."""
    named = {name for one in split.study.cohort.exclude for name in one.subjects}
    others = split.store.subjects.filter(~pl.col("source_id").is_in(list(named)))["subject_id"].to_numpy()
    return np.setdiff1d(others, split.asked)


def _known_rows(split: Prepared, subjects: Array) -> Cohort:
    """The last training row of each of these subjects."""
    rows = np.flatnonzero(np.isin(split.cohort.subject_id, subjects))
    owner = split.cohort.subject_id[rows]
    return split.cohort.take(rows[np.append(owner[1:] != owner[:-1], True)[: len(rows)]])


def _whole(split: Prepared, subjects: Array) -> Cohort:
    """A row at the end of the record of each of these subjects that has an event with a time; of samples, of each."""
    hidden = [code for code, kind in split.store.kinds.items() if kind in HIDDEN]
    events = split.store.events(subjects=subjects.tolist()).filter(~pl.col("code").is_in(hidden))
    sampled = split.study.cohort.index == "SAMPLE"
    last = events.group_by("subject_id").agg(pl.lit(None, pl.Datetime("us")).alias("time") if sampled else pl.col("time").max())
    last = last if sampled else last.drop_nulls("time")
    found = last.join(split.store.subjects.select("subject_id", "source_id"), on="subject_id").sort("subject_id")
    time = found["time"].cast(pl.Datetime("us")).to_numpy().astype("datetime64[us]")
    source = found["source_id"].to_numpy().astype(str)
    nothing = Target(np.zeros((len(found), 0)), np.zeros((len(found), 0), bool), ())
    return Cohort(found["subject_id"].to_numpy(), source, source, time, time, np.full(len(found), "train"), nothing)


def _joined(first: Cohort, second: Cohort) -> Cohort:
    """The rows of both, without targets and groups."""

    def column(name: str) -> Array:
        return np.concatenate([getattr(first, name), getattr(second, name)])

    count = len(first) + len(second)
    return Cohort(
        subject_id=column("subject_id"),
        source_id=column("source_id"),
        row_id=column("row_id"),
        start=column("start"),
        time=column("time"),
        part=column("part"),
        target=Target(np.zeros((count, 0)), np.zeros((count, 0), bool), ()),
    )


def learnt_from(split: Prepared, material: Material | None) -> dict[str, Known]:
    """What the state of the pretrained input is fitted on in place of the training rows: those, and what it is pretrained on."""
    if material is None:
        return {}
    train = split.cohort.take(split.cohort.of("train"))
    return {material.input: cut.known(split.store, _joined(train, material.cohort), history(split.study))}


# ------------------------------------------------------------------------------------------------------------------ the training


def evidence(study: Study, material: Material | None, fitted: Mapping[str, Fitted]) -> Evidence | None:
    """The one input of the rows to pretrain on. Raises ConfigError where it holds no codes, or its encoder looks ahead."""
    if material is None:
        return None
    alone = {material.input: fitted[material.input]}
    asked = foreseeing(study, material.input)
    inputs, specs = models.read_inputs(alone, material.known)
    target = models.own_target(asked, inputs, specs)
    assert target is not None  # next_event has its own
    models.check(asked, specs, target.names)
    none = Plain(np.zeros((len(material.cohort), 0), np.float32), ())
    return Evidence(inputs, specs, none, target, material.cohort.subject_id, material.cohort.row_id)


def foreseeing(study: Study, name: str) -> Study:
    """The study of the next codes of one input alone, or of hidden ones, trained as [pretrain] says."""
    plan = study.pretrain
    assert plan is not None
    own = {key: getattr(plan, key) for key in ("epochs", "batch", "optimizer", "schedule", "clip", "patience")}
    plain = {"clip_value": None, "members": 1, "balance": "none", "average": 0.0, "monitor": "loss", "final": "best"}
    train = structs.replace(study.train, **own, **plain)
    nothing = config.Outcome()
    inputs = {name: study.inputs[name]}
    task: config.Named = {"name": "masked", "masked": plan.masked} if plan.masked else "next_event"
    return structs.replace(study, task=task, outcome=nothing, inputs=inputs, train=train, pretrain=None, fuse="concat")


def pretrained(
    study: Study, rows: Evidence | None, material: Material | None, way: Way, start: Weights | None = None
) -> Pretrained | None:
    """The encoder trained, or taken as it is where that was finished before; None where the study asks for none.

    `start` holds first weights of the encoder by name, such as vectors of words.

    Raises as train/fit.py does.
    """
    if rows is None or material is None or study.pretrain is None:
        return None
    learnt, held = _held_out(rows, study.pretrain.held_out, study.train.seed)
    trained = fit(
        foreseeing(study, material.input),
        learnt,
        held,
        way.folder / FOLDER,
        resume=way.resume,
        progress=lambda _, done, total: way.progress("pretraining", done, total),
        resume_command=way.command,
        start=start,
    )
    encoder = f"encoders.input_{material.input}."
    weights = {name: value.to("cpu") for name, value in trained.model.state_dict().items() if name.startswith(encoder)}
    return Pretrained(weights, _told(study.pretrain, material, learnt, held, trained))


def _held_out(rows: Evidence, share: float, number: int) -> tuple[Evidence, Evidence]:
    """The rows to learn from, and those that choose the epoch: at least one of each.

    Raises DataError where those foresee nothing.
    """
    order = seed.generator(number, "pretrain").permutation(len(rows))
    kept = min(max(round(share * len(rows)), 1), len(rows) - 1)
    learnt, held = (evidences.take(rows, np.sort(some)) for some in (order[kept:], order[:kept]))
    if not held.target.known.any():
        raise DataError(f"none of the {kept} subjects held out of the pretraining has a second step", hint="pretrain.held_out")
    return learnt, held


def _told(plan: Pretrain, material: Material, learnt: Evidence, held: Evidence, trained: Trained) -> PretrainFacts:
    loss = trained.best.tune_loss
    assert loss is not None  # rows are always held out
    return PretrainFacts(
        input=material.input,
        sequences=len(learnt),
        codes=int(learnt.target.values.sum()),
        unlabelled=material.unlabelled,
        vocabulary=len(learnt.target.names),
        held_out=len(held),
        perplexity=exp(loss),
        accuracy=trained.best.tune_score,
        masked=plan.masked,
        epoch=trained.best_epoch,
        cpu_seconds=trained.cpu_seconds,
    )
