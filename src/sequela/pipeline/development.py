"""What a run tells of the rows it was made of, for its bundle: later data is held against it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sequela.bundle.predictor import SCORES, Predictor
from sequela.contracts import Evidence
from sequela.evaluate.threshold import key
from sequela.metrics.calibration import logit
from sequela.pipeline.trial import Chosen, Read
from sequela.study.development import FEWEST, Calls, Development, Prevalence, one_each, summarised, summary
from sequela.types import Answer, Array, Plain, Target


def of_run(rows: Read, chosen: Chosen) -> Development | None:
    """None where there are too few subjects for a bin that names none of them."""
    train, tune, seed = rows.train.asked, rows.tune.asked, rows.split.study.train.seed
    kept, judged = one_each(train.subject, seed), one_each(tune.subject, seed)
    if min(len(kept), len(judged)) < 2 * FEWEST:
        return None
    predictor = chosen.predictor
    answer = chosen.tune[predictor.final].take(judged)
    return Development(
        subjects=len(kept),
        columns=summarised(own_columns(train).take(kept)),
        judged=len(judged),
        scores=[summary(name, column) for name, column in zip(answer.names, scores(answer).T, strict=True)],
        calls=_calls(predictor, answer, tune.target.take(judged)),
        prevalences=prevalences(predictor.task.kind, train.target.take(kept)),
    )


def own_columns(rows: Evidence) -> Plain:
    """The plain columns of the inputs, without scores that the data brings beside them."""
    own = [k for k, name in enumerate(rows.plain.names) if not name.startswith(SCORES)]
    return replace(rows.plain, values=rows.plain.values[:, own], names=tuple(rows.plain.names[k] for k in own))


def scores(answer: Answer) -> Array:
    """What is said of each row as a number without bounds, "N K": log-odds of probabilities, else the values."""
    bounded = answer.kind in ("probabilities", "curves")
    return logit(answer.values) if bounded else np.asarray(answer.values)


def _calls(predictor: Predictor, answer: Answer, target: Target) -> list[Calls]:
    """Of every label that is called from a threshold on; none of other answers."""
    kind = predictor.task.kind
    if kind not in ("binary", "multilabel"):
        return []
    found = []
    for k, name in enumerate(answer.names):
        threshold = predictor.thresholds[key(predictor.final, name if kind == "multilabel" else "")]
        known = target.known[:, k]
        event, called = target.values[known, k] > 0, answer.values[known, k] >= threshold
        counts = {"events": event, "called_events": event & called, "others": ~event, "called_others": ~event & called}
        found.append(Calls(name=name, threshold=threshold, **{one: int(rows.sum()) for one, rows in counts.items()}))
    return found


def prevalences(kind: str, target: Target) -> list[Prevalence]:
    """Of every class or label whose label is known; none of other questions."""
    if kind not in ("binary", "multiclass", "multilabel"):
        return []
    exclusive = kind == "multiclass"
    found = []
    for k, name in enumerate(target.names):
        column = 0 if exclusive else k
        known = target.known[:, column]
        event = target.values[known, column] == k if exclusive else target.values[known, column] > 0
        found.append(Prevalence(name=name, rows=int(known.sum()), events=int(event.sum())))
    return found
