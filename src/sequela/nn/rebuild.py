"""The numbers of a row's steps told again: from one vector of the row, or each step's from the steps before it.

Letters: B batch, T step, N numbers of a step laid flat (the values, then its side), D width, C channel, L sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from sequela.nn.mask import existing, reverse
from sequela.types import Encoded, Seq, Spec

WindowName: TypeAlias = Literal["linear", "convolution"]
HALVINGS = 3  # of a window, before it is unfolded again
KERNEL = 5  # samples


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which numbers of a step are told again, and how much each counts."""

    spec: Spec
    side: float  # weight of all numbers beside a step, that of all its values being 1; 0: they are not asked

    @property
    def values(self) -> int:
        return math.prod(self.spec.shape)

    @property
    def beside(self) -> int:
        return self.spec.side if self.side else 0

    @property
    def count(self) -> int:
        """N."""
        return self.values + self.beside

    @property
    def weight(self) -> Tensor:
        """Of each number, "N"."""
        of_side = self.side * self.values / max(self.beside, 1)
        return torch.tensor([1.0] * self.values + [of_side] * self.beside)

    @property
    def channel(self) -> Tensor:
        """The channel or feature of each number, int64 "N"; each number beside a step is one of its own."""
        channels = self.spec.shape[0] if self.spec.shape else 1
        own = torch.arange(channels).repeat_interleave(self.values // channels)
        return torch.cat([own, channels + torch.arange(self.beside)])

    def of(self, seq: Seq) -> tuple[Tensor, Tensor]:
        """The numbers "B T N", 0 where they are not real, and which of them are."""
        values = seq.values.reshape(*seq.mask.shape, -1)
        mask = seq.mask.unsqueeze(2)
        seen = mask.expand(values.shape) if seq.seen is None else seq.seen.reshape(values.shape) & mask
        if self.beside:
            values, seen = torch.cat([values, seq.side], 2), torch.cat([seen, mask.expand(seq.side.shape)], 2)
        return values.where(seen, 0.0), seen


@dataclass(frozen=True, slots=True)
class Plan:
    """How a row is told again."""

    code: int  # numbers that stand for the whole row
    cell: Literal["lstm", "gru"]
    width: int  # of the cell's state, and of what stands before a step's numbers
    window: WindowName
    dropout: float


class FromVector(nn.Module):
    """The numbers "B T N" from the pooled vector "B D", by way of a code that is narrower than what it tells.

    Several steps are told by a recurrent net that is given the code at each, the last step first (Malhotra 2016, section 2).
    """

    def __init__(self, width: int, numbers: Numbers, plan: Plan) -> None:
        super().__init__()
        self.code = nn.Linear(width, plan.code)
        self.dropout = nn.Dropout(plan.dropout)
        kind = nn.LSTM if plan.cell == "lstm" else nn.GRU
        self.over = None if numbers.spec.single else kind(plan.code, plan.width, batch_first=True)
        first = nn.Linear(plan.code, plan.width) if self.over is None else nn.Identity()
        self.step = nn.Sequential(first, nn.ReLU() if self.over is None else nn.Identity(), _step(numbers, plan))

    def forward(self, encoded: Encoded) -> Tensor:
        assert encoded.pooled is not None  # the task needs it
        code = self.dropout(self.code(encoded.pooled)).unsqueeze(1).expand(-1, encoded.mask.shape[1], -1)
        states = code if self.over is None else reverse(self.over(code)[0], encoded.mask)
        found: Tensor = self.step(states)
        return found


class FromBefore(nn.Module):
    """The numbers "B T N" of each step from what a causal encoder made of the steps before it; of the first, nothing: 0."""

    def __init__(self, width: int, numbers: Numbers, plan: Plan) -> None:
        super().__init__()
        self.step = nn.Sequential(nn.Linear(width, plan.width), nn.ReLU(), nn.Dropout(plan.dropout), _step(numbers, plan))

    def forward(self, encoded: Encoded) -> Tensor:
        assert encoded.steps is not None  # the task needs them
        return functional.pad(self.step(encoded.steps[:, :-1]), (0, 0, 1, 0))


def _step(numbers: Numbers, plan: Plan) -> nn.Module:
    """From a state "B T width" to the numbers of a step."""
    if plan.window == "convolution":
        return Unfolded(numbers, plan.width)
    return nn.Linear(plan.width, numbers.count)


class Unfolded(nn.Module):
    """Windows "B T C*L", and the numbers beside them, from states "B T width": few samples, doubled and smoothed again."""

    def __init__(self, numbers: Numbers, width: int) -> None:
        super().__init__()
        channels, self.length = numbers.spec.shape
        self.short = -(-self.length // 2**HALVINGS)
        self.narrow = max(width // 4, 8)
        self.first = nn.Linear(width, self.narrow * self.short)
        self.smooth = nn.ModuleList(nn.Conv1d(self.narrow, self.narrow, KERNEL, padding="same") for _ in range(HALVINGS))
        self.last = nn.Conv1d(self.narrow, channels, KERNEL, padding="same")
        self.beside = nn.Linear(width, numbers.beside) if numbers.beside else None

    def forward(self, states: Tensor) -> Tensor:
        flat = states.flatten(0, 1)
        signal = self.first(flat).view(len(flat), self.narrow, self.short)
        for smooth in self.smooth:
            signal = smooth(signal.repeat_interleave(2, 2)).relu()
        parts = [self.last(signal)[..., : self.length].reshape(*states.shape[:2], -1)]
        return torch.cat([*parts, self.beside(states)], 2) if self.beside is not None else parts[0]


class Error(nn.Module):
    """How far numbers lie from what was said of them, in spreads that are learnt: one for each channel, or for each number."""

    weight: Tensor
    group: Tensor

    def __init__(self, numbers: Numbers, each: bool) -> None:
        super().__init__()
        self.register_buffer("weight", numbers.weight, persistent=False)
        self.register_buffer("group", torch.arange(numbers.count) if each else numbers.channel, persistent=False)
        self.log_spread = nn.Parameter(torch.zeros(int(self.group.max()) + 1))

    def forward(self, said: Tensor, true: Tensor, seen: Tensor, judged: Tensor) -> tuple[Tensor, Tensor]:
        """Of each row, the loss "B" over all numbers that were seen, and the error "B" >= 0 over those of the steps `judged`.

        The error is squared up to one spread and straight beyond (Huber 1964), in the mean over numbers; the loss adds the
        logarithm of the spread, by which it is the negative log-likelihood but for a constant. 0 where nothing was seen.
        """
        log_spread = self.log_spread[self.group].clamp_min(NARROWEST)
        apart = (true - said) / log_spread.exp()
        error = functional.huber_loss(apart, torch.zeros_like(apart), reduction="none")
        return self._mean(error + log_spread, seen), self._mean(error, existing(seen, judged))

    def _mean(self, each: Tensor, counted: Tensor) -> Tensor:
        weight = self.weight * counted
        return (each * weight).sum((1, 2)) / weight.sum((1, 2)).clamp_min(SMALL)


NARROWEST = math.log(0.05)  # a spread: what never varies in training does not make every change endless
SMALL = 1e-6  # where nothing counts, a mean is 0
