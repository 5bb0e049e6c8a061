"""Boxes around blobs of like colour, told apart by size and look: finding things without a network.

A small tree tells from the colour of a point, and of those around it, of which class it is. Points of a class that hang together
are a blob; where several touch they are parted at the places deepest inside. A few boosted trees then tell from a blob's size,
shape and colours which class it is, or none: that probability is its score. Boxes are drawn larger or smaller by what those of
training blobs were, in the median. How near to one another two middles may lie is chosen on tune, by mean AP50.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from threadpoolctl import threadpool_limits

from sequela import batch as batches
from sequela import seed as streams
from sequela.baselines import _blobs
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.metrics import detection
from sequela.metrics.detection import OVERLAPS, Ranked
from sequela.types import Answer, Array, Boxed, Fields

HIT = OVERLAPS[:1]  # one half
NEAR = 0.3  # overlap from which a blob tells how boxes are drawn around it
DOUBLE = 0.5  # overlap with a surer box of its class beyond which a box goes


class Config(Strict, frozen=True):
    longest: Annotated[int, Meta(ge=16)] = 240  # points of the longer side at which pictures are looked at
    pictures: Annotated[int, Meta(ge=1)] = 200  # of training that are learnt from at most, drawn by the seed
    points: Annotated[int, Meta(ge=1)] = 100  # of each class, and of nothing, that are drawn from a picture
    depth: Annotated[int, Meta(ge=1)] = 8  # of the tree of colours
    rounds: Annotated[int, Meta(ge=1)] = 60  # of the boosted trees
    apart: Annotated[tuple[Annotated[float, Meta(gt=0)], ...], Meta(min_length=1)] = (0.4, 0.6)  # of half a side; tried
    floor: Annotated[float, Meta(ge=0, lt=1)] = 0.05  # the least score of a box
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture made smaller, with what each point is thought to be."""

    values: Array  # float32 "C h w"
    chance: Array  # float32 "K+1 h w"
    step: int


@dataclass(frozen=True, slots=True)
class _Colours:
    """What a colour is."""

    tree: Any
    half: Array  # float64 "K": half a side of the boxes of each class, in pixels
    longest: int

    def look(self, picture: Array) -> _Picture:
        values, step = _blobs.small(picture, self.longest)
        told = self.tree.predict_proba(_blobs.colours(values)).T
        chance = np.zeros((len(self.half) + 1, *values.shape[1:]), np.float32)
        chance[self.tree.classes_] = told.reshape(-1, *values.shape[1:])
        return _Picture(values, chance, step)

    def blobs(self, seen: _Picture, apart: float) -> _blobs.Blobs:
        """Corners in pixels of the picture."""
        found = _blobs.blobs(seen.chance, seen.values, self.half / seen.step, apart)
        return replace(found, corners=found.corners * seen.step)


@dataclass(frozen=True, slots=True)
class _Fitted:
    colours: _Colours
    apart: float
    trees: Any  # None where no training blob was to be told
    drawn: Array  # float64 "K 4": how much each edge is moved, in shares of the side

    def boxed(self, found: _blobs.Blobs, floor: float) -> Boxed:
        classes = len(self.drawn)
        if self.trees is None or not len(found.corners):
            return Boxed(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0))
        told = np.zeros((len(found.corners), classes + 1))
        told[:, self.trees.classes_] = self.trees.predict_proba(found.looks)
        blob, label = np.nonzero(told[:, :classes] > floor)
        score = told[blob, label]
        corners = _moved(found.corners[blob], self.drawn[label])
        kept = _kept(corners, score, label)
        return Boxed(corners[kept].astype(np.float32), label[kept], score[kept])


class Blobs:
    """Fits once, then answers; `chosen` tells each distance tried."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._names: tuple[str, ...] = ()
        self._fitted: _Fitted | None = None
        self._tried: list[tuple[float, float]] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the distance of middles on tune. Raises DataError where boxes are known of no picture."""
        if kind != "detect":
            raise DataError(f"blobs are no answer to a {kind} question")
        learnt, held = _marked(train), _marked(tune)
        if not len(learnt) or not len(train.target.dense.take(learnt).label):
            raise DataError("boxes are known in no row of train")
        random = streams.generator(seed, "blobs")
        learnt = np.sort(random.permutation(learnt)[: self._config.pictures])
        self._names = train.target.names
        with threadpool_limits(self._config.threads):
            colours = _learn_colours(train, learnt, self._config, random)
            each = _learn_blobs(train, learnt, colours, self._config)
            losses = _losses(tune, held, each, self._config.floor)
        self._tried = list(zip(self._config.apart, losses, strict=True))
        self._fitted = each[int(np.argmin(losses))]

    def answer(self, rows: Evidence) -> Answer:
        if self._fitted is None:
            raise DataError("this baseline has not been fitted")
        fields, entry = _pictures(rows)
        with threadpool_limits(self._config.threads):
            boxed = tuple(None if one < 0 else self._said(fields, int(one)) for one in entry)
        sums = [np.zeros(len(self._names)) if one is None else _sums(one, len(self._names)) for one in boxed]
        return Answer("boxes", np.array(sums, np.float64).reshape(-1, len(self._names)), self._names, boxed=boxed)

    def _said(self, fields: Fields, entry: int) -> Boxed:
        assert self._fitted is not None
        seen = self._fitted.colours.look(fields.shown(entry))
        return self._fitted.boxed(self._fitted.colours.blobs(seen, self._fitted.apart), self._config.floor)

    @property
    def chosen(self) -> Mapping[str, Any]:
        if self._fitted is None:
            return {}
        tried = [{"apart": apart, "loss": loss} for apart, loss in self._tried]
        return {"boxes": {"score": "1 - mean AP50", "chosen": {"apart": self._fitted.apart}, "tried": tried}}


# -------------------------------------------------------------------------------------------------------------------- learning


def _learn_colours(train: Evidence, rows: Array, config: Config, random: np.random.Generator) -> _Colours:
    from sklearn.tree import DecisionTreeClassifier

    fields, entry = _pictures(train)
    classes = len(train.target.names)
    values, labels = [], []
    for row in rows:
        corners, label = train.target.dense.of(int(row))
        picture, step = _blobs.small(fields.shown(int(entry[row])), config.longest)
        kind = _blobs.painted(corners / step, label, picture.shape[1:], classes).ravel()
        drawn = np.concatenate([random.permutation(np.flatnonzero(kind == k))[: config.points] for k in range(classes + 1)])
        values.append(_blobs.colours(picture)[drawn])
        labels.append(kind[drawn])
    tree = DecisionTreeClassifier(max_depth=config.depth, min_samples_leaf=20, class_weight="balanced", random_state=0)
    tree.fit(np.concatenate(values), np.concatenate(labels))
    return _Colours(tree, _half_sides(train, rows), config.longest)


def _half_sides(train: Evidence, rows: Array) -> Array:
    """The median of half the shorter side of each class; of a class without boxes, that of all."""
    boxes = train.target.dense.take(rows)
    half = (boxes.corners[:, 2:] - boxes.corners[:, :2]).min(1) / 2
    each = [half[boxes.label == k] for k in range(len(train.target.names))]
    return np.array([np.median(one if len(one) else half) for one in each])


def _learn_blobs(train: Evidence, rows: Array, colours: _Colours, config: Config) -> list[_Fitted]:
    """What is learnt of the blobs that each distance gives."""
    classes = len(train.target.names)
    fields, entry = _pictures(train)
    taught: list[list[_Taught]] = [[] for _ in config.apart]
    for row in rows:
        seen = colours.look(fields.shown(int(entry[row])))
        for lessons, apart in zip(taught, config.apart, strict=True):
            lessons.append(_teach(colours.blobs(seen, apart), train.target.dense.of(int(row)), classes))
    return [
        _Fitted(colours, apart, _boosted(lessons, config), _medians(np.concatenate([one.moves for one in lessons]), classes))
        for lessons, apart in zip(taught, config.apart, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Taught:
    """What the blobs of one picture teach."""

    looks: Array  # float64 "M Q"
    kind: Array  # int64 "M": the class of the box that a blob finds, or K
    moves: Array  # float64 "R 5": class, and from the edges of the blob to those of the box, of the blobs near one


def _teach(found: _blobs.Blobs, truth: tuple[Array, Array], classes: int) -> _Taught:
    corners, label = truth
    best, overlap = _best(found.corners, corners)
    kind = np.where(overlap >= HIT, label[best] if len(label) else classes, classes)
    near = overlap >= NEAR
    return _Taught(found.looks, kind, np.column_stack([label[best[near]], _moves(found.corners[near], corners[best[near]])]))


def _boosted(lessons: list[_Taught], config: Config) -> Any:
    """Trees that tell the class of a blob; None where all are of one."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    looks, kind = np.concatenate([one.looks for one in lessons]), np.concatenate([one.kind for one in lessons])
    if len(np.unique(kind)) < 2:
        return None
    trees = HistGradientBoostingClassifier(max_iter=config.rounds, max_leaf_nodes=8, early_stopping=False, random_state=0)
    return trees.fit(looks, kind)


def _best(said: Array, truth: Array) -> tuple[Array, Array]:
    """Which box of the truth each overlaps most, and by how much."""
    pairs = detection.overlap(said, truth)
    if not len(truth):
        return np.zeros(len(said), np.int64), np.zeros(len(said))
    return pairs.argmax(1), pairs.max(1)


def _moves(said: Array, truth: Array) -> Array:
    """From the edges said to the true ones, in shares of the sides said."""
    found: Array = (truth - said) / np.tile(said[:, 2:] - said[:, :2], 2)
    return found


def _moved(corners: Array, moves: Array) -> Array:
    found: Array = corners + moves * np.tile(corners[:, 2:] - corners[:, :2], 2)
    return found


def _medians(moves: Array, classes: int) -> Array:
    """By how much the edges of each class are moved, from rows of (class, four moves); not at all where none is known."""
    each = [moves[moves[:, 0] == k, 1:] for k in range(classes)]
    return np.stack([np.median(one, 0) if len(one) else np.zeros(4) for one in each])


def _kept(corners: Array, score: Array, label: Array) -> Array:
    """Places of the boxes that no surer one of their class overlaps, the surest first."""
    found: list[int] = []
    pairs = detection.overlap(corners, corners)
    for box in np.argsort(-score, kind="stable").tolist():
        if not any(label[other] == label[box] and pairs[other, box] > DOUBLE for other in found):
            found.append(box)
    return np.array(found, np.int64)


# -------------------------------------------------------------------------------------------------------------------- choosing


def _losses(tune: Evidence, rows: Array, each: list[_Fitted], floor: float) -> list[float]:
    """1 - the mean AP50 of each on the marked pictures of tune; 1 where there are none."""
    fields, entry = _pictures(tune)
    said: list[list[Boxed]] = [[] for _ in each]
    for row in rows:
        seen = each[0].colours.look(fields.shown(int(entry[row])))
        for boxed, one in zip(said, each, strict=True):
            boxed.append(one.boxed(one.colours.blobs(seen, one.apart), floor))
    boxes = tune.target.dense.take(rows) if len(rows) else None
    if boxes is None or not len(boxes.label):
        return [1.0] * len(each)
    truth = [boxes.of(row) for row in range(len(rows))]
    return [
        1 - float(np.nanmean([detection.ap50(one) for one in _ranked(boxed, truth, len(tune.target.names))])) for boxed in said
    ]


def _ranked(said: list[Boxed], truth: list[tuple[Array, Array]], classes: int) -> Iterator[Ranked]:
    """Each class that is there."""
    for k in range(classes):
        there = np.array([float((label == k).sum()) for _, label in truth])
        if not there.any():
            continue
        hits = [
            detection.matched(one.corners[one.label == k], c[label == k], HIT)
            for one, (c, label) in zip(said, truth, strict=True)
        ]
        score = np.concatenate([one.score[one.label == k] for one in said])
        order = np.argsort(-score, kind="stable")
        row = np.repeat(np.arange(len(said)), [len(hit) for hit in hits])
        yield Ranked(score[order], np.concatenate(hits)[order], row[order], there)


def _marked(rows: Evidence) -> Array:
    """The rows whose boxes are known, and which have a picture."""
    _, entry = _pictures(rows)
    return np.flatnonzero(rows.target.known[:, 0] & (entry >= 0))


def _pictures(rows: Evidence) -> tuple[Fields, Array]:
    """The pictures of the one input, and the entry of each row."""
    ((name, ragged),) = rows.inputs.items()
    return batches.fields_of(name, ragged), batches.entries(ragged)


def _sums(boxed: Boxed, classes: int) -> Array:
    return np.bincount(boxed.label, boxed.score, classes)


def build(config: Config) -> Blobs:
    return Blobs(config)
