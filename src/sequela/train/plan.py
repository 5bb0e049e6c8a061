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
from sequela.contracts import Boxer, Choosing, Evidence, Painter, Task
from sequela.prep import augment, mixup
from sequela.train import dense, fairly
from sequela.train import penalty as penalties
from sequela.train.order import Order
from sequela.types import Array, Batch, Spanned, Tags, Target

if TYPE_CHECKING:
    from torch import Tensor

    from sequela.model.rules import Held
    from sequela.prep.augment import Change
    from sequela.prep.mixup import Mixture
    from sequela.train.dense import Pictures


@dataclass(frozen=True, slots=True)
class Step:
    """One optimizer step's work."""

    epoch: int
    number: int  # within the epoch, from 0
    rows: Array  # int64 "B"
    labelled: int  # rows of the batch with a label, or codes that they foresee: what the loss is divided by
    batch: Batch  # tensors, on the device
    mixture: Mixture | None = None  # where rows are mixed: what of

    def losses(self, task: Task, out: Tensor) -> Tensor:
        """Of each row, "B", with its weight; of a mixed one, of both its labels."""
        found = self._losses(task, out, self.target, self.batch.weight)
        if self.mixture is None:
            return found
        weight = self.batch.weight
        partners = mixup.partners(self.target, self.mixture)
        other = self._losses(task, out, partners, None if weight is None else weight[self.mixture.partner])
        return found * self.mixture.share + other * (1 - self.mixture.share)

    def _losses(self, task: Task, out: Tensor, target: Target, weight: Tensor | None) -> Tensor:
        found = task.loss(out, target)
        return found if weight is None else found * weight

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
    augment: Mapping[str, Change]  # of the inputs that have any
    pictures: Pictures | None = None  # where every point is asked: what draws the batches
    tune_pictures: Pictures | None = None
    rules: tuple[Held, ...] = ()  # that answers are held to, each with a penalty

    @property
    def steps(self) -> int:
        """Of the whole training."""
        return self.order.steps * self.settings.epochs

    def step(self, epoch: int, number: int, rows: Array) -> Step:
        """The step's batch: a function of the rows, the seed and the position alone."""
        made = models.tensors(self._collated(epoch, number, rows), self.settings.device)
        for name, change in self.augment.items():
            generator = torch.Generator().manual_seed(seed.number(self.settings.seed, "augment", name, epoch, number))
            made = _augmented(made, name, change, generator, painted=self.pictures is not None)
        made, mixture = self._mixed(made, epoch, number)
        return Step(epoch, number, rows, counted(self.task, self.train.target.take(rows)), made, mixture)

    def _mixed(self, made: Batch, epoch: int, number: int) -> tuple[Batch, Mixture | None]:
        if not self.settings.mixup:
            return made, None
        mixture = mixup.drawn(made.inputs, self.settings.mixup, seed.generator(self.settings.seed, "mixup", epoch, number))
        return replace(made, inputs={name: mixup.mixed(seq, mixture) for name, seq in made.inputs.items()}), mixture

    def _collated(self, epoch: int, number: int, rows: Array) -> Batch:
        if self.pictures is not None:
            return self.pictures.batch(rows, self.settings.seed, epoch, number, weight=self.weight)
        return batch.collate(self.train.inputs, rows, self.train.target, self.weight, share=True)


def _augmented(made: Batch, name: str, change: Change, generator: torch.Generator, *, painted: bool) -> Batch:
    """The batch with one input changed, and with it the truth of every point."""
    seq, target = made.inputs[name], made.target
    if target is None or not painted:
        return replace(made, inputs={**made.inputs, name: change(seq, generator, target)})
    drawn = change.draw(seq, generator, target)
    target = replace(target, dense=change.dense(seq, target.dense, drawn))
    return replace(made, inputs={**made.inputs, name: change.apply(seq, drawn)}, target=target)


def counted(task: Task, target: Target) -> int:
    """What the losses of these rows are a sum over: rows or steps with a label, or the codes that they foresee."""
    if isinstance(task, Choosing):
        return int(task.learns(target).sum())
    if task.kind == "next_event" or isinstance(target.dense, Tags):
        return int(target.values[target.known].sum())
    if isinstance(target.dense, Spanned):
        return int((target.dense.tags.value >= 0).sum())
    return int(target.known.any(axis=1).sum())


def make(study: Study, train: Evidence, tune: Evidence | None, task: Task) -> Plan:
    """The plan.

    Raises ConfigError where classes are to be balanced and there are none, rows mixed, or rules held to, that cannot be.
    """
    settings = study.train
    if settings.mixup:
        mixup.check(task.kind, train.specs)
    weight = _weight(study, train, task)
    share = weight / weight.sum(dtype=np.float64) if weight is not None and settings.balance == "sampling" else None
    painted = isinstance(task, Painter | Boxer)
    pictures = dense.pictures(train, settings.seed) if painted else None
    augments = {name: input_.augment for name, input_ in study.inputs.items() if input_.augment}
    classes = augment.classes(task.kind, train.asked.target) if augments else None
    return Plan(
        settings=settings,
        train=train,
        tune=tune,
        task=task,
        order=Order(batch.lengths(train.inputs), settings.batch, settings.seed, share, pictures.times if pictures else 1),
        weight=None if settings.balance == "sampling" else weight,
        augment={name: augment.build(named, train.specs[name], classes, task.kind) for name, named in augments.items()},
        pictures=pictures,
        tune_pictures=dense.pictures(tune, settings.seed) if pictures and tune is not None else None,
        rules=penalties.penalised(study, train),
    )


def _weight(study: Study, train: Evidence, task: Task) -> Array | None:
    """How much each row counts, by its class or its group; None where all count alike."""
    if train.group is not None:
        return fairly.WAYS[study.fairness.mitigate](train.group, train.target)
    settings = study.train
    return None if settings.balance == "none" else _softened(task.balance(train.target), settings.balance_power)


def _softened(weight: Array, power: float) -> Array:
    """Row weights raised to a power, of mean 1 over the labelled rows again; a weight of 0 stays 0."""
    softened = np.where(weight > 0, weight.astype(np.float64) ** power, 0.0)
    scaled: Array = (softened / softened[weight > 0].mean()).astype(np.float32)
    return scaled
