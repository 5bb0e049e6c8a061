"""Occlusion over samples: how far an answer falls when a stretch of a window is drawn straight (occlusion.py, of signals).

The stretch becomes the line between its edges, in all channels at once, so that no jump is put where there was none. What several
stretches tell alike does not show, nor does what the numbers beside a window tell of it: they stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sequela.types import Array, Seq

COVERS = 16  # stretches along a window, with overlap half as far apart

Told = Callable[[Seq], Array]  # the one number of an answer that is explained, of each row: float64 "B"


def fall(told: Told, seq: Seq, covers: int = COVERS) -> Array:
    """Of each sample of each window how far what is told falls, "B T L": the mean over the stretches that hold it.

    Below 0 the sample speaks against the answer. Padding is 0.
    """
    steps, samples = seq.values.shape[1], seq.values.shape[-1]
    found, times = np.zeros((*seq.mask.shape, samples)), np.zeros(samples)
    with torch.inference_mode():
        whole = told(seq)
        for part in parts(samples, covers):
            times[part] += 1
            for step in range(steps):
                found[:, step, part] += (whole - told(_straightened(seq, step, part)))[:, None]
    return np.where(seq.mask.cpu().numpy()[..., None], found / times, 0.0)


def straight(values: Tensor, part: slice) -> Tensor:
    """Windows "… L" with the line between the edges of a part in its place; at an end of the window, the one edge there is.

    >>> straight(torch.tensor([0.0, 9.0, 9.0, 3.0]), slice(1, 3))
    tensor([0., 1., 2., 3.])
    """
    before, after = part.start - 1, part.stop
    if before < 0 and after >= values.shape[-1]:
        return torch.zeros_like(values)
    left = values[..., before if before >= 0 else after, None]
    right = values[..., after if after < values.shape[-1] else before, None]
    count = part.stop - part.start
    share = torch.arange(1, count + 1, dtype=values.dtype, device=values.device) / (count + 1)
    found = values.clone()
    found[..., part] = left + (right - left) * share
    return found


def parts(samples: int, covers: int) -> Iterator[slice]:
    """Stretches of one length that overlap by half and together cover a window."""
    length = max(1, round(samples / covers))
    begins = list(range(0, samples - length + 1, max(1, length // 2)))
    yield from (slice(begin, begin + length) for begin in begins)
    if begins[-1] + length < samples:
        yield slice(samples - length, samples)


def _straightened(seq: Seq, step: int, part: slice) -> Seq:
    """The Seq with that part of one step drawn straight; what was not seen stays 0."""
    values = seq.values.clone()
    values[:, step] = straight(values[:, step], part)
    return replace(seq, values=values if seq.seen is None else values * seq.seen)
