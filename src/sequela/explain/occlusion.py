"""Occlusion (Zeiler and Fergus 2014): how far the answer falls when a part of the picture is covered by the mean of training.

Of any network. What a cover of that size leaves visible, or what several parts tell alike, does not show.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sequela.explain.question import Asked, told
from sequela.types import Array, Seq

COVERS = 8  # along the longest side, with overlap half as far apart


def heat(asked: Asked, column: Tensor | None = None, covers: int = COVERS) -> Array:
    """Of each picture of each row how far what decides falls, "B T *S": the mean over the covers of a point, in log-odds.

    Below 0 the part speaks against the answer. Padding is 0.
    """
    seq, space = asked.seq, tuple(asked.seq.values.shape[3:])
    column = asked.column() if column is None else column
    fall, times = np.zeros((*seq.mask.shape, *space)), np.zeros(space)
    with torch.inference_mode():
        whole = told(asked.said(seq), column)
        for step in range(seq.mask.shape[1]):
            for part in parts(space, covers):
                fallen = whole - told(asked.said(_covered(seq, step, part)), column)
                where: tuple[Any, ...] = (slice(None), step, *part)
                fall[where] += fallen.double().cpu().numpy().reshape(-1, *[1] * len(space))
                times[part] += step == 0
    return np.where(seq.mask.cpu().numpy()[(..., *[None] * len(space))], fall / np.maximum(times, 1), 0.0)


def _covered(seq: Seq, step: int, part: tuple[slice, ...]) -> Seq:
    """The Seq with a part of one step 0, the mean of training."""
    visible = np.ones(seq.values.shape[3:], np.float32)
    visible[part] = 0
    values = seq.values.clone()
    values[:, step] *= torch.as_tensor(visible, device=values.device)
    return replace(seq, values=values)


def parts(space: Sequence[int], covers: int) -> Iterator[tuple[slice, ...]]:
    """Squares that overlap by half and together cover the picture."""
    side = max(1, round(max(space) / covers))
    yield from product(*(_along(points, side) for points in space))


def _along(points: int, side: int) -> list[slice]:
    begins = range(0, max(points - side, 0) + 1, max(1, side // 2))
    found = [slice(begin, begin + side) for begin in begins]
    return found if found[-1].stop >= points else [*found, slice(points - side, points)]
