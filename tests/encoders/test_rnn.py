"""The plain recurrent network against its equation, and what all recurrent encoders share."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch

from sequela.encoders import rnn
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

FEATURES, STEPS, ROWS, WIDTH = 3, 8, 4, 5
SPEC = Spec("measurements", (FEATURES,), "days")


def encoder(spec: Spec = SPEC, **options):
    torch.manual_seed(0)
    return rnn.build(spec, rnn.Config(**{"width": WIDTH, **options})).double().eval()


def series(lengths: tuple[int, ...] = (STEPS,) * ROWS, seed: int = 0) -> Seq:
    random = np.random.default_rng(seed)
    mask = np.arange(max(lengths)) < np.array(lengths)[:, None]
    seen = random.random((*mask.shape, FEATURES)) < 0.7
    values = random.normal(size=seen.shape) * seen
    return Seq(*map(torch.from_numpy, (values, mask, np.zeros(mask.shape), seen)))


def inputs(seq: Seq, row: int) -> np.ndarray:
    return np.concatenate([seq.values[row].numpy(), seq.seen[row].numpy()], axis=1)


def weights(cell) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """W, U and the whole bias of a cell of either kind."""
    p = {name: value.detach().numpy() for name, value in cell.named_parameters()}
    if "inputs.weight" in p:
        return p["inputs.weight"], p["state.weight"], p["inputs.bias"]
    return p["layer.weight_ih_l0"], p["layer.weight_hh_l0"], p["layer.bias_ih_l0"] + p["layer.bias_hh_l0"]


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu", "sigmoid"])
def test_two_layers_equal_the_equation(nonlinearity: str, reference: ModuleType) -> None:
    made, seq = encoder(nonlinearity=nonlinearity, layers=2), series()
    found = made(seq).steps.detach().numpy()
    for row in range(ROWS):
        below = reference.elman(inputs(seq, row), *weights(made.stack.ahead[0]), nonlinearity)
        np.testing.assert_allclose(found[row], reference.elman(below, *weights(made.stack.ahead[1]), nonlinearity), atol=1e-13)


def test_reading_backwards_starts_at_each_row_s_own_last_step(reference: ModuleType) -> None:
    lengths = (8, 3, 1, 5)
    made, seq = encoder(bidirectional=True), series(lengths)
    out = made(seq)
    for row, length in enumerate(lengths):
        x = inputs(seq, row)[:length]
        ahead = reference.elman(x, *weights(made.stack.ahead[0]), "tanh")
        back = reference.elman(x[::-1], *weights(made.stack.back[0]), "tanh")[::-1]
        np.testing.assert_allclose(out.steps[row, :length].detach().numpy(), np.concatenate([ahead, back], axis=1), atol=1e-13)
        np.testing.assert_allclose(out.pooled[row].detach().numpy(), np.concatenate([ahead[-1], back[0]]), atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("nonlinearity", ["tanh", "sigmoid"])
def test_backpropagation_through_time_equals_finite_differences(nonlinearity: str) -> None:
    made, seq = encoder(nonlinearity=nonlinearity, layers=2, bidirectional=True, pool="last+attention"), series((8, 3, 1, 5))
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), atol=1e-6)


def test_pools_stand_side_by_side() -> None:
    made, seq = encoder(pool=["last", "mean", "max"]), series((8, 3, 1, 5))
    out = made(seq)
    steps = out.steps[1, :3]
    torch.testing.assert_close(out.pooled[1], torch.cat([steps[-1], steps.mean(0), steps.amax(0)]))
    assert made.width == 3 * WIDTH


def test_attention_weighs_the_steps_that_exist_and_sums_to_one() -> None:
    made, seq = encoder(pool="attention"), series((8, 3, 1, 5))
    weight = made.pool.attention.weights(made(seq).steps, seq.mask)
    torch.testing.assert_close(weight.sum(1), torch.ones(ROWS, dtype=torch.float64))
    assert (weight[~seq.mask] == 0).all()
    assert (weight[seq.mask] > 0).all()


def test_absent_is_not_zero() -> None:
    made, seq = encoder(), series()
    unseen = Seq(torch.zeros_like(seq.values), seq.mask, seq.position, torch.zeros_like(seq.seen))
    zero = Seq(torch.zeros_like(seq.values), seq.mask, seq.position, torch.ones_like(seq.seen))
    assert (made(unseen).pooled - made(zero).pooled).abs().amin(0).amax() > 1e-3


def test_the_context_gives_the_first_state_and_follows_the_pooled_vector() -> None:
    made, seq = encoder(Spec("measurements", (FEATURES,), "days", context=2), layers=2, bidirectional=True), series()
    age = torch.tensor([[1.0, 2.0]], dtype=torch.float64).expand(ROWS, 2)
    out, other = (made(Seq(seq.values, seq.mask, seq.position, seq.seen, None, number)) for number in (age, -age))
    torch.testing.assert_close(out.pooled[:, -2:], age)
    assert (out.steps - other.steps)[:, 0].abs().amin() > 0


def test_a_visit_is_the_mean_of_its_codes() -> None:
    made = encoder(Spec("codes", (3,), "days", vocabulary=9))
    time, mask = torch.zeros(1, 1, dtype=torch.float64), torch.ones(1, 1, dtype=torch.bool)

    def pooled(codes: list[int], seen: list[bool]) -> torch.Tensor:
        return made(Seq(torch.tensor([[codes]]), mask, time, torch.tensor([[seen]]))).pooled

    torch.testing.assert_close(pooled([4, 7, 0], [True, True, False]), pooled([7, 2, 4], [True, False, True]))
    assert not torch.allclose(pooled([4, 7, 0], [True, True, False]), pooled([4, 7, 0], [True, True, True]))


def test_a_step_too_large_to_be_laid_flat_is_refused() -> None:
    with pytest.raises(ConfigError, match="150,528 numbers") as refusal:
        encoder(Spec("image", (3, 224, 224), "index"))
    assert "resnet" in refusal.value.hint


@pytest.mark.parametrize(
    ("pool", "message"), [("lost", "no pooling 'lost'"), ([], "expected each"), ("mean+mean", "at most once")]
)
def test_a_wrong_pooling_is_refused(pool: str | list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        encoder(pool=pool)
