"""Small networks over small ragged inputs, as a Model has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from sequela import config, registry
from sequela.contracts import Evidence, Task
from sequela.model import Model
from sequela.nn import fuse as fuses
from sequela.nn import head as heads
from sequela.tasks import binary
from sequela.types import Array, Encoded, Plain, Ragged, Seq, Spec, Target

TASK: Task = binary.build(binary.Config(), ("event",))
SERIES = Spec("measurements", (3,), "index")
LENGTHS = (6, 0, 2, 4)


class Plainly(nn.Module):
    """An encoder over steps of numbers that torch's own layers make: what libraries know."""

    gives = frozenset({"pooled"})
    causal = True
    width = steps_width = 8

    def __init__(self, features: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.states = nn.LSTM(features, self.width, batch_first=True)

    def forward(self, seq: Seq) -> Encoded:
        last = (seq.mask.sum(1) - 1).clamp(min=0)
        return Encoded(None, seq.mask, self.states(seq.values)[0][torch.arange(len(last)), last])


class Sum(nn.Module):
    """A vector that is the weighted sum of all numbers of a row: what each adds is known."""

    gives = frozenset({"pooled"})
    causal = True
    width = 2

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 2, features).unsqueeze(1) * torch.tensor([[1.0, 0.5]]))

    def forward(self, seq: Seq) -> Encoded:
        there = seq.mask.unsqueeze(2) if seq.seen is None else seq.mask.unsqueeze(2) & seq.seen
        return Encoded(None, seq.mask, (seq.values * there).sum(1) @ self.weight)


def model(encoders: Mapping[str, nn.Module], columns: int = 1, seed: int = 0) -> Model:
    """A network of these encoders with a head of so many columns."""
    torch.manual_seed(seed)
    fuse = fuses.build(config.choice("concat", "fuse"), [encoder.width for encoder in encoders.values()])  # type: ignore[misc]
    return Model(encoders, fuse, heads.Head(fuse.width, columns, heads.Config())).eval()


def encoder(name: str, spec: Spec, options: dict[str, object] | None = None, seed: int = 0) -> nn.Module:
    """A registered encoder with weights of this seed."""
    torch.manual_seed(seed)
    module = registry.module("encoders", name)
    built: nn.Module = module.build(spec, config.convert(options or {}, module.Config))
    return built.eval()


def drawn(spec: Spec, lengths: tuple[int, ...] = LENGTHS, seed: int = 1, whole: bool = False) -> Ragged:
    """Rows of these lengths; of a part of the cells nothing was seen, unless they are whole."""
    random = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    shape = (int(offsets[-1]), *spec.shape)
    numbers = random.standard_normal(shape).astype(np.float32)
    seen = None if whole or not spec.shape else random.random(shape) < 0.7
    values: Array = random.integers(0, spec.vocabulary, shape) if spec.vocabulary else numbers
    return Ragged(
        offsets,
        values,
        np.concatenate([np.arange(count, dtype=float) for count in lengths] or [np.zeros(0)]),
        seen,
        np.abs(random.standard_normal((shape[0], spec.side))).astype(np.float32) if spec.side else None,
        random.standard_normal((len(lengths), spec.context)).astype(np.float32) if spec.context else None,
    )


def evidence(inputs: Mapping[str, Ragged], specs: Mapping[str, Spec]) -> Evidence:
    """The rows, named by their number, of whose answers nothing is known."""
    count = len(next(iter(inputs.values())))
    unknown = np.zeros((count, 1), bool)
    names: Any = np.arange(count).astype(str)
    return Evidence(
        inputs,
        specs,
        Plain(np.zeros((count, 0), np.float32), ()),
        Target(unknown * 1.0, unknown, ("event",)),
        np.arange(count),
        names,
    )


def rectangle(rows: int = 4, steps: int = 6, features: int = 3, seed: int = 1) -> tuple[Evidence, torch.Tensor]:
    """Rows of as many steps, all seen, and the same as one tensor."""
    spec = Spec("measurements", (features,), "index")
    ragged = drawn(spec, (steps,) * rows, seed, whole=True)
    assert isinstance(ragged.values, np.ndarray)
    return evidence({"chart": ragged}, {"chart": spec}), torch.as_tensor(ragged.values).view(rows, steps, features)
