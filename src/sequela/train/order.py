"""Which rows make each step of each epoch: a function of lengths, labels, seed and epoch alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela import batch, seed
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Order:
    """The steps of every epoch, rows of like length together."""

    lengths: Array  # int64 "N"
    size: int  # rows in a batch
    seed: int
    share: Array | None = None  # float64 "N", sums to 1: how likely a row is drawn; None: each row alike
    times: int = 1  # that a row comes in an epoch: the patches of a picture

    @property
    def steps(self) -> int:
        """Steps in an epoch: the last batch may be smaller, none is dropped."""
        return -(-len(self.lengths) * self.times // self.size)

    def epoch(self, epoch: int) -> list[Array]:
        """Row numbers of each step, in order."""
        return batch.shuffled(self.lengths, self.size, self.seed, epoch, self._draw(epoch))

    def _draw(self, epoch: int) -> Array | None:
        count = len(self.lengths)
        if self.share is None:
            return None if self.times == 1 else np.repeat(np.arange(count), self.times)
        random = seed.generator(self.seed, "draw", epoch)
        return random.choice(count, size=count * self.times, p=self.share)
