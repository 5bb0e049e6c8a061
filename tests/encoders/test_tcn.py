"""The TCN against the equations of its paper, and its reach."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sequela.encoders import tcn
from sequela.types import Seq, Spec

ROWS, STEPS, FEATURES, WIDTH = 2, 12, 3, 4


def made_and_fed(**options):
    torch.manual_seed(3)
    spec = Spec("measurements", (FEATURES,), "days", side=1, context=2)
    made = tcn.build(spec, tcn.Config(width=WIDTH, **options)).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, 0, 0.5)
    values, side = torch.randn(ROWS, STEPS, FEATURES, dtype=torch.float64), torch.rand(ROWS, STEPS, 1, dtype=torch.float64)
    mask = torch.arange(STEPS) < torch.tensor([[STEPS], [7]])
    return made, Seq(values, mask, torch.zeros(ROWS, STEPS), None, side, torch.randn(ROWS, 2, dtype=torch.float64))


def convolved(x, magnitude, direction, bias, dilation):
    """The sum over k of W[:, :, k] x[t - (K - 1 - k) dilation], with W = g v / |v| by output channel."""
    weight = magnitude * direction / np.sqrt((direction**2).sum((1, 2), keepdims=True))
    kernel, found = weight.shape[2], []
    for t in range(len(x)):
        total = bias.copy()
        for k in range(kernel):
            back = t - (kernel - 1 - k) * dilation
            total += weight[:, :, k] @ x[back] if back >= 0 else 0
        found.append(total)
    return np.array(found)


@pytest.mark.parametrize("kernel", [2, 3])
def test_steps_of_the_tcn_equal_the_equations(kernel: int) -> None:
    made, seq = made_and_fed(kernel=kernel, layers=3)
    p = {name: value.detach().numpy() for name, value in made.named_parameters()}
    found = made(seq).steps.detach().numpy()
    for row, length in enumerate((STEPS, 7)):
        held = np.concatenate([seq.values[row].numpy(), np.ones((STEPS, FEATURES)), seq.side[row].numpy()], axis=1)[:length]
        x = held @ p["inputs.numbers.weight"].T + p["inputs.row.weight"] @ seq.context[row].numpy()
        for layer in range(3):
            changed = x
            for part in ("first", "second"):
                name = f"blocks.{layer}.{part}"
                g, v = (p[f"{name}.parametrizations.weight.original{k}"] for k in (0, 1))
                changed = np.maximum(convolved(changed, g, v, p[f"{name}.bias"], 2**layer), 0)
            x = np.maximum(x + changed, 0)
        np.testing.assert_allclose(found[row, :length], x, rtol=0, atol=1e-12)


@torch.no_grad()
def test_a_step_sees_as_far_back_as_is_said() -> None:
    made, seq = made_and_fed(kernel=2, layers=2)  # 1 + 2 (2 - 1) (2^2 - 1) = 7 steps
    for parameter in made.parameters():  # nothing is cut off by a relu
        parameter.abs_()
    values = seq.values.abs()
    base = made(Seq(values, seq.mask, seq.position, None, seq.side, seq.context)).steps[0, -1]
    for back in range(STEPS):
        changed = values.clone()
        changed[0, STEPS - 1 - back] += 1
        moved = made(Seq(changed, seq.mask, seq.position, None, seq.side, seq.context)).steps[0, -1]
        assert torch.equal(moved, base) == (back >= 7)


@torch.no_grad()
def test_one_that_is_not_causal_sees_as_far_ahead_as_back_and_no_padding() -> None:
    made, seq = made_and_fed(kernel=3, layers=1, causal=False)  # 2 steps on each side
    for parameter in made.parameters():
        parameter.abs_()
    base = made(seq).steps
    for moved in range(STEPS):
        values = seq.values.abs()
        plain = made(Seq(values, seq.mask, seq.position, None, seq.side, seq.context)).steps
        values = values.index_add(1, torch.tensor([moved]), torch.ones(ROWS, 1, FEATURES, dtype=torch.float64))
        changed = made(Seq(values, seq.mask, seq.position, None, seq.side, seq.context)).steps
        differs = (changed != plain).any(2)
        near = (torch.arange(STEPS) - moved).abs() <= 2
        assert torch.equal(differs[0], near)
        if moved >= 7:
            assert not differs[1, :7].any()
    assert base.shape == (ROWS, STEPS, WIDTH)


def test_backpropagation_equals_finite_differences_in_tcn() -> None:
    made, seq = made_and_fed(layers=2, pool="mean")
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), atol=1e-6)
