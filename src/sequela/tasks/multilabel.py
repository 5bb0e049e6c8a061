"""Which of K labels, each by itself? A missing label of a row is left out of its loss; the answer is K probabilities.

With `attention` each label reads the steps for itself (nn/label_attention.py), in place of one vector of the row for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.errors import DataError
from sequela.nn import head as heads
from sequela.nn import loss as losses
from sequela.nn.label_attention import LabelAttention
from sequela.types import Answer, Array, Target


class Losses(heads.Config, frozen=True):
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    gamma: Annotated[float, Meta(ge=0)] = 2.0  # of focal: how much less a sure, right answer counts
    smoothing: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # share of the way that each label is moved to 0.5


class Config(Losses, frozen=True):
    attention: Literal["none", "label"] = "none"  # label: each label weighs the steps by itself, and its logit is a sum over them


@dataclass(frozen=True, slots=True)
class Multilabel:
    """K logits a row; the loss of a row is the mean over its known labels."""

    config: Config
    names: tuple[str, ...]
    kind: ClassVar[Literal["multilabel"]] = "multilabel"

    @property
    def needs(self) -> Literal["pooled", "steps"]:
        return "steps" if self.config.attention == "label" else "pooled"

    def check(self, target: Target) -> None:
        """Raises DataError where a label is known of no row, is neither 0 nor 1, or is the same in all rows."""
        for column, name in enumerate(self.names):
            self._check(name, target.values[:, column][target.known[:, column]])

    def _check(self, name: str, label: Array) -> None:
        hint = "leave this label out of the outcome, or look at the split"
        if not len(label):
            raise DataError(f"no training row has a label for {name!r}", hint=hint)
        if other := int((~np.isin(label, (0, 1))).sum()):
            raise DataError(f"{other} of {len(label)} labels of {name!r} are neither 0 nor 1")
        if (label == label[0]).all():
            raise DataError(f"all {len(label)} training labels of {name!r} are {int(label[0])}; a model needs both", hint=hint)

    def head(self, width: int) -> nn.Module:
        made = LabelAttention if self.needs == "steps" else heads.Head
        return made(width, len(self.names), self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Sets each bias to the log-odds of its label's training rate."""
        assert isinstance(head, heads.Head | LabelAttention)
        head.begin_at(torch.as_tensor(losses.log_odds(target.values, target.known), dtype=torch.float32))

    def loss(self, out: Tensor, target: Target) -> Tensor:
        label = losses.filled(target.values, target.known)
        gamma = self.config.gamma if self.config.loss == "focal" else 0.0
        return losses.mean_known(losses.binary_cross_entropy(out, label, gamma, self.config.smoothing), target.known)

    def balance(self, target: Target) -> Array:
        """The mean of the weights that each known label of a row would have alone, with mean 1 over the rows that have any."""
        columns = range(len(self.names))
        weight = np.stack([losses.balance(target.values[:, k], target.known[:, k], 2) for k in columns], 1)
        row = weight.sum(1) / np.maximum(target.known.sum(1), 1)
        labelled = target.known.any(1)
        return np.asarray(row / row[labelled].mean() if labelled.any() else row, np.float32)

    def answer(self, out: Tensor) -> Answer:
        return Answer("probabilities", out.detach().double().sigmoid().cpu().numpy(), self.names)


def build(config: Config, names: tuple[str, ...]) -> Multilabel:
    return Multilabel(config, names)
