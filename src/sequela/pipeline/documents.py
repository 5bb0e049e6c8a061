"""The texts of a run: chosen rows with what is true and what is said of their entities, as pieces of the report's page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.evaluate import cases
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report import spans
from sequela.evaluate.report.sections.documents import ENDING
from sequela.pipeline import files
from sequela.pipeline.pictures import FOLDER
from sequela.types import Places, Ragged


def write(folder: Path, predictor: Predictor, one: Judged, rows: Evidence) -> list[PictureFacts]:
    """Marks the cases of the answer that the bundle gives, where entities of texts are asked; says what was written."""
    kind, answer = predictor.task.kind, one.answers[predictor.final]
    places = _places(rows.inputs)
    if kind != "entities" or places is None:
        return []
    written: list[PictureFacts] = []
    for case in cases.chosen(kind, predictor.final, answer, one.cohort.target, one.thresholds):
        name = f"{FOLDER}/{len(written) + 1:02d}-{case.why}{ENDING}"
        drawn = spans.drawn(places.texts[case.row], answer.tally, case.row, answer.names)
        files.write(folder / name, drawn.markup)
        row = str(one.cohort.row_id[case.row])
        written.append(PictureFacts(file=name, why=case.why, row_id=row, told=case.told, marks=True))
    return written


def _places(inputs: Mapping[str, Ragged]) -> Places | None:
    """Of the first input that is of texts."""
    return next((ragged.places for ragged in inputs.values() if ragged.places is not None), None)
