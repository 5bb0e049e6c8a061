"""The hand-written backward pass of the gated recurrence."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from sequela.nn.gated import gated

STEPS, ROWS, WIDTH = 6, 3, 4


def arguments(decayed: bool, seed: int = 0) -> list[Tensor | None]:
    random = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    decay = torch.rand(STEPS, ROWS, WIDTH, generator=random, dtype=torch.float64) if decayed else None
    return [draw(STEPS, ROWS, 3 * WIDTH), decay, draw(WIDTH, 2 * WIDTH), draw(WIDTH, WIDTH), draw(ROWS, WIDTH)]


def plain(projected: Tensor, decay: Tensor | None, gates: Tensor, candidate: Tensor, initial: Tensor) -> Tensor:
    """The same equations, differentiated by autograd step by step."""
    state, states = initial, []
    for t, step in enumerate(projected):
        state = state if decay is None else decay[t] * state
        xz, xr, xn = step.chunk(3, 1)
        hz, hr = (state @ gates).chunk(2, 1)
        update, reset = (xz + hz).sigmoid(), (xr + hr).sigmoid()
        state = (1 - update) * state + update * (xn + (reset * state) @ candidate).tanh()
        states.append(state)
    return torch.stack(states)


def leaves(given: list[Tensor | None]) -> list[Tensor | None]:
    return [None if tensor is None else tensor.clone().requires_grad_() for tensor in given]


@pytest.mark.parametrize("decayed", [True, False])
def test_states_and_gradients_equal_those_of_autograd_step_by_step(decayed: bool) -> None:
    ours, theirs = leaves(arguments(decayed)), leaves(arguments(decayed))
    weight = torch.randn(STEPS, ROWS, WIDTH, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    states, expected = gated(*ours), plain(*theirs)
    (states * weight).sum().backward()
    (expected * weight).sum().backward()
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-14)
    for one, other in zip(ours, theirs, strict=True):
        if one is not None:
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("decayed", [True, False])
def test_gradients_equal_finite_differences(decayed: bool) -> None:
    assert torch.autograd.gradcheck(gated, tuple(leaves(arguments(decayed))), eps=1e-6, atol=1e-7)


def test_a_decay_of_one_is_no_decay() -> None:
    projected, _, *rest = arguments(False)
    torch.testing.assert_close(
        gated(projected, torch.ones(STEPS, ROWS, WIDTH, dtype=torch.float64), *rest), gated(projected, None, *rest)
    )


def test_a_second_derivative_is_refused() -> None:
    given = leaves(arguments(True))
    gradient = torch.autograd.grad(gated(*given).square().sum(), given[0], create_graph=True)[0]
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()
