"""A residual network over windows of a waveform as PTB-XL's benchmark has it: xresnet1d, 18 to 152 layers (Strodthoff 2021).

He 2019's tricks in one dimension: three convolutions as the stem, means of pairs on the way past a block that halves, the last
norm of a block starting at 0. Every stage is as wide as the first. The vector of a window is the mean and the largest over its
samples, side by side; the dense layer of 128 that follows there is `hidden` of the task here.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from torch import nn

from sequela.config import Strict
from sequela.nn import conv, stepwise
from sequela.types import Spec

COUNTS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # blocks a stage
BOTTLENECKS = (50, 101, 152)  # depths whose blocks have three convolutions


class Config(Strict, frozen=True):
    depth: Literal[18, 34, 50, 101, 152] = 50
    blocks: tuple[Annotated[int, Meta(ge=1)], ...] = ()  # of each stage; left out: those of the depth
    width: Annotated[int, Meta(ge=2)] = 64  # channels of every stage (four times as many leave it where there are bottlenecks)
    kernel: Annotated[int, Meta(ge=1)] = 5  # samples, odd
    norm: conv.NormName = "batch"
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    inside: str | list[str] = "mean+max"  # over the samples of a window: last, mean, max, attention, or several side by side
    pool: stepwise.PoolName = "mean"  # over the windows of a row


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for windows "C L". Raises ConfigError where a step is no window, or the kernel is even."""
    stepwise.refuse_other(spec, "C L")
    conv.refuse_even("kernel", config.kernel)
    blocks = conv.Blocks(1, config.kernel, config.norm, bottleneck=config.depth in BOTTLENECKS, averaged=True)
    counts = config.blocks or COUNTS[config.depth]
    trunk = conv.Trunk(_stem(spec.shape[0], config, blocks), blocks, config.width, counts, growth=1)
    return stepwise.Stepwise(trunk, trunk.width, spec, stepwise.Output(config.pool, config.dropout, inside=config.inside))


def _stem(channels: int, config: Config, blocks: conv.Blocks) -> list[nn.Module]:
    """A quarter of the samples."""
    half = config.width // 2
    widths = [(channels, half, 2), (half, half, 1), (half, config.width, 1)]
    layers = [layer for narrow, wide, stride in widths for layer in blocks.part(narrow, wide, config.kernel, stride)]
    return [*layers, nn.MaxPool1d(3, 2, padding=1)]
