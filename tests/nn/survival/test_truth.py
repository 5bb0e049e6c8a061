"""What is learnt of synthetic rows whose truth is known: exponential times of two causes that hang on two numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequela.config import convert
from sequela.tasks import survival
from sequela.types import Encoded, Horizon, Target, Times

HORIZONS = (Horizon("200d", 200.0), Horizon("600d", 600.0))
SLOPES = np.array([[0.8, 0.0], [0.0, -0.6]])
LEVEL = np.array([1 / 700, 1 / 900])


def rows(count: int, seed: int) -> tuple[np.ndarray, Times]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 2))
    rates = LEVEL * np.exp(x @ SLOPES.T)
    each = random.exponential(1 / rates)
    censored = random.exponential(900.0, count) + 1.0
    first = each.min(1)
    cause = np.where(first <= censored, each.argmin(1) + 1, 0)
    return x, Times(np.minimum(first, censored) + 1e-3, cause, np.zeros(count), HORIZONS)


def incidence(x: np.ndarray, days: float) -> np.ndarray:
    rates = LEVEL * np.exp(x @ SLOPES.T)
    total = rates.sum(1, keepdims=True)
    return rates / total * -np.expm1(-total * days)


def encoded(x: np.ndarray) -> Encoded:
    return Encoded(None, torch.ones(len(x), 1, dtype=torch.bool), torch.as_tensor(x, dtype=torch.float32))


@pytest.mark.parametrize(
    ("options", "within"),
    [
        ({"by": "hazards", "bins": 8}, 0.04),
        ({"by": "cox"}, 0.04),
        ({"by": "deephit", "bins": 8, "alpha": 0.05}, 0.05),
        ({"by": "weibull", "mixture": 1}, 0.04),
    ],
)
def test_a_linear_head_learns_the_incidence_of_exponential_times(options: dict[str, object], within: float) -> None:
    x, times = rows(700, 0)
    target = Target(times.cause[:, None].astype(float), np.ones((len(x), 1), bool), ("one", "other"), times)
    task = survival.Survival(convert(options, survival.Config), target.names, HORIZONS)
    torch.manual_seed(0)
    head = task.head(2)
    task.start(head, target)
    taught = Target(torch.tensor(target.values), torch.tensor(target.known), target.names, torch.tensor(times.laid()))
    optimizer = torch.optim.Adam(head.parameters(), 0.1)
    for _ in range(40):
        optimizer.zero_grad()
        torch.autograd.backward(task.loss(head(encoded(x)), taught).mean())
        optimizer.step()
    with torch.no_grad():
        task.settle(head, head(encoded(x)), target)
        new, _ = rows(400, 1)
        curves = task.answer(head(encoded(new))).curves
    assert curves is not None
    for horizon in HORIZONS:
        assert np.abs(curves.at(horizon.days) - incidence(new, horizon.days)).mean() < within


@pytest.mark.parametrize("options", [{"by": "weibull", "mixture": 1, "cure": True}, {"by": "hazards", "bins": 12, "cure": True}])
def test_a_cure_fraction_is_learnt_apart_from_the_times(options: dict[str, object]) -> None:
    """Three in ten are cured; the others' times are exponential with a mean of 100 days, and hardly any is later than 600."""
    random = np.random.default_rng(0)
    count = 700
    cured = random.random(count) < 0.3
    time = np.where(cured, np.inf, random.exponential(100.0, count))
    end = random.uniform(100, 1500, count)
    times = Times(np.minimum(time, end) + 1e-3, (time <= end).astype(np.int64), np.zeros(count), HORIZONS)
    target = Target(times.cause[:, None].astype(float), np.ones((count, 1), bool), ("one",), times)
    task = survival.Survival(convert(options, survival.Config), target.names, HORIZONS)
    head = task.head(1)
    task.start(head, target)
    taught = Target(torch.tensor(target.values), torch.tensor(target.known), target.names, torch.tensor(times.laid()))
    nothing = encoded(np.zeros((count, 1)))
    optimizer = torch.optim.Adam(head.parameters(), 0.1)
    for _ in range(60):
        optimizer.zero_grad()
        torch.autograd.backward(task.loss(head(nothing), taught).mean())
        optimizer.step()
    with torch.no_grad():
        out = head(nothing)
    share = float(out[0, -1 - len(head.knots)].sigmoid())
    assert share == pytest.approx(0.3, abs=0.05)
    assert float(task.answer(out).values[0, 0]) == pytest.approx(0.7, abs=0.05)
