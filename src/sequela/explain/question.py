"""The one number of a network's output that an explanation is about.

Of an answer that is given as probabilities it is the log-odds of one column, of values the value, of survival the log-odds of the
first cause by the last horizon. Where several networks answer, it is the mean of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from sequela.contracts import Tagger, Task
from sequela.errors import UsageError
from sequela.model import Model
from sequela.tasks.survival import Survival
from sequela.types import Seq

EXPLAINED = ("binary", "multiclass", "multilabel", "regression", "survival")  # kinds of task that answer a row with numbers
SMALLEST = 1e-12  # of a chance, so that its log-odds are a number
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


def number(task: Task, out: Tensor, column: Tensor) -> Tensor:
    """Of each row the number that is explained, float64 "B", of a network's output and the columns, int64 "B".

    Raises UsageError where an answer of the task is no number of a row.
    """
    if isinstance(task, Tagger) or task.kind not in EXPLAINED:
        raise UsageError(
            "answers about steps are not explained" if isinstance(task, Tagger) else f"an answer of {task.kind} is not explained",
            hint=f"explain an answer that is a probability or a value of a row: {', '.join(EXPLAINED)}",
        )
    if task.kind == "regression":
        return out.double().gather(1, column[:, None])[:, 0]
    if isinstance(task, Survival):
        return task.by_last_horizon(out).gather(1, column[:, None])[:, 0].logit(eps=SMALLEST)
    return log_odds(out, column[:, None], exclusive=task.kind == "multiclass")[:, 0]


@dataclass(frozen=True, slots=True)
class Question:
    """What answers, and what is asked of it."""

    members: Sequence[Model]
    task: Task

    def told(self, inputs: Mapping[str, Seq], column: Tensor) -> Tensor:
        """The number that is explained, float64 "B": the mean over the networks, and over the sides that each looks from."""
        each = [number(self.task, member(seen), column) for member in self.members for seen in member.seen(inputs)]
        return torch.stack(each).mean(0)

    def column(self, inputs: Mapping[str, Seq]) -> Tensor:
        """Of each row the column that is explained where none is asked for, int64 "B": the likeliest, of values the first."""
        with torch.no_grad():
            out = torch.stack([member(inputs) for member in self.members]).mean(0)
        likeliest: Tensor = out.argmax(1)
        return likeliest if self.task.kind in ("multiclass", "multilabel") else torch.zeros_like(likeliest)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Within, the network answers as it does after training; its mode is left as it was."""
    was_training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was_training)
