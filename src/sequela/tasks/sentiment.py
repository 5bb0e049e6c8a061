"""Which of K ordered classes? A polarity, a rating, a stage: a miss by two classes is worse than a miss by one.

One score and rising thresholds tell the classes (nn/ordinal.py); the answer is K probabilities that sum to 1, as that of
`multiclass`, and is judged as one, with quadratic kappa and the error in ranks besides. `outcome.classes` gives the order, from
first to last; classes that are numbers need none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from sequela.errors import ConfigError
from sequela.nn import head as heads
from sequela.nn import loss as losses
from sequela.nn.ordinal import OrdinalHead
from sequela.tasks import multiclass
from sequela.types import Answer, Array, Target

KIND = "multiclass"
ORDERED = True


class Config(heads.Config, frozen=True):
    """Those of the score."""


@dataclass(frozen=True, slots=True)
class Sentiment:
    """K log-probabilities a row."""

    config: Config
    classes: multiclass.Multiclass
    needs: ClassVar[Literal["pooled"]] = "pooled"
    kind: ClassVar[Literal["multiclass"]] = "multiclass"

    @property
    def names(self) -> tuple[str, ...]:
        return self.classes.names

    def check(self, target: Target) -> None:
        """As the classes' own: raises DataError where no label is known, one is no index of a class, or all are of one class."""
        self.classes.check(target)

    def head(self, width: int) -> nn.Module:
        return OrdinalHead(width, len(self.names), self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Sets the thresholds by the training shares."""
        assert isinstance(head, OrdinalHead)
        head.begin_at(torch.as_tensor(losses.shares(target.values[:, 0], target.known[:, 0], len(self.names))))

    def loss(self, out: Tensor, target: Target) -> Tensor:
        return self.classes.loss(out, target)

    def balance(self, target: Target) -> Array:
        return self.classes.balance(target)

    def answer(self, out: Tensor) -> Answer:
        return self.classes.answer(out)


def build(config: Config, names: tuple[str, ...]) -> Sentiment:
    if len(names) < 3:
        raise ConfigError(
            f"the sentiment task needs three classes or more, the outcome has {len(names)}",
            hint='two classes have no order to learn: take task = "multiclass", or "binary" for one label',
        )
    return Sentiment(config, multiclass.build(multiclass.Config(), names))
