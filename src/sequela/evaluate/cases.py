"""Which rows are shown: the worst, the middling and the best answers about points or stretches; the surest errors of a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from sequela.evaluate.entities import COUNTED, MISSED
from sequela.evaluate.threshold import decide, key
from sequela.metrics.detection import FIRST
from sequela.metrics.entities import KINDS, RIGHT
from sequela.types import Answer, Array, Target

EACH = 3  # shown of the worst and of the best; and of the surest errors
WRONG, CLASSES = 2, 5  # surest wrong calls shown of a class, of so many classes
SEGMENTED, FOUND, ENTITIES, PAIRS = "Dice", "F1 of boxes", "Entity F1", "Precision at L"
PRECISION = "precision_l"  # by which sequences are ordered: at L/5 too many are equal


@dataclass(frozen=True, slots=True)
class Case:
    """A row that is shown, and why."""

    row: int
    why: str  # "worst", "middle", "best", "surest errors", "surest and right", or a class and how it was called
    told: str  # in a few words: its score, or what was said and what is true


def chosen(kind: str, model: str, answer: Answer, target: Target, thresholds: Mapping[str, float]) -> list[Case]:
    """The cases of an answer; none of a kind of task whose answers are not about a picture or its class."""
    if kind in ("segment", "detect"):
        name = SEGMENTED if kind == "segment" else FOUND
        score = dice(answer) if kind == "segment" else found(model, answer, thresholds)
        return _by_score(np.where(target.known[:, 0], score, np.nan), name)
    if kind == "entities":
        return _of_texts(answer, target)
    if kind == "contact":
        each = answer.tally.each(answer.tally.separation)[PRECISION]
        return _by_score(np.where(target.known[:, 0], each, np.nan), PAIRS)
    if kind in ("binary", "multiclass"):
        return _by_class(kind, model, answer, target, thresholds)
    return []


def dice(answer: Answer) -> Array:
    """Of each row, float64 "N": the mean over the names of what is said or true of it; NaN where nothing is."""
    both, alone, missed = np.moveaxis(answer.tally.points[..., :3].astype(np.float64), -1, 0)
    total = 2 * both + alone + missed
    each = np.divide(2 * both, total, out=np.full(total.shape, np.nan), where=total > 0)
    return _mean(each)


def found(model: str, answer: Answer, thresholds: Mapping[str, float]) -> Array:
    """Of each row, float64 "N": F1 of the boxes that reach their class's threshold, NaN where there are none and none is said."""
    tally = answer.tally
    cuts = np.array([thresholds.get(key(model, name), 0.0) for name in answer.names])
    called = tally.score >= cuts[tally.label]
    hits = np.bincount(tally.row[called & tally.hit[:, FIRST]], minlength=len(tally.truth))
    total = np.bincount(tally.row[called], minlength=len(tally.truth)) + tally.truth.sum(1)
    score: Array = np.divide(2.0 * hits, total, out=np.full(len(total), np.nan), where=total > 0)
    return score


def _mean(each: Array) -> Array:
    """Over the columns, of the numbers that are defined."""
    defined = ~np.isnan(each)
    total = np.where(defined, each, 0).sum(1)
    mean: Array = np.divide(total, defined.sum(1), out=np.full(len(each), np.nan), where=defined.any(1))
    return mean


def _of_texts(answer: Answer, target: Target) -> list[Case]:
    """By the F1 of a text's entities; among equals, more entities make a text worse, or in the better half better."""
    count = answer.tally.numbers()
    right, several = count[COUNTED[RIGHT]], count["said"] + count["truth"]
    score = np.divide(2.0 * right, several, out=np.full(len(right), np.nan), where=several > 0)
    score[~target.known[:, 0]] = np.nan
    shown = _by_score(score, ENTITIES, np.where(score < 0.5, -several, several))
    return [replace(case, told=f"{case.told}: {_counted(count, case.row)}") for case in shown]


def _counted(count: Mapping[str, Array], row: int) -> str:
    """How many of a row's entities are right, and what became of the others."""
    kinds = zip((*KINDS, "missed"), (*COUNTED, MISSED), strict=True)
    return ", ".join(f"{count[column][row]} {kind}" for kind, column in kinds if count[column][row] or kind == KINDS[RIGHT])


def _by_score(score: Array, name: str, among_equals: Array | None = None) -> list[Case]:
    order = np.lexsort((np.arange(len(score)), np.zeros(len(score)) if among_equals is None else among_equals, score))
    order = order[~np.isnan(score[order])]
    middle = order[len(order) // 2 : len(order) // 2 + 1]
    picked = {"worst": order[:EACH], "middle": middle, "best": order[EACH:][-EACH:][::-1]}
    shown: set[int] = set()
    cases = []
    for why, rows in picked.items():
        for row in map(int, rows):
            if row not in shown:
                shown.add(row)
                cases.append(Case(row, why, f"{name} {score[row]:.3f}"))
    return cases


def _by_class(kind: str, model: str, answer: Answer, target: Target, thresholds: Mapping[str, float]) -> list[Case]:
    called = calls(kind, model, answer, target, thresholds)
    wrong, right = called.surest(called.wrong), called.surest(~called.wrong)
    picked = [("surest errors", wrong[: 2 * EACH]), ("surest and right", right[:EACH])]
    return [Case(int(row), why, called.told(int(row))) for why, rows in picked for row in rows]


# ------------------------------------------------------------------------------------------------------ calls of rows of a class


@dataclass(frozen=True, slots=True)
class Calls:
    """What was said of N rows and what is true, as places in names."""

    said: Array  # int64 "N"
    truth: Array  # int64 "N"
    known: Array  # bool "N": whether the truth is
    chance: Array  # float64 "N": of what was said
    names: tuple[str, ...]

    @property
    def wrong(self) -> Array:
        """bool "N"; False where the truth is not known."""
        found: Array = self.known & (self.said != self.truth)
        return found

    def surest(self, which: Array) -> Array:
        """Of these (bool "N") the rows whose truth is known, the surest first."""
        rows = np.flatnonzero(which & self.known)
        return rows[np.argsort(-self.chance[rows], kind="stable")]

    def told(self, row: int) -> str:
        return f"said {self.names[self.said[row]]} ({self.chance[row]:.2f}), is {self.names[self.truth[row]]}"


def calls(kind: str, model: str, answer: Answer, target: Target, thresholds: Mapping[str, float]) -> Calls:
    """The calls of an answer to a binary or multiclass question."""
    decided = decide(kind, model, answer, thresholds)
    said = decided if kind == "multiclass" else decided[:, 0].astype(np.int64)
    truth = target.values[:, 0].astype(np.int64)
    chance = answer.values.max(1) if kind == "multiclass" else np.where(said == 1, answer.values[:, 0], 1 - answer.values[:, 0])
    names = answer.names if kind == "multiclass" else (f"not {answer.names[0]}", answer.names[0])
    return Calls(said, truth, target.known[:, 0], chance, tuple(names))


def of_each_class(called: Calls, subject: Array) -> list[Case]:
    """Of each class the surest wrong calls, of different subjects, and the right call that is in the middle by its score.

    Of the CLASSES with the most wrong calls, where there are more.
    """
    count = np.bincount(called.truth[called.wrong], minlength=len(called.names))
    shown = np.sort(np.argsort(-count, kind="stable")[:CLASSES])
    found = []
    for place in shown.tolist():
        name, own = called.names[place], called.truth == place
        wrong = called.surest(own & called.wrong)
        _, first = np.unique(subject[wrong], return_index=True)
        right = called.surest(own & ~called.wrong)
        picked = [(f"{name}, called wrongly", wrong[np.sort(first)[:WRONG]])]
        picked += [(f"{name}, called rightly", right[len(right) // 2 :][:1])]
        found += [Case(int(row), why, called.told(int(row))) for why, rows in picked for row in rows]
    return found
