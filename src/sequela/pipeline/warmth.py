"""Where in a picture an answer lies, as a picture: Grad-CAM where the encoder is of convolutions, else occlusion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sequela import batch
from sequela import model as models
from sequela.bundle import Bundle
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence, Progress
from sequela.errors import UsageError
from sequela.evaluate import overlay
from sequela.explain import grad_cam, occlusion
from sequela.explain.question import Asked
from sequela.pipeline import files
from sequela.pipeline.pictures import jpeg
from sequela.prep import grid as grids
from sequela.store.store import Store
from sequela.study import cut
from sequela.types import Array, Fields

ROWS = 8  # explained at once


def of_pictures(
    held: Bundle,
    store: Store,
    subject: int | str | Sequence[int | str] | None,
    at: str | None,
    folder: Path,
    progress: Progress,
) -> dict[str, str]:
    """row_id -> the file that explains it; none where the answer does not rest on a picture."""
    cohort, _ = held.eligible(store, subject, at)
    known = held.known(store, cohort)
    kept = np.flatnonzero(models.refusals(held.predictor.fitted, known) == "")
    cohort, known = cohort.take(kept), cut.take(known, kept)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    name = input_of(held.predictor, rows)
    return {} if name is None else write(held.predictor, rows, name, folder, progress)


def input_of(predictor: Predictor, rows: Evidence) -> str | None:
    """The first input whose pictures an answer about the whole rests on; None where there is none."""
    if predictor.task.needs != "pooled":
        return None
    return next((name for name, ragged in rows.inputs.items() if isinstance(ragged.values, Fields)), None)


def write(predictor: Predictor, rows: Evidence, name: str, folder: Path, progress: Progress) -> dict[str, str]:
    """row_id -> the file, of each row that has a picture: it, and again with what the answer rests on made warm.

    The model's own network is explained (the first, of several), before any calibration or average with baselines.
    """
    fields, entry = batch.fields_of(name, rows.inputs[name]), batch.entries(rows.inputs[name])
    found: dict[str, str] = {}
    shown = np.flatnonzero(entry >= 0)
    for first in range(0, len(shown), ROWS):
        some = shown[first : first + ROWS]
        for row, heat in zip(some, maps(predictor, rows, name, some), strict=True):
            place = int(entry[row])
            stored = grids.chance_to_stored(heat[None], fields.grid(place))[0]
            file = folder / f"{files.safe(str(rows.row_id[row]))}-explained.jpg"
            files.write(file, jpeg(overlay.warmth(fields.shown(place), stored, fields.space(place))))
            found[str(rows.row_id[row])] = str(file)
        progress("explaining", min(first + ROWS, len(shown)), len(shown))
    return found


def maps(predictor: Predictor, rows: Evidence, name: str, some: Array) -> Array:
    """Of each of these rows the model's picture as weights "n *S" between 0 and 1."""
    network = predictor.members[0]
    inputs = models.tensors(batch.collate(rows.inputs, some), next(network.parameters()).device).inputs
    asked = Asked(network, name, dict(inputs))
    try:
        found = grad_cam.heat(asked, network.encoders[f"input_{name}"])
    except UsageError:
        found = np.maximum(occlusion.heat(asked), 0)
    highest = found.max(tuple(range(1, found.ndim)), keepdims=True)
    weights: Array = (found / np.where(highest > 0, highest, 1))[:, 0].astype(np.float32)
    return weights
