"""How far one answer moves over networks that were trained on resamples of the training subjects."""

from __future__ import annotations

import numpy as np

from sequela.evaluate.instability import InstabilityFacts, instability
from sequela.evaluate.threshold import decide
from sequela.pipeline import resampling
from sequela.pipeline.trial import Way
from sequela.pipeline.trust.finished import Finished
from sequela.types import Answer, Array

NAMES = {"binary": "risk", "multilabel": "risk", "multiclass": "probability of the class said", "regression": "value"}


def found(done: Finished) -> InstabilityFacts | None:
    """None where plan.bootstrap_models asks for no such network. They are finished by now, and taken up as they are."""
    if not done.study.plan.bootstrap_models:
        return None
    way = Way(done.folder, True, "", done.progress)
    kind, answer = done.predictor.task.kind, done.shown.answers["model"]
    said, decisions, seconds = [], [], 0.0
    for one in resampling.trained(done.study, done.rows, way, resume=True):
        again = resampling.answering(done.predictor, one).answers(done.evidence)["model"]
        said.append(_told(kind, answer, again))
        decisions.append(_decided(done, again))
        seconds += one.cpu_seconds
    decided = _decided(done, answer)
    subjects = len(np.unique(done.shown.cohort.subject_id))
    told = np.stack([one for one in decisions if one is not None]) if decided is not None else None
    return instability(
        _told(kind, answer, answer), np.stack(said), decided, told, subjects=subjects, of=NAMES[kind], seconds=seconds
    )


def _told(kind: str, first: Answer, again: Answer) -> Array:
    """A number a row, "N": of several classes the probability of the one that the model said; several labels one by one."""
    if kind == "multiclass":
        likeliest: Array = np.take_along_axis(again.values, first.values.argmax(1)[:, None], 1)[:, 0]
        return likeliest
    return again.values.ravel()


def _decided(done: Finished, answer: Answer) -> Array | None:
    kind = done.predictor.task.kind
    if kind not in ("binary", "multiclass", "multilabel"):
        return None
    return np.asarray(decide(kind, "model", answer, done.shown.thresholds)).ravel()
