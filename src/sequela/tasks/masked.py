"""Which code stands here? Steps are hidden, and what was there is told from all around them.

It pretrains encoders that see both ways (the masked language model of Devlin 2019; of proteins, Rives 2021).

In training each step is hidden with the same chance; of the hidden ones 80 % become the unknown code 0, 10 % another code, and
10 % stay, so that an encoder cannot rest where nothing is hidden. No code is added: the encoder's weights fit the question as
they are. When judged, every seventh step is hidden, by 0 alone, the same ones each time; how long a row is says which.

It is a task of [pretrain] alone: its perplexity is of hidden codes, and not to be held against one of next codes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from sequela.errors import ConfigError, DataError
from sequela.nn import head as heads
from sequela.tasks import next_event
from sequela.types import Answer, Array, Encoded, Ragged, Seq, Spec, Target

KIND = "next_event"
EVERY = 7  # steps of which one is hidden when judged: about 15 %
HIDDEN, CHANGED = 0.8, 0.1  # shares of what is chosen in training; the rest stays
SUMS = next_event.SUMS

Encode: TypeAlias = Callable[[Seq], Encoded]


class Config(heads.Config, frozen=True):
    masked: Annotated[float, Meta(gt=0, lt=1)] = 0.15  # the chance of a step to be hidden in training


class HiddenCodes(nn.Module):
    """Of each row, "B 4": how many codes were hidden, their nats, how many were the likeliest, and of the ten likeliest."""

    def __init__(self, width: int, vocabulary: int, config: Config) -> None:
        super().__init__()
        inner = config.hidden or width
        self.masked = config.masked
        self.hidden = nn.Sequential(nn.Linear(width, inner), nn.ReLU()) if config.hidden else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        self.out = nn.Linear(inner, vocabulary)

    def rolled(self, encode: Encode, seq: Seq) -> Tensor:
        """The sums of the rows of an input, of which this hides steps before the encoder reads it."""
        asked = self._drawn(seq) if self.training else judged(seq.values, seq.mask)
        encoded = encode(Seq(self._without(seq, asked), seq.mask, seq.position, seq.seen, seq.side, seq.context))
        if encoded.steps is None:
            raise ValueError("this head needs the steps of one input")
        return self._sums(encoded.steps, seq.values, asked)

    def _drawn(self, seq: Seq) -> Tensor:
        chance = torch.rand(seq.mask.shape, device=seq.mask.device)
        chosen: Tensor = (chance < self.masked) & seq.mask & (seq.values > 0)
        return chosen

    def _without(self, seq: Seq, asked: Tensor) -> Tensor:
        """The codes with those that are asked hidden."""
        if not self.training:
            return torch.where(asked, torch.zeros_like(seq.values), seq.values)
        way = torch.rand(seq.mask.shape, device=seq.mask.device)
        other = torch.randint(1, max(2, self.out.out_features), seq.mask.shape, device=seq.mask.device)
        changed = torch.where(way < HIDDEN, torch.zeros_like(other), torch.where(way < HIDDEN + CHANGED, other, seq.values))
        found: Tensor = torch.where(asked, changed, seq.values)
        return found

    def _sums(self, steps: Tensor, values: Tensor, asked: Tensor) -> Tensor:
        scores, codes = self.out(self.dropout(self.hidden(steps[asked]))), values[asked]
        nats = functional.cross_entropy(scores, codes, reduction="none")
        above = (scores > scores.gather(1, codes.unsqueeze(1))).sum(1)
        of_steps = torch.stack([torch.ones_like(nats), nats, (above < 1).to(nats), (above < next_event.RANKED).to(nats)], 1)
        laid = of_steps.new_zeros(*asked.shape, of_steps.shape[1])
        laid[asked] = of_steps
        return laid.sum(1)


def judged(values: Tensor, mask: Tensor) -> Tensor:
    """Which steps of rows "B T" are hidden when judged: every seventh, from a place that the row's length says; none unknown."""
    step, length = torch.arange(mask.shape[1], device=mask.device), mask.sum(1, keepdim=True)
    hidden: Tensor = ((step + length) % EVERY == 0) & mask & (values > 0)
    return hidden


@dataclass(frozen=True, slots=True)
class Masked:
    """V scores of each hidden step."""

    config: Config
    names: tuple[str, ...]
    needs: ClassVar[Literal["steps"]] = "steps"
    kind: ClassVar[Literal["next_event"]] = "next_event"
    rolls: ClassVar[bool] = True

    def check(self, target: Target) -> None:
        """Raises DataError where no row has a step to hide."""
        if not target.known.any():
            raise DataError(f"none of {len(target.values)} training rows has a code to hide", hint=f"rows of {EVERY} steps have")

    def head(self, width: int) -> nn.Module:
        return HiddenCodes(width, len(self.names), self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Nothing: the rows' counts say nothing of the codes."""

    def loss(self, out: Tensor, target: Target) -> Tensor:
        """The mean nats of each row's hidden codes, as often as it has hidden ones when judged."""
        each = out[:, 1] / out[:, 0].clamp(min=1)
        loss: Tensor = (each * target.values[:, 0]).where(target.known[:, 0], 0.0)
        return loss

    def balance(self, target: Target) -> Array:
        raise ConfigError("masked codes are hidden as often as they occur: there are no classes to balance")

    def answer(self, out: Tensor) -> Answer:
        return Answer("values", out.detach().double().cpu().numpy()[:, 1:], SUMS)


def build(config: Config, names: tuple[str, ...]) -> Masked:
    return Masked(config, names)


def own_names(specs: Mapping[str, Spec]) -> tuple[str, ...]:
    """The vocabulary of the one input. Raises ConfigError as `next_event` does, and for steps of several codes."""
    names = next_event.own_names(specs)
    ((name, spec),) = specs.items()
    if spec.shape:
        raise ConfigError(f"a step of inputs.{name} holds several codes, and masked hides one", hint="pretrain.masked = 0")
    return names


def own_target(inputs: Mapping[str, Ragged], specs: Mapping[str, Spec]) -> Target:
    """How many codes of each row are hidden when it is judged; not known where there is none."""
    (ragged,) = inputs.values()
    if len(ragged.values.shape) > 1:
        raise ConfigError("a step of the input holds several codes, and masked hides one", hint="pretrain.masked = 0")
    length = ragged.lengths
    step = np.arange(int(ragged.offsets[-1])) - np.repeat(ragged.offsets[:-1], length)
    values = np.asarray(ragged.values if ragged.take is None else ragged.values[ragged.take])
    hidden = ((step + np.repeat(length, length)) % EVERY == 0) & (values > 0)
    total = np.concatenate([[0], np.cumsum(hidden)])
    count = (total[ragged.offsets[1:]] - total[ragged.offsets[:-1]]).astype(np.float64)[:, None]
    return Target(count, count > 0, own_names(specs))
