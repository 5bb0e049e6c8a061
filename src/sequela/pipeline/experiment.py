"""A study run from its file to its report and bundle: every split trained and chosen, test opened once, all written down.

A split that is finished is never run again by --resume; one that was interrupted goes on from its last checkpoint.
"""

from __future__ import annotations

import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import polars as pl

from sequela import config
from sequela.bundle import bundle as bundles
from sequela.config import Study
from sequela.contracts import Progress
from sequela.errors import ConfigError, DataError, Interrupted, LeakError, UsageError
from sequela.evaluate.curves import Curves
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import RunFacts
from sequela.evaluate.metric import Metric
from sequela.evaluate.pool import MEAN, pool
from sequela.evaluate.threshold import decide
from sequela.evaluate.trusted import Trusted
from sequela.metrics.table import Kind
from sequela.pipeline import (
    audited,
    development,
    documents,
    facts,
    files,
    forecasts,
    generation,
    maps,
    mutations,
    outlooks,
    page,
    pictures,
    readings,
    resampling,
    sealing,
    strips,
    summary,
    trial,
    trust,
)
from sequela.pipeline.prepared import Prepared, loaded, prepare
from sequela.pipeline.progress import silent
from sequela.store import looks
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut
from sequela.study.split import Plan
from sequela.types import Array, Cohort, Part


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of metrics.json; of several splits, the pooled ones first."""
        return files.read_json(self.folder / files.METRICS, list[dict[str, Any]])

    @property
    def report(self) -> Path:
        return self.folder / files.REPORT

    @property
    def bundle(self) -> Path:
        return self.folder / files.BUNDLE

    def metric(self, name: str, model: str = "model", part: Part = "test", against: str = "") -> float | None:
        """One number over all rows: of the only split, or the mean of several."""
        splits = {row["split"] for row in self.metrics}
        split = "mean" if "mean" in splits else next(iter(splits))
        for row in self.metrics:
            told = (row["metric"], row["model"], row["part"], row["against"], row["split"])
            if told == (name, model, part, against, split) and not row["class"] and not row["group"]:
                return None if row["value"] is None else float(row["value"])
        raise UsageError(f"the run has no {name} of {model} on {part}")

    def summary(self) -> str:
        """The result in a few lines, and what to open."""
        made = [f"report: {self.report}"] + ([f"bundle: {self.bundle}"] if self.bundle.exists() else [])
        return "\n".join([*summary.lines(self.folder), "", *made])


def run(
    study: str | Path | Study,
    *,
    data: str | Path | Store | None = None,
    out: str | Path | None = None,
    overrides: tuple[str, ...] = (),
    part: Literal["tune", "test"] = "test",
    resume: bool = False,
    device: Literal["cpu", "cuda"] | None = None,
    progress: Progress = silent,
) -> Run:
    """The study trained, validated and written to a run folder.

    `part` "tune" leaves the test part closed. Raises ConfigError, DataError, LeakError (the audit found a leak that the study
    does not answer), TrainingError, Interrupted (with the command that resumes).
    """
    overrides = overrides if device is None else (*overrides, f"train.device={device}")
    read, base = loaded(study, overrides)
    folder = _folder(read, None if out is None else Path(out), resume)
    way = trial.Way(folder, resume, _command(study, data, folder, overrides, part), progress)
    prepared = prepare(read, base, data, progress)
    fresh = not folder.exists() or not any(folder.iterdir())
    _begin(folder, prepared.study, resume)
    try:
        _all(prepared, part, way)
    except (ConfigError, DataError, LeakError):
        if fresh:
            _withdraw(folder)
        raise
    except KeyboardInterrupt as error:  # between trainings; within one, train/interrupt.py saves first
        raise Interrupted("the run was interrupted", hint=f"to go on: {way.command}") from error
    return Run(folder)


def _all(prepared: Prepared, part: Literal["tune", "test"], way: trial.Way) -> None:
    """Every split, and where there are several, their mean."""
    trust.check(prepared.study)
    if len(prepared.plans) == 1:
        _one(prepared, prepared.plans[0], part, way)
        return
    for plan in prepared.plans:
        _one(prepared, plan, part, replace(way, folder=way.folder / plan.name))
    _pool(prepared, way.folder, part)


def _command(
    study: str | Path | Study, data: str | Path | Store | None, folder: Path, overrides: Sequence[str], part: str
) -> str:
    """The command line that goes on with this run."""
    words = ["sequela", "run", "STUDY" if isinstance(study, Study) else str(study)]
    if data is not None:
        words += ["--data", str(data.path if isinstance(data, Store) else data)]
    words += [word for one in overrides for word in ("--set", one)]
    words += ["--part", part] if part != "test" else []
    return shlex.join([*words, "--out", str(folder), "--resume"])


def _folder(study: Study, out: Path | None, resume: bool) -> Path:
    """Where the run is written. Raises UsageError where that would overwrite a run, or where there is none to resume."""
    if resume:
        found = out or _latest(study)
        if found is None or not (found / files.STUDY).exists():
            raise UsageError(
                f"there is no run to resume at {found or Path('runs') / study.name}", hint="start it without --resume"
            )
        return found
    if out is None:
        return free(Path("runs") / study.name)
    if (out / files.STUDY).exists():
        raise UsageError(f"{out} already holds a run", hint="go on with it by --resume, or choose another --out")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file")
    return out


def free(path: Path) -> Path:
    """The path, or its first numbered neighbour that does not exist."""
    taken = (path.with_name(f"{path.name}-{k}") for k in range(2, 10_000))
    return path if not path.exists() else next(other for other in taken if not other.exists())


def _latest(study: Study) -> Path | None:
    found = [p for p in Path("runs").glob(f"{study.name}*") if (p / files.STUDY).exists()]
    return max(found, key=lambda p: p.stat().st_mtime, default=None)


def _begin(folder: Path, study: Study, resume: bool) -> None:
    """Writes the study in full. Raises ConfigError where the run to resume was of another study."""
    path, text = folder / files.STUDY, config.dump(study)
    if resume:
        before = config.load(path)
        if before != study:
            changed = [name for name in study.__struct_fields__ if getattr(study, name) != getattr(before, name)]
            raise ConfigError(
                f"{folder} is a run of another study: it differs in {', '.join(changed)}", hint="run it anew, with another --out"
            )
    files.write(path, text)


def _withdraw(folder: Path) -> None:
    """Removes the folder of a run in which nothing was trained: one that holds the study and no other file."""
    if all(path.name == files.STUDY for path in folder.rglob("*") if not path.is_dir()):
        shutil.rmtree(folder)


# --------------------------------------------------------------------------------------------------------------------- one split


def _one(prepared: Prepared, plan: Plan, part: Literal["tune", "test"], way: trial.Way) -> None:
    """One split, from its inputs to its report; one that is finished is left as it is."""
    folder = way.folder
    if way.resume and (folder / files.METRICS).exists():
        return
    began = time.process_time()
    split = prepared.split(plan)
    files.write(folder / files.STUDY, config.dump(prepared.study))
    rows = trial.read(split)
    sealing.check_names(prepared.study, rows.all.target.names, rows.asked)
    split = rows.split.asking(rows.all.target)
    alarms = audited.audit(split, rows)
    audited.refuse(alarms)
    chosen = trial.choose(prepared.study, rows, way)
    cuts, predictor = chosen.predictor.thresholds, chosen.predictor
    tune = Judged(rows.cohort("tune"), chosen.tune, cuts, plan.name, predictor.safety(rows.tune))
    judged: dict[Part, Judged] = {"tune": tune}
    resampling.train(prepared.study, rows, way)
    look, plan_hash = 0, ""
    if part == "test":
        sealed = sealing.seal(folder, split.store, prepared.study, plan.name, predictor)
        plan_hash = sealed.hash
        judged["test"], look = _opened(split, rows, chosen, plan_hash)
    way.progress("evaluating", 0, 1)
    found = {which: trial.judge(prepared.study, chosen, one, which) for which, one in judged.items()}
    way.progress("evaluating", 1, 1)
    metrics = [row for evaluation in found.values() for row in evaluation.metrics]
    frames = [judged_frame(chosen.predictor.task.kind, one) for one in judged.values()]
    files.write_parquet(folder / files.PREDICTIONS, pl.concat(frames))
    files.write_json(folder / files.FLOW, facts.flow(split.flow))
    files.write_json(folder / files.CURVES, [evaluation.curves for evaluation in found.values()])
    written = generation.of_run(folder, chosen, rows, part, way.progress)
    told = msgspec.structs.replace(facts.of_split(rows, plan, chosen, look, time.process_time() - began), drawn=written)
    drawn = pictures.write(folder, chosen.predictor, judged[part], rows.of(part))
    drawn += strips.write(folder, chosen.predictor, judged[part], split.store)
    drawn += maps.write(folder, chosen.predictor, judged[part])
    drawn += mutations.write(folder, chosen.predictor, judged[part], rows.of(part), cut.take(split.known, rows.parts[part]))
    drawn += documents.write(folder, chosen.predictor, judged[part], rows.of(part))
    read, words = readings.write(folder, chosen.predictor, judged[part], rows.of(part))
    of_run = facts.of(split, rows, chosen, alarms, told, [*drawn, *read])
    fans = forecasts.fans(chosen.predictor, judged[part], rows.of(part).asked)
    of_run = msgspec.structs.replace(of_run, words=words, fans=fans, outlooks=outlooks.outlooks(chosen.predictor, judged[part]))
    files.write_json(folder / files.FACTS, of_run)
    done = trust.Finished(folder, split, rows, chosen, judged, metrics, part, way.progress)
    files.write_json(folder / files.TRUST, trust.examined(done))
    from_rows = development.of_run(rows, chosen)
    bundles.save(folder / files.BUNDLE, chosen.predictor, metrics, facts.provenance(split, plan) | {"plan": plan_hash}, from_rows)
    files.write_json(folder / files.METRICS, metrics)  # last: a split that has this file is finished
    page.report(folder)


def _opened(split: Prepared, rows: trial.Read, chosen: trial.Chosen, plan: str) -> tuple[Judged, int]:
    """The test part, opened now; the look is counted before anything is seen."""
    evidence = rows.of("test")
    cohort = rows.cohort("test")
    look = counted(split.store, cohort, split.study.name, "run", plan)
    thresholds, safety = chosen.predictor.thresholds, chosen.predictor.safety(evidence)
    return Judged(cohort, chosen.answers(evidence), thresholds, split.plans[0].name, safety), look


def counted(store: Store, cohort: Cohort, study: str, purpose: str, plan: str = "") -> int:
    """How many times these rows have been judged, this time included; `plan` is the hash of what was sealed before."""
    return looks.count_look(store.path, sealing.digest_of(cohort), study, purpose, plan)


def judged_frame(kind: Kind, one: Judged) -> pl.DataFrame:
    """The rows of predictions.parquet about one part."""
    return files.predictions(one.cohort, one.split, kind, one.answers, _decisions(kind, one))


def _decisions(kind: Kind, judged: Judged) -> dict[str, Array]:
    """What is decided of each row, as text: yes or no, the class, or the labels called."""
    if kind not in ("binary", "multiclass", "multilabel"):
        return {}
    names = np.array(judged.cohort.target.names)
    found = {}
    for model, answer in judged.answers.items():
        decided = decide(kind, model, answer, judged.thresholds)
        if kind == "multiclass":
            found[model] = names[decided]
        elif kind == "binary":
            found[model] = np.where(decided[:, 0], "yes", "no")
        else:
            found[model] = np.array([", ".join(names[row]) for row in decided])
    return found


# ---------------------------------------------------------------------------------------------------------- several splits


def _pool(prepared: Prepared, folder: Path, part: Literal["tune", "test"]) -> None:
    """The mean over the splits, the report over all, and the bundle of the split with the best tune loss."""
    told = {plan.name: files.read_json(folder / plan.name / files.FACTS, RunFacts) for plan in prepared.plans}
    rows: list[Metric] = []
    for which in ("tune", "test") if part == "test" else ("tune",):
        judged = [
            _saved(prepared, plan, folder / plan.name, which, told[plan.name].splits[0].thresholds) for plan in prepared.plans
        ]
        kind, seed = cohorts.judged_as(prepared.study), prepared.study.train.seed
        rows += pool(kind, judged, prepared.study.evaluate, part=which, seed=seed)
    for plan in prepared.plans:
        rows += files.read_json(folder / plan.name / files.METRICS, list[Metric])
    curves = [curve for plan in prepared.plans for curve in files.read_json(folder / plan.name / files.CURVES, list[Curves])]
    best = min(prepared.plans, key=lambda plan: facts.tune_loss(told[plan.name]))
    files.write_json(folder / files.FLOW, facts.flow(prepared.flow))
    files.write_json(folder / files.CURVES, curves)
    files.write_json(folder / files.FACTS, facts.pooled([told[plan.name] for plan in prepared.plans]))
    frames = [pl.read_parquet(folder / plan.name / files.PREDICTIONS) for plan in prepared.plans]
    files.write_parquet(folder / files.PREDICTIONS, pl.concat(frames))
    shutil.copyfile(folder / best.name / files.BUNDLE, folder / files.BUNDLE)
    files.write_json(folder / files.TRUST, _trusted(prepared, folder, rows))
    files.write_json(folder / files.METRICS, rows)
    page.report(folder)


def _trusted(prepared: Prepared, folder: Path, metrics: Sequence[Metric]) -> Trusted:
    """What was examined on the first split, its plan judged on the numbers over all of them."""
    first = files.read_json(folder / prepared.plans[0].name / files.TRUST, Trusted)
    final = "ensemble" if prepared.study.ensemble.members else "model"
    pooled = [row for row in metrics if row.part == "test" and row.split == MEAN]
    return msgspec.structs.replace(first, plan=sealing.pooled(first.plan, prepared.study, pooled, final))


def _saved(prepared: Prepared, plan: Plan, folder: Path, part: Part, thresholds: Mapping[str, float]) -> Judged:
    """The rows of a part and everybody's answers, read back from predictions.parquet."""
    rows = plan.applied(prepared.cohort).of(part)
    cohort = plan.applied(prepared.cohort).take(rows)
    if cohorts.kind_of(prepared.study) == "tagging":
        cohort = files.read_steps(folder / files.PREDICTIONS, cohort, part)
    answers = files.read_answers(folder / files.PREDICTIONS, cohort, part, cohorts.judged_as(prepared.study))
    if cohorts.kind_of(prepared.study) == "next_event":
        cohort = replace(cohort, target=files.read_target(folder / files.PREDICTIONS, cohort, part))
    return Judged(cohort, answers, thresholds, plan.name, prepared.safety(rows))
