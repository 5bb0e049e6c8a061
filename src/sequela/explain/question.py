"""The one number of a network's output that an explanation is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from sequela.errors import UsageError
from sequela.types import Seq

Telling: TypeAlias = Callable[[Tensor], Tensor]  # of an output "B K" the Q numbers of each row that are explained, "B Q"


@dataclass(frozen=True, slots=True)
class Asked:
    """A network over several inputs, of which one is explained while the others stay as they are."""

    network: nn.Module  # Mapping[str, Seq] -> logits or values "B K"
    name: str  # of the input that is explained
    inputs: dict[str, Seq]

    @property
    def seq(self) -> Seq:
        return self.inputs[self.name]

    def said(self, seq: Seq) -> Tensor:
        """The output "B K" with this in place of the explained input."""
        out = self.network({**self.inputs, self.name: seq})
        if not isinstance(out, Tensor) or out.dim() != 2:
            raise UsageError("an answer about every point is not explained point by point", hint="look at the masks themselves")
        return out

    def column(self) -> Tensor:
        """Of each row the column that is explained, int64 "B": the only one, or the class with the highest logit."""
        with torch.no_grad():
            out = self.said(self.seq)
        return out.argmax(1)


def told(out: Tensor, column: Tensor) -> Tensor:
    """Of each row the logit of its column, less the highest of the others where there are others: what decides, "B"."""
    own = out.gather(1, column[:, None])[:, 0]
    if out.shape[1] == 1:
        return own
    others = out.masked_fill(torch.nn.functional.one_hot(column, out.shape[1]).bool(), -torch.inf)
    return own - others.amax(1)


def log_odds(out: Tensor, column: Tensor, *, exclusive: bool) -> Tensor:
    """Of each row the log-odds of these of its columns, int64 "B Q": float64 "B Q" of logits "B K".

    `exclusive`: one of the columns is true, so that the odds are against all the others together; else each stands alone.
    """
    logits = out.double()
    own = logits.gather(1, column)
    if not exclusive:
        return own
    mine = torch.nn.functional.one_hot(column, out.shape[1]).bool()
    others = logits.unsqueeze(1).expand(mine.shape).masked_fill(mine, -torch.inf)
    return own - others.logsumexp(2)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within, the network answers as it does after training; its mode is left as it was."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
