"""The pictures of a run: chosen cases with what is true and what is said drawn over them, as files that the report shows."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sequela import batch
from sequela.bundle import marked
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.evaluate import cases, overlay
from sequela.evaluate.cases import Case
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.overlay import Marks, Outlined
from sequela.evaluate.threshold import key
from sequela.pipeline import files
from sequela.types import Array, Boxed, Fields, Ragged

FOLDER = "pictures"


def write(folder: Path, predictor: Predictor, one: Judged, rows: Evidence) -> list[PictureFacts]:
    """Draws the cases of the answer that the bundle gives, where an input is of pictures; says what was drawn."""
    seen = _pictures(rows.inputs)
    if seen is None:
        return []
    fields, entry = seen
    answer = one.answers[predictor.final]
    drawn: list[PictureFacts] = []
    for case in cases.chosen(predictor.task.kind, predictor.final, answer, one.cohort.target, one.thresholds):
        if entry[case.row] < 0:
            continue
        place = int(entry[case.row])
        panels = overlay.panels(fields.shown(place), _marks(predictor, one, case), fields.space(place))
        name = f"{FOLDER}/{len(drawn) + 1:02d}-{case.why.replace(' ', '-')}.jpg"
        files.write(folder / name, jpeg(panels))
        row = str(one.cohort.row_id[case.row])
        drawn.append(PictureFacts(file=name, why=case.why, row_id=row, told=case.told, marks=answer.kind in ("masks", "boxes")))
    return drawn


def _pictures(inputs: Mapping[str, Ragged]) -> tuple[Fields, Array] | None:
    """The first input that is of pictures, and the entry of each row in it."""
    for ragged in inputs.values():
        if isinstance(ragged.values, Fields):
            return ragged.values, batch.entries(ragged)
    return None


def _marks(predictor: Predictor, one: Judged, case: Case) -> list[Marks]:
    """What is true, and what is said, of a case; nothing of a task that judges the picture as a whole."""
    answer, truth = one.answers[predictor.final], one.cohort.target.dense
    if answer.kind == "masks":
        painted = answer.painted[case.row]
        whole = np.maximum(truth.whole(case.row), 0)
        return [whole, np.zeros_like(whole) if painted is None else marked.label(predictor, painted)]
    if answer.kind == "boxes":
        corners, label = truth.of(case.row)
        boxed = answer.boxed[case.row]
        return [Outlined(corners, label + 1), *([] if boxed is None else [_called(predictor, boxed)])]
    return []


def _called(predictor: Predictor, boxed: Boxed) -> Outlined:
    cuts = np.array([predictor.thresholds.get(key(predictor.final, name), 0.0) for name in predictor.task.names])
    kept = boxed.score >= cuts[boxed.label]
    return Outlined(boxed.corners[kept], boxed.label[kept] + 1)


def jpeg(picture: Array) -> bytes:
    """A picture uint8 "H W 3" as a file."""
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(picture).save(held, "JPEG", quality=90, subsampling=0)
    return held.getvalue()
