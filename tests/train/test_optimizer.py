from __future__ import annotations

import pytest
import torch
from torch import nn

from sequela.config import Optimizer, Train
from sequela.train import optimizer
from sequela.train.rates import Rate

NAMES = ["adam", "adamw", "rmsprop", "sgd"]


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 1))


def with_gradient(model: nn.Module, size: float) -> nn.Module:
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, size)
    return model


@pytest.mark.parametrize("name", NAMES)
def test_biases_and_norms_do_not_decay(name: str) -> None:
    model = with_gradient(net(), 0.0)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    optimizer.build(model, Optimizer(name=name, lr=0.1, weight_decay=0.5)).step()  # type: ignore[arg-type]
    moved = {key for key, value in model.state_dict().items() if not torch.equal(value, before[key])}
    assert moved == {"0.weight", "2.weight"}


def test_frozen_weights_are_left_out() -> None:
    model = net()
    for parameter in model[0].parameters():  # type: ignore[index]
        parameter.requires_grad = False
    groups = optimizer.build(model, Optimizer()).param_groups
    assert sum(len(group["params"]) for group in groups) == 4


@pytest.mark.parametrize("name", NAMES)
def test_a_rate_sets_learning_rate_and_momentum(name: str) -> None:
    settings = Optimizer(name=name, lr=0.2)  # type: ignore[arg-type]
    built = optimizer.build(net(), settings)
    optimizer.set_rate(built, settings, Rate(0.5, 0.87))
    for group in built.param_groups:
        assert group["lr"] == 0.1
        assert (group["betas"][0] if "betas" in group else group["momentum"]) == 0.87


def test_the_norm_is_clipped() -> None:
    model = with_gradient(net(), 2.0)
    entries = sum(parameter.numel() for parameter in model.parameters())
    assert optimizer.clip(model, Train(clip=0.5)) == pytest.approx(2 * entries**0.5)
    norm = torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None]).norm()
    assert norm.item() == pytest.approx(0.5, rel=1e-4)


def test_entries_are_clipped() -> None:
    model = with_gradient(net(), -2.0)
    optimizer.clip(model, Train(clip_value=0.25))
    assert all(bool((parameter.grad == -0.25).all()) for parameter in model.parameters() if parameter.grad is not None)


def test_a_gradient_within_the_limits_is_left_as_it_is() -> None:
    model = with_gradient(net(), 0.01)
    optimizer.clip(model, Train(clip=5.0, clip_value=0.25))
    assert all(bool((parameter.grad == 0.01).all()) for parameter in model.parameters() if parameter.grad is not None)
