"""Is this unlike what is normal? A net learns to tell normal rows again; what it tells badly is an anomaly.

by = "reconstruction"   the pooled vector of an encoder goes through a narrow code, from which the row's own steps are told again
                        (Malhotra 2016, arXiv:1607.00148: an LSTM autoencoder; here of any encoder, and of windows too)
by = "forecast"         a causal encoder foretells each step from those before it (Malhotra 2015, ESANN)

Only rows whose label says that the event is absent are learnt from. The answer is the share of them that the net tells better
than this row (`nn/rarity.py`): .99 says that one normal row of training in a hundred looks as odd. It orders rows as their
errors do; it is no risk of the event until it is calibrated on tune (evaluate.recalibrate = "platt").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.config import Strict, Study
from sequela.errors import ConfigError, DataError
from sequela.nn import rebuild
from sequela.nn.rarity import Rarity
from sequela.nn.steps import LARGEST
from sequela.types import Answer, Array, Encoded, Spec, Target

KIND = "binary"


class Config(Strict, frozen=True):
    by: Literal["reconstruction", "forecast"] = "reconstruction"
    code: Annotated[int, Meta(ge=1)] = 8  # numbers that a row is told again from
    cell: Literal["lstm", "gru"] = "lstm"  # that tells several steps again
    hidden: Annotated[int, Meta(ge=1)] = 64  # width of its state, or of the layer before a single step's numbers
    window: rebuild.WindowName = "linear"  # how a step that is a window is told: at once, or unfolded by convolutions
    spread: Literal["channel", "entry"] = "channel"  # errors are measured in a spread learnt for each of these
    side: Annotated[float, Meta(ge=0)] = 0.0  # weight of the numbers beside a step, its values weighing 1; 0: not asked
    judged: Literal["all", "last"] = "all"  # the steps whose error is the row's
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0


class Oddness(nn.Module):
    """For each row the loss, the error, and the log-odds of its rarity: "B 3". A row of which nothing is told has log-odds 0."""

    def __init__(self, decoder: nn.Module, numbers: rebuild.Numbers, config: Config) -> None:
        super().__init__()
        self.decoder = decoder
        self.numbers = numbers
        self.error = rebuild.Error(numbers, config.spread == "entry")
        self.rarity = Rarity()
        self.foretold = config.by == "forecast"
        self.last = config.judged == "last"

    def forward(self, encoded: Encoded) -> Tensor:
        if encoded.seq is None:
            raise ValueError("this head needs what was read, of one input")
        true, seen = self.numbers.of(encoded.seq)
        if self.foretold:  # the first step is given
            seen = seen & (torch.arange(seen.shape[1], device=seen.device) > 0).view(1, -1, 1)
        judged = _last(encoded.mask) if self.last else encoded.mask
        loss, error = self.error(self.decoder(encoded), true, seen, judged)
        told = (seen & judged.unsqueeze(2)).any((1, 2))
        return torch.stack([loss, error, self.rarity(error).where(told, 0.0)], 1)


def _last(mask: Tensor) -> Tensor:
    """Which steps are their row's last, bool "B T"."""
    return mask & (torch.arange(mask.shape[1], device=mask.device) == mask.sum(1, keepdim=True) - 1)


@dataclass(frozen=True, slots=True)
class Anomaly:
    """The rarity of each row's error among normal rows."""

    config: Config
    names: tuple[str, ...]
    spec: Spec | None = None  # of the input, once it is known
    kind: Literal["binary"] = "binary"

    @property
    def needs(self) -> Literal["pooled", "steps"]:
        return "steps" if self.causal else "pooled"

    @property
    def causal(self) -> bool:
        return self.config.by == "forecast"

    def shaped(self, specs: Mapping[str, Spec]) -> Anomaly:
        """The task for these inputs. Raises ConfigError where there are several, or steps that cannot be told again."""
        if len(specs) != 1:
            raise ConfigError(f"anomaly tells one input again, and the study has {len(specs)}: {', '.join(specs)}")
        ((name, spec),) = specs.items()
        if spec.vocabulary:
            raise ConfigError(
                f"anomaly tells numbers again, and inputs.{name} holds codes", hint="the task next_event foresees codes"
            )
        if reason := _untellable(name, spec, self.config):
            raise ConfigError(reason)
        return replace(self, spec=spec)

    def learns(self, target: Target) -> Array:
        """Which rows are learnt from, bool "N": those known to be without the event."""
        learnt: Array = target.known[:, 0] & (target.values[:, 0] == 0)
        return learnt

    def check(self, target: Target) -> None:
        """Raises DataError where a label is neither 0 nor 1, or none is 0: there is nothing normal to learn from."""
        label = target.values[target.known]
        if other := int((~np.isin(label, (0, 1))).sum()):
            raise DataError(f"{other} of {len(label)} labels of {self.names[0]!r} are neither 0 nor 1")
        if not (label == 0).any():
            raise DataError(f"none of {len(target.values)} training rows is known to be without {self.names[0]!r}")

    def head(self, width: int) -> nn.Module:
        if self.spec is None:
            raise ValueError("the task was not told of its input")
        numbers = rebuild.Numbers(self.spec, self.config.side)
        config = self.config
        plan = rebuild.Plan(config.code, config.cell, config.hidden, config.window, config.dropout)
        decoder = rebuild.FromBefore if self.causal else rebuild.FromVector
        return Oddness(decoder(width, numbers, plan), numbers, config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Nothing: labels say only which rows are learnt from."""

    def settle(self, head: nn.Module, out: Tensor, target: Target) -> None:
        """Tells the head the errors of the rows learnt from, by which it tells what is rare."""
        assert isinstance(head, Oddness)
        head.rarity.settle(out[:, 1])

    def loss(self, out: Tensor, target: Target) -> Tensor:
        """Of the rows that are learnt from; 0 for the others."""
        return out[:, 0].where(target.known[:, 0] & (target.values[:, 0] == 0), 0.0)

    def balance(self, target: Target) -> Array:
        raise ConfigError("anomaly learns from one class: there are none to balance", hint='take train.balance = "none"')

    def answer(self, out: Tensor) -> Answer:
        return Answer("probabilities", out[:, 2:].detach().double().sigmoid().cpu().numpy(), self.names)


def _untellable(name: str, spec: Spec, config: Config) -> str:
    """Why steps of numbers cannot be told again as the options ask; "" where they can."""
    step = f"a step of inputs.{name}"
    if math.prod(spec.shape) > LARGEST:
        return f"{step} holds {math.prod(spec.shape):,} numbers; at most {LARGEST:,} are told again"
    if config.by == "forecast" and spec.single:
        return f'inputs.{name} has one step a row, so there is none to foretell: take task.by = "reconstruction"'
    if config.window == "convolution" and len(spec.shape) != 2:
        return f"task.window = 'convolution' tells windows (C, L); {step} has the shape {spec.shape}"
    if config.side and not spec.side:
        return f"task.side asks for the numbers beside the steps of inputs.{name}, which has none"
    return ""


def build(config: Config, names: tuple[str, ...]) -> Anomaly:
    if len(names) != 1:
        raise ConfigError(
            f"anomaly has one label, the abnormal one; the outcome has {len(names)}: {', '.join(names)}",
            hint='outcome.classes = { normal = ["N"], abnormal = ["V"] }',
        )
    return Anomaly(config, names)


def placed(task: Anomaly, study: Study, specs: Mapping[str, Spec]) -> Anomaly:
    """The task with what it needs to know of the study's inputs."""
    return task.shaped(specs)
