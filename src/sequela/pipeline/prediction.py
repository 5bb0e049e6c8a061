"""Answers of a bundle about a store or raw files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sequela.bundle import Bundle, load
from sequela.bundle.prediction import Prediction
from sequela.contracts import Progress
from sequela.errors import UsageError
from sequela.pipeline import attributed, mutated, mutations, texts
from sequela.pipeline.data import other_records
from sequela.pipeline.masks import Form, Segmentations, segmentations, written
from sequela.pipeline.progress import silent
from sequela.store.store import Store


@dataclass(frozen=True, slots=True)
class Explaining:
    """Whose answers are explained, by which method, and the folder that pictures are drawn into."""

    who: texts.Who
    method: str
    folder: Path | None


def predict(
    bundle: str | Path | Bundle,
    data: str | Path | Store,
    *,
    subject: int | str | Sequence[int | str] | None = None,
    at: str | None = None,
    free: str = "",
    reader: str = "",
    explain: bool = False,
    method: str = "auto",
    classes: Sequence[str] = (),
    out: str | Path | None = None,
    masks: Form = "nifti",
    progress: Progress = silent,
) -> list[Prediction]:
    """One Prediction for each row that the study's cohort has in the data, refused ones with the reason.

    `reader`: raw files of another format than the bundle was trained on, read with that reader's defaults; they need not have
    labels. `free`: of survival, for how long after the prediction nothing has come: what is told is of one free until then.
    `out` is a folder for what is a picture or a page: masks, and with `explain` where in a picture, signal or text the answer
    lies. `method` says how (pipeline/explanation.py; of texts pipeline/attributed.py), `classes` which of a text. `masks` of
    volumes are NIfTI in the geometry of the source, of pictures PNG; or, of raw DICOM files, segmentations of their series.
    Raises BundleError for a bundle that cannot be trusted, DataError for data that cannot be read, a subject that is not there or
    a mask that cannot be written, UsageError for an answer that is not explained (so), or masks that are none of DICOM.
    """
    if (method != "auto" or classes) and not explain:
        raise UsageError("a method or classes are of an explanation, and none is asked for", hint="--explain")
    held = bundle if isinstance(bundle, Bundle) else load(bundle)
    as_dicom = _segmentations(held, data, out) if masks == "dicom" else None
    store = other_records(held.study.data, data, reader, progress, labelled=False)
    predictions = held.predict(store, subject, at, free)
    if out is not None:
        predictions = [written(one, Path(out), as_dicom) for one in predictions]
    if not explain:
        return predictions
    folder = None if out is None else Path(out)
    if held.predictor.task.kind == "entities":
        pages = {} if folder is None else texts.marked(held, store, (subject, at), folder)
        return [replace(one, file=pages.get(one.row_id)) for one in predictions]
    if attributed.input_of(held.study) is not None:
        how = texts.How(attributed.asked(method), tuple(classes))
        told = texts.of_texts(held, store, (subject, at), how, folder, progress)
        return [replace(one, explanation=told.terms.get(one.row_id), file=told.files.get(one.row_id)) for one in predictions]
    if mutated.inputs_of(held.study) and (method != "auto" or mutated.explained(held.predictor)):
        how = texts.How(attributed.asked(method), tuple(classes))
        said = mutations.of_sequences(held, store, (subject, at), how, folder, progress)
        return [
            replace(one, explanation=said.terms.get(one.row_id), file=said.files.get(one.row_id, one.file)) for one in predictions
        ]
    if method == "mutagenesis":
        mutated.check(held.predictor, method)
    if classes:
        raise UsageError("classes are chosen where a text or a sequence is explained, and no input of this bundle is of these")
    return _explained(held, store, predictions, Explaining((subject, at), method, folder), progress)


def _explained(
    held: Bundle, store: Store, predictions: list[Prediction], how: Explaining, progress: Progress
) -> list[Prediction]:
    """The predictions with what they rest on, of inputs that are no texts."""
    from sequela.pipeline.explanation import of_rows
    from sequela.pipeline.shade import of_signals
    from sequela.pipeline.warmth import of_pictures

    refused = {one.row_id: one.refused for one in predictions if one.refused}
    changes = of_rows(held, store, how.who, progress, how.method, refused)
    drawn = {} if how.folder is None else of_signals(held, store, *how.who, how.folder, progress)
    drawn |= {} if how.folder is None else of_pictures(held, store, *how.who, how.folder, progress)
    told = [replace(one, explanation=changes.get(one.row_id), file=drawn.get(one.row_id, one.file)) for one in predictions]
    return [replace(one, explanation=None, file=None) if one.refused else one for one in told]


def _segmentations(held: Bundle, data: str | Path | Store, out: str | Path | None) -> Segmentations:
    if out is None:
        raise UsageError("masks are written into a folder, and none is given", hint="--out DIR")
    return segmentations(held, data.path if isinstance(data, Store) else Path(data))
