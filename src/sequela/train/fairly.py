"""How much a training row counts, so that group and class are independent, or each group's losses weigh alike.

Weights are "N", float32, of mean 1 over the rows whose label is known, and 0 elsewhere. `target` is that of a yes-or-no question
or of classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from sequela.types import Array, Target


def independent(group: Array, target: Target) -> Array:
    """P(g) P(c) / P(g, c): as if group and class were independent in training (Kamiran and Calders 2012, reweighing).

    >>> event = np.array([[1.0], [0.0], [0.0], [1.0]])
    >>> independent(np.array(["a", "a", "a", "b"]), Target(event, np.full((4, 1), True), ("event",))).tolist()
    [1.5, 0.75, 0.75, 0.5]
    """
    known, place = _places(group, target)
    label = target.values[known, 0].astype(np.int64)
    both = place * (label.max(initial=0) + 1) + label
    groups, labels, joint = (np.bincount(one)[one] for one in (place, label, both))
    return _whole(len(group), known, groups * labels / (len(label) * joint))


def alike(group: Array, target: Target) -> Array:
    """The loss becomes the mean over groups of each group's mean loss, whatever their sizes.

    >>> event = np.array([[1.0], [0.0], [0.0], [1.0]])
    >>> alike(np.array(["a", "a", "b", "b"]), Target(event, np.full((4, 1), True), ("event",))).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    known, place = _places(group, target)
    counts = np.bincount(place)
    return _whole(len(group), known, len(place) / (len(counts) * counts[place]))


WAYS: Mapping[str, Callable[[Array, Target], Array]] = {"reweighting": independent, "loss": alike}  # by fairness.mitigate


def _places(group: Array, target: Target) -> tuple[Array, Array]:
    """The rows whose label is known, and the number of the group of each."""
    known = np.flatnonzero(target.known[:, 0])
    return known, np.unique(group[known], return_inverse=True)[1]


def _whole(rows: int, known: Array, weight: Array) -> Array:
    whole = np.zeros(rows, np.float32)
    whole[known] = weight
    return whole
