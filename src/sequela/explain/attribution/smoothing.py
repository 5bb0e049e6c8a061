"""Evidence of neighbouring steps taken together.

What a gradient tells of one cell of a long series is mostly noise: the network answers to what goes on over several steps, and
credits each of them by chance. Signed parts of the same feature, added up over neighbouring steps, keep what they agree on, and
lose what they do not. So each cell hands its part on to the cells of its feature around it that were seen, by a normal curve over
the number of steps between: the parts of a feature, and of a row, sum to what they did, at the ends of a row too.

What it costs: a cause that lasts for one step alone is blurred over its neighbours, and within some `spread` steps it cannot be
told which of them it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sequela.explain.attribution.cells import Cells


def smoothed(cells: Cells, parts: Sequence[Tensor], spread: float) -> list[Tensor]:
    """The parts with those of numbers, and of what stands beside them, shared along the steps; others as they are."""
    return [
        _shared(part, there, spread) if _along(cells, number) and spread > 0 else part
        for number, (part, there) in enumerate(zip(parts, cells.there, strict=True))
    ]


def _along(cells: Cells, number: int) -> bool:
    """Whether these are numbers of steps in a row."""
    key = cells.keys[number]
    spec = cells.specs[key.name]
    return key.part != "context" and not spec.vocabulary and not spec.single


def _shared(part: Tensor, there: Tensor, spread: float) -> Tensor:
    """What each cell of "B T *F" has once every cell has handed its own on to those around that are there."""
    near = _curve(part.shape[1], spread, part)
    seen, own = there.flatten(2).to(part.dtype), part.flatten(2)
    reached = torch.einsum("st,btf->bsf", near, seen)  # by what all cells around one would take of it
    handed = own / reached.where(seen > 0, 1.0)
    return (torch.einsum("ts,bsf->btf", near, handed) * seen).view(part.shape)


def _curve(steps: int, spread: float, like: Tensor) -> Tensor:
    """How much step t takes of step s, "T T", before it is shared out."""
    step = torch.arange(steps, dtype=like.dtype, device=like.device)
    return torch.exp(-((step[:, None] - step[None, :]) / spread).square() / 2)
