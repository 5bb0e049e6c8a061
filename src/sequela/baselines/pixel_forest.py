"""A random forest that is asked of every point by itself, from plain filters of its surroundings at several scales.

It learns from some points of each training picture, drawn of each name alike and weighed by how common the name is there, so its
probabilities are those of all points. How small a leaf may be is chosen on tune. Source: Breiman 2001; filters: `_filters.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from msgspec import Meta

from sequela import seed as streams
from sequela.baselines import _filters, _points
from sequela.config import Strict
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Answer, Array

SMALLEST = 1e-7  # a probability of 0 counts as this one


class Config(Strict, frozen=True):
    scales: tuple[Annotated[float, Meta(gt=0)], ...] = (1.0, 2.0, 4.0)  # spreads of the filters, in points
    points: Annotated[int, Meta(ge=10)] = 60_000  # learnt from, of all training pictures together
    trees: Annotated[int, Meta(ge=1)] = 40
    leaves: tuple[Annotated[int, Meta(ge=1)], ...] = (2, 10, 50)  # points that a leaf has at least: each is tried on tune
    threads: Annotated[int, Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """Some points of some pictures."""

    features: Array  # float32 "n F"
    label: Array  # int64 "n": 0 nothing, k the k-th name
    weight: Array  # float64 "n": how many points of their picture each stands for


class PixelForest:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._question: _points.Question | None = None
        self._model: Any = None
        self._tried: list[dict[str, Any]] = []

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses the size of a leaf by the log loss of points of tune."""
        self._question = None
        question = _points.asked(train, tune, kind, "a forest of points")
        names = len(question.names)
        learnt, held = (
            self._sample(_points.pictures(rows), names, streams.generator(seed, part))
            for part, rows in (("train", train), ("tune", tune))
        )
        models = {leaf: self._grown(learnt, leaf, seed) for leaf in self._config.leaves}
        losses = {leaf: _loss(model, held, names) for leaf, model in models.items()}
        best = min(losses, key=lambda leaf: losses[leaf])
        self._question, self._model = question, models[best]
        self._tried = [{"leaf": leaf, "loss": loss} for leaf, loss in losses.items()]

    def _sample(self, pictures: _points.Pictures, names: int, random: np.random.Generator) -> Sample:
        """Raises DataError where there is no picture."""
        count = int((pictures.target.known[:, 0] & (pictures.entry >= 0)).sum())
        if not count:
            raise DataError("no marked row has a picture")
        most = max(1, self._config.points // (count * (names + 1)))
        drawn = [self._drawn(picture, mask, most, random) for picture, mask in pictures]
        return Sample(*(np.concatenate(column) for column in zip(*drawn, strict=True)))

    def _drawn(self, picture: Array, mask: Array, most: int, random: np.random.Generator) -> tuple[Array, Array, Array]:
        """Features, names and weights of up to so many points of each name of one picture."""
        flat, names = mask.ravel(), np.unique(mask[mask >= 0])
        here = [np.flatnonzero(flat == name) for name in names]
        chosen = [places if len(places) <= most else random.choice(places, most, replace=False) for places in here]
        place = np.concatenate([*chosen, np.zeros(0, np.int64)]).astype(np.int64)
        weight = np.concatenate([np.full(len(c), len(h) / len(c)) for h, c in zip(here, chosen, strict=True)] or [np.zeros(0)])
        order = np.argsort(place)
        return _features_at(picture, place[order], self._config.scales), flat[place][order], weight[order]

    def _grown(self, learnt: Sample, leaf: int, seed: int) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        model = RandomForestClassifier(
            self._config.trees, min_samples_leaf=leaf, n_jobs=self._config.threads, random_state=seed % 2**31
        )
        return model.fit(learnt.features, learnt.label, learnt.weight)

    def answer(self, rows: Evidence) -> Answer:
        if self._question is None:
            raise DataError("this baseline has not been fitted")
        return _points.answer(self._question, rows, self._chances)

    def _chances(self, picture: Array) -> Array:
        """uint8 "K *S"."""
        assert self._question is not None
        names = len(self._question.names)
        found = np.zeros((names, *picture.shape[1:]), np.uint8)
        for first, block in _filters.blocks(picture, self._config.scales):
            chance = _probabilities(self._model, block.reshape(-1, block.shape[-1]), names)[:, 1:]
            found[:, first : first + len(block)] = np.rint(255 * chance.T).reshape(names, *block.shape[:-1])
        return found

    @property
    def chosen(self) -> Mapping[str, Any]:
        if not self._tried:
            return {}
        best = min(self._tried, key=lambda one: one["loss"])
        return {"points": {"score": "log_loss", "chosen": {"leaf": best["leaf"]}, "tried": self._tried}}


def _features_at(picture: Array, place: Array, scales: tuple[float, ...]) -> Array:
    """The filters "n F" at these flat places, rising."""
    each = int(np.prod(picture.shape[2:]))
    found = []
    for first, block in _filters.blocks(picture, scales):
        flat = block.reshape(-1, block.shape[-1])
        begin, end = np.searchsorted(place, [first * each, first * each + len(flat)])
        found.append(flat[place[begin:end] - first * each])
    return np.concatenate(found)


def _probabilities(model: Any, features: Array, names: int) -> Array:
    """float64 "n K+1": of nothing and each name; 0 of one that no training point has."""
    chance = np.zeros((len(features), names + 1))
    chance[:, model.classes_.astype(np.int64)] = model.predict_proba(features)
    return chance


def _loss(model: Any, held: Sample, names: int) -> float:
    """The mean log loss of all points that the sample stands for."""
    given = _probabilities(model, held.features, names)[np.arange(len(held.label)), held.label]
    return float(-np.average(np.log(np.maximum(given, SMALLEST)), weights=held.weight))


def build(config: Config) -> PixelForest:
    return PixelForest(config)
