"""minGRU against its recurrence, and against the paper's own parallel form over logarithms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from sequela.encoders import mingru
from sequela.types import Seq, Spec

ROWS, STEPS, FEATURES, WIDTH = 3, 9, 4, 5


def made_and_fed(**options):
    torch.manual_seed(1)
    made = mingru.build(Spec("measurements", (FEATURES,), "days", context=2), mingru.Config(width=WIDTH, **options)).double()
    values, context = torch.randn(ROWS, STEPS, FEATURES, dtype=torch.float64), torch.randn(ROWS, 2, dtype=torch.float64)
    mask = torch.arange(STEPS) < torch.tensor([[9], [2], [5]])
    return made, Seq(values, mask, torch.zeros(ROWS, STEPS, dtype=torch.float64), context=context)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def layer(x, w, b, h, positive):
    """Section 3.1 of Feng 2024, one step after the other."""
    states = []
    for step in x:
        gate, candidate = np.split(w @ step + b, 2)
        if positive:
            candidate = np.where(candidate >= 0, candidate + 0.5, sigmoid(candidate))
        z = sigmoid(gate)
        h = (1 - z) * h + z * candidate
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize("candidate", ["linear", "positive"])
def test_two_layers_of_mingru_equal_the_equations(candidate: str) -> None:
    made, seq = made_and_fed(candidate=candidate)
    start = made.initial(seq, seq.context).detach().numpy()
    weights = [[p.detach().numpy() for p in cell.parameters()] for cell in made.stack.ahead]
    steps = made(seq).steps.detach().numpy()
    for row, length in enumerate((9, 2, 5)):
        x = np.concatenate([seq.values[row, :length].numpy(), np.ones((length, FEATURES))], axis=1)
        for (w, b), h in zip(weights, np.split(start[row], 2), strict=True):
            x = layer(x, w, b, h, candidate == "positive")
        np.testing.assert_allclose(steps[row, :length], x, rtol=0, atol=1e-12)


def test_the_positive_form_equals_the_scan_over_logarithms_of_the_paper() -> None:
    made, seq = made_and_fed(candidate="positive", layers=1)
    gate, candidate = made.stack.ahead[0].inputs(made.flat(seq)).chunk(2, 2)
    log_candidate = torch.where(candidate >= 0, (functional.relu(candidate) + 0.5).log(), -functional.softplus(-candidate))
    log_kept = (-functional.softplus(gate)).cumsum(1)
    log_inputs = -functional.softplus(-gate) + log_candidate
    expected = (log_kept + torch.logcumsumexp(log_inputs - log_kept, 1)).exp()
    without = Seq(seq.values, seq.mask, seq.position, context=torch.zeros_like(seq.context))
    torch.nn.init.zeros_(made.initial.map.bias)
    found = made(without).steps
    torch.testing.assert_close(found[seq.mask], expected[seq.mask], rtol=0, atol=1e-12)


def test_it_is_causal_in_one_direction_alone() -> None:
    assert made_and_fed()[0].causal
    assert not made_and_fed(bidirectional=True)[0].causal


@pytest.mark.slow
def test_backpropagation_equals_finite_differences_in_mingru() -> None:
    made, seq = made_and_fed(bidirectional=True)
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), atol=1e-6)
