"""What label attention must be: sums that are exact, weights that are shares, blind to padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sequela.nn.head import Config
from sequela.nn.label_attention import LabelAttention
from sequela.types import Encoded

ROWS, STEPS, WIDTH, LABELS = 5, 7, 6, 3
LENGTHS = torch.tensor([7, 1, 4, 0, 2])
HIDDEN = pytest.mark.parametrize("hidden", [0, 4])


def made(hidden: int = 0) -> LabelAttention:
    torch.manual_seed(0)
    head = LabelAttention(WIDTH, LABELS, Config(hidden=hidden, dropout=0.5)).eval()
    head.begin_at(torch.tensor([-1.0, 0.5, 2.0]))
    return head


def drawn(seed: int = 1) -> tuple[Tensor, Tensor]:
    steps = 2 * torch.randn(ROWS, STEPS, WIDTH, generator=torch.Generator().manual_seed(seed))
    return steps, torch.arange(STEPS) < LENGTHS[:, None]


@HIDDEN
@torch.no_grad()
def test_terms_and_bias_sum_to_the_logits(hidden: int) -> None:
    head, (steps, mask) = made(hidden), drawn()
    terms = head.terms(steps, mask)
    assert terms.shape == (ROWS, LABELS, STEPS)
    assert (terms.transpose(1, 2)[~mask] == 0).all()
    torch.testing.assert_close(terms.sum(2) + head.bias, head(Encoded(steps, mask, None)))


@HIDDEN
@torch.no_grad()
def test_each_label_shares_its_weight_among_the_steps_that_exist(hidden: int) -> None:
    head, (steps, mask) = made(hidden), drawn()
    weights = head.weights(steps, mask)
    assert (weights >= 0).all()
    assert (weights.transpose(1, 2)[~mask] == 0).all()
    torch.testing.assert_close(weights.sum(2), mask.any(1).float()[:, None].expand(ROWS, LABELS))


@torch.no_grad()
def test_it_is_the_equation_of_the_paper() -> None:
    head, (steps, mask) = made(), drawn()
    row, label = 2, 1
    real = steps[row, : LENGTHS[row]]
    shares = (real @ head.query.weight[label]).softmax(0)
    expected = head.out.weight[label] @ (shares @ real) + head.bias[label]
    torch.testing.assert_close(head(Encoded(steps, mask, None))[row, label], expected)


@torch.no_grad()
def test_what_stands_on_padding_of_a_text_reaches_no_label() -> None:
    head, (steps, mask) = made(4), drawn()
    beyond = steps.masked_fill(~mask.unsqueeze(2), float("nan"))
    torch.testing.assert_close(head(Encoded(beyond, mask, None)), head(Encoded(steps, mask, None)))


@HIDDEN
def test_a_row_without_a_word_gets_the_biases(hidden: int) -> None:
    head, (steps, mask) = made(hidden), drawn()
    logits = head(Encoded(steps, mask, None))
    assert torch.equal(logits[3], head.bias)
    logits.square().sum().backward()
    assert all(parameter.grad.isfinite().all() and parameter.grad.any() for parameter in head.parameters())


def test_labels_come_to_look_at_their_own_steps() -> None:
    """Label 1 is told by a sign that stands somewhere among noise, label 0 by another: each learns where to look."""
    torch.manual_seed(0)
    head, noise = LabelAttention(WIDTH, 2, Config()), torch.Generator().manual_seed(2)
    steps = 0.3 * torch.randn(200, 12, WIDTH, generator=noise)
    place, label = torch.randint(12, (200, 2), generator=noise), torch.rand(200, 2, generator=noise) < 0.5
    for k in range(2):
        steps[torch.arange(200), place[:, k], k] += 3.0 * label[:, k]
    mask = torch.ones(200, 12, dtype=torch.bool)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(head(Encoded(steps, mask, None)), label.float()).backward()
        optimizer.step()
    with torch.no_grad():
        first = head.terms(steps, mask).argmax(2)
    assert (first == place)[label].float().mean() > 0.95


def test_it_refuses_what_has_no_steps() -> None:
    with pytest.raises(ValueError, match="steps of one input"):
        made()(Encoded(None, torch.ones(2, 1, dtype=torch.bool), torch.zeros(2, WIDTH)))
