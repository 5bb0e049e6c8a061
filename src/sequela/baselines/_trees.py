"""Boosted trees as plain arrays, and their evaluation in NumPy: what a bundle can hold as data, without a pickle.

A row walks every tree at once, one level a step. It equals scikit-learn's HistGradientBoosting to the last bits of float64
(tests hold it within 1e-6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.types import Array

CHUNK = 1 << 22  # entries of the row × tree table worked on at once


@dataclass(frozen=True, slots=True)
class Trees:
    """Nodes of all trees, laid end to end; a leaf points to itself."""

    feature: Array  # int32 "M": the column a node looks at
    threshold: Array  # float64 "M": at most this goes left
    missing_left: Array  # bool "M": whether an absent value goes left
    left: Array  # int32 "M"
    right: Array  # int32 "M"
    value: Array  # float64 "M": what a leaf adds, 0 elsewhere
    root: Array  # int64 "trees"
    column: Array  # int64 "trees": which of the K raw answers a tree adds to
    depth: int
    start: Array  # float64 "K": the raw answer before any tree

    def raw(self, values: Array) -> Array:
        """Sum of the leaves reached, float64 "N K": log odds, class logits or the quantity."""
        leaves = self.leaves(values)
        sums = [leaves[:, self.column == k].sum(axis=1) for k in range(len(self.start))]
        return np.asarray(self.start + np.stack(sums, axis=1))

    def staged(self, values: Array, rounds: int) -> Iterator[Array]:
        """The raw answers "N K" after each of so many rounds, into which the trees are shared out evenly in their order."""
        raw = np.tile(self.start, (len(values), 1))
        for turn in np.split(np.arange(len(self.root)), rounds):
            raw[:, self.column[turn]] += self.leaves(values, turn)
            yield raw

    def leaves(self, values: Array, trees: Array | None = None) -> Array:
        """What each tree (or each of these) adds to each row, float64 "N trees"."""
        root = self.root if trees is None else self.root[trees]
        found = np.empty((len(values), len(root)))
        rows = max(CHUNK // max(len(root), 1), 1)
        for i in range(0, len(values), rows):
            found[i : i + rows] = self._reached(values[i : i + rows], root)
        return found

    def _reached(self, values: Array, root: Array) -> Array:
        row = np.arange(len(values))[:, None]
        node = np.broadcast_to(root, (len(values), len(root)))
        for _ in range(self.depth):
            seen = values[row, self.feature[node]]
            goes_left = np.where(np.isnan(seen), self.missing_left[node], seen <= self.threshold[node])
            node = np.where(goes_left, self.left[node], self.right[node])
        found: Array = self.value[node]
        return found


def of(models: Sequence[Any], rounds: int, classes: int) -> Trees:
    """The first rounds of fitted HistGradientBoosting models, their raw answers averaged.

    `classes` is K. A class that no training row had starts at minus infinity; where only two of several occurred there is one
    tree a round, for the second of them.
    """
    told = _columns(models[0], classes)
    trees = [(told[k], tree.nodes) for model in models for turn in model._predictors[:rounds] for k, tree in enumerate(turn)]
    sizes = np.array([len(nodes) for _, nodes in trees])
    root = np.cumsum(sizes) - sizes
    nodes, own, shift = np.concatenate([nodes for _, nodes in trees]), np.arange(sizes.sum()), np.repeat(root, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    return Trees(
        feature=nodes["feature_idx"].astype(np.int32),
        threshold=np.where(leaf, 0.0, nodes["num_threshold"]),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=np.where(leaf, own, nodes["left"] + shift).astype(np.int32),
        right=np.where(leaf, own, nodes["right"] + shift).astype(np.int32),
        value=np.where(leaf, nodes["value"], 0.0) / len(models),
        root=root.astype(np.int64),
        column=np.array([k for k, _ in trees], np.int64),
        depth=int(nodes["depth"].max()),
        start=_start(models, told, classes),
    )


def constant(start: Array) -> Trees:
    """No tree at all: the same raw answer "K" for every row."""
    node, number = np.zeros(1, np.int32), np.zeros(0, np.int64)
    return Trees(node, np.zeros(1), np.zeros(1, bool), node, node, np.zeros(1), number, number, 0, start)


def _columns(model: Any, classes: int) -> Array:
    """Which of K columns each of a model's own raw answers is."""
    if classes == 1:
        return np.zeros(1, np.int64)
    occurred = np.asarray(model.classes_, np.int64)
    return occurred[1:] if len(occurred) == 2 else occurred


def _start(models: Sequence[Any], told: Array, classes: int) -> Array:
    start = np.full(classes, 0.0 if classes == 1 else -np.inf)
    if classes > 1:
        start[np.asarray(models[0].classes_, np.int64)] = 0.0
    start[told] = np.mean([np.ravel(model._baseline_prediction) for model in models], axis=0)
    return start


def arrays(trees: Trees) -> dict[str, Array]:
    """The parts by name; `from_arrays` is the way back."""
    return {name: np.atleast_1d(getattr(trees, name)) for name in Trees.__slots__}


def from_arrays(given: Mapping[str, Array]) -> Trees:
    """The trees that `arrays` took apart."""
    parts = {name: np.asarray(given[name]) for name in Trees.__slots__ if name != "depth"}
    return Trees(**parts, depth=int(np.ravel(given["depth"])[0]))
