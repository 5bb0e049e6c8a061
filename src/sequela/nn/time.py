"""What was seen last, and how long ago: whole tensors, no loop over steps."""

from __future__ import annotations

import torch
from torch import Tensor


def carried(values: Tensor, seen: Tensor, before: Tensor) -> Tensor:
    """The value seen last at or before each step, "B T F"; `before` "F" where none was seen yet."""
    index = _latest(seen)
    return torch.where(index >= 0, values.gather(1, index.clamp(min=0)), before)


def since_seen(position: Tensor, seen: Tensor) -> Tensor:
    """Time since each entry was last seen before each step, or since the first step, "B T F" in the unit of `position` "B T".

    This is the interval of Che 2018 (equation 1): it does not look at whether the step itself is seen, and is 0 at the first.
    """
    earlier = torch.cat([torch.zeros_like(_latest(seen[:, :1])), _latest(seen)[:, :-1]], 1).clamp(min=0)
    when = position.unsqueeze(2).expand(seen.shape)
    return when - when.gather(1, earlier)


def _latest(seen: Tensor) -> Tensor:
    """Index of the latest seen step at or before each step, -1 where there is none."""
    time = torch.arange(seen.shape[1], device=seen.device).view(1, -1, 1)
    return torch.where(seen, time, time.new_tensor(-1)).cummax(1).values
