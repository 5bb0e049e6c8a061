"""A residual network over windows of a waveform, one window a step (Hannun 2019 and Ribeiro 2020 in small).

Numbers of a step, such as the RR intervals of a beat, join its vector at the end. A lead or sample that was not seen is a learned
value of its lead, not a flat line.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from sequela.config import Strict
from sequela.nn import conv, stepwise
from sequela.types import Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 32  # channels of the first stage; each next one has twice as many
    blocks: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] = (
        1,
        1,
        1,
    )  # of each stage; halved between stages
    kernel: Annotated[int, Meta(ge=1)] = 7  # samples, odd
    stride: Annotated[int, Meta(ge=1)] = 2  # of the first convolution
    norm: conv.NormName = "batch"
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    inside: str | list[str] = "mean"  # over the samples of a window: last, mean, max, attention, or several ("mean+max")
    pool: stepwise.PoolName = "mean"  # over the windows of a row
    side_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the numbers beside the windows: each is left out of a whole row
    step_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the vector of each window


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for windows "C L". Raises ConfigError where a step is no window, or the kernel is even."""
    stepwise.refuse_other(spec, "C L")
    conv.refuse_even("kernel", config.kernel)
    blocks = conv.Blocks(1, config.kernel, config.norm)
    stem = blocks.part(spec.shape[0], config.width, config.kernel, config.stride)
    trunk = conv.Trunk(stem, blocks, config.width, config.blocks)
    output = stepwise.Output(
        config.pool, config.dropout, inside=config.inside, side_dropout=config.side_dropout, step_dropout=config.step_dropout
    )
    return stepwise.Stepwise(trunk, trunk.width, spec, output)
