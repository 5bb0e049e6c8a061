"""What the rows of a batch are held against, and the random numbers of each.

Codes and words are held against ones that say nothing; numbers against those of other rows, cell for cell and step for step from
the first, and what is not there in one of those is the training mean, 0. Where there are no other rows (a bundle holds no
patient), numbers of series are drawn one by one from a normal curve of mean 0 and spread 1, which is how training's are spread;
all other numbers are 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sequela import batch, seed
from sequela import model as models
from sequela.contracts import Evidence
from sequela.explain.attribution.cells import Cells, Key, opened
from sequela.explain.question import Question
from sequela.types import Array, Spec


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows, the other rows they are held against, and what is drawn for each."""

    cells: Cells
    background: Cells | None
    random: tuple[np.random.Generator, ...]  # of each row

    def shares(self, count: int) -> Tensor:
        """Float64 "count B" between 0 and 1: of each row one in each of `count` equal stretches, in random order."""
        drawn = [random.permutation(np.arange(count) + random.random(count)) / count for random in self.random]
        return torch.as_tensor(np.stack(drawn, 1), device=self.cells.column.device)

    def others(self, count: int) -> list[tuple[Tensor, ...]]:
        """`count` times what the rows are held against, like their tensors; no other row comes twice before all have come."""
        if self.background is None:
            return [self._drawn() for _ in range(count)]
        rows = len(self.background.column)
        which = [np.concatenate([random.permutation(rows) for _ in range(-(-count // rows))])[:count] for random in self.random]
        return [laid(self.background, one, self.cells) for one in np.stack(which, 1)]

    def _drawn(self) -> tuple[Tensor, ...]:
        return tuple(
            self._scattered(given, there) if _scattering(key, self.cells.specs[key.name]) else rest
            for key, given, there, rest in zip(
                self.cells.keys, self.cells.tensors, self.cells.there, self.cells.rest, strict=True
            )
        )

    def _scattered(self, given: Tensor, there: Tensor) -> Tensor:
        """Of each row as many numbers as it has steps, so that more padding draws no more."""
        drawn = np.zeros(given.shape, np.float32)
        for row, (random, count) in enumerate(zip(self.random, there.flatten(2).any(2).sum(1).tolist(), strict=True)):
            drawn[row, :count] = random.standard_normal((count, *given.shape[2:]), np.float32)
        return torch.where(there, torch.as_tensor(drawn, device=given.device), given)


def compared(cells: Cells, background: Cells | None, rows: Array, seed_: int) -> Compared:
    """The cells with what is drawn for rows of these names."""
    return Compared(cells, background, tuple(seed.generator(seed_, "attribution", str(name)) for name in rows))


def laid(background: Cells, which: Array, like: Cells) -> tuple[Tensor, ...]:
    """Rows of the background, int64 "B", as the tensors of the explained ones; what is not there in these stays as it is."""
    row = torch.as_tensor(which, device=like.column.device)
    parts = zip(like.keys, background.tensors, background.there, like.tensors, like.there, like.rest, strict=True)
    return tuple(
        rest if like.specs[key.name].vocabulary and key.part == "values" else _put(other[row], seen[row], given, there)
        for key, other, seen, given, there, rest in parts
    )


def _put(other: Tensor, seen: Tensor, given: Tensor, there: Tensor) -> Tensor:
    """The other's numbers where both are there, 0 where this one alone is."""
    both = tuple(slice(0, min(sizes)) for sizes in zip(other.shape, given.shape, strict=True))
    laid = torch.zeros_like(given)
    laid[both] = other[both].masked_fill(~seen[both], 0.0)
    return torch.where(there, laid, given)


def _scattering(key: Key, spec: Spec) -> bool:
    """Whether these are numbers of a series, which training's spread tells."""
    return key.part == "values" and not spec.vocabulary and not spec.single and len(spec.shape) <= 1


def background_cells(question: Question, background: Evidence, device: torch.device) -> Cells:
    """All rows of a background as tensors."""
    inputs = models.tensors(batch.collate(background.inputs, np.arange(len(background))), device).inputs
    return opened(question, inputs, background.specs, torch.zeros(len(background), dtype=torch.int64, device=device))
