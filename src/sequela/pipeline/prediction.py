"""Answers of a bundle about a store or raw files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sequela.bundle import Bundle, load
from sequela.bundle.prediction import Prediction
from sequela.contracts import Progress
from sequela.errors import UsageError
from sequela.pipeline.data import records
from sequela.pipeline.masks import Form, Segmentations, segmentations, written
from sequela.pipeline.progress import silent
from sequela.store.store import Store


def predict(
    bundle: str | Path | Bundle,
    data: str | Path | Store,
    *,
    subject: int | str | Sequence[int | str] | None = None,
    at: str | None = None,
    explain: bool = False,
    out: str | Path | None = None,
    masks: Form = "nifti",
    progress: Progress = silent,
) -> list[Prediction]:
    """One Prediction for each row that the study's cohort has in the data, refused ones with the reason.

    `out` is a folder for what is a picture: masks, and with `explain` where in a picture or signal the answer lies. `masks` of
    volumes are NIfTI in the geometry of the source, of pictures PNG; or, of raw DICOM files, segmentations of their series.
    Raises BundleError for a bundle that cannot be trusted, DataError for data that cannot be read, a subject that is not there or
    a mask that cannot be written, UsageError for an answer that is not explained or masks that are none of DICOM.
    """
    held = bundle if isinstance(bundle, Bundle) else load(bundle)
    as_dicom = _segmentations(held, data, out) if masks == "dicom" else None
    store = records(held.study.data, Path(), data, progress)
    predictions = held.predict(store, subject, at)
    if out is not None:
        predictions = [written(one, Path(out), as_dicom) for one in predictions]
    if not explain:
        return predictions
    from sequela.pipeline.explanation import of_rows
    from sequela.pipeline.shade import of_signals
    from sequela.pipeline.warmth import of_pictures

    changes = of_rows(held, store, subject, at, progress)
    drawn = {} if out is None else of_signals(held, store, subject, at, Path(out), progress)
    drawn |= {} if out is None else of_pictures(held, store, subject, at, Path(out), progress)
    return [replace(one, explanation=changes.get(one.row_id), file=drawn.get(one.row_id, one.file)) for one in predictions]


def _segmentations(held: Bundle, data: str | Path | Store, out: str | Path | None) -> Segmentations:
    if out is None:
        raise UsageError("masks are written into a folder, and none is given", hint="--out DIR")
    return segmentations(held, data.path if isinstance(data, Store) else Path(data))
