"""Will it happen? One label, 0 or 1; the answer is the probability of 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.errors import ConfigError, DataError
from sequela.nn import head as heads
from sequela.nn import loss as losses
from sequela.types import Answer, Array, Target


class Config(heads.Config, frozen=True):
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    gamma: Annotated[float, Meta(ge=0)] = 2.0  # of focal: how much less a sure, right answer counts
    smoothing: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # share of the way that each label is moved to 0.5


@dataclass(frozen=True, slots=True)
class Binary:
    """One logit a row."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["pooled"]] = "pooled"
    kind: ClassVar[Literal["binary"]] = "binary"

    def check(self, target: Target) -> None:
        """Raises DataError where no label is known, one is neither 0 nor 1, or all are the same."""
        label = target.values[target.known]
        if not len(label):
            raise DataError(f"none of {len(target.values)} training rows has a label for {self.names[0]!r}")
        if other := int((~np.isin(label, (0, 1))).sum()):
            raise DataError(
                f"{other} of {len(label)} labels of {self.names[0]!r} are neither 0 nor 1",
                hint='for classes take task = "multiclass", for quantities "regression"',
            )
        if (label == label[0]).all():
            raise DataError(
                f"all {len(label)} training labels of {self.names[0]!r} are {int(label[0])}; a model needs both",
                hint="look at the outcome and at the split",
            )

    def head(self, width: int) -> nn.Module:
        return heads.Head(width, 1, self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Sets the bias to the log-odds of the training rate."""
        assert isinstance(head, heads.Head)
        head.begin_at(torch.as_tensor(losses.log_odds(target.values, target.known), dtype=torch.float32))

    def loss(self, out: Tensor, target: Target) -> Tensor:
        label = losses.filled(target.values, target.known)
        gamma = self.config.gamma if self.config.loss == "focal" else 0.0
        return losses.mean_known(losses.binary_cross_entropy(out, label, gamma, self.config.smoothing), target.known)

    def balance(self, target: Target) -> Array:
        return losses.balance(target.values[:, 0], target.known[:, 0], 2)

    def answer(self, out: Tensor) -> Answer:
        return Answer("probabilities", out.detach().double().sigmoid().cpu().numpy(), self.names)


def build(config: Config, names: tuple[str, ...]) -> Binary:
    if len(names) != 1:
        raise ConfigError(
            f"the binary task has one label, the outcome has {len(names)}: {', '.join(names)}",
            hint='take task = "multilabel" for several labels, "multiclass" for several classes',
        )
    return Binary(config, names)
