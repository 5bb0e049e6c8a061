"""Single rows: one that is surely right, the surest wrong one, and one in the middle; or by the height of what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from sequela.contracts import Evidence
from sequela.evaluate.explained import ExampleFacts
from sequela.evaluate.report.heat import drawn
from sequela.pipeline import files
from sequela.pipeline.explaining.heats import heats
from sequela.pipeline.explaining.material import Material
from sequela.pipeline.pictures import FOLDER
from sequela.types import Array, Attribution

Why: TypeAlias = Literal["right", "wrong", "middle", "highest", "lowest"]


def written(of: Material, rows: Evidence, said: Attribution) -> list[ExampleFacts]:
    """The rows, of those that were explained, each drawn in a file of the run folder; none without a folder."""
    if of.folder is None:
        return []
    answer = of.predictor.answer(rows).values
    values = answer[np.arange(len(rows)), said.column]
    return [_written(of.folder, of, rows, said, (why, row, float(values[row]))) for why, row in _chosen(of, rows, said, values)]


def _chosen(of: Material, rows: Evidence, said: Attribution, values: Array) -> list[tuple[Why, int]]:
    known = np.flatnonzero(rows.target.known[np.arange(len(rows)), _label(of, said)])
    if not len(known) or of.task.kind == "survival":
        order = np.argsort(values, kind="stable")
        return _distinct([("highest", order[-1]), ("middle", order[len(order) // 2]), ("lowest", order[0])])
    near = _nearness(of, rows, said, values)[known]
    order = known[np.argsort(near, kind="stable")]
    return _distinct([("right", order[-1]), ("wrong", order[0]), ("middle", order[len(order) // 2])])


def _label(of: Material, said: Attribution) -> Array:
    """The column of the target that the explained column is about."""
    return np.zeros_like(said.column) if of.task.kind in ("multiclass", "survival") else said.column


def _nearness(of: Material, rows: Evidence, said: Attribution, values: Array) -> Array:
    """How near the answer is to the truth, of rows with one: the probability of what is true, or minus the distance."""
    true = rows.target.values[np.arange(len(rows)), _label(of, said)]
    if of.task.kind == "regression":
        return np.asarray(-np.abs(values - true))
    event = true == said.column if of.task.kind == "multiclass" else true > 0
    return np.where(event, values, 1 - values)


def _distinct(those: list[tuple[Why, int]]) -> list[tuple[Why, int]]:
    found: dict[int, Why] = {}
    for why, row in those:
        found.setdefault(int(row), why)
    return [(why, row) for row, why in found.items()]


def _written(folder: Path, of: Material, rows: Evidence, said: Attribution, one: tuple[Why, int, float]) -> ExampleFacts:
    why, row, value = one
    row_id, column = str(rows.row_id[row]), int(said.column[row])
    name = f"{FOLDER}/explained-{why}.svg"
    files.write(folder / name, drawn(heats(said, rows, row), f"explanation of {row_id}").markup)
    return ExampleFacts(
        file=name,
        why=why,
        row_id=row_id,
        column=of.task.names[column],
        told=float(said.told[row]),
        said=value,
        true=_true(of, rows, said, row),
    )


def _true(of: Material, rows: Evidence, said: Attribution, row: int) -> str:
    place = int(_label(of, said)[row])
    if not rows.target.known[row, place] or of.task.kind == "survival":
        return ""
    value = float(rows.target.values[row, place])
    if of.task.kind == "regression":
        return f"{value:.4g}"
    return of.task.names[int(value)] if of.task.kind == "multiclass" else ("yes" if value > 0 else "no")
