"""Both forms of the GRU against their equations."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch

from sequela.encoders import gru
from sequela.types import Seq, Spec

ROWS, STEPS, FEATURES, WIDTH = 3, 7, 4, 5


def made_and_fed(**options):
    torch.manual_seed(1)
    made = gru.build(Spec("measurements", (FEATURES,), "days"), gru.Config(width=WIDTH, **options)).double()
    values = torch.randn(ROWS, STEPS, FEATURES, dtype=torch.float64)
    mask = torch.arange(STEPS) < torch.tensor([[7], [2], [4]])
    return made, Seq(values, mask, torch.zeros(ROWS, STEPS, dtype=torch.float64))


def inputs(seq: Seq, row: int) -> np.ndarray:
    return np.concatenate([seq.values[row].numpy(), np.ones((STEPS, FEATURES))], axis=1)


def test_reset_after_the_product_equals_the_equations(reference: ModuleType) -> None:
    made, seq = made_and_fed(form="after")
    w, u, b, v = (p.detach().numpy() for p in made.stack.ahead[0].layer.parameters())
    steps = made(seq).steps.detach().numpy()
    for row in range(ROWS):
        np.testing.assert_allclose(
            steps[row, : [7, 2, 4][row]], reference.gru_after(inputs(seq, row), w, u, b, v)[: [7, 2, 4][row]]
        )


def test_reset_before_the_product_equals_the_equations(reference: ModuleType) -> None:
    made, seq = made_and_fed(form="before")
    cell = made.stack.ahead[0]
    u = torch.cat([cell.gates.T, cell.candidate.T]).detach().numpy()
    w, b = cell.inputs.weight.detach().numpy(), cell.inputs.bias.detach().numpy()
    steps = made(seq).steps.detach().numpy()
    for row in range(ROWS):
        np.testing.assert_allclose(
            steps[row, : [7, 2, 4][row]], reference.gru_before(inputs(seq, row), w, u, b)[: [7, 2, 4][row]]
        )


@pytest.mark.slow
@pytest.mark.parametrize("form", ["after", "before"])
def test_backpropagation_through_time_equals_finite_differences(form: str) -> None:
    made, seq = made_and_fed(form=form, layers=2, bidirectional=True)
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), atol=1e-6)
