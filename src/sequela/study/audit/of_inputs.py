"""Whether an input gives the answer away: what comes later, what is the outcome, one column that tells it alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import rankdata

from sequela import config
from sequela.study.audit import of_values
from sequela.study.audit.asked import Asked, questions
from sequela.study.audit.material import Alarm, Material, Severity
from sequela.study.labels import TargetKind
from sequela.study.records import HIDDEN
from sequela.types import Array, Known

NAMED = 10  # rows named in an alarm
FEWEST = 10  # rows of each class below which one column's foresight is chance
SEEN = 0.05  # share of the training rows that a column needs, likewise
SAME = 0.9999  # rank correlation from which a column is the number asked for


def future_events(material: Material) -> Alarm:
    """Events stamped after the prediction among those known: there must be none."""
    late = _after_prediction(material.known)
    if not len(late):
        return Alarm("future_events", "ok", "no input event comes after its prediction")
    rows = np.unique(late)
    return material.found("future_events", "leak", f"{len(late)} input events come after the prediction", rows, material.rows)


def _after_prediction(known: Known) -> Array:
    """The row of each event known that is stamped after it."""
    shared = known.shared
    if shared is not None:
        return shared.row[shared.position > 0]
    return known.events.filter(pl.col("position").is_not_nan() & (pl.col("position") > 0))["row"].to_numpy()


def _present(known: Known) -> set[str]:
    """The codes of all events known."""
    shared = known.shared
    codes = known.events["code"] if shared is None else shared.events["code"][np.unique(shared.place)]
    return set(codes.unique())


def outcome_as_input(material: Material) -> Alarm:
    """Codes that are outcomes, labels or scores among the inputs."""
    kinds = material.known.kinds
    present = {code for code in _present(material.known) if kinds.get(code) in HIDDEN}
    named = {code for code in _named(material.study) if kinds.get(code) in HIDDEN}
    found = sorted(present | named)
    if not found:
        return Alarm("outcome_as_input", "ok", "no outcome, label or score is an input")
    grave: Severity = "leak" if any(kinds[code] != "score" for code in found) else "warning"
    return Alarm("outcome_as_input", grave, f"inputs that are outcomes, labels or scores: {', '.join(found[:NAMED])}", len(found))


def _named(study: config.Study) -> Iterator[str]:
    """The codes that the options of the inputs name."""
    for given in study.inputs.values():
        for value in config.choice(given.modality, "modality").options.values():
            yield from (
                [value] if isinstance(value, str) else [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
            )


def suspicious_input(material: Material) -> Alarm:
    """A column, or its being missing, that alone tells the label of training rows all but perfectly; or a value that does."""
    found, certain = _telling(material), of_values.certain(material)
    if not certain:
        return found
    text = f"every one of the training rows with this has the event (or none has it): {', '.join(certain[:NAMED])}"
    if found.severity == "ok":
        return Alarm("suspicious_input", "warning", text, len(certain))
    return replace(found, text=f"{found.text}; {text}", count=found.count + len(certain))


def _telling(material: Material) -> Alarm:
    """What `suspicious_input` says of whole columns."""
    limit = material.study.audit.suspicious_auroc
    rows = np.flatnonzero(material.train)
    scores = {
        name: score for name, score in _foresight(material, rows) if score >= (SAME if material.kind == "regression" else limit)
    }
    if not scores:
        return Alarm("suspicious_input", "ok", "no column alone tells the label")
    best = sorted(scores, key=lambda name: -scores[name])
    grave: Severity = "leak" if scores[best[0]] >= (1 + limit) / 2 else "warning"
    told = ", ".join(f"{name} {scores[name]:.3f}" for name in best[:NAMED])
    return Alarm(
        "suspicious_input",
        grave,
        f"columns that alone tell the label (AUROC, or rank correlation of a number): {told}",
        len(best),
    )


def _foresight(material: Material, rows: Array) -> Iterator[tuple[str, float]]:
    """Each column's name with how well it tells the label alone: the best over classes, in [0.5, 1], or in [0, 1] of a number."""
    asked = list(questions(material, rows))
    for number, name in enumerate(material.plain.names):
        column = material.plain.values[rows, number].astype(np.float64)
        missing = np.isnan(column)
        if missing.any() and not missing.all() and material.kind != "regression":
            yield f"{name} being missing", _best(missing.astype(float), np.ones(len(rows), bool), asked, material.kind)
        if (~missing).sum() >= SEEN * len(rows):
            yield name, _best(column, ~missing, asked, material.kind)
    if material.kind != "regression":
        for block in material.plain.counts:
            yield from zip(block.names, _told_by_presence(block.values[rows], asked).tolist(), strict=True)


def _told_by_presence(counts: Any, questions: Sequence[Asked]) -> Array:
    """`foresight` of whether each sparse count is above 0, the best over the questions, float64 "Q"."""
    best = np.full(counts.shape[1], 0.5)
    present = (counts > 0).astype(np.float64)
    for question in questions:
        event, other = question.known & (question.label == 1), question.known & (question.label != 1)
        if min(event.sum(), other.sum()) >= FEWEST:
            apart = np.abs(present[event].mean(axis=0) - present[other].mean(axis=0))
            best = np.maximum(best, 0.5 + apart / 2)
    return best


def _best(column: Array, here: Array, questions: Sequence[Asked], kind: TargetKind) -> float:
    measure = correlation if kind == "regression" else foresight
    return max((measure(*question.of(column, here)) for question in questions), default=0.0)


def foresight(column: Array, label: Array) -> float:
    """AUROC of a column, its direction free: 0.5 to 1; 0.5 where a class has too few rows to tell.

    >>> foresight(np.arange(40.0), (np.arange(40) < 20).astype(float))
    1.0
    """
    positive = label == 1
    events, others = int(positive.sum()), int((~positive).sum())
    if min(events, others) < FEWEST:
        return 0.5
    above = (rankdata(column)[positive].sum() - events * (events + 1) / 2) / (events * others)
    return float(max(above, 1 - above))


def correlation(column: Array, number: Array) -> float:
    """Spearman's rank correlation without its sign; 0 where there are too few rows, or one of the two is constant."""
    if len(column) < 2 * FEWEST or np.ptp(column) == 0 or np.ptp(number) == 0:
        return 0.0
    return float(abs(np.corrcoef(rankdata(column), rankdata(number))[0, 1]))
