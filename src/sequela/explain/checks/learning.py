"""A copy of a trained network that goes on to learn a planted pattern, within a budget, and how well it knows it then."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch

from sequela import batch as batches
from sequela import model as models
from sequela.contracts import Task
from sequela.explain.checks import Asking
from sequela.explain.checks.planting import Planted, column_of
from sequela.metrics.discrimination import auroc
from sequela.model import Model
from sequela.seed import number
from sequela.types import Batch

LEVEL = 0.9  # AUROC of the label on held-out rows from which on the network is said to know the pattern
ENOUGH = 0.99  # from which on it learns no further


@dataclass(frozen=True, slots=True)
class Budget:
    """What learning may cost."""

    steps: int = 480
    seconds: float = 60.0  # of the processor
    batch: int = 64
    rate: float = 3e-3
    every: int = 40  # steps between looks at the held-out rows


@dataclass(frozen=True, slots=True)
class Learnt:
    """The copy, and how it came to know the pattern."""

    model: Model  # in eval mode
    auroc: float  # of the label on the held-out rows
    steps: int
    cpu_seconds: float

    @property
    def knows(self) -> bool:
        return self.auroc >= LEVEL


BUDGET = Budget()


def learnt(
    model: Model,
    task: Task,
    planted: tuple[Planted, Planted],
    asking_of: Callable[[Model], Asking],
    *,
    budget: Budget = BUDGET,
    seed: int = 0,
) -> Learnt:
    """The copy after its last look at the held-out rows. All weights learn, by the task's own loss; `model` is left as it is.

    `planted`: the rows that it learns from, and the held-out rows.
    """
    train, held_out = planted
    made = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(made.parameters(), lr=budget.rate)
    began, knows, steps = time.process_time(), 0.0, 0
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number(seed, "plant"))
        for steps, one in enumerate(_stream(train, budget, seed), 1):
            _descend(made, task, optimizer, one)
            last = steps == budget.steps or time.process_time() - began > budget.seconds
            if last or steps % budget.every == 0:
                knows = _known(made, task, held_out, asking_of)
                if last or knows >= ENOUGH:
                    break
    return Learnt(made.eval(), knows, steps, time.process_time() - began)


def _stream(train: Planted, budget: Budget, seed: int) -> Iterator[Batch]:
    """Batches of tensors, epoch after epoch, without end."""
    length = batches.lengths(train.rows.inputs)
    for epoch in count():
        for rows in batches.shuffled(length, budget.batch, seed, epoch):
            yield models.tensors(batches.collate(train.rows.inputs, rows, train.rows.target), "cpu")


def _descend(model: Model, task: Task, optimizer: torch.optim.Optimizer, one: Batch) -> None:
    """One step down the mean loss, the gradient no longer than 1."""
    model.train()
    assert one.target is not None  # planted rows always bring labels
    loss = task.loss(model(one.inputs), one.target).mean()
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def _known(model: Model, task: Task, held_out: Planted, asking_of: Callable[[Model], Asking]) -> float:
    """AUROC of the label by what the network tells of the held-out rows."""
    model.eval()
    column = np.full(len(held_out.rows), column_of(task))
    return float(auroc(asking_of(model)(held_out.rows, column), held_out.label))
