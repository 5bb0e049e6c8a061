"""One vector a row from its steps: last, mean, max, attention, or several of them side by side."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sequela.errors import ConfigError
from sequela.nn import mask as masks
from sequela.nn.attention import Attention
from sequela.registry import nearest

NAMES = ("last", "mean", "max", "attention")


def named(pool: str | list[str]) -> tuple[str, ...]:
    """The parts of a pooling, written "last+mean" or ["last", "mean"].

    Raises ConfigError for an unknown or repeated name, or none.
    """
    parts = tuple(pool.split("+") if isinstance(pool, str) else pool)
    for part in parts:
        if part not in NAMES:
            raise ConfigError(f"there is no pooling {part!r}", hint=nearest(part, NAMES))
    if not parts or len(set(parts)) < len(parts):
        raise ConfigError(f"pool is {pool!r}; expected each of {', '.join(NAMES)} at most once, and at least one")
    return parts


class Pool(nn.Module):
    """A vector "B width" of steps "B T D" and their mask; zeros for a row without steps.

    Where the second half of D was read backwards, its last state is that at the first step.
    """

    def __init__(self, pool: str | list[str], steps: int, backward: bool = False) -> None:
        super().__init__()
        self.parts = named(pool)
        self.backward = backward
        self.attention = Attention(steps) if "attention" in self.parts else None
        self.width = steps * len(self.parts)

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        return torch.cat([self._part(part, steps, mask) for part in self.parts], 1)

    def _part(self, part: str, steps: Tensor, mask: Tensor) -> Tensor:
        if part == "mean":
            return masks.mean(steps, mask)
        if part == "max":
            return masks.largest(steps, mask)
        if part == "last":
            return self._last(steps, mask)
        assert self.attention is not None
        return self.attention(steps, mask)  # type: ignore[no-any-return]

    def _last(self, steps: Tensor, mask: Tensor) -> Tensor:
        if not self.backward:
            return masks.last(steps, mask)
        ahead, back = steps.chunk(2, 2)
        return torch.cat([masks.last(ahead, mask), masks.existing(back[:, 0], mask[:, 0])], 1)
