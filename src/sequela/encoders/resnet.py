"""Residual networks over images and volumes of any size and number of channels (He 2016): 10, 18, 34 or 50 layers, of any width.

Volumes are convolved in three dimensions (Hara 2018), all axes alike. Differs from the original for small images, as is usual
since CIFAR: below 64 points the stem is one convolution of 3 without pooling, so that no detail is thrown away before it is seen.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta
from torch import nn

from sequela.config import Strict
from sequela.nn import conv, image, stepwise
from sequela.types import Spec

COUNTS = {10: (1, 1, 1, 1), 18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}  # blocks a stage; 50 has bottlenecks


class Config(Strict, frozen=True):
    depth: Literal[10, 18, 34, 50] = 18
    blocks: tuple[Annotated[int, Meta(ge=1)], ...] = ()  # of each stage; left out: those of the depth
    width: Annotated[int, Meta(ge=1)] = 64  # channels of the first stage; each next one has twice as many
    stem: image.StemName = "auto"  # auto: small below 64 pixels
    norm: conv.NormName = "batch"
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    pool: stepwise.PoolName = "mean"  # over the images of a row
    map: bool = False  # steps are maps "B T D *S" instead of vectors


def build(spec: Spec, config: Config) -> stepwise.Stepwise:
    """The net for images "C H W" or volumes "C D H W". Raises ConfigError where a step is neither."""
    blocks = conv.Blocks(len(image.size(spec)), 3, config.norm, bottleneck=config.depth == 50)
    trunk = conv.Trunk(_stem(spec, config, blocks), blocks, config.width, config.blocks or COUNTS[config.depth])
    return stepwise.Stepwise(trunk, trunk.width, spec, stepwise.Output(config.pool, config.dropout, config.map))


def _stem(spec: Spec, config: Config, blocks: conv.Blocks) -> list[nn.Module]:
    if image.small(spec, config.stem):
        return blocks.part(spec.shape[0], config.width, 3)
    return [*blocks.part(spec.shape[0], config.width, 7, 2), image.LARGEST[blocks.dimensions](3, 2, padding=1)]
