"""The convolution of CAML over the words of a text (Mullenbach 2018, section 2.1); its labels each read the steps for themselves.

    x(t) = tanh(W [w(t-k/2) ... w(t+k/2)] + b)          w: the vectors of the words, k: `kernel`

With `task = { name = "multilabel", attention = "label" }` it is the whole model of the paper, whose answer is an exact sum over
the words. For tasks of one vector a row the steps are pooled, by their maxima (section 4.1: the plain CNN that CAML is held
against).
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict
from sequela.encoders._reading import refuse_numbers
from sequela.nn.mask import existing
from sequela.nn.motifs import Motifs
from sequela.nn.readout import Readout
from sequela.nn.steps import Flat, VisitName
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 50  # filters
    kernel: Annotated[int, Meta(ge=1)] = 10  # words that a filter sees
    embedding: Annotated[int, Meta(ge=1)] = 100  # width of a word's vector
    input_dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.2  # of the words' vectors
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the pooled vector
    pool: str | list[str] = "max"  # last, mean, max, attention, or several side by side
    visit: VisitName = "sum"  # of the vectors of a visit's codes, or of a sentence's words; or mean


class CAML(nn.Module):
    """Steps "B T width", and a pooled vector of as many widths as `pool` has parts, with the context after it."""

    gives = frozenset({"pooled", "steps"})
    causal = False

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.words = Flat(spec, config.embedding, config.visit)
        self.hidden = nn.Dropout(config.input_dropout)
        self.motifs = Motifs(self.words.width, config.width, config.kernel)
        self.readout = Readout(spec, config.width, config.pool, config.dropout)
        self.steps_width = config.width
        self.width = self.readout.width

    def forward(self, seq: Seq) -> Encoded:
        steps: Tensor = self.motifs(self.hidden(self.words(seq))).tanh()
        return self.readout(existing(steps, seq.mask), seq)  # type: ignore[no-any-return]


def build(spec: Spec, config: Config) -> CAML:
    """A convolution over words, codes as events, or visits of codes.

    Raises ConfigError for steps of numbers, and an unknown pooling.
    """
    refuse_numbers("caml", spec)
    return CAML(spec, config)
