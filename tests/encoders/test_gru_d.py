"""GRU-D against the equations of its paper, one number after the other."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import torch

from sequela.encoders import gru_d
from sequela.errors import ConfigError
from sequela.types import Seq, Spec

FEATURES, STEPS, ROWS, WIDTH = 3, 9, 4, 5


def encoder(**options):
    torch.manual_seed(0)
    made = gru_d.build(Spec("measurements", (FEATURES,), "days"), gru_d.Config(width=WIDTH, **options)).double()
    for parameter in made.parameters():  # the decays start so near 1 that a mistake in them would not be seen
        torch.nn.init.normal_(parameter, 0, 0.4)
    return made


def irregular(seed: int = 0) -> Seq:
    random = np.random.default_rng(seed)
    seen = random.random((ROWS, STEPS, FEATURES)) < 0.4
    values = np.where(seen, random.normal(size=seen.shape), 0.0)
    time = np.sort(random.uniform(-2, 0, (ROWS, STEPS)), axis=1)
    mask = np.ones((ROWS, STEPS), bool)
    return Seq(*map(torch.from_numpy, (values, mask, time, seen)))


@pytest.mark.parametrize("learn_mean", [True, False])
def test_states_equal_the_equations_of_the_paper(learn_mean: bool, reference: ModuleType) -> None:
    made, seq = encoder(learn_mean=learn_mean), irregular()
    p = {name: value.detach().numpy() for name, value in made.named_parameters()}
    w, v = np.split(p["inputs.weight"], 2, axis=1)
    u = np.concatenate([p["gates"].T, p["candidate"].T])
    found = made(seq).steps.detach().numpy()
    for row in range(ROWS):
        seen = seq.seen[row].numpy()
        expected = reference.gru_d(
            seq.values[row].numpy(), seen, reference.intervals(seq.position[row].numpy(), seen), p["mean"],
            (p["input_decay.rate"], p["input_decay.bias"]), (p["state_decay.rate.weight"], p["state_decay.rate.bias"]),
            w, v, u, p["inputs.bias"],
        )  # fmt: skip
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-13)


def test_a_side_of_the_same_intervals_gives_the_same_states(reference: ModuleType) -> None:
    seq = irregular()
    since = np.stack([reference.intervals(t, s) for t, s in zip(seq.position.numpy(), seq.seen.numpy(), strict=True)])
    computed = encoder()
    given = gru_d.build(Spec("measurements", (FEATURES,), "days", side=FEATURES), gru_d.Config(width=WIDTH)).double()
    given.load_state_dict(computed.state_dict())
    beside = Seq(seq.values, seq.mask, seq.position, seq.seen, torch.from_numpy(since))
    torch.testing.assert_close(given(beside).steps, computed(seq).steps, rtol=0, atol=1e-13)


def test_a_value_that_was_not_seen_changes_nothing() -> None:
    made, seq = encoder(), irregular()
    filled = Seq(torch.where(seq.seen, seq.values, 99.0), seq.mask, seq.position, seq.seen)
    torch.testing.assert_close(made(filled).steps, made(seq).steps, rtol=0, atol=0)


def test_backpropagation_equals_finite_differences() -> None:
    made, seq = encoder(learn_mean=True), irregular()
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), atol=1e-6)


def test_the_context_moves_the_state_and_stands_beside_the_pooled_vector() -> None:
    made = gru_d.build(Spec("measurements", (FEATURES,), "days", context=2), gru_d.Config(width=WIDTH)).double()
    seq, age = irregular(), torch.tensor([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    out = made(Seq(seq.values, seq.mask, seq.position, seq.seen, None, age))
    other = made(Seq(seq.values, seq.mask, seq.position, seq.seen, None, age + 1))
    torch.testing.assert_close(out.pooled[:, -2:], age)
    assert made.width == 3 * WIDTH + 2
    assert (out.steps - other.steps).abs().amin(0).amax() > 1e-4


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (Spec("codes", (), "days", vocabulary=9), "gives codes"),
        (Spec("waveform", (2, 50), "seconds"), "gives shape"),
        (Spec("measurements", (3,), "days", side=2), "gives 2 numbers"),
    ],
)
def test_steps_without_a_number_a_feature_are_refused(spec: Spec, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        gru_d.build(spec, gru_d.Config())


def test_hiding_acts_in_training_alone_and_hides_the_share_asked_for() -> None:
    made, seq = encoder(hide=0.25), irregular()
    plain = encoder()
    plain.load_state_dict(made.state_dict())
    assert torch.equal(made.eval()(seq).steps, plain(seq).steps)
    assert not torch.equal(made.train()(seq).steps, plain(seq).steps)
    many = Seq(
        *(torch.cat([part] * 200) if part is not None else None for part in (seq.values, seq.mask, seq.position, seq.seen))
    )
    kept = made._seen(many)
    assert not (kept & ~many.seen).any()
    assert abs(1 - float(kept.sum() / many.seen.sum()) - 0.25) < 0.02
