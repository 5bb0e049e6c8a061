"""T-LSTM against the equations of its paper."""

from __future__ import annotations

from dataclasses import replace
from math import e, log

import numpy as np
import pytest
import torch

from sequela.encoders import t_lstm
from sequela.types import Seq, Spec

ROWS, STEPS, FEATURES, WIDTH = 3, 6, 4, 5
LENGTHS = (6, 1, 4)


def made_and_fed(**options):
    torch.manual_seed(2)
    made = t_lstm.build(Spec("measurements", (FEATURES,), "days", context=2), t_lstm.Config(width=WIDTH, **options)).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, 0, 0.5)
    values, context = torch.randn(ROWS, STEPS, FEATURES, dtype=torch.float64), torch.randn(ROWS, 2, dtype=torch.float64)
    position = torch.rand(ROWS, STEPS, dtype=torch.float64).cumsum(1) * 50 - 300
    return made, Seq(values, torch.arange(STEPS) < torch.tensor(LENGTHS)[:, None], position, context=context)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def states(x, time, start, p, elapsed):
    """Baytas 2017, one number after the other."""
    h, c, found = start, np.zeros(WIDTH), []
    for t, step in enumerate(x):
        since = 0.0 if t == 0 else (time[t] - time[t - 1]) / elapsed
        short = np.tanh(p["cell.short.weight"] @ c + p["cell.short.bias"])
        adjusted = (c - short) + short / log(e + since)
        i, f, o, n = np.split(p["cell.inputs.weight"] @ step + p["cell.inputs.bias"] + p["cell.state.weight"] @ h, 4)
        c = sigmoid(f) * adjusted + sigmoid(i) * np.tanh(n)
        h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return np.array(found)


@pytest.mark.parametrize("elapsed", [1.0, 1 / 24])
def test_states_of_the_time_aware_lstm_equal_the_equations(elapsed: float) -> None:
    made, seq = made_and_fed(elapsed=elapsed)
    p = {name: value.detach().numpy() for name, value in made.named_parameters()}
    found = made(seq).steps.detach().numpy()
    for row, length in enumerate(LENGTHS):
        x = np.concatenate([seq.values[row, :length].numpy(), np.ones((length, FEATURES))], axis=1)
        start = np.tanh(p["initial.map.weight"] @ seq.context[row].numpy() + p["initial.map.bias"])
        expected = states(x, seq.position[row].numpy(), start, p, elapsed)
        np.testing.assert_allclose(found[row, :length], expected, rtol=0, atol=1e-12)


def test_only_the_time_between_steps_counts() -> None:
    made, seq = made_and_fed()
    later, slower = replace(seq, position=seq.position + 40), replace(seq, position=seq.position * 3)
    torch.testing.assert_close(made(later).pooled, made(seq).pooled)
    assert (made(slower).pooled[0, :WIDTH] - made(seq).pooled[0, :WIDTH]).abs().amax() > 1e-3


@pytest.mark.slow
def test_backpropagation_equals_finite_differences_in_t_lstm() -> None:
    made, seq = made_and_fed(pool="last+attention")
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), atol=1e-6)
