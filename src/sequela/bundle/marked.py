"""What an answer about every point says of one row, in the words of a prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from sequela import batch
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.evaluate.segmentation import level
from sequela.evaluate.threshold import key
from sequela.types import Answer, Array, Boxed, Fields, Painted, Space

EDGES = ("top", "left", "bottom", "right")


def told(predictor: Predictor, rows: Evidence, answer: Answer) -> list[dict[str, Any]]:
    """The fields of each row's Prediction."""
    ((name, ragged),) = rows.inputs.items()
    fields, entry = batch.fields_of(name, ragged), batch.entries(ragged)
    if answer.kind == "boxes":
        return [{} if one is None else _boxes(predictor, one) for one in answer.boxed]
    pairs = zip(answer.painted, map(int, entry), strict=True)
    return [{} if one is None else _volumes(predictor, one, fields.space(place)) | _placed(fields, place) for one, place in pairs]


def label(predictor: Predictor, painted: Painted) -> Array:
    """What each point is: of one name with a threshold, what reaches it; else as the task says."""
    cut = predictor.thresholds.get(key(predictor.final))
    if cut is None or painted.label.max(initial=0) > 1:
        return painted.label
    called: Array = (painted.chance[0] >= level(cut)).astype(np.uint8)
    return called


def _volumes(predictor: Predictor, painted: Painted, space: Space | None) -> dict[str, Any]:
    mask, names = label(predictor, painted), predictor.task.names
    instances = len(names) == 1 and mask.max(initial=0) > 1
    count = np.array([(mask > 0).sum()]) if instances else np.bincount(mask.ravel(), minlength=len(names) + 1)[1:]
    size = 1.0 if space is None else float(np.prod(space.spacing[-mask.ndim :]))
    unit = "points" if space is None else "mm3" if mask.ndim == 3 else "mm2"
    return {"value": dict(zip(names, (count * size).tolist(), strict=True)), "unit": unit, "mask": mask}


def _placed(fields: Fields, place: int) -> dict[str, Any]:
    """What the mask was predicted on."""
    return {"space": fields.space(place), "picture": fields.name(place)}


def _boxes(predictor: Predictor, boxed: Boxed) -> dict[str, Any]:
    """The boxes that reach the threshold of their class, and how many of each class there are."""
    names = predictor.task.names
    cuts = np.array([predictor.thresholds.get(key(predictor.final, name), 0.0) for name in names])
    kept = np.flatnonzero(boxed.score >= cuts[boxed.label])
    found = [
        {
            "class": names[boxed.label[i]],
            "score": float(boxed.score[i]),
            **dict(zip(EDGES, boxed.corners[i].tolist(), strict=True)),
        }
        for i in kept
    ]
    count = np.bincount(boxed.label[kept], minlength=len(names))
    return {"value": dict(zip(names, count.astype(float).tolist(), strict=True)), "boxes": found}
