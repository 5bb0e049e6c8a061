from __future__ import annotations

from math import cos, pi

import pytest
import torch

from sequela.config import Schedule
from sequela.train.rates import drops, rate


def factors(schedule: Schedule, epochs: int, steps: int) -> list[float]:
    return [rate(schedule, step, epochs, steps).factor for step in range(epochs * steps)]


def stepped(optimizer: torch.optim.Optimizer, scheduler: torch.optim.lr_scheduler.LRScheduler, steps: int) -> list[float]:
    """The rates that torch's own scheduler gives."""
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


def adam(lr: float = 1.0) -> torch.optim.Optimizer:
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=lr)


def test_constant_stays() -> None:
    assert factors(Schedule(), 2, 3) == [1.0] * 6


def test_step_drops_after_every_so_many_epochs() -> None:
    assert factors(Schedule(name="step", every=2, factor=0.5), 5, 2) == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_warmup_rises_in_a_line_to_the_whole() -> None:
    assert factors(Schedule(name="warmup", warmup=0.4), 2, 5) == pytest.approx([0.25, 0.5, 0.75, *[1.0] * 7])


def test_cosine_falls_along_half_a_cosine_after_its_warmup() -> None:
    found = factors(Schedule(name="cosine", warmup=0.2), 2, 5)
    assert found[:2] == [0.5, 1.0]
    assert found[2:] == pytest.approx([(1 + cos(pi * step / 8)) / 2 for step in range(8)])


def test_cosine_without_warmup_is_that_of_torch() -> None:
    optimizer = adam()
    expected = stepped(optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 30), 30)
    assert factors(Schedule(name="cosine", warmup=0.0), 3, 10) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("rise", [0.3, 0.5])
def test_one_cycle_is_that_of_torch_in_rate_and_momentum(rise: float) -> None:
    optimizer = adam()
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2.0, total_steps=40, pct_start=rise)
    for step in range(40):
        ours = rate(Schedule(name="one_cycle", rise=rise), step, 4, 10)
        assert 2.0 * ours.factor == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
        assert ours.momentum == pytest.approx(optimizer.param_groups[0]["betas"][0], abs=1e-12)
        optimizer.step()
        if step < 39:
            scheduler.step()


@pytest.mark.parametrize("name", ["constant", "step", "cosine", "plateau", "warmup", "one_cycle"])
def test_a_training_of_one_step_has_a_rate(name: str) -> None:
    assert 0 < rate(Schedule(name=name), 0, 1, 1).factor <= 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("results", "patience", "expected"),
    [([], 1, 0), ([1, 2, 3], 1, 0), ([3, 2, 1], 1, 2), ([3, 2, 1, 4, 3, 3], 2, 2), ([1, 1, 1], 2, 1), ([2, 1, 3, 1], 2, 0)],
)
def test_a_plateau_drops_after_epochs_without_gain(results: list[float], patience: int, expected: int) -> None:
    assert drops(results, patience) == expected
    assert rate(Schedule(name="plateau", every=patience, factor=0.1), 0, 9, 1, results).factor == pytest.approx(0.1**expected)
