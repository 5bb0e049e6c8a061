"""Clusters of sequences: the longest first, each joins the most alike cluster or begins one (greedy, as CD-HIT: Li 2006)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sequela.residues.identity import batches, most_alike
from sequela.residues.words import Words, words
from sequela.types import Array

_BLOCK = 512


def exact(sequences: Sequence[str]) -> Array:
    """The number of each sequence, int64 "N": equal ones have the same; by first place.

    >>> exact(["MK", "AC", "MK"]).tolist()
    [0, 1, 0]
    """
    _, first, place = np.unique(np.array(sequences, object), return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[place])


def clusters(sequences: Sequence[str], identity: float) -> Array:
    """The number of each tidy sequence's cluster, int64 "N", 0 for the largest, ties by first place.

    A sequence is in the cluster of the most alike sequence that began one, where they are alike by `identity` or more; of those
    of about its length also where it is as alike to any member. Two clusters may hold members more alike than that: greedy
    clustering promises nothing of members, and `split.apart` takes such rows out of training.
    """
    same = exact(sequences)
    texts = [sequences[row] for row in np.unique(same, return_index=True)[1]]
    order = np.argsort([-len(one) for one in texts], kind="stable")
    found = np.empty(len(texts), np.int64)
    found[order] = _greedy(words([texts[row] for row in order]), identity)
    return by_size(found[same])


def by_size(cluster: Array) -> Array:
    """Clusters numbered anew, int64 "N": 0 the largest, ties by first place."""
    _, first, place, count = np.unique(cluster, return_index=True, return_inverse=True, return_counts=True)
    number = np.empty(len(first), np.int64)
    number[np.lexsort((first, -count))] = np.arange(len(first))
    return number[place]


def _greedy(held: Words, identity: float) -> Array:
    """The cluster of each sequence, in order of falling length."""
    cluster, begun = np.full(len(held.length), -1, np.int64), np.zeros(0, np.int64)
    for block in batches(len(held.length), _BLOCK):
        near = most_alike(held, block, begun)
        joins = near.identity >= identity
        cluster[block[joins]] = cluster[near.other[joins]]
        left = block[~joins]
        within = most_alike(held, left, left, before=True)
        for row, other, share in zip(left, within.other, within.identity, strict=True):
            cluster[row] = cluster[other] if share >= identity else row
        begun = np.concatenate([begun, left[cluster[left] == left]])
    return cluster
