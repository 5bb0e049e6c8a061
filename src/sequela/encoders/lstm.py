"""Long short-term memory, with a forget gate and without peepholes (Hochreiter and Schmidhuber 1997, Gers 2000)."""

from __future__ import annotations

from sequela.nn import recurrent
from sequela.types import Spec


class Config(recurrent.Config, frozen=True):
    forget_bias: float = 1.0  # at the start: above 0 the memory starts by keeping (Jozefowicz 2015); torch's own start is near 0


def build(spec: Spec, config: Config) -> recurrent.Recurrent:
    """An LSTM over numbers, codes, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """
    return recurrent.Recurrent(spec, config, recurrent.long_short(config.forget_bias))
