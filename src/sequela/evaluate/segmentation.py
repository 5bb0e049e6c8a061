"""Masks held against the truth: what is counted of each picture, and the numbers made of it.

A picture is looked at once; from then on it is a row of counts that may be weighed, so that every interval, group and fold comes
from the same `Tally`. Where there is one name (and no instances), what is said depends on a threshold: then Dice, IoU, volumes
and the numbers over all points are those of the threshold chosen on tune; surfaces and lesions are of the picture as painted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, cast

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.evaluate.question import Question, Value
from sequela.metrics import components, surfaces
from sequela.metrics import segmentation as metrics
from sequela.types import Answer, Array, Masks, Painted, Target

TOLERANCE = config.Evaluate().tolerance
FITS = ("dice", "iou", "volume_error")  # of a picture's points
POOLED = ("f1", "sensitivity", "specificity", "ppv", "accuracy")
RANKS = ("auroc", "auprc")
MEANS = (*FITS, "volume_error_ml", "hd95", "nsd", "lesion_sensitivity", "false_lesions", *POOLED[:-1], *RANKS)
"""Of several names, those whose mean over the names is given as well."""
THINGS = ("instance_f1", "instance_f1_strict")
LEVELS = metrics.LEVELS
COLUMN = "tally_"


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of N pictures with K names; zeros (NaN) of a picture without a mask."""

    points: Array  # int64 "N K 4": said and true, said alone, true alone, neither
    chance: Array  # int64 "N K 2 256": points that are true, and that are not, by their probability in 255ths
    right: Array  # int64 "N": points of which the right name, or nothing, is said
    millilitres: Array  # float64 "N": of a point; NaN where it is not known
    surface: Array  # float64 "N K 2": 95th percentile Hausdorff distance, share of the surfaces within the tolerance
    lesions: Array  # int64 "N K 3": true, found of them, said beside every true one
    instances: Array  # int64 "N 12": as metrics.components.matched; "N 0" where masks do not number things

    def take(self, rows: Array) -> Tally:
        return replace(self, **{one.name: getattr(self, one.name)[rows] for one in fields(self)})

    @property
    def numbered(self) -> bool:
        """Whether masks number things."""
        return bool(self.instances.shape[1])

    @property
    def decided(self) -> bool:
        """Whether a threshold decides what is said."""
        return self.points.shape[1] == 1 and not self.numbered


# -------------------------------------------------------------------------------------------------------------------- counting


def tally(answer: Answer, target: Target, tolerance: float = TOLERANCE) -> Tally:
    """What is counted of each row's picture. A picture of which nothing was said counts as one on which nothing is.

    `tolerance` is that of the normalised surface distance: millimetres, or points where no spacing is known.
    Raises DataError where an answer has not the size of its mask.
    """
    masks = cast(Masks, target.dense)
    blank = _blank(len(target.names), masks.instances)
    rows = [
        _counted(painted, masks, row, len(target.names), tolerance) if target.known[row, 0] else blank
        for row, painted in enumerate(answer.painted)
    ]
    return Tally(**{one.name: np.stack([getattr(row, one.name) for row in [*rows, blank]])[:-1] for one in fields(Tally)})


def _blank(names: int, numbered: bool) -> Tally:
    """The counts of no picture; here and below without the axis N."""
    return Tally(
        points=np.zeros((names, 4), np.int64),
        chance=np.zeros((names, 2, LEVELS), np.int64),
        right=np.array(0, np.int64),
        millilitres=np.array(np.nan),
        surface=np.full((names, 2), np.nan),
        lesions=np.zeros((names, 3), np.int64),
        instances=np.zeros(2 + len(components.OVERLAPS) if numbered else 0, np.int64),
    )


def _counted(painted: Painted | None, masks: Masks, row: int, names: int, tolerance: float) -> Tally:
    truth = masks.whole(row)
    spacing = _spacing(masks, row, truth.ndim)
    said = _nothing(names, truth.shape) if painted is None else painted
    if said.label.shape != truth.shape:
        raise DataError(f"the answer of row {row} is {said.label.shape}, its mask {truth.shape}")
    known = truth >= 0
    label = np.where(known, said.label, 0)
    kind, of_kind = (label > 0, truth > 0) if masks.instances else (label, truth)
    each = [(kind == k, of_kind == k) for k in range(1, names + 1)]
    numbered = masks.instances
    return Tally(
        points=np.stack([_points(one, true, known) for one, true in each]),
        chance=np.stack([_by_chance(said.chance[k], true, known) for k, (_, true) in enumerate(each)]),
        right=np.array(((kind == of_kind) & known).sum(), np.int64),
        millilitres=np.array(np.nan if spacing is None or truth.ndim < 3 else np.prod(spacing) / 1000),
        surface=np.array([surfaces.both(one, true, spacing or (1.0,) * truth.ndim, tolerance) for one, true in each]),
        lesions=np.array([(0, 0, 0) if numbered else components.found(one, true) for one, true in each], np.int64),
        instances=components.matched(label, np.maximum(truth, 0)) if numbered else np.zeros(0, np.int64),
    )


def _nothing(names: int, shape: tuple[int, ...]) -> Painted:
    return Painted(np.zeros(shape, np.uint8), np.zeros((names, *shape), np.uint8))


def _spacing(masks: Masks, row: int, axes: int) -> tuple[float, ...] | None:
    """Millimetres between points along each axis of the mask; None where that is not known."""
    space = masks.space(row)
    return None if space is None else space.spacing[-axes:]


def _points(said: Array, true: Array, known: Array) -> Array:
    both, one, other = int((said & true).sum()), int(said.sum()), int(true.sum())
    return np.array([both, one - both, other - both, int(known.sum()) - one - other + both], np.int64)


def _by_chance(chance: Array, true: Array, known: Array) -> Array:
    every, of_true = np.bincount(chance[known], minlength=LEVELS), np.bincount(chance[true], minlength=LEVELS)
    return np.stack([of_true, every - of_true])


# ----------------------------------------------------------------------------------------------------------------- thresholds


def threshold(tally: Tally, rule: str | float) -> float:
    """The probability from which a point is said: of the best F1 over all points of these pictures, or the number given.

    It lies halfway between two levels of a byte. Where nothing is true it is one half. Raises ConfigError for another rule.
    """
    number = ruled(rule)
    if number is not None:
        return number
    if not tally.chance[:, 0, 0].any():
        return 0.5
    return (metrics.best_level(tally.chance[:, 0]) - 0.5) / (LEVELS - 1)


def ruled(rule: str | float) -> float | None:
    """The number that the rule is; None where it is to be chosen. Raises ConfigError for what is neither."""
    number = _number(rule)
    if number is None and rule not in ("f1", "youden"):  # youden, where no rule is given, says little where nearly all is nothing
        raise ConfigError(f"{rule!r} is no rule for the threshold of points", hint="known: f1, or a number between 0 and 1")
    return number


def _number(rule: str | float) -> float | None:
    try:
        found = float(rule)
    except ValueError:
        return None
    if not 0 <= found <= 1:
        raise ConfigError(f"{found} is given for a threshold, which lies between 0 and 1")
    return found


def level(cut: float) -> int:
    """The least probability, in 255ths, that reaches a threshold; 1 at least."""
    return max(1, int(np.ceil(cut * (LEVELS - 1) - 1e-9)))


# ------------------------------------------------------------------------------------------------------------------ questions


def questions(model: str, tally: Tally, rows: Array, names: Sequence[str], cut: float | None) -> Iterator[Question]:
    """What is asked of these rows, all marked: of each name (of one name: class ""), then of all names or things together.

    `cut` is the threshold where `tally.decided`.
    """
    of_rows = tally.take(rows)
    for k, name in enumerate(names):
        points = of_rows.points[:, k]
        if cut is not None and tally.decided:
            points = metrics.points_at(of_rows.chance[:, k], level(cut))
        for metric, value, each in _asked(of_rows, points, k):
            at = cut if metric in (*FITS, *POOLED) else None
            class_ = name if len(names) > 1 else ""
            yield Question(model, metric, class_, rows, value, threshold=at, reason=_reason(rows, each))
    yield from _together(model, of_rows, rows, len(names))


def _asked(tally: Tally, points: Array, k: int) -> Iterator[tuple[str, Value, Array]]:
    """Each metric of one name, its value, and the metric picture by picture, NaN where it is undefined."""
    dice = metrics.each_dice(points)
    true = (points[:, 0] + points[:, 2]).astype(np.float64)
    yield "dice", partial(metrics.dice, points), dice
    yield "iou", partial(metrics.iou, points), dice
    yield "volume_error", partial(metrics.volume_error, points), np.where(true > 0, true, np.nan)
    if not np.isnan(tally.millilitres).all():
        yield "volume_error_ml", partial(metrics.volume_error_ml, points, tally.millilitres), tally.millilitres
    yield "hd95", partial(metrics.hd95, tally.surface[:, k, 0]), tally.surface[:, k, 0]
    yield "nsd", partial(metrics.nsd, tally.surface[:, k, 1]), tally.surface[:, k, 1]
    every = np.zeros(len(points))
    if not tally.numbered:
        for metric in ("lesion_sensitivity", "false_lesions"):
            yield metric, partial(getattr(metrics, metric), tally.lesions[:, k]), every
    for metric in POOLED if tally.points.shape[1] == 1 else POOLED[:-1]:
        yield metric, partial(metrics.pooled, points, metric), every
    yield "auroc", partial(metrics.pooled_auroc, tally.chance[:, k]), every
    yield "auprc", partial(metrics.pooled_auprc, tally.chance[:, k]), every


def _together(model: str, tally: Tally, rows: Array, names: int) -> Iterator[Question]:
    if names > 1:
        each = np.stack([tally.right, tally.points[:, 0].sum(-1) - tally.right, *[np.zeros_like(tally.right)] * 2], -1)
        yield Question(model, "accuracy", "", rows, partial(metrics.pooled, each, "accuracy"), reason=_reason(rows, each))
    for metric in THINGS if tally.numbered else ():
        function = getattr(metrics, metric)
        yield Question(model, metric, "", rows, partial(function, tally.instances), reason=_reason(rows, tally.instances))


def _reason(rows: Array, each: Array) -> str:
    """Why a number is undefined, or of how many pictures it is not."""
    undefined = int(np.isnan(each).sum())
    if not len(rows):
        return "no rows"
    if undefined == len(rows):
        return "undefined in every picture: nothing is true, or nothing is said"
    return f"without {undefined} of {len(rows)} pictures, where it is undefined" if undefined else ""


# -------------------------------------------------------------------------------------------------------------- as columns


def columns(tally: Tally) -> dict[str, list[Any]]:
    """The tally as columns of predictions.parquet: of each row a list of numbers, or a number."""
    flat = {one.name: getattr(tally, one.name) for one in fields(tally)}
    return {f"{COLUMN}{name}": (each.reshape(len(each), -1) if each.ndim > 1 else each).tolist() for name, each in flat.items()}


def restored(frame: pl.DataFrame, names: Sequence[str]) -> Tally:
    """The tally that stands in these columns."""
    blank = _blank(len(names), bool(frame[f"{COLUMN}instances"].list.len().sum()))
    return Tally(**{one.name: _column(frame[f"{COLUMN}{one.name}"], getattr(blank, one.name)) for one in fields(Tally)})


def _column(said: pl.Series, like: Array) -> Array:
    """The rows of a column, each of the shape and type of `like`."""
    flat = np.array(said.to_list(), like.dtype)
    return flat.reshape(len(said), *like.shape)
