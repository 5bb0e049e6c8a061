"""A convolutional net for sentences: filters over 3, 4 and 5 words, and the largest answer of each in the text (Kim 2014).

    c(t) = relu(W [w(t) ... w(t+k-1)] + b)          for each kernel k
    pooled = dropout of max over t of c(t)          of all kernels side by side

As in the author's own code zeros stand before and after the text, so that one of fewer words than a kernel is read like any
other; no filter ever sees the words of another row, or padding. Each word's step holds the answers around it, so that labels can
attend to them.
"""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta

from sequela.encoders import _filters
from sequela.encoders._filters import Filters
from sequela.encoders._reading import refuse_numbers
from sequela.errors import ConfigError
from sequela.types import Spec


class Config(_filters.Config, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 100  # filters of each kernel
    kernels: tuple[Annotated[int, Meta(ge=1)], ...] = (3, 4, 5)  # words
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.5  # of the pooled vector


def build(spec: Spec, config: Config) -> Filters:
    """Filters over words, codes as events, or visits of codes.

    Raises ConfigError for steps of numbers, no kernels, and an unknown pooling.
    """
    refuse_numbers("cnn_text", spec)
    if not config.kernels:
        raise ConfigError("cnn_text needs at least one kernel; kernels is empty", hint="kernels = [3, 4, 5]")
    return Filters(spec, config, config.width, config.kernels, torch.relu)
