from __future__ import annotations

import pytest
import torch
from torch import nn

from sequela.train.average import Average
from sequela.train.state import State


def state() -> State:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    return State(model, torch.optim.SGD(model.parameters(), lr=0.1), {})


def set_all(model: nn.Module, value: float) -> None:
    for held in model.state_dict().values():
        held.fill_(value)


def test_the_average_is_the_closed_formula() -> None:
    held = state()
    average, expected = Average(held, 0.5), 0.0
    for step, value in enumerate([1.0, 5.0, -3.0, 2.0, 8.0, 9.0, 1.0, 4.0, 4.0, 7.0, 0.0]):
        set_all(held.model, value)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step)) if step else 0.0
        expected = decay * expected + (1 - decay) * value
        assert average.weights()["0.weight"][0, 0].item() == pytest.approx(expected, rel=1e-6)
        assert average.weights()["1.num_batches_tracked"].item() == int(value)


def test_the_model_has_its_own_weights_again_afterwards() -> None:
    held = state()
    average = Average(held, 0.9)
    average.update(0)
    set_all(held.model, 0.1)
    with average.in_place():
        assert not torch.equal(held.model.state_dict()["0.weight"], torch.full((2, 2), 0.1))
    assert torch.equal(held.model.state_dict()["0.weight"], torch.full((2, 2), 0.1))


def test_without_a_decay_nothing_is_kept() -> None:
    held = state()
    average = Average(held, 0.0)
    average.update(0)
    assert held.average == {} and average.weights().keys() == held.model.state_dict().keys()
