"""How much? K quantities; the answer is in the unit of the target, the loss in units of its spread over the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from sequela.errors import ConfigError, DataError
from sequela.nn import head as heads
from sequela.nn import loss as losses
from sequela.types import Answer, Array, Encoded, Target


class Config(heads.Config, frozen=True):
    loss: losses.Distance = "mse"  # huber: squared up to one training spread, straight beyond


class Quantities(nn.Module):
    """For each row K values in their own unit, then the K spreads by which the loss is measured: "B 2K".

    Mean and spread are buffers, so they are saved with the weights. They are not a number until `start`, so that a model that
    was never told its targets cannot answer.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, width: int, columns: int, config: heads.Config) -> None:
        super().__init__()
        self.head = heads.Head(width, columns, config)
        self.register_buffer("mean", torch.full((columns,), torch.nan))
        self.register_buffer("spread", torch.full((columns,), torch.nan))

    def forward(self, encoded: Encoded) -> Tensor:
        score = self.head(encoded)
        return torch.cat([self.mean + self.spread * score, self.spread.expand_as(score)], 1)


@dataclass(frozen=True, slots=True)
class Regression:
    """K values and their spreads a row."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["pooled"]] = "pooled"
    kind: ClassVar[Literal["regression"]] = "regression"

    def check(self, target: Target) -> None:
        """Raises DataError where a quantity is known of no row, is not finite, or is the same in all rows."""
        for column, name in enumerate(self.names):
            value = target.values[:, column][target.known[:, column]]
            if not len(value):
                raise DataError(f"no training row has a value of {name!r}")
            if other := int((~np.isfinite(value)).sum()):
                raise DataError(f"{other} of {len(value)} values of {name!r} are not finite numbers")
            if (value == value[0]).all():
                raise DataError(f"all {len(value)} training values of {name!r} are the same", hint="look at the outcome")

    def head(self, width: int) -> nn.Module:
        return Quantities(width, len(self.names), self.config)

    @torch.no_grad()
    def start(self, head: nn.Module, target: Target) -> None:
        """Sets mean and spread to those of the training targets."""
        assert isinstance(head, Quantities)
        values = np.where(target.known, target.values, np.nan)
        head.mean.copy_(torch.as_tensor(np.nanmean(values, 0)))
        head.spread.copy_(torch.as_tensor(np.nanstd(values, 0)))

    def loss(self, out: Tensor, target: Target) -> Tensor:
        value, spread = out.chunk(2, 1)
        error = (value - losses.filled(target.values, target.known)) / spread
        return losses.mean_known(losses.distance(error, self.config.loss), target.known)

    def balance(self, target: Target) -> Array:
        """Raises ConfigError: quantities have no classes."""
        raise ConfigError("there are no classes to balance in a regression", hint='take train.balance = "none"')

    def answer(self, out: Tensor) -> Answer:
        value, _ = out.chunk(2, 1)
        return Answer("values", value.detach().double().cpu().numpy(), self.names)


def build(config: Config, names: tuple[str, ...]) -> Regression:
    return Regression(config, names)
