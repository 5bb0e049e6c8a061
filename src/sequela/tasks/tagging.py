"""Which class is each step? A beat among its neighbours, a stretch of sleep, a word: a label for each step of a row.

The encoder sees all steps of a row, so a step is judged by what stands around it; with a causal encoder, by what came before it.
Each labelled step counts alike in the loss, or, with `balance`, by how rare its class is. What follows training (thresholds,
baselines, intervals, the report) sees the steps that are asked about as rows, with a class each.

With `crf` a chain over the classes is learnt (`nn/crf.py`): which class follows which. A row's loss is of its labels together,
steps without one summed out. The answer about a step is its posterior, all other steps summed out; its largest class is the
decision. That is the choice with the fewest wrong steps to be expected (Rabiner 1989, equation 29), not the likeliest path.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.errors import ConfigError, DataError
from sequela.nn import crf
from sequela.nn import head as heads
from sequela.nn import loss as losses
from sequela.nn.chained import Chained, ChainHead
from sequela.types import Answer, Array, Encoded, Tags, Target

KIND = "tagging"  # of the target; the answers are judged as those of classes are


class Config(heads.Config, frozen=True):
    balance: Annotated[float, Meta(ge=0, le=1)] = 0.0  # power of the inverse class frequency that a step counts by; 0: all alike
    gamma: Annotated[float, Meta(ge=0)] = 0.0  # focal loss: how much less a sure, right answer counts
    smoothing: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # share of each label that is spread over all classes
    crf: bool = False  # a chain over the classes is learnt; it takes none of the three options before it
    prior: bool = True  # with `balance`: answers are brought back to the classes' frequencies (Saerens 2002, equation 4)


class StepHead(nn.Module):
    """Of each step K logits, then how much a step of each class counts in the loss: "B T 2K".

    With `prior` answers are of the classes as frequent as they were in training, and so all count alike outside of training.
    """

    counts: Tensor
    shift: Tensor

    def __init__(self, width: int, columns: int, config: Config) -> None:
        super().__init__()
        self.prior = config.prior
        self.head = heads.Head(width, columns, config)
        self.register_buffer("counts", torch.ones(columns))
        self.register_buffer("shift", torch.zeros(columns))

    def forward(self, encoded: Encoded) -> Tensor:
        logits = heads.of_steps(self.head, encoded)
        if self.training or not self.prior:
            return torch.cat([logits, self.counts.expand_as(logits)], 2)
        return torch.cat([logits + self.shift, torch.ones_like(logits)], 2)


@dataclass(frozen=True, slots=True)
class Tagging:
    """K logits a step."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["steps"]] = "steps"
    kind: ClassVar[Literal["multiclass"]] = "multiclass"

    def check(self, target: Target) -> None:
        """Raises DataError where no step of the training rows has a label, or all have one class."""
        label = _labels(target)
        if not len(label):
            raise DataError(
                f"none of the steps of {len(target.values)} training rows has a label",
                hint="are labels stamped at the steps of this input (else outcome.lasting = true)? Of letters, are they as many?",
            )
        if (label == label[0]).all():
            raise DataError(f"all {len(label)} labelled training steps are {self.names[int(label[0])]!r}; two classes are needed")

    def head(self, width: int) -> nn.Module:
        return StepHead(width, len(self.names), self.config)

    @torch.no_grad()
    def start(self, head: nn.Module, target: Target) -> None:
        """Sets the first biases, how much a step of each class counts, and how far balanced answers are from the true shares."""
        assert isinstance(head, StepHead)
        label = _labels(target)
        share = losses.shares(label, np.ones(len(label), bool), len(self.names))
        weight = share**-self.config.balance
        seen = share * weight / (share * weight).sum()
        head.head.begin_at(torch.as_tensor(np.log(seen), dtype=torch.float32))
        head.counts.copy_(torch.as_tensor(weight / (share * weight).sum()))
        head.shift.copy_(torch.as_tensor(np.log(share / seen)))

    def loss(self, out: Tensor, target: Target) -> Tensor:
        """The sum over each row's labelled steps."""
        label, (logits, counts) = target.dense, out.chunk(2, 2)
        true = label.clamp_min(0)
        flat = losses.cross_entropy(logits.flatten(0, 1), true.flatten(), self.config.gamma, self.config.smoothing)
        each: Tensor = flat.reshape(label.shape) * counts.gather(2, true.unsqueeze(2)).squeeze(2)
        return each.where(label >= 0, 0.0).sum(1)

    def balance(self, target: Target) -> Array:
        raise ConfigError("tagging balances steps, not rows", hint='task = { name = "tagging", balance = 0.5 }')

    def answer(self, out: Tensor) -> Answer:
        """Of steps "S 2K"."""
        return Answer("probabilities", out.chunk(2, 1)[0].detach().double().softmax(1).cpu().numpy(), self.names)

    def tagged(self, out: Tensor, mask: Tensor) -> Answer:
        return self.answer(out[mask])


@dataclass(frozen=True, slots=True)
class ChainTagging:
    """K emissions a step, and a chain over the classes."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["steps"]] = "steps"
    kind: ClassVar[Literal["multiclass"]] = "multiclass"

    def check(self, target: Target) -> None:
        """As Tagging does."""
        Tagging(self.config, self.names).check(target)

    def head(self, width: int) -> nn.Module:
        return ChainHead(width, len(self.names), self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Tells the head how frequent each class is."""
        assert isinstance(head, ChainHead)
        label = _labels(target)
        share = losses.shares(label, np.ones(len(label), bool), len(self.names))
        head.head.begin_at(torch.as_tensor(np.log(share), dtype=torch.float32))

    def loss(self, out: Chained, target: Target) -> Tensor:
        """Minus the log-likelihood of each row's labels."""
        return -crf.log_likelihood(out.emissions, out.chain, target.dense, out.mask)

    def balance(self, target: Target) -> Array:
        raise ConfigError("tagging balances steps, not rows, and a chain of classes not at all")

    def answer(self, out: Chained) -> Answer:
        return self.tagged(out, out.mask)

    def tagged(self, out: Chained, mask: Tensor) -> Answer:
        said = crf.marginals(out.emissions, out.chain, mask)[mask]
        return Answer("probabilities", (said / said.sum(1, keepdim=True)).cpu().numpy(), self.names)


def _labels(target: Target) -> Array:
    """int64 "S": of the labelled steps."""
    tags = target.dense
    assert isinstance(tags, Tags)
    return tags.value[tags.judged & (tags.value >= 0)]


def build(config: Config, names: tuple[str, ...]) -> Tagging | ChainTagging:
    """Raises ConfigError for one class, or a chain with options of steps by themselves."""
    if len(names) < 2:
        raise ConfigError(f"tagging needs two classes or more, the outcome has {len(names)}", hint="name them in outcome.classes")
    if not config.crf:
        return Tagging(config, names)
    if config.balance or config.gamma or config.smoothing:
        raise ConfigError("a chain over the classes takes no balance, gamma or smoothing", hint="leave them out, or crf = false")
    return ChainTagging(config, names)
