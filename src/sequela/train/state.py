"""Where a training stands: everything that decides how it goes on, and nothing else.

What can be computed from the step number (the learning rate, the order of rows, random numbers) or from the history (early
stopping, drops of a plateau) is not kept: it cannot then disagree with what is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from msgspec import Struct
from torch import Tensor, nn

Weights = Mapping[str, Tensor]


class Epoch(Struct, frozen=True, kw_only=True):
    """One line of log.jsonl."""

    epoch: int  # counted from 1
    train_loss: float  # mean over the rows of the epoch, as the steps saw it (with dropout, augmentation and row weights)
    tune_loss: float | None  # mean over the tune rows; None where there is no tune part
    tune_score: float | None  # see train/tune.py; None also where it is undefined (one class only)
    lr: float  # of the last step
    seconds: float  # of wall clock, with the tune pass


class Record(Struct, frozen=True, kw_only=True):
    """The part of the state that is plain data, as a checkpoint keeps it."""

    fingerprint: dict[str, str]
    epoch: int  # of the next step, from 0
    step: int  # the next step of that epoch, from 0; equal to the number of steps where only the tune pass is missing
    loss_sum: float  # over the steps of the running epoch
    row_count: int  # labelled rows of those steps, or codes that they foresee
    epoch_seconds: float
    cpu_seconds: float
    history: list[Epoch]
    complete: bool


@dataclass(slots=True)
class State:
    """Position, sums of the running epoch, history and weights. The loop alone changes it."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    fingerprint: dict[str, str]
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    row_count: int = 0
    epoch_seconds: float = 0.0
    cpu_seconds: float = 0.0
    history: list[Epoch] = field(default_factory=list)
    complete: bool = False
    best: dict[str, Tensor] = field(default_factory=dict)  # weights of the best epoch so far, on the CPU; empty before the first
    average: dict[str, Tensor] = field(default_factory=dict)  # exponential average of the weights; empty where none is kept

    def record(self) -> Record:
        return Record(**{name: getattr(self, name) for name in Record.__struct_fields__})

    def tensors(self) -> dict[str, Tensor]:
        """Everything that is tensors, by name, copied to the CPU."""
        optimizer = {
            f"{number}.{name}": value
            for number, slots in self.optimizer.state_dict()["state"].items()
            for name, value in slots.items()
            if isinstance(value, Tensor)
        }
        parts = {"model": self.model.state_dict(), "optimizer": optimizer, "best": self.best, "average": self.average}
        return {f"{part}.{name}": snapshot(value) for part, held in parts.items() for name, value in held.items()}

    def restore(self, record: Record, tensors: Weights) -> None:
        """Takes everything over from a checkpoint of the same training."""
        for name in Record.__struct_fields__:
            setattr(self, name, getattr(record, name))
        self.model.load_state_dict(_part(tensors, "model"))
        self._restore_optimizer(_part(tensors, "optimizer"))
        self.best = _part(tensors, "best")
        device = next(self.model.parameters()).device
        self.average = {name: value.to(device) for name, value in _part(tensors, "average").items()}

    def _restore_optimizer(self, tensors: Weights) -> None:
        slots: dict[int, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            number, _, slot = name.partition(".")
            slots.setdefault(int(number), {})[slot] = value
        self.optimizer.load_state_dict({"state": slots, "param_groups": self.optimizer.state_dict()["param_groups"]})


def snapshot(value: Tensor) -> Tensor:
    """A copy on the CPU that shares memory with nothing."""
    return value.detach().to("cpu", copy=True).contiguous()


def _part(tensors: Weights, part: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): value for name, value in tensors.items() if name.startswith(f"{part}.")}
