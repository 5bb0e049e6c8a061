"""A random forest as plain arrays: trees, and what each of their leaves says. What a bundle can hold as data, without a pickle.

It equals scikit-learn's forests to the last bits of float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sequela.baselines import _trees
from sequela.baselines._trees import Trees
from sequela.types import Array

ROWS = 1024  # answered at once


@dataclass(frozen=True, slots=True)
class Leaves:
    """Trees whose leaves hold their own number, and what the leaf of that number says."""

    trees: Trees
    says: Array  # float64 "M K": frequencies of the classes, the probability of the event (K = 1), or the quantity

    def __call__(self, values: Array) -> Array:
        """The mean over the trees, float64 "N K", of rows float32 "N P"; without a tree what the one leaf says."""
        if not len(self.trees.root):
            return np.repeat(self.says, len(values), 0)
        parts = [self._mean(values[first : first + ROWS]) for first in range(0, len(values), ROWS)]
        return np.concatenate(parts) if parts else np.zeros((0, self.says.shape[1]))

    def _mean(self, values: Array) -> Array:
        found: Array = self.says[self.trees.leaves(values).astype(np.int64)].mean(1)
        return found


def constant(says: Array) -> Leaves:
    """The same answer "K" for every row."""
    return Leaves(_trees.constant(np.zeros(1)), says[None])


def of(model: Any, classes: int) -> Leaves:
    """A fitted forest of scikit-learn; `classes` is K. A class that no training row had has frequency 0."""
    grown = [tree.tree_ for tree in model.estimators_]
    nodes = np.concatenate([tree.__getstate__()["nodes"] for tree in grown])
    sizes = np.array([tree.node_count for tree in grown])
    root = np.cumsum(sizes) - sizes
    own, shift = np.arange(sizes.sum()), np.repeat(root, sizes)
    leaf = nodes["left_child"] < 0
    trees = Trees(
        feature=np.where(leaf, 0, nodes["feature"]).astype(np.int32),
        threshold=np.where(leaf, 0.0, nodes["threshold"]),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=np.where(leaf, own, nodes["left_child"] + shift).astype(np.int32),
        right=np.where(leaf, own, nodes["right_child"] + shift).astype(np.int32),
        value=np.where(leaf, own, 0).astype(np.float64),
        root=root.astype(np.int64),
        column=np.zeros(len(root), np.int64),
        depth=int(max(tree.max_depth for tree in grown)),
        start=np.zeros(1),
    )
    return Leaves(trees, _said(model, np.concatenate([tree.value[:, 0, :] for tree in grown]), classes))


def _said(model: Any, value: Array, classes: int) -> Array:
    """What each node says, "M K", of what scikit-learn holds of it: a column a class that occurred, or the quantity."""
    occurred = getattr(model, "classes_", None)
    if occurred is None:
        return value
    shares = value / value.sum(1, keepdims=True)
    if classes == 1:
        event: Array = shares[:, list(occurred).index(1.0), None]
        return event
    every = np.zeros((len(value), classes))
    every[:, occurred.astype(np.int64)] = shares
    return every


def arrays(leaves: Leaves) -> dict[str, Array]:
    """The parts by name; `from_arrays` is the way back."""
    return {f"trees.{name}": part for name, part in _trees.arrays(leaves.trees).items()} | {"says": leaves.says}


def from_arrays(given: Mapping[str, Array]) -> Leaves:
    """The forest that `arrays` took apart."""
    trees = {name.removeprefix("trees."): part for name, part in given.items() if name.startswith("trees.")}
    return Leaves(_trees.from_arrays(trees), np.asarray(given["says"]))
