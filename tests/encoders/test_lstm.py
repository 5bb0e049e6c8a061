"""The LSTM against its equations."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch

from sequela.encoders import lstm
from sequela.types import Seq, Spec

ROWS, STEPS, FEATURES, WIDTH = 3, 7, 4, 5


def made_and_fed(**options):
    torch.manual_seed(1)
    made = lstm.build(Spec("measurements", (FEATURES,), "days"), lstm.Config(width=WIDTH, **options)).double()
    values = torch.randn(ROWS, STEPS, FEATURES, dtype=torch.float64)
    mask = torch.arange(STEPS) < torch.tensor([[7], [2], [4]])
    return made, Seq(values, mask, torch.zeros(ROWS, STEPS, dtype=torch.float64))


def test_stacked_layers_equal_the_equations(reference: ModuleType) -> None:
    made, seq = made_and_fed(layers=3)
    steps = made(seq).steps.detach().numpy()
    for row, length in enumerate([7, 2, 4]):
        states = np.concatenate([seq.values[row].numpy(), np.ones((STEPS, FEATURES))], axis=1)
        for cell in made.stack.ahead:
            w, u, b, c = (p.detach().numpy() for p in cell.layer.parameters())
            states = reference.lstm(states, w, u, b + c)
        np.testing.assert_allclose(steps[row, :length], states[:length], atol=1e-13)


@pytest.mark.slow
def test_backpropagation_through_time_equals_finite_differences() -> None:
    made, seq = made_and_fed(layers=2, bidirectional=True)
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), atol=1e-6)


def test_three_stacked_layers_with_dropout_equal_those_of_torch_but_for_the_dropout() -> None:
    """The classic digit classifier: LSTM(128) x 3 with dropout 0.2 over the rows of an image."""
    torch.manual_seed(0)
    made = lstm.build(Spec("image", (1, 1, 28), "index"), lstm.Config(width=128, layers=3, dropout=0.2))
    theirs = torch.nn.LSTM(28, 128, 3, batch_first=True, dropout=0.2)
    theirs.load_state_dict(
        {
            name.replace("l0", f"l{i}"): value
            for i, cell in enumerate(made.stack.ahead)
            for name, value in cell.layer.state_dict().items()
        }
    )
    seq = Seq(torch.rand(2, 28, 1, 1, 28), torch.ones(2, 28, dtype=torch.bool), torch.zeros(2, 28, dtype=torch.float64))
    torch.testing.assert_close(made.eval()(seq).pooled, theirs.eval()(seq.values.view(2, 28, 28))[0][:, -1])
    assert not torch.equal(made.train()(seq).pooled, made.eval()(seq).pooled)


def test_the_memory_starts_by_keeping() -> None:
    made, _ = made_and_fed(layers=2, bidirectional=True, forget_bias=2.5)
    for cell in (*made.stack.ahead, *made.stack.back):
        forget = (cell.layer.bias_ih_l0 + cell.layer.bias_hh_l0)[WIDTH : 2 * WIDTH]
        torch.testing.assert_close(forget, torch.full((WIDTH,), 2.5, dtype=torch.float64))
