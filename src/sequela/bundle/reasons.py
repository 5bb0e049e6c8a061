"""Why a row has no answer, where more can be told than that nothing is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from sequela.bundle.prediction import NOTHING, Prediction
from sequela.bundle.predictor import Predictor
from sequela.store.store import Store

TIMED = f"{NOTHING}: its documents have times, and this study reads those without"


def told(predictor: Predictor, found: Sequence[Prediction], store: Store) -> list[Prediction]:
    """The predictions; where texts are read, refused rows without time say so if all documents of their subject have times."""
    reads = any(one.spec.kind == "text" for one in predictor.fitted.values())
    bare = {one.source_id for one in found if reads and one.refused == NOTHING and one.time is None}
    timed = _only_timed(bare, store) if bare else set()
    return [replace(one, refused=TIMED) if one.source_id in timed and one.refused == NOTHING else one for one in found]


def _only_timed(names: set[str], store: Store) -> set[str]:
    """Those of these subjects who have documents, each of them with a time."""
    codes = [code for code, kind in store.kinds.items() if kind == "text"]
    subjects = store.subjects.filter(pl.col("source_id").is_in(names))
    documents = store.events(codes, subjects["subject_id"].to_list())
    dated = documents.group_by("subject_id").agg(pl.col("time").is_not_null().all()).filter(pl.col("time"))
    return set(subjects.filter(pl.col("subject_id").is_in(dated["subject_id"].to_list()))["source_id"])
