"""What a regression measures its loss in."""

from __future__ import annotations

import numpy as np
import torch

from sequela.tasks import regression
from sequela.types import Encoded, Target


def loss_in(scale: float, offset: float) -> torch.Tensor:
    """The loss of a fresh head on the same quantity in a unit of that scale and offset."""
    values = offset + scale * np.random.default_rng(0).normal(size=(12, 1))
    task = regression.build(regression.Config(), ("temperature",))
    torch.manual_seed(0)
    head = task.head(3)
    task.start(head, Target(values, np.full((12, 1), True), task.names))
    out = head(Encoded(None, torch.ones(12, 1, dtype=torch.bool), torch.ones(12, 3)))
    return task.loss(out, Target(torch.tensor(values, dtype=torch.float32), torch.ones(12, 1, dtype=torch.bool), task.names))


def test_the_unit_of_the_target_does_not_change_the_loss() -> None:
    torch.testing.assert_close(loss_in(1.8, 32.0), loss_in(1.0, 0.0), rtol=1e-4, atol=1e-4)


def test_mean_and_spread_are_those_of_the_known_labels() -> None:
    task = regression.build(regression.Config(), ("heart rate", "lactate"))
    head = task.head(3)
    values = np.array([[60.0, np.nan], [90.0, 1.0], [np.nan, 3.0]])
    task.start(head, Target(values, ~np.isnan(values), task.names))
    assert head.mean.tolist() == [75.0, 2.0]
    assert head.spread.tolist() == [15.0, 1.0]
