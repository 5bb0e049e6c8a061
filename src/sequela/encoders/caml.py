"""The convolution of CAML over the words of a text (Mullenbach 2018, section 2.1); its labels each read the steps for themselves.

    x(t) = tanh(W [w(t-k/2) ... w(t+k/2)] + b)          w: the vectors of the words, k: `kernel`

With `task = { name = "multilabel", attention = "label" }` it is the whole model of the paper, whose answer is an exact sum over
the words. For tasks of one vector a row the steps are pooled, by their maxima (section 4.1: the plain CNN that CAML is held
against).
"""

from __future__ import annotations

from typing import Annotated

import torch
from msgspec import Meta

from sequela.encoders import _filters
from sequela.encoders._filters import Filters
from sequela.encoders._reading import refuse_numbers
from sequela.types import Spec


class Config(_filters.Config, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 50  # filters
    kernel: Annotated[int, Meta(ge=1)] = 10  # words that a filter sees
    input_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.2  # of the words' vectors


def build(spec: Spec, config: Config) -> Filters:
    """A convolution over words, codes as events, or visits of codes.

    Raises ConfigError for steps of numbers, and an unknown pooling.
    """
    refuse_numbers("caml", spec)
    return Filters(spec, config, config.width, [config.kernel], torch.tanh)
