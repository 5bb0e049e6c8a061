"""Quantiles that never cross, and the loss that they are learnt by."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def spread_out(raw: Tensor) -> Tensor:
    """Rising quantiles "… Q" of raw numbers "… Q": the middle one as it is, the others by positive steps away from it.

    >>> spread_out(torch.tensor([0.0, 1.0, 0.0])).tolist()
    [0.3068528175354004, 1.0, 1.6931471824645996]
    """
    middle = raw.shape[-1] // 2
    steps = functional.softplus(raw)
    below = raw[..., middle : middle + 1] - steps[..., :middle].flip(-1).cumsum(-1).flip(-1)
    above = raw[..., middle : middle + 1] + steps[..., middle + 1 :].cumsum(-1)
    return torch.cat([below, raw[..., middle : middle + 1], above], -1)


def raw_of(quantiles: Tensor) -> Tensor:
    """The raw numbers "… Q" that `spread_out` makes these rising quantiles of; steps are taken as 0.01 at least."""
    middle = quantiles.shape[-1] // 2
    steps = quantiles.diff(dim=-1).clamp_min(0.01)
    inverse = steps.expm1().log()
    return torch.cat([inverse[..., :middle], quantiles[..., middle : middle + 1], inverse[..., middle:]], -1)


def pinball(quantiles: Tensor, levels: Sequence[float], truth: Tensor) -> Tensor:
    """The mean over the levels of the pinball loss, "…" of quantiles "… Q" (Koenker and Bassett 1978)."""
    level = torch.as_tensor(levels, dtype=quantiles.dtype, device=quantiles.device)
    short = truth.unsqueeze(-1) - quantiles
    return torch.maximum(level * short, (level - 1) * short).mean(-1)
