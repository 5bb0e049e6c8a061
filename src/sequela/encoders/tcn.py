"""A temporal convolutional network: dilated causal convolutions in residual blocks (Bai 2018, section 3).

Block k: relu(x + f(x)), with f twice a convolution over steps t, t - 2^k, t - 2 2^k, … (its weights normalised, Salimans 2016),
relu and dropout. A step sees 1 + 2 (kernel - 1) (2^layers - 1) steps back: 61 by default. As there, weights start at N(0, 0.01).

Ours drops single numbers where the paper drops whole channels, and begins with a linear map of the step to `width` in place of
the first block's convolution of 1. Numbers of the row (`context`) are mapped to every step, and follow the pooled vector. Time
enters by `side` (gaps) alone: steps are counted, not dated.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from sequela.config import Strict
from sequela.nn.readout import Readout
from sequela.nn.steps import Projected, VisitName
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 64  # of every block
    layers: Annotated[int, Meta(ge=1, le=16)] = 4  # blocks; each doubles the reach
    kernel: Annotated[int, Meta(ge=2)] = 3
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # in the blocks, and of the pooled vector
    pool: str | list[str] = "last"  # last, mean, max, attention, or several side by side
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean


class TCN(nn.Module):
    """Steps "B T width" and a pooled vector of as many widths as `pool` has parts, plus the context."""

    gives = frozenset({"pooled", "steps"})
    causal = True

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.inputs = Projected(spec, config.width, config.visit, row=True)
        self.blocks = nn.Sequential(*(Block(config, 2**layer) for layer in range(config.layers)))
        self.readout = Readout(spec, config.width, config.pool, config.dropout)
        self.steps_width = config.width
        self.width = self.readout.width

    def forward(self, seq: Seq) -> Encoded:
        steps = self.blocks(self.inputs(seq).transpose(1, 2)).transpose(1, 2)
        return self.readout(steps, seq)  # type: ignore[no-any-return]


class Block(nn.Module):
    """Maps "B D T" to the same shape; no step sees a later one."""

    def __init__(self, config: Config, dilation: int) -> None:
        super().__init__()
        self.reach = (config.kernel - 1) * dilation
        self.first, self.second = (self._convolution(config, dilation) for _ in range(2))
        self.dropout = nn.Dropout(config.dropout)

    @staticmethod
    def _convolution(config: Config, dilation: int) -> nn.Module:
        made = nn.Conv1d(config.width, config.width, config.kernel, dilation=dilation)
        nn.init.normal_(made.weight, 0, 0.01)
        return weight_norm(made)  # type: ignore[no-any-return]

    def forward(self, values: Tensor) -> Tensor:
        changed = values
        for convolution in (self.first, self.second):
            changed = self.dropout(functional.relu(convolution(functional.pad(changed, (self.reach, 0)))))
        return functional.relu(values + changed)


def build(spec: Spec, config: Config) -> TCN:
    """A TCN over codes, numbers, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """
    return TCN(spec, config)
