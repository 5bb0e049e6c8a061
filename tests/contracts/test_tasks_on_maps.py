"""Rules for every registered task that answers of the points of a picture, or of things on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sequela import registry
from sequela.config import convert
from sequela.contracts import Task
from sequela.errors import ConfigError
from sequela.types import Array, Boxes, Encoded, Seq, Space, Target

ROWS, WIDTH, PICTURE, CELLS = 6, 5, (16, 24), (8, 12)
CASES: dict[str, list[dict[str, Any]]] = {  # options by task
    "detect": [{}, {"width": 7, "depth": 2, "soft": 0.5}],
    "segment": [{}, {"loss": "cross_entropy"}, {"loss": "focal", "overlap": True}],
}
NAMES = {"detect": ("RBC", "WBC"), "segment": ("artery", "vein")}
cases = pytest.mark.parametrize(("name", "options"), [(name, options) for name, listed in CASES.items() for options in listed])


@dataclass(frozen=True)
class OneMask:
    """The same mask of every picture."""

    mask: Array
    instances: bool = False

    def __len__(self) -> int:
        return ROWS

    def take(self, rows: Array) -> OneMask:
        return self

    def whole(self, row: int) -> Array:
        return self.mask

    def space(self, row: int) -> Space | None:
        return None


def truth(name: str) -> Target:
    """In NumPy, as a cohort holds it: every picture is marked."""
    if name == "segment":
        marked = OneMask((np.arange(PICTURE[0] * PICTURE[1]) % 3).astype(np.int32).reshape(PICTURE))
        return Target(np.zeros((ROWS, 1)), np.full((ROWS, 1), True), NAMES[name], marked)
    assert name == "detect"
    corners = np.array([[2, 3, 9, 12], [6, 10, 16, 24]] * ROWS, np.float32)
    boxes = Boxes(np.arange(ROWS + 1) * 2, corners, np.tile([0, 1], ROWS))
    return Target(np.zeros((ROWS, 1)), np.full((ROWS, 1), True), NAMES[name], boxes)


def dense(name: str, random: torch.Generator) -> Tensor:
    """The same in a batch, different in each row."""
    if name == "segment":
        return torch.randint(-1, 3, (ROWS, *PICTURE), generator=random)
    assert name == "detect"
    first = torch.rand(ROWS, 3, 2, generator=random) * 8
    label = torch.tensor([0.0, 1.0, -1.0]).expand(ROWS, 3)[..., None]
    return torch.cat([label, first, first + 4], 2)


def made(name: str, options: dict[str, Any]) -> tuple[Task, nn.Module]:
    torch.manual_seed(0)
    module = registry.module("tasks", name)
    task = module.build(convert(options, module.Config, "task"), NAMES[name])
    head = task.head(WIDTH)
    task.start(head, truth(name))
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    return task, head.eval()


def encoded(random: torch.Generator) -> Encoded:
    mask = torch.ones(ROWS, 1, dtype=torch.bool)
    seq = Seq(torch.randn(ROWS, 1, 3, *PICTURE, generator=random), mask, torch.zeros(ROWS, 1))
    return Encoded(torch.randn(ROWS, 1, WIDTH, *CELLS, generator=random), mask, None, seq)


def of_rows(rows: Encoded, order: Tensor) -> Encoded:
    seq = replace(rows.seq, values=rows.seq.values[order], mask=rows.seq.mask[order])
    return replace(rows, steps=rows.steps[order], mask=rows.mask[order], seq=seq)


def labelled(name: str, random: torch.Generator) -> Target:
    return Target(torch.zeros(ROWS, 1), torch.ones(ROWS, 1, dtype=torch.bool), NAMES[name], dense(name, random))


@pytest.fixture
def random() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@cases
def test_it_needs_a_map_and_is_told_apart_by_its_kind(name: str, options: dict[str, Any]) -> None:
    task, _ = made(name, options)
    assert task.needs == "map"
    assert task.kind == name
    assert task.names == NAMES[name]
    task.check(truth(name))
    with pytest.raises(ConfigError):
        task.balance(truth(name))


@cases
def test_a_picture_nobody_marked_adds_no_loss_and_no_gradient(
    name: str, options: dict[str, Any], random: torch.Generator
) -> None:
    task, head = made(name, options)
    rows = encoded(random)
    steps = rows.steps.requires_grad_()
    target = labelled(name, random)
    target.known[::2] = False
    loss = task.loss(head(rows), target)
    loss.sum().backward()
    assert loss.shape == (ROWS,)
    assert (loss[::2] == 0).all() and (loss[1::2] > 0).all()
    assert not steps.grad[::2].any()
    assert (steps.grad[1::2] != 0).flatten(1).any(1).all()


@cases
def test_the_order_of_the_batch_and_neighbours_change_no_loss(
    name: str, options: dict[str, Any], random: torch.Generator
) -> None:
    task, head = made(name, options)
    rows, target = encoded(random), labelled(name, random)
    together = name == "segment" and not options  # a batch has one Dice: all its pictures are turned, none left out
    order = torch.tensor([4, 0, 2, 5, 1, 3] if together else [4, 0, 2])
    some = Target(target.values[order], target.known[order], target.names, target.dense[order])
    torch.testing.assert_close(task.loss(head(of_rows(rows, order)), some), task.loss(head(rows), target)[order])


@cases
def test_a_loaded_head_says_the_same_without_a_start(name: str, options: dict[str, Any], random: torch.Generator) -> None:
    task, head = made(name, options)
    fresh = task.head(WIDTH).eval()
    fresh.load_state_dict(head.state_dict())
    rows, target = encoded(random), labelled(name, random)
    torch.testing.assert_close(task.loss(fresh(rows), target), task.loss(head(rows), target), rtol=0, atol=0)
