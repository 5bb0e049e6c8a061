"""Answers of a bundle about a store or raw files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sequela.bundle import Bundle, load
from sequela.bundle.prediction import Prediction
from sequela.contracts import Progress
from sequela.pipeline import masks
from sequela.pipeline.data import records
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
    progress: Progress = silent,
) -> list[Prediction]:
    """One Prediction for each row that the study's cohort has in the data, refused ones with the reason.

    `out` is a folder for what is a picture: masks (NIfTI in the geometry of the source, or PNG), and with `explain` where
    in a picture the answer lies. Raises BundleError for a bundle that cannot be trusted, DataError for data that cannot be read
    or a subject that is not there, UsageError for an answer that is not explained.
    """
    held = bundle if isinstance(bundle, Bundle) else load(bundle)
    store = records(held.study.data, Path(), data, progress)
    predictions = held.predict(store, subject, at)
    if out is not None:
        predictions = [masks.written(one, Path(out)) for one in predictions]
    if not explain:
        return predictions
    from sequela.pipeline.explanation import of_rows
    from sequela.pipeline.warmth import of_pictures

    changes = of_rows(held, store, subject, at, progress)
    pictures = {} if out is None else of_pictures(held, store, subject, at, Path(out), progress)
    return [replace(one, explanation=changes.get(one.row_id), file=pictures.get(one.row_id, one.file)) for one in predictions]
