"""RETAIN against the equations of its paper, and its terms against the answer they sum to."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
import torch

from sequela.encoders import retain
from sequela.types import Seq, Spec

VOCABULARY, WIDTH, STATE = 9, 5, 4
SPECS = {
    "visits": Spec("codes", (6,), "days", vocabulary=VOCABULARY, side=2, context=3),
    "bare visits": Spec("codes", (6,), "days", vocabulary=VOCABULARY),
    "events": Spec("codes", (), "days", vocabulary=VOCABULARY, side=1),
    "measurements": Spec("measurements", (4,), "days", side=2, context=1),
    "one number": Spec("measurements", (), "index"),
    "windows": Spec("waveform", (2, 8), "seconds", side=1),
}
LENGTHS = (5, 1, 3, 0)
kinds = pytest.mark.parametrize("kind", SPECS)


def encoder(spec: Spec, recency: float = 0) -> retain.RETAIN:
    torch.manual_seed(0)
    made = retain.build(spec, retain.Config(width=WIDTH, state=STATE, recency=recency)).double().eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, 0, 0.6)
    return made


def drawn(spec: Spec, seed: int = 0) -> Seq:
    random = torch.Generator().manual_seed(seed)
    rows, steps = len(LENGTHS), max(LENGTHS)
    shape = (rows, steps, *spec.shape)
    numbers = torch.randn(shape, generator=random, dtype=torch.float64)
    return Seq(
        torch.randint(VOCABULARY, shape, generator=random) if spec.vocabulary else numbers,
        torch.arange(steps) < torch.tensor(LENGTHS)[:, None],
        torch.rand(rows, steps, generator=random, dtype=torch.float64).cumsum(1) - steps,
        torch.rand(shape, generator=random) < 0.6 if spec.shape else None,
        torch.randn(rows, steps, spec.side, generator=random, dtype=torch.float64) if spec.side else None,
        torch.randn(rows, spec.context, generator=random, dtype=torch.float64) if spec.context else None,
    )


def test_the_pooled_vector_equals_the_equations_of_the_paper(reference: ModuleType) -> None:
    made, seq = encoder(SPECS["visits"]), drawn(SPECS["visits"])
    p = {name: value.detach().numpy() for name, value in made.named_parameters()}
    pooled = made(seq).pooled.detach().numpy()
    for row, length in enumerate(LENGTHS):
        hot = np.zeros((length, VOCABULARY))
        for step, code in zip(*np.nonzero(seq.seen[row, :length].numpy()), strict=True):
            hot[step, seq.values[row, step, code]] += 1
        v = hot @ p["visits.codes.weight"] + seq.side[row, :length].numpy() @ p["visits.numbers.weight"].T
        start = np.tanh(p["initial.map.weight"] @ seq.context[row].numpy() + p["initial.map.bias"])
        states = [
            reference.gru_after(
                v[::-1], *(p[f"{name}.states.layer.{part}_l0"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")), h
            )[::-1]
            for name, h in (("of_visits", start[:STATE]), ("of_numbers", start[STATE:]))
        ]  # fmt: skip
        score = np.exp([p["of_visits.out.weight"][0] @ g for g in states[0]])
        expected = np.zeros(WIDTH)
        for a, h, vector in zip(score / score.sum(), states[1], v, strict=True):
            expected += a * np.tanh(p["of_numbers.out.weight"] @ h + p["of_numbers.out.bias"]) * vector
        np.testing.assert_allclose(pooled[row], [*expected, *seq.context[row].numpy()], rtol=0, atol=1e-12)


@kinds
def test_contributions_and_bias_sum_to_the_logit(kind: str) -> None:
    made, seq = encoder(SPECS[kind]), drawn(SPECS[kind])
    head = torch.nn.Linear(made.width, 1).double()
    with torch.no_grad():
        logit = head(made(seq).pooled).squeeze(1)
    terms = retain.contributions(made, seq, head.weight.detach()[0])
    torch.testing.assert_close(terms.total() + head.bias, logit, rtol=0, atol=1e-12)
    single = retain.contributions(made.float(), _float(seq), head.weight.detach()[0].float())
    torch.testing.assert_close(single.total() + head.bias.float(), logit.float(), rtol=0, atol=1e-5)
    assert terms.values.shape == seq.values.shape
    assert terms.values[:3].abs().amax() > 1e-3


def _float(seq: Seq) -> Seq:
    return Seq(*(part.float() if part is not None and part.dtype == torch.float64 else part for part in
                 (seq.values, seq.mask, seq.position, seq.seen, seq.side, seq.context)))  # fmt: skip


@torch.no_grad()
def test_the_term_of_a_code_is_equation_5() -> None:
    made, seq = encoder(SPECS["visits"]), drawn(SPECS["visits"])
    weight = torch.randn(made.width, dtype=torch.float64)
    found = retain.contributions(made, seq, weight).values
    ahead, table = made.weights(seq), made.visits.codes.weight
    for row, step, place in torch.cartesian_prod(torch.arange(4), torch.arange(5), torch.arange(6)).tolist():
        there = bool(seq.mask[row, step] & seq.seen[row, step, place])
        expected = weight[:WIDTH] @ (ahead[row, step] * table[seq.values[row, step, place]]) if there else 0.0
        assert abs(float(found[row, step, place]) - float(expected)) < 1e-12


@torch.no_grad()
def test_a_linear_answer_changes_by_the_term_of_a_code_where_the_weights_are_held() -> None:
    """What equation 5 says: with the attention as it is, taking a code out of its visit takes its term out of the answer."""
    made, seq = encoder(SPECS["bare visits"]), drawn(SPECS["bare visits"])
    weight = torch.randn(made.width, dtype=torch.float64)
    row, step, place = seq.seen[:1].nonzero()[0].tolist()
    without = seq.seen.clone()
    without[row, step, place] = False
    held = made.weights(seq)
    change = ((made.visits(seq) - made.visits(replace(seq, seen=without))) * held).sum(1) @ weight
    torch.testing.assert_close(change[row], retain.contributions(made, seq, weight).values[row, step, place])


def test_the_answer_hangs_on_the_order_of_visits() -> None:
    made, seq = encoder(SPECS["bare visits"]), drawn(SPECS["bare visits"])
    turned = replace(seq, values=seq.values.flip(1), seen=seq.seen.flip(1))
    assert (made(seq).pooled[0] - made(turned).pooled[0]).abs().amax() > 1e-3


def test_steps_sum_to_the_pooled_vector() -> None:
    made, seq = encoder(SPECS["measurements"]), drawn(SPECS["measurements"])
    out = made(seq)
    torch.testing.assert_close(out.steps.sum(1), out.pooled[:, :WIDTH])


@torch.no_grad()
def test_recency_takes_its_share_from_earlier_visits_by_their_days() -> None:
    made, seq = encoder(SPECS["bare visits"], recency=1.0), drawn(SPECS["bare visits"])
    made.recency.fill_(0)
    plain = made.weights(seq)
    made.recency.fill_(1.5)
    aged = made.weights(seq)
    for row, length in enumerate(LENGTHS[:3]):
        days = seq.position[row, length - 1] - seq.position[row, :length]
        factor = (aged[row, :length] / plain[row, :length])[:, 0]
        torch.testing.assert_close(factor / factor[-1], (1 + days) ** -1.5)


@torch.no_grad()
def test_with_recency_and_bias_training_starts_from_the_latest_visit() -> None:
    spec = SPECS["bare visits"]
    torch.manual_seed(0)
    made = retain.build(spec, retain.Config(width=WIDTH, recency=40.0, bias=20.0)).double().eval()
    seq = drawn(spec)
    torch.testing.assert_close(
        made(seq).pooled[:3], made.visits(seq)[range(3), [n - 1 for n in LENGTHS[:3]]], rtol=1e-3, atol=1e-5
    )


@kinds
def test_terms_sum_to_the_logit_with_recency_too(kind: str) -> None:
    made, seq = encoder(SPECS[kind], recency=1.0), drawn(SPECS[kind])
    head = torch.nn.Linear(made.width, 1).double()
    with torch.no_grad():
        logit = head(made(seq).pooled).squeeze(1)
    terms = retain.contributions(made, seq, head.weight.detach()[0])
    torch.testing.assert_close(terms.total() + head.bias, logit, rtol=0, atol=1e-12)


@pytest.mark.parametrize("recency", [0.0, 1.0])
@kinds
def test_backpropagation_equals_finite_differences_in_retain(kind: str, recency: float) -> None:
    made, seq = encoder(SPECS[kind], recency), drawn(SPECS[kind])
    names = [name for name, _ in made.named_parameters()]

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(made, dict(zip(names, parameters, strict=True)), (seq,)).pooled.square().sum()

    assert torch.autograd.gradcheck(loss, tuple(p.detach().clone().requires_grad_() for p in made.parameters()), fast_mode=True)
