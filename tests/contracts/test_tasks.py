"""Rules for every registered task."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sequela import registry
from sequela.config import convert
from sequela.contracts import Task
from sequela.errors import ConfigError, DataError
from sequela.types import Encoded, Target

ROWS, WIDTH = 24, 5
QUANTITIES = ("forecast", "pair", "regression")
ON_MAPS = ("detect", "segment")  # see test_tasks_on_maps.py
ON_STEPS = ("contact", "entities", "tagging")  # see tests/tasks under their names
OF_TIMES = ("survival",)  # see tests/tasks/test_survival.py
OF_ITS_INPUT = ("anomaly",)  # see tests/tasks/test_anomaly.py
TASKS = tuple(
    name
    for name in registry.names("tasks")
    if name not in ON_MAPS + ON_STEPS + OF_TIMES + OF_ITS_INPUT and not hasattr(registry.module("tasks", name), "own_target")
)
"""Those that learn labels of rows; for one that foresees its own input see tests/tasks under its name."""
WITH_OPTIONS = [
    *[(name, {}) for name in TASKS],
    *[(name, {"hidden": 7, "dropout": 0.5}) for name in TASKS],
    *[(name, {"loss": "focal", "gamma": 0.5}) for name in ("binary", "multiclass", "multilabel", "recommend")],
    *[(name, {"attention": "label", "hidden": hidden}) for name in ("multiclass", "multilabel") for hidden in (0, 7)],
    *[("regression", {"loss": loss}) for loss in ("mae", "huber")],
    ("forecast", {"quantiles": [0.05, 0.5, 0.95]}),
]


def make_target(name: str, random: np.random.Generator) -> Target:
    """Labels of ROWS rows, all known, every class present."""
    if name == "binary":
        return Target(np.arange(ROWS)[:, None] % 2.0, np.full((ROWS, 1), True), ("died",))
    if name in ("multiclass", "sentiment"):
        return Target(np.arange(ROWS)[:, None] % 3.0, np.full((ROWS, 1), True), ("N", "S", "V"))
    if name in ("multilabel", "recommend"):
        values = np.stack([np.arange(ROWS) % 2, np.arange(ROWS) % 3 == 0], 1).astype(float)
        return Target(values, np.full((ROWS, 2), True), ("effusion", "nodule"))
    assert name in QUANTITIES, f"a new task needs an example of its labels here: {name}"
    return Target(random.normal((70.0, -3.0), (10.0, 0.5), (ROWS, 2)), np.full((ROWS, 2), True), ("heart rate", "base excess"))


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def made(name: str, options: dict[str, Any], target: Target) -> tuple[Task, nn.Module]:
    torch.manual_seed(0)
    module = registry.module("tasks", name)
    task = module.build(convert(options, module.Config, "task"), target.names)
    head = task.head(WIDTH)
    task.start(head, target)
    return task, head.eval()


def encoded(rows: int = ROWS) -> Encoded:
    random = torch.Generator().manual_seed(1)
    pooled, steps = torch.randn(rows, WIDTH, generator=random), torch.randn(rows, 3, WIDTH, generator=random)
    return Encoded(steps, torch.ones(rows, 3, dtype=torch.bool), pooled)


def tensors(target: Target) -> Target:
    return Target(torch.tensor(target.values, dtype=torch.float32), torch.tensor(target.known), target.names)


@pytest.mark.parametrize(("name", "options"), WITH_OPTIONS)
def test_a_missing_label_adds_no_loss_and_no_gradient(name: str, options: dict[str, Any], random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, head = made(name, options, target)
    known = target.known.copy()
    known[::3] = False
    values = np.where(known, target.values, np.nan)
    out = head(encoded()).detach().requires_grad_()
    loss = task.loss(out, tensors(Target(values, known, target.names)))
    loss.sum().backward()
    assert loss.shape == (ROWS,)
    assert (loss[::3] == 0).all()
    assert (loss[1::3] > 0).all()
    assert (out.grad[::3] == 0).all()
    assert (out.grad[1::3] != 0).any(1).all()


@pytest.mark.parametrize("name", ["forecast", "multilabel", "pair", "recommend", "regression"])
def test_one_missing_label_leaves_the_others_of_its_row(name: str, random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, head = made(name, {}, target)
    out = head(encoded()).detach()
    known = np.stack([np.full(ROWS, True), np.full(ROWS, False)], 1)
    both = task.loss(out, tensors(target))
    first = task.loss(out, tensors(replace(target, known=known)))
    second = task.loss(out, tensors(replace(target, known=~known)))
    torch.testing.assert_close((first + second) / 2, both)


@pytest.mark.parametrize(("name", "options"), WITH_OPTIONS)
def test_answers_are_what_their_kind_promises(name: str, options: dict[str, Any], random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, head = made(name, options, target)
    answer = task.answer(100 * head(encoded()))
    assert answer.names == task.names == target.names
    assert answer.values.shape == (ROWS, len(answer.names))
    assert answer.values.dtype == np.float64
    assert answer.kind == ("values" if task.kind in QUANTITIES else "probabilities")
    if answer.kind == "probabilities":
        assert ((answer.values >= 0) & (answer.values <= 1)).all()
    if task.kind == "multiclass":
        np.testing.assert_allclose(answer.values.sum(1), 1, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "options"), WITH_OPTIONS)
def test_the_order_of_the_batch_changes_no_answer_and_no_loss(
    name: str, options: dict[str, Any], random: np.random.Generator
) -> None:
    target = make_target(name, random)
    task, head = made(name, options, target)
    rows = encoded()
    order = random.permutation(ROWS)
    turned = Encoded(rows.steps[order], rows.mask[order], rows.pooled[order])
    np.testing.assert_allclose(task.answer(head(turned)).values, task.answer(head(rows)).values[order], rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(
        task.loss(head(turned), tensors(target.take(order))), task.loss(head(rows), tensors(target))[order]
    )


def right_output(task: Task, target: Target, head: nn.Module, sure: float) -> torch.Tensor:
    """The output that says the truth: with logits of that size, or (regression) off by 1 - sure/10 spreads."""
    values = torch.tensor(target.values, dtype=torch.float32)
    if task.kind == "multiclass":
        return sure * nn.functional.one_hot(values[:, 0].long(), len(target.names)).float()
    if task.kind == "regression":
        spread = head.spread.expand_as(values)
        return torch.cat([values + (1 - sure / 10) * spread, spread], 1)
    if task.kind == "forecast":
        spread = head.spread.expand_as(values)
        off = values + (1 - sure / 10) * spread
        return torch.cat([off.repeat_interleave(head.shape[1], 1), spread], 1)
    return sure * (2 * values - 1)


@pytest.mark.parametrize(("name", "options"), WITH_OPTIONS)
def test_the_nearer_the_truth_the_smaller_the_loss(name: str, options: dict[str, Any], random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, head = made(name, options, target)
    losses = [task.loss(right_output(task, target, head, sure), tensors(target)) for sure in (-10.0, -3.0, 0.0, 3.0, 10.0)]
    for worse, better in pairwise(losses):
        assert (better < worse).all()
    assert (losses[-1] < 1e-3).all()


@pytest.mark.parametrize(("name", "options"), WITH_OPTIONS)
def test_a_loaded_head_answers_as_the_saved_one_without_a_start(
    name: str, options: dict[str, Any], random: np.random.Generator
) -> None:
    target = make_target(name, random)
    task, head = made(name, options, target)
    fresh = task.head(WIDTH).eval()
    fresh.load_state_dict(head.state_dict())
    np.testing.assert_array_equal(task.answer(fresh(encoded())).values, task.answer(head(encoded())).values)


@pytest.mark.parametrize("name", TASKS)
def test_a_started_head_answers_near_the_training_rate(name: str, random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, head = made(name, {}, target)
    nothing = replace(encoded(1), pooled=torch.zeros(1, WIDTH))
    answer = task.answer(head(nothing)).values[0]
    expected = np.full(3, 1 / 3) if task.kind == "multiclass" else target.values.mean(0)
    spread = target.values.std(0) if task.kind in QUANTITIES else 1.0
    assert (np.abs(answer - expected) / spread < (1.0 if task.kind in QUANTITIES else 0.02)).all()


@pytest.mark.parametrize("name", TASKS)
def test_check_takes_labels_that_differ(name: str, random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, _ = made(name, {}, target)
    task.check(target)
    known = target.known.copy()
    known[3] = False
    task.check(Target(np.where(known, target.values, np.nan), known, target.names))


@pytest.mark.parametrize("name", TASKS)
def test_check_refuses_labels_that_are_all_missing_or_all_the_same(name: str, random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, _ = made(name, {}, target)
    with pytest.raises(DataError, match=r"no(ne|) .*has a (label|value)"):
        task.check(replace(target, known=np.zeros_like(target.known)))
    with pytest.raises(DataError, match="all 24"):
        task.check(replace(target, values=np.ones_like(target.values)))


@pytest.mark.parametrize("name", TASKS)
def test_check_refuses_labels_of_another_kind(name: str, random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, _ = made(name, {}, target)
    target.values[2, 0] = np.inf if task.kind in QUANTITIES else 7
    with pytest.raises(DataError, match=r"1 of 24 (labels|values)"):
        task.check(target)


@pytest.mark.parametrize("name", TASKS)
def test_balanced_classes_weigh_the_same(name: str, random: np.random.Generator) -> None:
    target = make_target(name, random)
    task, _ = made(name, {}, target)
    if task.kind in QUANTITIES:
        with pytest.raises(ConfigError, match="no classes"):
            task.balance(target)
        return
    values = target.values.copy()
    values[:9] = values[0]  # one class becomes common
    target.known[-1] = False
    weight = task.balance(replace(target, values=values))
    assert weight.dtype == np.float32
    assert weight[-1] == 0
    np.testing.assert_allclose(weight[:-1].mean(), 1, rtol=1e-6)
    if task.kind != "multilabel":
        totals = [weight[:-1][values[:-1, 0] == label].sum() for label in np.unique(values[:-1])]
        np.testing.assert_allclose(totals, totals[0], rtol=1e-5)
