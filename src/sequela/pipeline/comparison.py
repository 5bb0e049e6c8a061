"""Runs side by side on the rows that all of them answered, with paired differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import polars as pl

from sequela import config
from sequela.errors import DataError, UsageError
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.metric import Metric
from sequela.metrics.table import Kind
from sequela.pipeline import files
from sequela.study import cohort as cohorts
from sequela.study import follow_up
from sequela.types import Answer, Cohort, Target, Times


@dataclass(frozen=True)
class Table:
    """Rows of metrics; `run` names the run, `against` the reference in a paired difference (run minus reference)."""

    rows: list[dict[str, Any]]
    shared: int  # rows that all runs answered
    dropped: dict[str, int]  # run -> its rows that others lack

    def text(self) -> str:
        lines = [
            f"{self.shared} rows that all runs answered"
            + "".join(f"; {n} of {run} left out" for run, n in self.dropped.items() if n)
        ]
        for row in self.rows:
            name = f"{row['run']} − {row['against']}" if row["against"] else row["run"]
            form = "+.4f" if row["against"] else ".4f"
            interval = "" if row["low"] is None else f" [{row['low']:{form}}, {row['high']:{form}}]"
            lines.append(f"{row['metric']:<10} {row['value']:{form}}{interval}  {name}")
        return "\n".join(lines)


def compare(*runs: str | Path, part: Literal["tune", "test"] = "test") -> Table:
    """Every metric of each run's final answer on the shared rows, and its paired difference from the first run.

    Raises UsageError for fewer than two runs, DataError where they share no row, ask different questions or disagree on a label.
    """
    if len(runs) < 2:
        raise UsageError("a comparison needs two runs or more")
    folders = [Path(run) for run in runs]
    names = _names(folders)
    studies = [config.load(folder / files.STUDY) for folder in folders]
    kinds = {cohorts.judged_as(study) for study in studies}
    if len(kinds) > 1:
        raise DataError(f"the runs answer different kinds of question: {', '.join(sorted(kinds))}")
    frames = [_final(folder, part) for folder in folders]
    reference, kind = names[0], kinds.pop()
    cohort, answers, dropped = _shared(names, frames, studies[0], kind)
    rows: list[dict[str, Any]] = []
    for name in names[1:]:
        pair = {"model": answers[name], "baseline:reference": answers[reference]}
        settings = msgspec.structs.replace(studies[0].evaluate, without=[])
        cuts = dict.fromkeys(_cut_keys(kind, cohort.target.names, pair), 0.5)
        found = evaluate(kind, cohort, pair, settings, cuts, part=part, split="shared", seed=0)
        shown = [m for m in found.metrics if m.value is not None and not m.class_ and not m.group and m.metric in _shown(kind)]
        rows += [_row(metric, name, reference) for metric in shown if metric.model == "model" or not rows]
    return Table(_unique(rows), len(cohort), dropped)


def _shown(kind: Kind) -> set[str]:
    """What is compared: of decisions only those of classes, which need no threshold; each run has its own for the others."""
    decided = {"macro_f1", "accuracy"} if kind == "multiclass" else set()
    order = {"c_index"} if kind == "regression" else set()
    curves = {"c_index", "uno_c", "td_c", "integrated_brier"} if kind == "survival" else order
    asked = {"auroc", "auprc", "brier", "log_loss", "mae", "mse", "rmse", "r2", "perplexity", "next_accuracy", "next_in_10"}
    return asked | decided | curves


def _row(metric: Metric, name: str, reference: str) -> dict[str, Any]:
    said = msgspec.to_builtins(metric)
    who = name if metric.model == "model" else reference
    keep = ("part", "metric", "value", "low", "high", "n", "events", "p")
    return {"run": who, "against": reference if metric.against else ""} | {key: said[key] for key in keep}


def _unique(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {(row["run"], row["against"], row["metric"]): row for row in rows}
    return sorted(found.values(), key=lambda row: (row["metric"], row["against"] != "", row["run"]))


def _cut_keys(kind: Kind, labels: Sequence[str], answers: Mapping[str, Answer]) -> list[str]:
    if kind == "binary":
        return list(answers)
    return [f"{name}/{label}" for name in answers for label in labels] if kind == "multilabel" else []


def _names(folders: Sequence[Path]) -> list[str]:
    short = [folder.name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _final(folder: Path, part: str) -> pl.DataFrame:
    """What the run's ensemble, or else its model, said of each row; rows of several splits carry their split in the key."""
    path = folder / files.PREDICTIONS
    if not path.exists():
        raise DataError(f"{folder} is not a finished run: it has no {files.PREDICTIONS}")
    frame = pl.read_parquet(path).filter(pl.col("part") == part)
    if frame.is_empty():
        raise DataError(f"{folder} has no answers about the {part} part")
    name = "ensemble" if "ensemble" in frame["model"] else "model"
    return frame.filter(pl.col("model") == name).with_columns(key=pl.concat_str("row_id", "split", separator="\x1f"))


def _shared(
    names: Sequence[str], frames: Sequence[pl.DataFrame], study: config.Study, kind: Kind
) -> tuple[Cohort, dict[str, Answer], dict[str, int]]:
    keys = set(frames[0]["key"]).intersection(*(set(frame["key"]) for frame in frames[1:]))
    if not keys:
        raise DataError("the runs share no row", hint="were they split alike, and run on the same data?")
    held = [frame.filter(pl.col("key").is_in(list(keys))).sort("key") for frame in frames]
    targets = [frame.select(pl.col("^target.*$")) for frame in held]
    if any(not targets[0].equals(other) for other in targets[1:]):
        raise DataError("the runs disagree on the label of a row that they share")
    answers = {
        name: files.answer_of(frame, of=kind if kind == "survival" else "") for name, frame in zip(names, held, strict=True)
    }
    dropped = {name: len(frame) - len(keys) for name, frame in zip(names, frames, strict=True)}
    cohort = _cohort(held[0], answers[names[0]].names)
    return replace(cohort, target=_timed(held[0], cohort.target, study)) if kind == "survival" else cohort, answers, dropped


def _timed(frame: pl.DataFrame, target: Target, study: config.Study) -> Target:
    """The target with the times of its rows, as the columns say them."""
    days, entry = (frame[f"target_{name}"].to_numpy().astype(np.float64) for name in ("days", "entry"))
    outcome = study.outcome
    cause = target.values[:, 0].astype(np.int64)
    times = Times(days, cause, entry, follow_up.horizons_of(outcome), outcome.unit)
    return Target(target.values[:, :1], target.known[:, :1], target.names, times)


def _cohort(frame: pl.DataFrame, names: tuple[str, ...]) -> Cohort:
    values = frame.select(pl.col("^target.*$")).to_numpy().astype(np.float64)
    known = ~np.isnan(values)
    time = frame["time"].to_numpy().astype("datetime64[us]")
    target = Target(np.where(known, values, 0.0), known, names)
    text = {name: frame[name].to_numpy().astype(str) for name in ("source_id", "row_id", "part")}
    return Cohort(frame["subject_id"].to_numpy(), text["source_id"], text["row_id"], time, time, text["part"], target)
