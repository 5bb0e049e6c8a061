"""The training cases most alike to a row, by what the network makes of both before it answers (case-based explanation, as by the
nearest neighbours of Papernot and McDaniel 2018, arXiv 1803.04765).

Alike to the network is not alike to a clinician: what it does not look at has no part in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sequela import seed as streams
from sequela.errors import UsageError
from sequela.model import Model
from sequela.model.doubt import vectors
from sequela.types import Array, Ragged

PAIRS = 20_000  # of training rows, that tell how far apart two usually are


@dataclass(frozen=True, slots=True)
class Alike:
    """Of N rows the k training rows nearest to each, the nearest first."""

    place: Array  # int64 "N k": among the training rows; -1 where there are fewer of other patients
    distance: Array  # float64 "N k": in standard deviations of training, root mean square over the vector
    alike: Array  # float64 "N k": share of pairs of training patients that are further apart


@dataclass(frozen=True, slots=True)
class Encoding:
    """Vectors of rows with their patients."""

    vector: Array  # float64 "N D"
    subject: Array  # int64 "N"


def encoded(members: Sequence[Model], inputs: Mapping[str, Ragged], subject: Array) -> Encoding:
    """What the networks make of each row, side by side. Raises UsageError where a head sees more than one vector of a row."""
    found = [vectors(member, inputs) for member in members]
    pooled = [one.pooled for one in found if one is not None]
    if len(pooled) < len(found):
        raise UsageError(
            "the network makes no one vector of a row by which it could be compared", hint="ask an encoder that pools"
        )
    return Encoding(np.concatenate(pooled, 1), subject)


def nearest(rows: Encoding, train: Encoding, count: int = 3, seed: int = 0) -> Alike:
    """Those of other patients. The seed draws the pairs that distances are held against."""
    spread = train.vector.std(0)
    used = spread > 0
    own, theirs = (one.vector[:, used] / spread[used] / np.sqrt(max(used.sum(), 1)) for one in (rows, train))
    usual = _usual(theirs, train.subject, seed)
    place = np.full((len(own), count), -1)
    distance = np.full(place.shape, np.nan)
    for row, vector in enumerate(own):
        apart = np.where(train.subject == rows.subject[row], np.inf, np.linalg.norm(theirs - vector, axis=1))
        order = np.argsort(apart, kind="stable")[:count]
        order = order[np.isfinite(apart[order])]
        place[row, : len(order)], distance[row, : len(order)] = order, apart[order]
    further = 1 - np.searchsorted(usual, distance) / max(len(usual), 1)
    return Alike(place, distance, np.where(place < 0, np.nan, further))


def _usual(vector: Array, subject: Array, seed: int) -> Array:
    """How far apart two training rows of different patients are, rising."""
    one, other = streams.generator(seed, "prototypes").integers(0, len(vector), (2, PAIRS))
    apart = subject[one] != subject[other]
    return np.sort(np.linalg.norm(vector[one[apart]] - vector[other[apart]], axis=1))
