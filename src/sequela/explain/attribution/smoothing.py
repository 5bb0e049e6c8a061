"""Evidence of neighbours taken together.

What a gradient tells of one cell of a long series is mostly noise: the network answers to what goes on over several steps, and
credits each of them by chance. Signed parts of the same feature, added up over neighbouring steps, keep what they agree on, and
lose what they do not. So each cell hands its part on to the cells of its feature around it that were seen, by a normal curve over
the number of steps between: the parts of a feature, and of a row, sum to what they did, at the ends of a row too.

Of windows the neighbours are samples of a lead, of pictures points of a channel, and the curve is as wide as so many hundredths
of the longest side. Numbers of a table and codes have no neighbours.

What it costs: a cause that lasts for one step alone is blurred over its neighbours, and within some `spread` steps it cannot be
told which of them it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sequela.explain.attribution.cells import Cells, Key
from sequela.types import Spec


def smoothed(cells: Cells, parts: Sequence[Tensor], spread: float) -> list[Tensor]:
    """The parts of numbers shared with their neighbours, those of all else as they are."""
    each = zip(cells.keys, parts, cells.there, strict=True)
    return [_along(part, there, spread, _axes(key, cells.specs[key.name])) for key, part, there in each]


def has_neighbours(spec: Spec) -> bool:
    """Whether the cells of an input have any."""
    return not spec.vocabulary and (not spec.single or len(spec.shape) > 1)


def _axes(key: Key, spec: Spec) -> tuple[int, ...]:
    """Along which axes of "B T *F" cells have neighbours."""
    if key.part == "context" or not has_neighbours(spec):
        return ()
    if key.part == "side":
        return () if spec.single else (1,)
    return tuple(range(3, 2 + len(spec.shape))) if len(spec.shape) > 1 else (1,)


def _along(part: Tensor, there: Tensor, spread: float, axes: tuple[int, ...]) -> Tensor:
    longest = max((part.shape[axis] for axis in axes), default=0)
    for axis in axes:
        part = _shared(part, there, spread if axis == 1 else spread * longest / 100, axis)
    return part


def _shared(part: Tensor, there: Tensor, spread: float, axis: int) -> Tensor:
    """What each cell has once every cell has handed its own on to those around it, along an axis, that are there."""
    if spread <= 0:
        return part
    own, seen = part.movedim(axis, -1), there.movedim(axis, -1).to(part.dtype)
    near = _curve(own.shape[-1], spread, part)
    handed = own / (seen @ near).where(seen > 0, 1.0)  # by what all cells around one would take of it
    return ((handed @ near) * seen).movedim(-1, axis)


def _curve(size: int, spread: float, like: Tensor) -> Tensor:
    """How near two places along an axis are, before it is shared out: "T T", the same both ways."""
    place = torch.arange(size, dtype=like.dtype, device=like.device)
    return torch.exp(-((place[:, None] - place[None, :]) / spread).square() / 2)
