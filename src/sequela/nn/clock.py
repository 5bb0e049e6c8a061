"""When a step was, as numbers: waves of many periods, fixed (Vaswani 2017, section 3.5) or learnt (Time2Vec, Kazemi 2019).

Positions are times, not counts, so they need not be whole. Phases are computed in float64: after 30 years in days, float32 knows
the time to minutes only, and the shortest waves turn in an hour.
"""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

ClockName: TypeAlias = Literal["sinusoidal", "time2vec"]
SPANS = {  # shortest and longest period by the unit of position
    "days": (1 / 24, 36_525.0),
    "seconds": (0.1, 86_400.0),
    "millimetres": (1.0, 2_000.0),
    "index": (math.tau, 10_000 * math.tau),  # those of Vaswani 2017
}


def span(unit: str, shortest: float, longest: float) -> tuple[float, float]:
    """The shortest and the longest period; where one is 0, that of the unit."""
    usual = SPANS.get(unit, SPANS["index"])
    return shortest or usual[0], longest or usual[1]


class Sinusoidal(nn.Module):
    """Sines and cosines "B T width" of a position "B T" in float64; the periods are a geometric series between the two."""

    frequency: Tensor

    def __init__(self, width: int, shortest: float, longest: float) -> None:
        super().__init__()
        self.width = width
        self.register_buffer("frequency", _frequencies((width + 1) // 2, shortest, longest), persistent=False)

    def forward(self, position: Tensor) -> Tensor:
        phase = position.unsqueeze(2) * self.frequency
        return torch.cat([phase.sin(), phase.cos()], 2)[..., : self.width]


class Time2Vec(nn.Module):
    """One number linear in the position and width - 1 sines of it, "B T width" in float64.

    Frequencies and phases are learnt. Frequencies start as those of `Sinusoidal`: drawn around 1, as usual, they would see years
    as noise.
    """

    def __init__(self, width: int, shortest: float, longest: float) -> None:
        super().__init__()
        waves = _frequencies(width - 1, shortest, longest)
        self.log_frequency = nn.Parameter(torch.cat([waves.new_tensor([1 / longest]), waves]).log().float())
        self.phase = nn.Parameter(torch.cat([torch.zeros(1), torch.rand(width - 1) * math.tau]))

    def forward(self, position: Tensor) -> Tensor:
        angle = position.unsqueeze(2) * self.log_frequency.double().exp() + self.phase
        return torch.cat([angle[..., :1], angle[..., 1:].sin()], 2)


def _frequencies(count: int, shortest: float, longest: float) -> Tensor:
    """2 pi over periods in a geometric series, float64."""
    return math.tau / torch.logspace(math.log10(shortest), math.log10(longest), count, dtype=torch.float64)


def build(name: ClockName, width: int, shortest: float, longest: float) -> nn.Module:
    """The clock of that name."""
    return Sinusoidal(width, shortest, longest) if name == "sinusoidal" else Time2Vec(width, shortest, longest)
