"""What was seen last, and how long ago."""

from __future__ import annotations

import torch
from torch import Tensor


def carried(values: Tensor, seen: Tensor, before: Tensor) -> Tensor:
    """The value seen last at or before each step, time first: "T B F"; `before` "F" where none was seen yet."""
    latest, steps = before, []
    for value, here in zip(values, seen, strict=True):
        latest = torch.where(here, value, latest)
        steps.append(latest)
    return torch.stack(steps)


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


def since_step(position: Tensor) -> Tensor:
    """Time since the step before, 0 at the first, "B T" in the unit of `position`."""
    return torch.cat([torch.zeros_like(position[:, :1]), position.diff(dim=1)], 1)
