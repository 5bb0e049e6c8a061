"""A sample of numbers that does not depend on how they were cut into chunks, and does not grow with them."""

from __future__ import annotations

import numpy as np

from sequela import seed as streams
from sequela.types import Array

_FACTOR = np.uint64(streams.number(0, "sample") | 1)  # odd, so that different owners stay different


class Sample:
    """At most `most` numbers: those of the owners that come first in an order by hash, each owner's in the order given.

    Whoever owns a number is in one chunk alone; so the sample is the same whether numbers come at once or chunk by chunk.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rank = np.zeros(0, np.uint64)
        self._values = np.zeros(0, np.float32)

    def add(self, owner: Array, values: Array) -> None:
        """Adds numbers, each of an owner int64."""
        rank = owner.astype(np.uint64) * _FACTOR
        rank = (rank ^ (rank >> np.uint64(31))) * _FACTOR
        if len(self._rank) == self._most:
            ahead = rank < self._rank[-1]
            rank, values = rank[ahead], values[ahead]
        rank, values = np.append(self._rank, rank), np.append(self._values, values).astype(np.float32)
        first = np.argsort(rank, kind="stable")[: self._most]
        self._rank, self._values = rank[first], values[first]

    @property
    def values(self) -> Array:
        """float32, in no particular order."""
        return self._values
