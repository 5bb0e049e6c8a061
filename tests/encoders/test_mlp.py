"""The MLP against its equation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequela.encoders import mlp
from sequela.types import Seq, Spec

FUNCTIONS = {"relu": lambda a: np.maximum(a, 0), "tanh": np.tanh, "silu": lambda a: a / (1 + np.exp(-a))}


@pytest.mark.parametrize("activation", sorted(FUNCTIONS))
def test_two_layers_and_the_mean_equal_the_equation(activation: str) -> None:
    torch.manual_seed(0)
    spec = Spec("static", (3,), "index", side=1, context=2)
    made = mlp.build(spec, mlp.Config(width=4, layers=2, activation=activation)).double()
    values, side = torch.randn(2, 5, 3, dtype=torch.float64), torch.randn(2, 5, 1, dtype=torch.float64)
    context, lengths = torch.randn(2, 2, dtype=torch.float64), (5, 2)
    seen = torch.rand(2, 5, 3) < 0.5
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    pooled = made(Seq(values, mask, torch.zeros(2, 5, dtype=torch.float64), seen, side, context)).pooled.detach().numpy()
    (w, b), (v, c) = [(layer[0].weight.detach().numpy(), layer[0].bias.detach().numpy()) for layer in made.layers]
    for row, length in enumerate(lengths):
        beside = np.tile(context[row].numpy(), (length, 1))
        x = np.concatenate([values[row, :length], seen[row, :length], side[row, :length], beside], axis=1)
        hidden = FUNCTIONS[activation](x @ w.T + b)
        np.testing.assert_allclose(pooled[row], FUNCTIONS[activation](hidden @ v.T + c).mean(0), atol=1e-13)


def test_each_step_is_of_its_own_step_alone() -> None:
    torch.manual_seed(0)
    made = mlp.build(Spec("codes", (), "days", vocabulary=6), mlp.Config(width=4))
    codes = torch.tensor([[1, 2, 3], [3, 2, 5]])
    steps = made(Seq(codes, torch.ones(2, 3, dtype=torch.bool), torch.zeros(2, 3, dtype=torch.float64))).steps
    torch.testing.assert_close(steps[0, 1:], steps[1, [1, 0]])
