"""Label attention: each label reads the steps for itself, and its logit is a sum over them (Mullenbach 2018, CAML, section 2.3).

Of K labels and steps h_t, the label k looks at the step t with the weight a_kt = softmax_t(h_t . u_k), and says

    logit_k = bias_k + sum_t a_kt (h_t . v_k)

so what each step adds to a label is known exactly: that is its evidence, not a guess at it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sequela.nn import head as heads
from sequela.nn.mask import existing
from sequela.types import Encoded


class LabelAttention(nn.Module):
    """K numbers "B K" from the steps "B T D" of an Encoded; those of a row without steps are the biases.

    Dropout and hidden layer are those of a head, of each step.
    """

    def __init__(self, width: int, columns: int, config: heads.Config) -> None:
        super().__init__()
        inner = config.hidden or width
        self.hidden = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Dropout(config.dropout)) if config.hidden else None
        self.dropout = nn.Dropout(config.dropout)
        self.query = nn.Linear(inner, columns, bias=False)
        self.out = nn.Linear(inner, columns, bias=False)
        self.bias = nn.Parameter(torch.zeros(columns))

    def forward(self, encoded: Encoded) -> Tensor:
        if encoded.steps is None:
            raise ValueError("this head needs the steps of one input")
        return self.terms(encoded.steps, encoded.mask).sum(2) + self.bias

    def terms(self, steps: Tensor, mask: Tensor) -> Tensor:
        """What each step adds to the logit of each label, "B K T": 0 on padding, with the bias summing to the logit."""
        vectors = self._read(steps, mask)
        each: Tensor = self.out(vectors)
        return self._weights(vectors, mask) * each.transpose(1, 2)

    def weights(self, steps: Tensor, mask: Tensor) -> Tensor:
        """How much each label looks at each step, "B K T": 0 on padding, summing to 1 over the steps of a row."""
        return self._weights(self._read(steps, mask), mask)

    def _read(self, steps: Tensor, mask: Tensor) -> Tensor:
        vectors: Tensor = self.dropout(existing(steps, mask))
        return vectors if self.hidden is None else self.hidden(vectors)

    def _weights(self, vectors: Tensor, mask: Tensor) -> Tensor:
        scores: Tensor = self.query(vectors).transpose(1, 2)
        there = mask.unsqueeze(1)
        lowest = torch.finfo(scores.dtype).min
        return scores.masked_fill(~there, lowest).softmax(2).masked_fill(~there, 0.0)

    @torch.no_grad()
    def begin_at(self, bias: Tensor) -> None:
        """Sets the bias "K", so that the first answers are near it."""
        self.bias.copy_(bias)
