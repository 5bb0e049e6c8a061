"""Times to events are explained by the chance of the first cause by the last horizon, along a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.explain.attribution.conftest import SERIES, Plainly, drawn, evidence, model

from sequela import config
from sequela import model as models
from sequela.explain.attribution import Options, attribute
from sequela.metrics.calibration import logit
from sequela.tasks import survival
from sequela.types import Horizon, Target, Times

HORIZONS = (Horizon("1y", 365.25), Horizon("3y", 1095.75))
WAYS: list[dict[str, Any]] = [{}, {"by": "cox"}, {"by": "deephit"}, {"by": "weibull", "mixture": 2}]


def target(rows: int = 60) -> Target:
    random = np.random.default_rng(0)
    times = Times(random.exponential(900.0, rows) + 1, np.arange(rows) % 3, np.zeros(rows), HORIZONS)
    return Target(np.zeros((rows, 1)), np.ones((rows, 1), bool), ("death", "transplant"), times)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_log_odds_that_are_explained_are_those_of_the_answer(way: dict[str, Any]) -> None:
    task = survival.Survival(config.convert(way, survival.Config), ("death", "transplant"), HORIZONS)
    network = model({"chart": Plainly()})
    torch.manual_seed(0)
    head = task.head(8)
    task.start(head, target())
    torch.nn.init.normal_(head.head.out.weight, 0, 0.3)  # type: ignore[union-attr, arg-type]
    network.head = head
    task.settle(head, torch.cat([torch.randn(60, task._manner.size[0]), head.knots.expand(60, -1)], 1).detach(), target())  # type: ignore[operator]
    rows = evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    found = attribute([network], task, rows, "integrated_gradients", Options(points=24))
    inputs = found.cells["chart"]
    sums = np.bincount(np.repeat(np.arange(4), [6, 0, 2, 4]), inputs.sum(1), 4)
    np.testing.assert_allclose(sums, found.told - found.rest, atol=1e-3)
    answer = models.predict(network, task, rows.inputs)
    np.testing.assert_allclose(found.told, logit(answer.values[:, 0]), atol=1e-5)
    assert np.abs(inputs).max() > 0
