"""Vectors of steps: visits against the plain gather, mask and sum."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from sequela.errors import ConfigError
from sequela.nn.steps import Codes, Flat
from sequela.types import Seq, Spec

VOCABULARY, WIDTH = 7, 4


def visits(rows: int, steps: int, codes: int, seed: int, share: float = 0.5) -> Seq:
    """Rows of any length, visits of any number of codes (none too), a code twice where it is drawn twice."""
    random = torch.Generator().manual_seed(seed)
    shape = (rows, steps, codes)
    length = torch.randint(steps + 1, (rows, 1), generator=random)
    return Seq(
        torch.randint(VOCABULARY, shape, generator=random),
        torch.arange(steps) < length,
        torch.zeros(rows, steps, dtype=torch.float64),
        torch.rand(shape, generator=random) < share,
    )


def made(visit: str, codes: int) -> Codes:
    torch.manual_seed(0)
    return Codes(Spec("codes", (codes,), "days", vocabulary=VOCABULARY), WIDTH, visit).double()


def plain(weight: Tensor, seq: Seq, visit: str) -> Tensor:
    counted = (seq.seen & seq.mask.unsqueeze(2)).unsqueeze(3)
    total = (functional.embedding(seq.values, weight) * counted).sum(2)
    return total if visit == "sum" else total / counted.sum(2).clamp(min=1)


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 6), st.integers(0, 999), st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("visit", ["sum", "mean"])
def test_a_visit_and_its_gradient_are_those_of_the_plain_sum_or_mean(
    visit: str, rows: int, steps: int, codes: int, seed: int, share: float
) -> None:
    bag, seq = made(visit, codes), visits(rows, steps, codes, seed, share)
    weight = bag.weight.detach().clone().requires_grad_()
    found, expected = bag(seq), plain(weight, seq, visit)
    torch.testing.assert_close(found, expected)
    slope = torch.randn(found.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    (found * slope).sum().backward()
    (expected * slope).sum().backward()
    torch.testing.assert_close(bag.weight.grad, weight.grad)


def test_a_visit_is_the_same_to_the_bit_whatever_is_beside_it() -> None:
    bag, seq = made("sum", 9).float(), visits(6, 5, 9, seed=3)
    together = bag(seq)
    for row in range(6):
        alone = Seq(*(part[row : row + 1] for part in (seq.values, seq.mask, seq.position, seq.seen)))
        assert torch.equal(bag(alone)[0], together[row])


def test_the_vectors_of_a_sum_start_near_zero_and_those_of_a_mean_do_not() -> None:
    torch.manual_seed(0)
    spec = Spec("codes", (64,), "days", vocabulary=4000)
    assert abs(Codes(spec, 32, "sum").weight.std() - 0.01) < 1e-3
    assert abs(Codes(spec, 32, "mean").weight.std() - 1) < 0.01


def test_codes_as_events_are_looked_up_and_padding_is_zero() -> None:
    flat = Flat(Spec("codes", (), "days", vocabulary=VOCABULARY, side=1), WIDTH)
    seq = Seq(torch.tensor([[3, 5, 6]]), torch.tensor([[True, True, False]]), None, None, torch.full((1, 3, 1), 2.0))
    assert torch.equal(flat(seq)[0, :2, :WIDTH], flat.codes.weight[[3, 5]])
    assert torch.equal(flat(seq)[0, 2], torch.zeros(flat.width))


def test_steps_of_codes_with_two_axes_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected"):
        Flat(Spec("codes", (2, 3), "days", vocabulary=9), WIDTH)
