"""Which rows make each step of each epoch: a function of lengths, labels, seed and epoch alone."""

from __future__ import annotations

from dataclasses import dataclass

from sequela import batch, seed
from sequela.types import Array


@dataclass(frozen=True, slots=True)
class Order:
    """The steps of every epoch, rows of like length together."""

    lengths: Array  # int64 "N"
    size: int  # rows in a batch
    seed: int
    share: Array | None = None  # float64 "N", sums to 1: how likely a row is drawn; None: each row once an epoch

    @property
    def steps(self) -> int:
        """Steps in an epoch: the last batch may be smaller, none is dropped."""
        return -(-len(self.lengths) // self.size)

    def epoch(self, epoch: int) -> list[Array]:
        """Row numbers of each step, in order."""
        return batch.shuffled(self.lengths, self.size, self.seed, epoch, self._draw(epoch))

    def _draw(self, epoch: int) -> Array | None:
        if self.share is None:
            return None
        random = seed.generator(self.seed, "draw", epoch)
        return random.choice(len(self.lengths), size=len(self.lengths), p=self.share)
