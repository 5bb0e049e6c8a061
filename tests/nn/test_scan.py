"""The scan against the recurrence it stands for, one step after the other in float64."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sequela.nn.scan import scan


def drawn(steps: int, seed: int, rows: int = 2, width: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    """Decays, inputs and the first state; some decays are exactly 0 and some exactly 1."""
    random = torch.Generator().manual_seed(seed)
    decay = (torch.rand(rows, steps, width, generator=random, dtype=torch.float64) * 1.4 - 0.2).clamp(0, 1)
    inputs = torch.randn(rows, steps, width, generator=random, dtype=torch.float64)
    return decay, inputs, torch.randn(rows, width, generator=random, dtype=torch.float64)


def sequential(decay: Tensor, inputs: Tensor, initial: Tensor) -> Tensor:
    state, states = initial, []
    for a, b in zip(decay.unbind(1), inputs.unbind(1), strict=True):
        state = a * state + b
        states.append(state)
    return torch.stack(states, 1)


@given(st.integers(1, 70), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_the_scan_is_the_sequential_recurrence(steps: int, seed: int) -> None:
    arguments = drawn(steps, seed)
    torch.testing.assert_close(scan(*arguments), sequential(*arguments), rtol=0, atol=1e-12)


@given(st.integers(1, 40), st.integers(0, 999))
@settings(max_examples=40, deadline=None)
def test_the_gradients_of_the_scan_are_those_of_the_recurrence(steps: int, seed: int) -> None:
    mine, theirs = ([part.clone().requires_grad_() for part in drawn(steps, seed)] for _ in range(2))
    slope = torch.randn(2, steps, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    (scan(*mine) * slope).sum().backward()
    (sequential(*theirs) * slope).sum().backward()
    for one, other in zip(mine, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=0, atol=1e-11)


def test_later_steps_change_earlier_states_by_not_one_bit() -> None:
    decay, inputs, initial = (part.float() for part in drawn(37, seed=1))
    whole = scan(decay, inputs, initial)
    for steps in range(1, 37):
        assert torch.equal(scan(decay[:, :steps], inputs[:, :steps], initial), whole[:, :steps])


@pytest.mark.parametrize("kept", [0.0, 1e-30, 0.5, 1 - 2**-20, 1.0])
def test_a_thousand_steps_of_one_decay_stay_near_the_exact_sum(kept: float) -> None:
    decay = torch.full((1, 1000, 1), kept)
    exact = sequential(decay.double(), torch.ones(1, 1000, 1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64))
    torch.testing.assert_close(scan(decay, torch.ones(1, 1000, 1), torch.zeros(1, 1)).double(), exact, rtol=1e-5, atol=0)
