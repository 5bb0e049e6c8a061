"""Days after a prediction cut into intervals: where their edges lie, and where a time lies between them.

An interval (a, b] has its own end. A time inside one lies at a share of it, and within it a curve of incidence is straight. So
who is censored half-way through an interval is counted as half of it survived, and who comes under observation half-way
through adds the rest of it alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sequela.types import Array, Horizon, Times

LEAST = 5  # events between two edges, in the mean: so no edge is one patient's own time


class Lying(NamedTuple):
    """Where B times lie."""

    bin: Tensor  # int64 "B": the interval
    share: Tensor  # float "B": how much of it has gone by, in [0, 1]


def chosen(times: Times, horizons: tuple[Horizon, ...], count: int) -> Array:
    """Edges in days, float64 of at most `count`, rising: all horizons, and quantiles of the event times up to the last of them.

    The last edge is the last horizon. Of few events there are fewer: beside the horizons one for each LEAST. A quantile lies
    half-way between two event times.
    """
    days = np.array([horizon.days for horizon in horizons])
    event = np.sort(times.time[(times.cause > 0) & (times.time <= days[-1])])
    inner = max(min(count - len(days), len(event) // LEAST), 0)
    place = np.arange(1, inner + 1) * len(event) // (inner + 1)
    quantiles = (event[place - 1] + event[place]) / 2
    return np.unique(np.concatenate([quantiles, days]).astype(np.float32)).astype(np.float64)


def padded(edges: Array, count: int) -> Tensor:
    """Edges as a float tensor of fixed length: the last one again where there are fewer, which makes intervals of no width."""
    return torch.as_tensor(np.pad(edges, (0, count - len(edges)), mode="edge"), dtype=torch.float32)


def real(edges: Tensor) -> Tensor:
    """Which intervals have a width, bool "M"."""
    return edges.diff(prepend=edges.new_zeros(1)) > 0


def lying(time: Tensor, edges: Tensor) -> Lying:
    """Where these times "B", none of them beyond the last edge, lie between the edges "M"."""
    place = torch.searchsorted(edges, time.contiguous()).clamp_max(len(edges) - 1)
    start = torch.cat([edges.new_zeros(1), edges])[place]
    return Lying(place, ((time - start) / (edges[place] - start)).clamp(0, 1))
