"""Trees that split where the times of events differ most: those of a random survival forest, grown a level at a time.

A split is judged by the log-rank statistic. Its numerator, over a node, is the sum over one side of each row's score: its event
less the node's cumulative hazard while it was at risk. So the sums of scores over the bins of a column judge all its splits at
once; their variance is that of a sum drawn at random (Hothorn and Lausen 2003). With several causes the squared statistics of all
add up, so that one that rises and one that falls do not cancel as in a weighed sum (Ishwaran 2014, composite rule). A value
that is absent goes to the side that makes more of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela.baselines import _incidence, _intervals
from sequela.baselines._intervals import Spells
from sequela.baselines._trees import Trees
from sequela.types import Array

BINS = 48  # of a column
LEAST = 1e-9  # a split that tells less than this tells nothing


@dataclass(frozen=True, slots=True)
class Binned:
    """Columns in at most BINS bins of like size each."""

    codes: Array  # uint8 "N P": BINS where a value is absent
    edges: Array  # float64 "P BINS-1": the highest value of each bin but the last; inf beyond

    @property
    def columns(self) -> int:
        return int(self.codes.shape[1])


def binned(values: Array) -> Binned:
    """Of columns "N P", NaN where absent."""
    edges = np.full((values.shape[1], BINS - 1), np.inf)
    codes = np.full(values.shape, BINS, np.uint8)
    for j, column in enumerate(values.T):
        seen = ~np.isnan(column)
        if not seen.any():
            continue
        found = np.unique(np.quantile(column[seen], np.arange(1, BINS) / BINS, method="inverted_cdf"))
        found = found[found < column[seen].max()]
        edges[j, : len(found)] = found
        codes[seen, j] = np.searchsorted(found, column[seen])
    return Binned(codes, edges)


@dataclass(frozen=True, slots=True)
class Growing:
    """What the trees of a forest have in common."""

    rows: Binned
    spells: Spells
    causes: int
    ticks: int  # intervals of time
    leaf: int  # rows that a leaf must have
    tries: int  # columns looked at in each node


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees whose leaves are numbered, and what was seen in each leaf."""

    trees: Trees  # the value of a leaf is its number
    incidence: Array  # float32 "L K G"

    def __call__(self, values: Array) -> Array:
        """The mean over the trees of the incidence in the leaves that rows "N P" reach, float64 "N K G"."""
        leaves = self.trees.leaves(values).astype(np.int64)
        total = np.zeros((len(values), *self.incidence.shape[1:]))
        for reached in leaves.T:
            total += self.incidence[reached]
        return np.asarray(total / leaves.shape[1])


@dataclass(frozen=True, slots=True)
class _Split:
    """The best split of each of M nodes."""

    gain: Array  # float64 "M": not above LEAST where none is worth it
    column: Array
    bin: Array  # up to this one goes left
    missing_left: Array


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Of one tree, its root first; children of a leaf are itself."""

    feature: Array
    threshold: Array
    missing_left: Array
    left: Array
    right: Array
    value: Array
    depth: int


def grow(growing: Growing, count: int, most: int, random: np.random.Generator) -> Forest:
    """So many trees, each of as many rows as there are (at most so many), drawn with replacement."""
    rows = len(growing.rows.codes)
    nodes: list[_Nodes] = []
    incidence: list[Array] = []
    for _ in range(count):
        drawn = np.sort(random.integers(0, rows, min(rows, most)))
        tree, leaf = _tree(growing, drawn, random)
        first = sum(len(one) for one in incidence)
        nodes.append(_numbered(tree, first))
        incidence.append(_seen(growing, drawn, leaf))
    return Forest(_joined(nodes), np.concatenate(incidence))


def _seen(growing: Growing, drawn: Array, leaf: Array) -> Array:
    """The incidence in each leaf, by Aalen and Johansen, float32 "L K G"."""
    hazard = _intervals.hazards(growing.spells.take(drawn), leaf, int(leaf.max()) + 1, growing.causes, growing.ticks)
    return _incidence.of_hazards(hazard).astype(np.float32)


def _tree(growing: Growing, drawn: Array, random: np.random.Generator) -> tuple[_Nodes, Array]:
    """One tree of these rows, and the leaf that each of them reached."""
    leaf = np.zeros(len(drawn), np.int64)
    open_, node = np.arange(len(drawn)), np.zeros(len(drawn), np.int64)  # rows not in a leaf yet, and their node of this level
    levels: list[tuple[_Split, Array]] = []
    leaves = 0
    while True:
        splits = _splits(growing, drawn[open_], node, random)
        kept = splits.gain > LEAST
        number = np.where(kept, -1, leaves + np.cumsum(~kept) - 1)
        levels.append((splits, number))
        leaves += int((~kept).sum())
        ended = ~kept[node]
        leaf[open_[ended]] = number[node[ended]]
        open_, node = open_[~ended], node[~ended]
        if not len(open_):
            return _laid(growing, levels), leaf
        right = ~_goes_left(growing, drawn[open_], node, splits)
        node = 2 * (np.cumsum(kept) - 1)[node] + right


def _goes_left(growing: Growing, rows: Array, node: Array, splits: _Split) -> Array:
    code = growing.rows.codes[rows, splits.column[node]]
    return np.where(code == BINS, splits.missing_left[node], code <= splits.bin[node])


def _splits(growing: Growing, rows: Array, node: Array, random: np.random.Generator) -> _Split:
    """The best split of each node among the columns that it tries."""
    count = int(node.max()) + 1
    columns = random.random((count, growing.rows.columns)).argsort(axis=1)[:, : growing.tries]
    codes = growing.rows.codes[rows[:, None], columns[node]]
    place = ((node[:, None] * growing.tries + np.arange(growing.tries)) * (BINS + 1) + codes).ravel()
    shape = (count, growing.tries, BINS + 1)

    def over_bins(values: Array) -> Array:
        return np.bincount(place, np.repeat(values, growing.tries), count * growing.tries * (BINS + 1)).reshape(shape)

    scores = _scores(growing, rows, node, count)
    total = np.bincount(node, minlength=count)
    left = _sides(over_bins(np.ones(len(rows))))
    right = total[:, None, None] - left
    gain = np.zeros(left.shape)
    for score in scores:
        each = np.bincount(node, score**2, count) / (total * np.maximum(total - 1, 1))
        spread = each[:, None, None] * left * right
        gain += np.divide(_sides(over_bins(score)) ** 2, spread, out=np.zeros_like(gain), where=spread > 0)
    gain[(left < growing.leaf) | (right < growing.leaf)] = 0.0
    return _best(gain, columns, left > right)


def _sides(bins: Array) -> Array:
    """Sums of what goes left at each bin, without what is absent and with it: "M tries BINS" to "2 M tries BINS-1"."""
    seen = np.cumsum(bins[..., : BINS - 1], axis=-1)
    return np.stack([seen, seen + bins[..., BINS:]])


def _scores(growing: Growing, rows: Array, node: Array, count: int) -> list[Array]:
    """Of each cause, each row's event less its node's cumulative hazard while it was at risk, "n"."""
    held = growing.spells.take(rows)
    hazard = _intervals.hazards(held, node, count, growing.causes, growing.ticks)
    grown = np.concatenate([np.zeros((*hazard.shape[:2], 1)), np.cumsum(hazard, axis=2)], 2)
    return [(held.cause == k + 1) - (grown[node, k, held.end] - grown[node, k, held.begin]) for k in range(growing.causes)]


def _best(gain: Array, columns: Array, larger: Array) -> _Split:
    """The first of the greatest; where nothing is absent, both sides of it tell the same, and it goes to the larger child."""
    count, tries, bins = gain.shape[1:]
    flat = gain.transpose(1, 0, 2, 3).reshape(count, -1)
    place = flat.argmax(1)
    side, rest = np.divmod(place, tries * bins)
    column, at = np.divmod(rest, bins)
    node = np.arange(count)
    same = gain[0, node, column, at] == gain[1, node, column, at]
    missing_left = np.where(same, larger[0, node, column, at], side == 1)
    return _Split(flat[node, place], columns[node, column], at, missing_left)


# --------------------------------------------------------------------------------------------------------------------- as arrays


def _laid(growing: Growing, levels: Sequence[tuple[_Split, Array]]) -> _Nodes:
    """The nodes of all levels end to end."""
    sizes = [len(number) for _, number in levels]
    own = np.arange(sum(sizes))
    leaf = np.concatenate([number for _, number in levels])
    named = ("column", "bin", "missing_left")
    feature, at, missing = (np.concatenate([getattr(one, name) for one, _ in levels]) for name in named)
    inner = leaf < 0
    left = own.copy()
    left[inner] = 1 + 2 * np.arange(int(inner.sum()))  # children stand by pairs, in the order of their parents
    threshold = np.where(inner, growing.rows.edges[feature, at], 0.0)
    return _Nodes(feature, threshold, missing, left, left + inner, np.maximum(leaf, 0).astype(float), len(sizes) - 1)


def _numbered(tree: _Nodes, first: int) -> _Nodes:
    """The same tree, its leaves numbered from `first` on."""
    return _Nodes(tree.feature, tree.threshold, tree.missing_left, tree.left, tree.right, tree.value + first, tree.depth)


def _joined(trees: Sequence[_Nodes]) -> Trees:
    sizes = np.array([len(tree.feature) for tree in trees])
    root = np.cumsum(sizes) - sizes
    feature, threshold, missing, value = (
        np.concatenate([getattr(tree, name) for tree in trees]) for name in ("feature", "threshold", "missing_left", "value")
    )
    left, right = (
        np.concatenate([getattr(tree, name) + first for tree, first in zip(trees, root, strict=True)]).astype(np.int32)
        for name in ("left", "right")
    )
    depth = max(tree.depth for tree in trees)
    column = np.zeros(len(trees), np.int64)
    return Trees(feature.astype(np.int32), threshold, missing, left, right, value, root, column, depth, np.zeros(1))
