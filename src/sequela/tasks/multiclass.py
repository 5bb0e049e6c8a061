"""Which of K classes? One label, the index of its class; the answer is K probabilities that sum to 1.

With `attention` each class reads the steps for itself (nn/label_attention.py), in place of one vector of the row for all.
"""

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
from sequela.nn.label_attention import LabelAttention
from sequela.types import Answer, Array, Target


class Config(heads.Config, frozen=True):
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    gamma: Annotated[float, Meta(ge=0)] = 2.0  # of focal: how much less a sure, right answer counts
    smoothing: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # share of each label that is spread over all classes
    attention: Literal["none", "label"] = "none"  # label: each class weighs the steps by itself, and its logit is a sum over them


@dataclass(frozen=True, slots=True)
class Multiclass:
    """K logits a row."""

    config: Config
    names: tuple[str, ...]
    kind: ClassVar[Literal["multiclass"]] = "multiclass"

    @property
    def needs(self) -> Literal["pooled", "steps"]:
        return "steps" if self.config.attention == "label" else "pooled"

    def check(self, target: Target) -> None:
        """Raises DataError where no label is known, one is no index of a class, or all are of one class.

        A class that no training row has is allowed: it is then answered with a low probability.
        """
        label = target.values[target.known]
        if not len(label):
            raise DataError(f"none of {len(target.values)} training rows has a label; expected one of {', '.join(self.names)}")
        if other := int((~np.isin(label, np.arange(len(self.names)))).sum()):
            raise DataError(f"{other} of {len(label)} labels are not among the {len(self.names)} classes {', '.join(self.names)}")
        if (label == label[0]).all():
            raise DataError(
                f"all {len(label)} training labels are {self.names[int(label[0])]!r}; a model needs two classes or more",
                hint="look at the outcome and at the split",
            )

    def head(self, width: int) -> nn.Module:
        made = LabelAttention if self.needs == "steps" else heads.Head
        return made(width, len(self.names), self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Sets the biases to the logarithms of the training shares."""
        assert isinstance(head, heads.Head | LabelAttention)
        share = losses.shares(target.values[:, 0], target.known[:, 0], len(self.names))
        head.begin_at(torch.as_tensor(np.log(share), dtype=torch.float32))

    def loss(self, out: Tensor, target: Target) -> Tensor:
        label = losses.filled(target.values, target.known)[:, 0].long()
        gamma = self.config.gamma if self.config.loss == "focal" else 0.0
        loss = losses.cross_entropy(out, label, gamma, self.config.smoothing)
        return losses.mean_known(loss[:, None], target.known)

    def balance(self, target: Target) -> Array:
        return losses.balance(target.values[:, 0], target.known[:, 0], len(self.names))

    def answer(self, out: Tensor) -> Answer:
        return Answer("probabilities", out.detach().double().softmax(1).cpu().numpy(), self.names)


def build(config: Config, names: tuple[str, ...]) -> Multiclass:
    if len(names) < 2:
        raise ConfigError(
            f"the multiclass task needs two classes or more, the outcome has {len(names)}",
            hint='take task = "binary" for one label, or name the classes in outcome.classes',
        )
    return Multiclass(config, names)
