"""A temporal convolutional network: dilated convolutions in residual blocks, causal or not (Bai 2018, section 3).

Block k: relu(x + f(x)), with f twice a convolution over steps t, t - 2^k, t - 2 2^k, … (its weights normalised, Salimans 2016),
relu and dropout. A step sees 1 + 2 (kernel - 1) (2^layers - 1) steps: 61 by default, itself and those before it; with
causal = false half of the others on each side, as a letter is judged among its neighbours. As there, weights start at N(0, 0.01).

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
    causal: bool = True  # a step sees none that come later; False: as far ahead as back
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # in the blocks, and of the pooled vector
    pool: str | list[str] = "last"  # last, mean, max, attention, or several side by side
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean


class TCN(nn.Module):
    """Steps "B T width" and a pooled vector of as many widths as `pool` has parts, plus the context."""

    gives = frozenset({"pooled", "steps"})

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.inputs = Projected(spec, config.width, config.visit, row=True)
        self.blocks = nn.ModuleList(Block(config, 2**layer) for layer in range(config.layers))
        self.readout = Readout(spec, config.width, config.pool, config.dropout)
        self.causal = config.causal
        self.steps_width = config.width
        self.width = self.readout.width

    def forward(self, seq: Seq) -> Encoded:
        steps, exists = self.inputs(seq).transpose(1, 2), seq.mask.unsqueeze(1)
        for block in self.blocks:
            steps = block(steps, exists)
        return self.readout(steps.transpose(1, 2), seq)  # type: ignore[no-any-return]


class Block(nn.Module):
    """Maps "B D T" to the same shape; what stands on padding is 0 to every convolution."""

    def __init__(self, config: Config, dilation: int) -> None:
        super().__init__()
        reach = (config.kernel - 1) * dilation
        self.around = (reach, 0) if config.causal else (reach // 2, reach - reach // 2)
        self.first, self.second = (self._convolution(config, dilation) for _ in range(2))
        self.dropout = nn.Dropout(config.dropout)

    @staticmethod
    def _convolution(config: Config, dilation: int) -> nn.Module:
        made = nn.Conv1d(config.width, config.width, config.kernel, dilation=dilation)
        nn.init.normal_(made.weight, 0, 0.01)
        return weight_norm(made)  # type: ignore[no-any-return]

    def forward(self, values: Tensor, exists: Tensor) -> Tensor:
        """`exists` "B 1 T" is the mask."""
        changed = values
        for convolution in (self.first, self.second):
            answers = convolution(functional.pad(changed, self.around))
            changed = self.dropout(functional.relu(answers)).masked_fill(~exists, 0)
        return functional.relu(values + changed)


def build(spec: Spec, config: Config) -> TCN:
    """A TCN over codes, numbers, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """
    return TCN(spec, config)
