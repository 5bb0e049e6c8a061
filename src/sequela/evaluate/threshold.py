"""The risk from which a row is called positive (risk >= threshold): chosen on tune, used unchanged on test."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sequela.errors import ConfigError, DataError
from sequela.evaluate import segmentation
from sequela.metrics import detection, sets
from sequela.metrics.detection import FIRST, Ranked
from sequela.metrics.sums import ratio
from sequela.types import Answer, Array, Target

HINT = 'known: youden, f1, "sensitivity=0.9", "specificity=0.95", or a number between 0 and 1; "jaccard" for several labels'


SMALLEST = float(np.finfo(np.float64).tiny)  # the least threshold of a label: what has probability 0 is never called
CUTS = 256  # tried for a set of labels


def choose(risk: Array, event: Array, rule: str | float) -> float:
    """The threshold by a rule: youden, f1, "sensitivity=0.9", "specificity=0.95", or a number that is taken as it is.

    It lies halfway between two neighbouring risks, so that rounding calls no row otherwise. Of equally good thresholds the
    highest is taken (the fewest calls). Raises ConfigError for an unknown rule, DataError where only one outcome occurs.
    """
    if not isinstance(rule, str) or _number(rule) is not None:
        return _within(float(rule))
    name, _, aim = rule.partition("=")
    if name not in ("youden", "f1") and (name not in ("sensitivity", "specificity") or _number(aim) is None):
        raise ConfigError(f"{rule!r} is no rule for a threshold", hint=HINT)
    cuts, sensitivity, specificity, f1 = _candidates(risk, np.asarray(event, bool))
    if name in ("youden", "f1"):
        return float(cuts[np.argmax(np.round(sensitivity + specificity if name == "youden" else f1, 12))])
    if name == "sensitivity":
        return float(cuts[np.argmax(sensitivity >= _within(float(aim)) - 1e-12)])  # the first, so the highest, that reaches it
    reaching = np.flatnonzero(specificity >= _within(float(aim)) - 1e-12)
    return float(cuts[reaching[-1]])  # the lowest: the most events at that specificity


def _candidates(risk: Array, event: Array) -> tuple[Array, Array, Array, Array]:
    """Falling thresholds between the distinct risks (the first calls nobody), with sensitivity, specificity and F1 of each."""
    if event.all() or not event.any():
        raise DataError(
            f"a threshold cannot be chosen: {int(event.sum())} of {len(event)} rows are events, both outcomes are needed",
            hint="set evaluate.threshold to a number",
        )
    values, place = np.unique(-np.asarray(risk, np.float64), return_inverse=True)
    called = np.concatenate([[0], np.cumsum(np.bincount(place))])
    found = np.concatenate([[0], np.cumsum(np.bincount(place, event))])
    falling = -values
    between = (falling[:-1] + falling[1:]) / 2
    cuts = np.concatenate([[np.nextafter(falling[0], np.inf)], between, [falling[-1]]])
    sensitivity = found / found[-1]
    specificity = 1 - (called - found) / (called[-1] - found[-1])
    return cuts, sensitivity, specificity, ratio(2 * found, called + found[-1])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _within(value: float) -> float:
    if not 0 <= value <= 1:
        raise ConfigError(f"{value} is given for a threshold, which lies between 0 and 1", hint=HINT)
    return value


def key(model: str, label: str = "") -> str:
    """The name under which a threshold is kept: of the model, or of one label of it where it answers several."""
    return f"{model}/{label}" if label else model


def check(kind: str, rule: str | float) -> None:
    """Raises ConfigError for a rule that none of this kind of task can be chosen by: known before anything is trained."""
    if kind == "segment":
        segmentation.ruled(rule)
    elif kind == "detect":
        _check_boxes(rule)
    elif kind == "binary" or (kind == "multilabel" and rule != "jaccard"):
        choose(np.array([0.0, 1.0]), np.array([False, True]), rule)


def check_events(kind: str, train: Target, tune: Target, rule: str | float) -> None:
    """Raises DataError, with their names, where labels are too rare in tune to choose a threshold for them.

    Those that are the same in all of train are left to the task, which cannot learn them.
    """
    if kind not in ("binary", "multilabel") or rule == "jaccard" or not isinstance(rule, str) or _number(rule) is not None:
        return
    told = zip(tune.names, _varies(train), _varies(tune), strict=True)
    lacking = [name for name, learnt, judged in told if learnt and not judged]
    if lacking:
        shown = ", ".join(lacking[:5]) + (f" and {len(lacking) - 5} more" if len(lacking) > 5 else "")
        raise DataError(
            f"no threshold can be chosen for {shown}: the tune part has no row with the event, or no row without it",
            hint="outcome.min_subjects or classes leave rare labels out; evaluate.threshold = 0.5 needs no event",
        )


def _varies(target: Target) -> list[bool]:
    """Of each label whether there are rows with and without it."""
    events, known = ((target.values > 0) & target.known).sum(0), target.known.sum(0)
    return [bool(0 < some < of) for some, of in zip(events, known, strict=True)]


def choose_all(kind: str, answers: Mapping[str, Answer], target: Target, rule: str | float) -> dict[str, float]:
    """Every threshold that this kind of task needs, by `key`: of each answer (binary), or each label of it (multilabel, detect).

    None for multiclass, which decides for the likeliest class, and for regression. With the rule "jaccard" the labels of a row
    are called as a set: one threshold for all of them, the one with the highest mean Jaccard index. For boxes see `of_boxes`;
    points of several names have none.
    """
    if kind == "segment":
        rows = np.flatnonzero(target.known[:, 0])
        tallies = {model: answer.tally.take(rows) for model, answer in answers.items() if answer.tally.decided}
        return {key(model): segmentation.threshold(tally, rule) for model, tally in tallies.items()}
    if kind == "detect":
        return {
            key(model, name): of_boxes(answer.tally.take(np.flatnonzero(target.known[:, 0])).ranked(column), rule)
            for model, answer in answers.items()
            for column, name in enumerate(target.names)
        }
    if kind not in ("binary", "multilabel"):
        return {}
    if rule == "jaccard":
        cuts = {model: _for_sets(kind, answer, target) for model, answer in answers.items()}
        return {key(model, name): cut for model, cut in cuts.items() for name in target.names}
    return {
        key(model, name if kind == "multilabel" else ""): max(
            choose(answer.values[target.known[:, column], column], target.values[target.known[:, column], column] > 0, rule),
            SMALLEST if kind == "multilabel" else 0.0,
        )
        for model, answer in answers.items()
        for column, name in enumerate(target.names)
    }


def of_boxes(ranked: Ranked, rule: str | float) -> float:
    """The score from which boxes of a class are called: of the best F1, or "sensitivity=0.9" (the highest that reaches it).

    There are no true negatives among boxes: youden, the rule where none is given, stands for f1. Where none of the boxes is
    there, or none is found, it is 1. Raises ConfigError for another rule.
    """
    if not isinstance(rule, str) or _number(rule) is not None:
        return _within(float(rule))
    _check_boxes(rule)
    name, _, aim = rule.partition("=")
    if not ranked.hit[:, FIRST].any():
        return 1.0
    falling, sensitivity, f1 = detection.cuts(ranked)
    if name in ("f1", "youden"):
        return float(falling[np.argmax(np.round(f1, 12))])
    reached = sensitivity >= _within(float(aim)) - 1e-12
    return float(falling[np.argmax(reached)] if reached.any() else falling[-1])


def _check_boxes(rule: str | float) -> None:
    if not isinstance(rule, str) or _number(rule) is not None:
        _within(float(rule))
        return
    name, _, aim = rule.partition("=")
    if rule not in ("f1", "youden") and (name != "sensitivity" or _number(aim) is None):
        raise ConfigError(f"{rule!r} is no rule for the threshold of boxes", hint='known: f1, "sensitivity=0.9", or a number')


def _for_sets(kind: str, answer: Answer, target: Target) -> float:
    """Of CUTS thresholds that lie between neighbouring risks, the highest of those with the best mean Jaccard index."""
    if kind != "multilabel":
        raise ConfigError(f'the threshold "jaccard" is one of sets of labels; this task is {kind}', hint=HINT)
    rows, true = target.known.any(1), (target.values > 0) & target.known
    if not true.any():
        raise DataError("a threshold cannot be chosen: no label is true in any row", hint="set evaluate.threshold to a number")
    falling = np.unique(np.append(answer.values[target.known], 0.0))[::-1]
    between = (falling[:-1] + falling[1:]) / 2
    cuts = between[np.unique(np.linspace(0, len(between) - 1, CUTS).astype(np.int64))] if len(between) else np.array([0.5])
    called = ((answer.values >= cut) & target.known for cut in cuts)
    scores = [float(sets.jaccard(one[rows], true[rows])) for one in called]
    return max(float(cuts[int(np.argmax(np.round(scores, 12)))]), SMALLEST)


def decide(kind: str, model: str, answer: Answer, thresholds: Mapping[str, float]) -> Array:
    """What is decided of each row: bool "N K" (binary, multilabel), or the likeliest class, int64 "N" (multiclass)."""
    if kind == "multiclass":
        likeliest: Array = np.argmax(answer.values, 1)
        return likeliest
    cuts = [thresholds[key(model, name if kind == "multilabel" else "")] for name in answer.names]
    called: Array = answer.values >= np.array(cuts)
    return called
