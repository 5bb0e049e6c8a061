"""The files of a run folder, each written whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np
import polars as pl

from sequela.errors import DataError
from sequela.evaluate import survival, tallies
from sequela.types import Along, Answer, Cohort, Letters, Quantiles, Target, Times

T = TypeVar("T")
STUDY, FLOW, METRICS, CURVES, FACTS = "study.toml", "flow.json", "metrics.json", "curves.json", "run.json"
PREDICTIONS, REPORT, BUNDLE = "predictions.parquet", "report.html", "model.sequela"
TRUST = "trust.json"


def write(path: Path, data: bytes | str) -> None:
    """Replaces the file atomically. Raises DataError where it cannot be written (no space, no permission)."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(data.encode() if isinstance(data, str) else data)
        scratch.replace(path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}", hint="is there space, and may you write there?") from error
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()


def safe(name: str) -> str:
    """A row's name as one that a file may have."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)


def write_json(path: Path, value: Any) -> None:
    write(path, msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=1))


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's; a number that is none becomes null."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no JSON form")


def read_json(path: Path, type_: type[T]) -> T:
    """The file of a run as that type. Raises DataError where it is missing or is not what a run writes."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=type_)
    except FileNotFoundError as error:
        raise DataError(f"{path.parent} is not a finished run: it has no {path.name}") from error
    except msgspec.DecodeError as error:
        raise DataError(f"{path} is not what a run writes: {error}") from error


def write_parquet(path: Path, frame: pl.DataFrame) -> None:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    write(path, buffer.getvalue())


def read_answers(path: Path, cohort: Cohort, part: str, kind: str) -> dict[str, Answer]:
    """What each model said of these rows, from predictions.parquet, in the cohort's order.

    Raises DataError where a row of the cohort is not in the file.
    """
    frame = pl.read_parquet(path).filter(pl.col("part") == part)
    found = {}
    for (model,), said in frame.group_by("model", maintain_order=True):
        ordered = pl.DataFrame({"row_id": cohort.row_id.astype(str)}).join(said, on="row_id", how="left", maintain_order="left")
        found[str(model)] = tallies.restored(kind, ordered, answer_of(ordered, cohort.target.names, kind))
        if ordered["model"].null_count():
            raise DataError(f"{path} lacks {ordered['model'].null_count()} of {len(cohort)} rows of the cohort")
    return found


def read_steps(path: Path, cohort: Cohort, part: str) -> Cohort:
    """The steps of these rows that were judged, as rows of a cohort, from predictions.parquet: each is named ROW/NUMBER."""
    said = pl.read_parquet(path).filter(pl.col("part") == part)
    said = said.filter(pl.col("model") == said["model"].first()).with_columns(of=pl.col("row_id").str.replace(r"/\d+$", ""))
    rows = pl.DataFrame({"of": cohort.row_id.astype(str), "place": np.arange(len(cohort))})
    held = rows.join(said, on="of", how="inner", maintain_order="left_right")
    value = held["target"].to_numpy()[:, None].astype(np.float64)
    found = cohort.take(held["place"].to_numpy())
    along = _along(held) if isinstance(cohort.target.dense, Letters) else None
    target = Target(np.nan_to_num(value), ~np.isnan(value), cohort.target.names, along)
    return replace(found, row_id=held["row_id"].to_numpy().astype(str), target=target)


def _along(held: pl.DataFrame) -> Along:
    """Where each step stands, from its name."""
    number = held["row_id"].str.extract(r"/(\d+)$").cast(pl.Int64).to_numpy()
    return Along(held["place"].to_numpy(), number)


def read_target(path: Path, cohort: Cohort, part: str) -> Target:
    """What these rows were asked for where the cohort does not tell, from predictions.parquet, in the cohort's order."""
    asked = pl.read_parquet(path).filter(pl.col("part") == part).unique("row_id").select("row_id", "target")
    rows = pl.DataFrame({"row_id": cohort.row_id.astype(str)})
    values = rows.join(asked, on="row_id", how="left", maintain_order="left")["target"].to_numpy()[:, None]
    return Target(np.nan_to_num(values), ~np.isnan(values), cohort.target.names)


def answer_of(said: pl.DataFrame, value: tuple[str, ...] = ("value",), of: str = "") -> Answer:
    """The answer in the columns of predictions.parquet; `value` names a single quantity, which its column does not tell."""
    probabilities = [name for name in said.columns if name.startswith("p_")]
    names = probabilities or [name for name in said.columns if name == "value" or name.startswith("value_")]
    dense: Mapping[str, Literal["masks", "boxes", "spans", "pairs", "curves"]] = {
        "segment": "masks",
        "detect": "boxes",
        "entities": "spans",
        "survival": "curves",
        "contact": "pairs",
    }
    plain: Literal["probabilities", "values"] = "probabilities" if probabilities else "values"
    labels = value if names == ["value"] else tuple(name.partition("_")[2] for name in names)
    values = said.select(names).to_numpy().astype(np.float64)
    around, curves = _quantiles(said, tuple(labels)), survival.restored(said, tuple(labels)) if of == "survival" else None
    return Answer(dense.get(of, plain), values, tuple(labels), quantiles=around, curves=curves)


QUANTILE = re.compile(r"q(0\.\d+)_(.+)")  # a column of predictions.parquet: the level, and what it is the quantile of


def _around(around: Quantiles, names: tuple[str, ...]) -> dict[str, Any]:
    """The quantiles as columns, "q0.1_NAME"."""
    places = [(k, name, q, level) for k, name in enumerate(names) for q, level in enumerate(around.levels)]
    return {f"q{level!r}_{name}": around.values[:, k, q] for k, name, q, level in places}


def _quantiles(said: pl.DataFrame, names: tuple[str, ...]) -> Quantiles | None:
    """The quantiles that stand in these columns, None where there are none."""
    found = {(match[2], float(match[1])): column for column in said.columns if (match := QUANTILE.fullmatch(column))}
    if not found:
        return None
    levels = tuple(sorted({level for _, level in found}))
    values = [said.select(found[name, level] for level in levels).to_numpy() for name in names]
    return Quantiles(levels, np.stack(values, 1).astype(np.float64))


def predictions(
    cohort: Cohort, split: str, kind: str, answers: Mapping[str, Answer], decisions: Mapping[str, np.ndarray]
) -> pl.DataFrame:
    """The rows of predictions.parquet for one part: a row for each model and cohort row, long form."""
    return pl.concat([_frame(cohort, split, kind, name, answer, decisions.get(name)) for name, answer in answers.items()])


def _watched(times: Times) -> dict[str, Any]:
    """Until when each row was watched, and from when on: days after the prediction."""
    return {"target_days": times.time, "target_entry": times.entry}


def _frame(cohort: Cohort, split: str, kind: str, model: str, answer: Answer, decision: np.ndarray | None) -> pl.DataFrame:
    said = "p_" if answer.kind == "probabilities" else "value_"
    names = answer.names
    columns: dict[str, Any] = {
        "subject_id": cohort.subject_id,
        "source_id": cohort.source_id.astype(str),
        "row_id": cohort.row_id.astype(str),
        "time": cohort.time.astype("datetime64[us]"),
        "part": cohort.part.astype(str),
        "split": [split] * len(cohort),
        "model": [model] * len(cohort),
    }
    values = np.where(cohort.target.known, cohort.target.values, np.nan)
    if values.shape[1] == 1:
        columns["target"] = values[:, 0]
    else:
        columns |= {f"target_{name}": values[:, k] for k, name in enumerate(cohort.target.names)}
    if kind == "regression" and len(names) == 1:
        columns["value"] = answer.values[:, 0]
    else:
        columns |= {said + name: answer.values[:, k] for k, name in enumerate(names)}
    columns |= tallies.columns(kind, answer)
    if answer.quantiles is not None:
        columns |= _around(answer.quantiles, names)
    if answer.curves is not None:
        columns |= _watched(cohort.target.dense) | survival.columns(answer.curves, names)
    columns["decision"] = [None] * len(cohort) if decision is None else decision.astype(str)
    frame = pl.DataFrame(columns, schema_overrides={"decision": pl.String})
    return frame.with_columns(pl.col("^target.*$").fill_nan(None))
