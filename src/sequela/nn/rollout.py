"""A series that goes on by what is foreseen of it: its last values, and the step that follows them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from sequela.types import Encoded, Seq

Encode: TypeAlias = Callable[[Seq], Encoded]


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """The input that a forecast goes on: which features, and how a value is read from them."""

    lines: tuple[tuple[float, float], ...]  # of each feature: centre and spread of its values
    columns: tuple[int, ...]  # the feature of each column of the target
    codes: tuple[int, ...]  # the feature of each quantity that is foreseen
    hours: float = 0.0  # width of a step
    logarithm: bool = False  # the time beside a step is log(1 + hours)

    @property
    def steps(self) -> int:
        """Times ahead of each quantity."""
        return len(self.columns) // len(self.codes)

    def natural(self, values: Tensor, features: tuple[int, ...]) -> Tensor:
        """Values "B K *" of these features in their own unit."""
        centre, spread = self._lines(values, features)[:, :, None].unbind()
        return centre + spread * values

    def read(self, natural: Tensor) -> Tensor:
        """Values "B C" of the quantities foreseen, as the input has them."""
        centre, spread = self._lines(natural, self.codes).unbind()
        return (natural - centre) / spread

    def _lines(self, like: Tensor, features: tuple[int, ...]) -> Tensor:
        """Centres and spreads, "2 K"."""
        return like.new_tensor([self.lines[feature] for feature in features]).T


def last_seen(seq: Seq, features: tuple[int, ...], count: int = 1) -> tuple[Tensor, Tensor]:
    """The last `count` values "B K count" of these features of steps "B T F", newest first, and whether there is any "B K".

    They are of the last steps of each row; where a feature was not seen at a step the value before it stands for it, and where
    there is none before it, the first that there is.
    """
    values: Tensor = seq.values[:, :, list(features)]
    there = seq.mask[:, :, None] if seq.seen is None else seq.seen[:, :, list(features)] & seq.mask[:, :, None]
    there = there.expand_as(values)
    if not values.shape[1]:
        return values.new_zeros(len(values), len(features), count), there.new_zeros(len(values), len(features))
    number = torch.arange(values.shape[1], device=values.device)[:, None]
    first = number.where(there, len(number)).amin(1, keepdim=True).clamp_max(len(number) - 1)
    latest = number.where(there, -1).cummax(1).values.maximum(first)
    place = (seq.mask.sum(1, keepdim=True) - 1 - torch.arange(count, device=values.device)).clamp_min(0)
    held = latest.gather(1, place[:, :, None].expand(-1, -1, len(features)))
    return values.gather(1, held).transpose(1, 2), there.any(1)


def grown(seq: Seq, series: Series, values: Tensor, step: int) -> Seq:
    """The Seq with one more step after those of each row: these values "B F", seen, `step` steps after the prediction."""
    count = seq.mask.sum(1)
    place = torch.arange(len(values), device=values.device), count
    position = torch.full_like(count, step, dtype=torch.float64) * (series.hours / 24)
    return dataclasses.replace(
        seq,
        values=_put(seq.values, place, values),
        mask=_put(seq.mask, place, torch.ones_like(count, dtype=torch.bool)),
        position=_put(seq.position, place, position),
        seen=None if seq.seen is None else _put(seq.seen, place, torch.ones_like(values, dtype=torch.bool)),
        side=None if seq.side is None else _put(seq.side, place, _elapsed(seq, series, count)),
    )


def _put(tensor: Tensor, place: tuple[Tensor, Tensor], entry: Tensor) -> Tensor:
    """The tensor "B T *" with room for one more step, and the entry "B *" at its place."""
    room = functional.pad(tensor, (0, 0) * (tensor.dim() - 2) + (0, 1))
    return room.index_put(place, entry.to(room.dtype))


def _elapsed(seq: Seq, series: Series, count: Tensor) -> Tensor:
    """How long ago each feature was seen before the new step, as modalities/measurements.py has it; 0 in a row's first step."""
    if not seq.mask.shape[1]:
        nothing: Tensor = seq.side.new_zeros(len(count), seq.side.shape[2])
        return nothing
    rows, last = torch.arange(len(count), device=count.device), (count - 1).clamp_min(0)
    before = seq.side[rows, last]
    hours = before.expm1() if series.logarithm else before
    waited = hours if seq.seen is None else hours.masked_fill(seq.seen[rows, last], 0.0)
    elapsed: Tensor = (waited + series.hours).where((count > 0)[:, None], 0.0)
    return elapsed.log1p() if series.logarithm else elapsed
