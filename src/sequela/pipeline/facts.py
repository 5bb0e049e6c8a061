"""How a run came about, gathered for run.json and the report."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec
import numpy as np

from sequela import __version__, config
from sequela.bundle.bundle import versions
from sequela.contracts import Evidence
from sequela.evaluate import forecasting
from sequela.evaluate.calibrate import Calibrator
from sequela.evaluate.facts import (
    Alarm,
    BaselineFacts,
    DataFacts,
    Epoch,
    FlowStep,
    InputFacts,
    PartFacts,
    PictureFacts,
    RunFacts,
    SplitFacts,
    Trial,
)
from sequela.store.schema import Refusal
from sequela.store.store import Store
from sequela.study.flow import Flow
from sequela.study.split import Plan
from sequela.types import PARTS, Cohort, Target

if TYPE_CHECKING:
    from sequela.bundle import Bundle
    from sequela.bundle.predictor import Predictor
    from sequela.evaluate.evaluation import Judged
    from sequela.pipeline.prepared import Prepared
    from sequela.pipeline.trial import Chosen, Read

MOST_MISSING = 12  # columns shown for each input


class Rules(TypedDict):
    """The fields of RunFacts that tell of a task's rules."""

    notice: str
    rules: tuple[str, ...]


def of(
    split: Prepared, rows: Read, chosen: Chosen, alarms: Sequence[Alarm], told: SplitFacts, pictures: Sequence[PictureFacts] = ()
) -> RunFacts:
    """All that the report tells of one split beside its numbers; `told` is that of `of_split`."""
    study = split.study
    return RunFacts(
        version=__version__,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=study.train.seed,
        commit=commit(),
        versions=versions(),
        machine=machine(),
        data=_data(split.store, split.flow),
        splits=[told],
        overlap=study.split.allow_overlap,
        audit=list(alarms),
        inputs=[_input(study, name, rows.train) for name in study.inputs],
        parameters=sum(p.numel() for p in chosen.predictor.members[0].parameters()),
        cpu_seconds=told.cpu_seconds,
        test_opened=told.looks is not None,
        pictures=list(pictures),
        **_rules(chosen.predictor),
    )


def external(held: Bundle, store: Store, rows: Flow, one: Judged, look: int) -> RunFacts:
    """The facts of a bundle judged on other data: nothing was trained here."""
    split = SplitFacts(
        name=one.split,
        parts={"test": _part(one.cohort, held.predictor.task.kind)},
        looks=look,
        thresholds=dict(one.thresholds),
        ensemble=dict(held.predictor.weights),
    )
    return RunFacts(
        version=__version__,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=held.study.train.seed,
        commit=commit(),
        versions=versions(),
        machine=machine(),
        data=_data(store, rows),
        splits=[split],
        parameters=sum(p.numel() for p in held.predictor.members[0].parameters()),
        test_opened=True,
        hashes={"bundle": held.digest},
        **_rules(held.predictor),
    )


def _rules(predictor: Predictor) -> Rules:
    """What the task says of its rules, where it has any."""
    guard = predictor.guard
    return Rules(notice="", rules=()) if guard is None else Rules(notice=guard.notice, rules=guard.told)


def pooled(told: Sequence[RunFacts]) -> RunFacts:
    """The facts of several splits as those of one run: each split's own, and the alarms of all."""
    alarms = {(alarm.check, alarm.severity, alarm.text): alarm for one in told for alarm in one.audit}
    return msgspec.structs.replace(
        told[0],
        splits=[split for one in told for split in one.splits],
        audit=list(alarms.values()),
        cpu_seconds=sum(one.cpu_seconds or 0.0 for one in told),
        test_opened=any(one.test_opened for one in told),
        pictures=_pictures(told),
    )


def _pictures(told: Sequence[RunFacts]) -> list[PictureFacts]:
    """Those of the first split, which stand for all, by their place from the folder above."""
    split = told[0].splits[0].name
    return [msgspec.structs.replace(one, file=f"{split}/{one.file}", split=split) for one in told[0].pictures]


def flow(of_rows: Flow) -> list[FlowStep]:
    """flow.json: each step from all subjects to the rows used."""
    return [
        FlowStep(
            what=s.what,
            reason=s.reason,
            before=s.before,
            out=s.out,
            after=s.after,
            subjects=s.subjects,
            groups={name: dict(levels) for name, levels in s.groups.items()},
        )
        for s in of_rows.steps
    ]


def tune_loss(told: RunFacts) -> float:
    """The lowest tune loss of the (only) split."""
    return min((epoch.tune_loss for epoch in told.splits[0].history if epoch.tune_loss is not None), default=float("inf"))


def provenance(split: Prepared, plan: Plan) -> dict[str, Any]:
    """What bundle.json says of where the model comes from: no path, no subject."""
    dataset = split.store.dataset
    return {
        "split": plan.name,
        "data": dataset.name,
        "data_hash": split.store.content_hash,
        "reader": dataset.reader,
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def machine() -> dict[str, str]:
    return {"system": platform.platform(), "processor": platform.machine(), "cores": str(os.cpu_count())}


def commit() -> str:
    """The commit of the checkout that this package runs from; "" where it is installed."""
    here = Path(__file__).resolve().parent
    try:
        said = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()


def _data(store: Store, rows: Flow) -> DataFacts:
    return DataFacts(
        name=store.dataset.name,
        hash=store.content_hash,
        reader=store.dataset.reader,
        source=str(store.path),
        refused=store.flow.refused_count,
        refusals={one.reason: _named(one) for one in store.flow.refused},
        notes={**store.flow.notes, **rows.notes},
    )


def of_split(rows: Read, plan: Plan, chosen: Chosen, look: int, cpu_seconds: float) -> SplitFacts:
    """How the model of one split came about; `look` is 0 where the test part was not opened."""
    first = chosen.trained[0]
    calibrator = chosen.predictor.calibrators.get(chosen.predictor.final)
    return SplitFacts(
        name=plan.name,
        parts={part: _part(rows.cohort(part), chosen.predictor.task.kind) for part in PARTS},
        looks=look or None,
        history=[
            Epoch(epoch=e.epoch, train_loss=e.train_loss, tune_loss=e.tune_loss, tune_score=e.tune_score) for e in first.history
        ],
        best_epoch=first.best_epoch,
        thresholds=dict(chosen.predictor.thresholds),
        calibration="" if calibrator is None or calibrator.method == "none" else _calibration(calibrator),
        ensemble=dict(chosen.predictor.weights),
        baselines=[_baseline(name, chosen) for name in chosen.baselines]
        + [BaselineFacts(name=name, refused=reason) for name, reason in chosen.declined.items()],
        pretrained=chosen.pretrained,
        vectors=list(chosen.vectors),
        cpu_seconds=cpu_seconds,
    )


def _calibration(calibrator: Calibrator) -> str:
    """In words; of the intervals of a forecast with what they guarantee."""
    if calibrator.method != "conformal":
        how = f", the best of {len(calibrator.tried)} ways by cross-fitted log loss" if calibrator.tried else ""
        return f"{calibrator.method}, fitted on tune{how}"
    share, subjects = forecasting.central(calibrator.levels), calibrator.subjects
    return (
        f"conformal, by time ahead, each of {subjects} subjects alike; of a row of a new subject, drawn as those were, an "
        f"interval of {share:g} holds the truth with a probability of at least {share * subjects / (subjects + 1):.2f}"
    )


def _named(one: Refusal) -> str:
    more = f" and {one.count - len(one.first)} more" if one.count > len(one.first) else ""
    return f"{one.count}: {', '.join(one.first)}{more}"


def _part(rows: Cohort, kind: str) -> PartFacts:
    target, subjects = rows.target, len(np.unique(rows.subject_id))
    if (counted := _COUNTED.get(kind)) is not None:
        return PartFacts(rows=len(rows), subjects=subjects, classes=counted(target))
    if len(target.names) == 1:
        yes_or_no = bool(np.isin(target.values[target.known], (0, 1)).all())
        return PartFacts(rows=len(rows), subjects=subjects, events=int(target.values[target.known].sum()) if yes_or_no else None)
    return PartFacts(rows=len(rows), subjects=subjects, classes=_classes(target))


def _marked(target: Target) -> dict[str, int]:
    return {"pictures marked": int(target.known.sum())}


def _read(target: Target) -> dict[str, int]:
    return {"texts read": int(target.known.sum()), "entities marked": int(target.values[target.known].sum())}


def _pairs(target: Target) -> dict[str, int]:
    return {"sequences marked": int(target.known.sum()), "pairs marked": int(target.values[target.known].sum())}


def _causes(target: Target) -> dict[str, int]:
    causes = {name: int((target.values == k).sum()) for k, name in enumerate(target.names, 1)}
    return causes | {"no event seen": int((target.values == 0).sum())}


_COUNTED: Mapping[str, Callable[[Target], dict[str, int]]] = {  # of a kind of task whose targets are no classes
    "segment": _marked,
    "detect": _marked,
    "entities": _read,
    "survival": _causes,
    "contact": _pairs,
    "forecast": lambda target: {"values foreseen": int(target.known.sum())},
    "next_event": lambda target: {"codes foreseen": int(target.values.sum())},
}


def _classes(target: Target) -> dict[str, int]:
    if target.values.shape[1] > 1:
        return {name: int(target.values[target.known[:, k], k].sum()) for k, name in enumerate(target.names)}
    held = target.values[target.known[:, 0], 0]
    return {name: int((held == k).sum()) for k, name in enumerate(target.names)}


def _baseline(name: str, chosen: Chosen) -> BaselineFacts:
    """What a plain model chose and tried on tune; one that learns each label by itself says it of each."""
    said = dict(chosen.baselines[name].chosen)
    each = {label: one for label, one in said.items() if isinstance(one, Mapping) and "tried" in one}
    plain = {key: str(value) for key, value in said.items() if key not in each}
    several = len(each) > 1
    settings = {
        f"{label}, {key}" if several else key: str(value) for label, one in each.items() for key, value in one["chosen"].items()
    }
    return BaselineFacts(
        name=name,
        chosen=plain | settings,
        tried=[_tried(label if several else "", trial) for label, one in each.items() for trial in one["tried"]],
        cpu_seconds=chosen.cpu_seconds.get(name),
    )


def _tried(label: str, trial: Mapping[str, Any]) -> Trial:
    """One setting; its score is minus the loss, so that higher is better."""
    settings = {"of": label} if label else {}
    return Trial(settings=settings | {k: str(v) for k, v in trial.items() if k != "loss"}, score=-trial["loss"])


def _input(study: config.Study, name: str, train: Evidence) -> InputFacts:
    given, spec, plain = study.inputs[name], train.specs[name], train.asked.plain
    own = [k for k, column in enumerate(plain.names) if column.startswith(f"{name}.")]
    missing = np.isnan(plain.values[:, own]).mean(0) if len(train) else np.zeros(len(own))
    most = sorted(zip(missing, (plain.names[k] for k in own), strict=True), reverse=True)[:MOST_MISSING]
    return InputFacts(
        name=name,
        modality=config.choice(given.modality, name).name,
        encoder=config.choice(given.encoder, name).name,
        shape=list(spec.shape),
        features=len(spec.names),
        vocabulary=spec.vocabulary,
        without=int((train.inputs[name].lengths == 0).sum()),
        missing={column: round(float(share), 4) for share, column in most if share > 0},
    )
