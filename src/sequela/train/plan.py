"""What a training is given, made ready once: rows, their weights, their order, and how each step's batch is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from sequela import batch, seed
from sequela import model as models
from sequela.config import Study, Train
from sequela.contracts import Evidence, Task
from sequela.prep import augment
from sequela.train.order import Order
from sequela.types import Array, Batch, Seq, Target

if TYPE_CHECKING:
    from sequela.prep.augment import Augment


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step's work."""

    epoch: int
    number: int  # within the epoch, from 0
    rows: Array  # int64 "B"
    labelled: int  # rows of the batch with a label, or codes that they foresee: what the loss is divided by
    batch: Batch  # tensors, on the device

    @property
    def target(self) -> Target:
        assert self.batch.target is not None  # training rows always bring labels
        return self.batch.target


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that stays the same while training."""

    settings: Train
    train: Evidence
    tune: Evidence | None
    task: Task
    order: Order
    weight: Array | None  # float32 "N": how much each row counts; None: all the same
    augment: Mapping[str, Augment]  # of the inputs that have any

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.order.steps * self.settings.epochs

    def step(self, epoch: int, number: int, rows: Array) -> Step:
        """The step's batch: a function of the rows, the seed and the position alone."""
        made = models.tensors(batch.collate(self.train.inputs, rows, self.train.target, self.weight), self.settings.device)
        if self.augment:
            made = replace(made, inputs=self._augmented(made, epoch, number))
        return Step(epoch, number, rows, counted(self.task, self.train.target.take(rows)), made)

    def _augmented(self, made: Batch, epoch: int, number: int) -> dict[str, Seq]:
        inputs = dict(made.inputs)
        for name, change in self.augment.items():
            generator = torch.Generator().manual_seed(seed.number(self.settings.seed, "augment", name, epoch, number))
            inputs[name] = change(inputs[name], generator)
        return inputs


def counted(task: Task, target: Target) -> int:
    """What the losses of these rows are a sum over: rows with a label, or the codes that they foresee."""
    if task.kind == "next_event":
        return int(target.values[target.known].sum())
    return int(target.known.any(axis=1).sum())


def make(study: Study, train: Evidence, tune: Evidence | None, task: Task) -> Plan:
    """The plan. Raises ConfigError where classes are to be balanced and there are none."""
    settings = study.train
    weight = None if settings.balance == "none" else _softened(task.balance(train.target), settings.balance_power)
    share = weight / weight.sum(dtype=np.float64) if weight is not None and settings.balance == "sampling" else None
    augments = {name: input_.augment for name, input_ in study.inputs.items() if input_.augment}
    return Plan(
        settings=settings,
        train=train,
        tune=tune,
        task=task,
        order=Order(batch.lengths(train.inputs), settings.batch, settings.seed, share),
        weight=weight if settings.balance == "weights" else None,
        augment={name: augment.build(named, train.specs[name]) for name, named in augments.items()},
    )


def _softened(weight: Array, power: float) -> Array:
    """Row weights raised to a power, of mean 1 over the labelled rows again; a weight of 0 stays 0."""
    softened = np.where(weight > 0, weight.astype(np.float64) ** power, 0.0)
    scaled: Array = (softened / softened[weight > 0].mean()).astype(np.float32)
    return scaled
