"""An LSTM in both directions over words: what stands before and after each is told to it (Graves 2005; Lample 2016).

Words are read by their number, shape and characters where the input tells them (`nn/words.py`, Ma and Hovy 2016), else, as codes,
visits and numbers are, by `nn/steps.py`. Dropout stands before the layers, between them and after the last; variational, it takes
the same features from all steps of a row.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from torch import nn

from sequela.config import Strict
from sequela.nn import recurrent
from sequela.nn.dropout import StepDropout
from sequela.nn.pool import Pool
from sequela.nn.readout import Initial, beside
from sequela.nn.steps import Flat, VisitName
from sequela.nn.words import Spelling
from sequela.types import Encoded, Seq, Spec


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 128  # of the state, in each direction
    layers: Annotated[int, Meta(ge=1)] = 1  # each reads the steps of the one below
    embedding: Annotated[int, Meta(ge=1)] = 100  # width of a word's vector
    spelling: Spelling = Spelling()  # of words that are told with their characters
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.5  # of what each layer reads, and of the steps
    variational: bool = True  # one draw of features for all steps of a row
    forget_bias: float = 1.0  # at the start: above 0 the memory starts by keeping (Jozefowicz 2015)
    pool: str | list[str] = "max"  # last, mean, max, attention, or several side by side ("last+mean+max")
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean


class BiLSTM(nn.Module):
    """Steps "B T 2*width" and a pooled vector of as many times that as `pool` has parts, plus the context."""

    gives = frozenset({"pooled", "steps"})
    causal = False

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        self.inputs = Flat(spec, config.embedding, config.visit, config.spelling)
        self.dropout = StepDropout(config.dropout, config.variational)
        layers = recurrent.Config(width=config.width, layers=config.layers, bidirectional=True)
        cell = recurrent.long_short(config.forget_bias)
        self.stack = recurrent.Stack(self.inputs.width, layers, cell, self.dropout)
        self.initial = Initial(spec, self.stack.states * config.width)
        self.pool = Pool(config.pool, self.stack.width, backward=True)
        self.steps_width = self.stack.width
        self.width = self.pool.width + spec.context

    def forward(self, seq: Seq) -> Encoded:
        inputs = self.inputs(seq)
        steps = self.dropout(self.stack(self.dropout(inputs), seq.mask, self.initial(seq, inputs)))
        return Encoded(steps, seq.mask, beside(self.pool(steps, seq.mask), seq))


def build(spec: Spec, config: Config) -> BiLSTM:
    """A bidirectional LSTM over words, codes, numbers, or windows and images laid flat.

    Raises ConfigError for a step too large to be laid flat, or an unknown pooling.
    """
    return BiLSTM(spec, config)
