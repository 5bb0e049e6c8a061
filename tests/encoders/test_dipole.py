"""Dipole against the equations of its paper."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch

from sequela.encoders import dipole
from sequela.types import Seq, Spec

SPEC = Spec("codes", (4,), "days", vocabulary=9, side=1, context=2)
WIDTH, STEPS, LENGTHS = 5, 6, (6, 1, 4)
ways = pytest.mark.parametrize("attention", ["location", "general", "concat"])


def made_and_fed(**options):
    torch.manual_seed(5)
    made = dipole.build(SPEC, dipole.Config(width=WIDTH, attention_width=3, **options)).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, 0, 0.5)
    rows = len(LENGTHS)
    return made, Seq(
        torch.randint(9, (rows, STEPS, 4)),
        torch.arange(STEPS) < torch.tensor(LENGTHS)[:, None],
        torch.zeros(rows, STEPS, dtype=torch.float64),
        torch.rand(rows, STEPS, 4) < 0.6,
        torch.randn(rows, STEPS, 1, dtype=torch.float64),
        torch.randn(rows, 2, dtype=torch.float64),
    )


def score(h, t, i, p, attention):
    match attention:
        case "location":
            return p["scores.own.weight"][0] @ h[i]
        case "general":
            return h[t] @ p["scores.between.weight"] @ h[i]
        case "concat":
            return p["scores.out.weight"][0] @ np.tanh(p["scores.here.weight"] @ h[t] + p["scores.there.weight"] @ h[i])


@ways
@pytest.mark.parametrize("bidirectional", [True, False])
def test_steps_of_dipole_equal_the_equations(attention: str, bidirectional: bool, reference: ModuleType) -> None:
    made, seq = made_and_fed(attention=attention, bidirectional=bidirectional)
    p = {name: value.detach().numpy() for name, value in made.named_parameters()}
    out = made(seq)
    for row, length in enumerate(LENGTHS):
        hot = np.zeros((length, 9))
        for step, place in zip(*np.nonzero(seq.seen[row, :length].numpy()), strict=True):
            hot[step, seq.values[row, step, place]] += 1
        held = hot @ p["visits.codes.weight"] + seq.side[row, :length].numpy() @ p["visits.numbers.weight"].T
        v = np.maximum(held + p["bias"], 0)
        start = np.tanh(p["initial.map.weight"] @ seq.context[row].numpy() + p["initial.map.bias"])

        def states(x, name, h, p=p):
            parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            return reference.gru_after(x, *(p[f"states.{name}.0.layer.{part}_l0"] for part in parts), h)

        h = states(v, "ahead", start[:WIDTH])
        if bidirectional:
            h = np.concatenate([h, states(v[::-1], "back", start[WIDTH:])[::-1]], axis=1)
        for t in range(length):
            weight = np.exp([score(h, t, i, p, attention) for i in range(t)])
            earlier = (weight / weight.sum()) @ h[:t] if t else np.zeros(h.shape[1])
            expected = np.tanh(p["out.weight"] @ np.concatenate([earlier, h[t]]))
            np.testing.assert_allclose(out.steps[row, t].detach().numpy(), expected, rtol=0, atol=1e-12)
        np.testing.assert_allclose(out.pooled[row].detach().numpy(), [*expected, *seq.context[row].numpy()], atol=1e-12)


@ways
def test_the_earlier_visits_bear_on_the_last(attention: str) -> None:
    made, _ = made_and_fed(attention=attention)
    states = torch.randn(1, STEPS, 2 * WIDTH, dtype=torch.float64)
    weight = dipole._earlier(made.scores(states))[0]
    torch.testing.assert_close(weight.sum(1), torch.tensor([0.0, 1, 1, 1, 1, 1], dtype=torch.float64))
    assert torch.equal(weight, weight.tril(-1))


@ways
def test_backpropagation_equals_finite_differences_in_dipole(attention: str) -> None:
    made, seq = made_and_fed(attention=attention)
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), fast_mode=True)
