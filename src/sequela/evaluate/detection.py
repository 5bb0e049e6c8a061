"""Boxes held against the truth, picture by picture, and the numbers asked of them: the tally is all that evaluation needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from sequela.evaluate.question import Question
from sequela.metrics import detection
from sequela.metrics.detection import OVERLAPS, Ranked
from sequela.metrics.table import METRICS
from sequela.types import Answer, Array, Boxed, Target

RANKED = ("ap50", "ap", "froc")  # what needs no threshold; their mean over the classes is asked as well
CALLED = ("sensitivity", "ppv", "f1", "count_mae", "count_bias")
BIT = 1 << np.arange(len(OVERLAPS))  # of a number in predictions.parquet that tells at which overlaps a box is a hit


@dataclass(frozen=True, slots=True)
class Tally:
    """The boxes said of N pictures, laid end to end, those of a picture the surest first, and how many are there of K classes."""

    offsets: Array  # int64 "N+1"
    label: Array  # int64 "D"
    score: Array  # float64 "D"
    hit: Array  # bool "D T": whether it finds a box of its class, for each of metrics.detection.OVERLAPS
    truth: Array  # int64 "N K"

    def take(self, rows: Array) -> Tally:
        count = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(count)])
        place = np.repeat(self.offsets[rows] - offsets[:-1], count) + np.arange(offsets[-1])
        return Tally(offsets, self.label[place], self.score[place], self.hit[place], self.truth[rows])

    @property
    def row(self) -> Array:
        """The picture of each box."""
        return np.repeat(np.arange(len(self.truth)), np.diff(self.offsets))

    def ranked(self, column: int) -> Ranked:
        """The boxes of one class, the surest of all pictures first."""
        of_class = np.flatnonzero(self.label == column)
        order = of_class[np.argsort(-self.score[of_class], kind="stable")]
        return Ranked(self.score[order], self.hit[order], self.row[order], self.truth[:, column].astype(np.float64))


# ------------------------------------------------------------------------------------------------------------------- the tally


def tally(answer: Answer, target: Target) -> Tally:
    """The boxes of an answer held against those of the target; a row without a picture says none."""
    each = [_picture(boxed, target.dense.of(row), len(answer.names)) for row, boxed in enumerate(answer.boxed)]
    return _joined(each, len(answer.names))


def _picture(boxed: Boxed | None, there: tuple[Array, Array], classes: int) -> Tally:
    corners, label = there
    truth = np.bincount(label, minlength=classes)[None]
    if boxed is None:
        return Tally(np.zeros(2, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros((0, len(OVERLAPS)), bool), truth)
    order = np.argsort(-boxed.score, kind="stable")
    said, hit = boxed.label[order], np.zeros((len(order), len(OVERLAPS)), bool)
    for k in np.unique(said):
        hit[said == k] = detection.matched(boxed.corners[order][said == k], corners[label == k])
    return Tally(np.array([0, len(order)]), said, boxed.score[order], hit, truth)


def _joined(pictures: list[Tally], classes: int) -> Tally:
    empty = Tally(
        np.zeros(1, np.int64),
        np.zeros(0, np.int64),
        np.zeros(0),
        np.zeros((0, len(OVERLAPS)), bool),
        np.zeros((0, classes), np.int64),
    )
    offsets = np.cumsum([0, *(one.offsets[-1] for one in pictures)])
    parts = [empty, *pictures]
    label, score, hit, truth = (np.concatenate([getattr(one, n) for one in parts]) for n in ("label", "score", "hit", "truth"))
    return Tally(offsets, label, score, hit, truth)


def columns(tally: Tally) -> dict[str, list[Any]]:
    """An entry a row: the class, score and hits (as bits) of each box said, and how many of each class are there."""
    bits = tally.hit @ BIT
    between = tally.offsets[1:-1]
    said = {"box_class": tally.label, "box_score": tally.score, "box_hit": bits}
    lists = {name: [one.tolist() for one in np.split(values, between)][: len(tally.truth)] for name, values in said.items()}
    return {**lists, "boxes_there": tally.truth.tolist()}


def restored(frame: pl.DataFrame, names: tuple[str, ...]) -> Tally:
    """The tally of these classes that `columns` wrote."""
    kinds: Mapping[str, Any] = {"box_class": pl.Int64, "box_score": pl.Float64, "box_hit": pl.Int64}
    label, score, bits = (frame[name].cast(pl.List(kind)).explode().drop_nulls().to_numpy() for name, kind in kinds.items())
    offsets = np.concatenate([[0], np.cumsum(frame["box_class"].list.len().to_numpy().astype(np.int64))])
    truth = np.array(frame["boxes_there"].to_list(), np.int64).reshape(-1, len(names))
    return Tally(offsets, label, score, (bits[:, None] & BIT) > 0, truth)


# --------------------------------------------------------------------------------------------------------------- the questions


@dataclass(frozen=True, slots=True)
class _OfClass:
    """What is asked of one class, on the rows whose boxes are known."""

    model: str
    name: str
    rows: Array
    ranked: Ranked
    cut: float

    def numbers(self) -> Mapping[str, Array]:
        """Boxes of each row that are called, that are hits of those, and that are there: float64 "N"."""
        called = self.ranked.score >= self.cut
        row, count = self.ranked.row, len(self.rows)
        hits = called & self.ranked.hit[:, detection.FIRST]
        return {
            "called": np.bincount(row, called, count),
            "hits": np.bincount(row, hits, count),
            "truth": self.ranked.truth,
        }


def questions(model: str, tally: Tally, rows: Array, names: tuple[str, ...], cuts: Array) -> Iterator[Question]:
    """What is asked of each class of boxes on these rows of the cohort, whose boxes are known; `cuts` "K" are the thresholds."""
    of_rows = tally.take(rows)
    for column, name in enumerate(names):
        yield from _of_class(_OfClass(model, name, rows, of_rows.ranked(column), float(cuts[column])))


def _of_class(one: _OfClass) -> Iterator[Question]:
    there, none = int(one.ranked.truth.sum()), "" if len(one.rows) else "no rows"
    absent = none or ("" if there else "no such box is there")
    for metric in RANKED:
        yield Question(one.model, metric, one.name, one.rows, partial(METRICS[metric].function, one.ranked), reason=absent)
    numbers = one.numbers()
    called, hits, truth = numbers["called"], numbers["hits"], numbers["truth"]
    uncalled = none or ("" if called.any() else "no box was called")
    neither = none or ("" if called.any() or there else "no box was called, and none is there")
    asked = {
        "sensitivity": (partial(detection.found_share, hits, truth), absent),
        "ppv": (partial(detection.true_share, hits, called), uncalled),
        "f1": (partial(detection.both_shares, hits, called, truth), neither),
        "count_mae": (partial(detection.count_mae, called, truth), none),
        "count_bias": (partial(detection.count_bias, called, truth), none),
    }
    for metric in CALLED:
        value, reason = asked[metric]
        yield Question(one.model, metric, one.name, one.rows, value, threshold=one.cut, reason=reason)
