"""The chain against the sum over all paths, one by one."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sequela.nn import crf
from sequela.nn.crf import Allowed, Chain

SIZES = {"rows": st.integers(1, 3), "steps": st.integers(1, 5), "tags": st.integers(1, 4), "seed": st.integers(0, 999)}


def drawn(rows: int, steps: int, tags: int, seed: int, spread: float = 2.0) -> tuple[Tensor, Chain, Tensor]:
    """Emissions, a chain and a mask, the first row of full length; later ones may have no step."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return spread * torch.randn(*shape, generator=random, dtype=torch.float64)

    length = torch.randint(steps + 1, (rows, 1), generator=random)
    length[0] = steps
    return normal(rows, steps, tags), Chain(normal(tags, tags), normal(tags), normal(tags)), torch.arange(steps) < length


def paths(emissions: Tensor, chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """All paths of one row "P T", and their scores, by the definition."""
    steps, tags = emissions.shape
    every = np.array(list(product(range(tags), repeat=steps)))
    own, move = emissions.numpy(), chain.transitions.numpy()
    score = chain.start.numpy()[every[:, 0]] + chain.end.numpy()[every[:, -1]]
    for step in range(steps):
        score = score + own[step, every[:, step]] + (move[every[:, step - 1], every[:, step]] if step else 0)
    return every, score


def rows_of(emissions: Tensor, chain: Chain, mask: Tensor) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Of each row that has steps: its number, its paths, and the logarithms of their probabilities."""
    found = []
    for row, length in enumerate(mask.sum(1).tolist()):
        if length:
            every, score = paths(emissions[row, :length], chain)
            found.append((row, every, score - np.logaddexp.reduce(score)))
    return found


@given(**SIZES)
@settings(max_examples=40, deadline=None)
def test_the_partition_is_the_sum_over_all_paths(rows: int, steps: int, tags: int, seed: int) -> None:
    emissions, chain, mask = drawn(rows, steps, tags, seed)
    found = crf.log_partition(emissions, chain, mask)
    for row, length in enumerate(mask.sum(1).tolist()):
        expected = np.logaddexp.reduce(paths(emissions[row, :length], chain)[1]) if length else 0.0
        np.testing.assert_allclose(found[row], expected, rtol=1e-12, atol=1e-12)


@given(**SIZES)
@settings(max_examples=40, deadline=None)
def test_a_likelihood_is_the_share_of_the_paths_that_agree_with_what_is_known(
    rows: int, steps: int, tags: int, seed: int
) -> None:
    emissions, chain, mask = drawn(rows, steps, tags, seed)
    given_tags = torch.randint(-1, tags, (rows, steps), generator=torch.Generator().manual_seed(seed))
    found = crf.log_likelihood(emissions, chain, given_tags, mask)
    expected = np.zeros(rows)
    for row, every, chance in rows_of(emissions, chain, mask):
        told = given_tags[row, : every.shape[1]].numpy()
        agree = ((every == told) | (told < 0)).all(1)
        expected[row] = np.logaddexp.reduce(chance[agree])
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@given(**SIZES)
@settings(max_examples=40, deadline=None)
def test_whole_paths_have_probabilities_that_sum_to_one(rows: int, steps: int, tags: int, seed: int) -> None:
    emissions, chain, _ = drawn(1, steps, tags, seed)
    every = torch.tensor(list(product(range(tags), repeat=steps)))
    mask = torch.ones(every.shape, dtype=torch.bool)
    said = crf.log_likelihood(emissions.expand(len(every), -1, -1), chain, every, mask)
    np.testing.assert_allclose(said.exp().sum(), 1, rtol=1e-10)


@given(**SIZES)
@settings(max_examples=40, deadline=None)
def test_the_best_path_is_the_likeliest_of_all(rows: int, steps: int, tags: int, seed: int) -> None:
    emissions, chain, mask = drawn(rows, steps, tags, seed)
    path, score = crf.viterbi(emissions, chain, mask)
    assert ((path == -1) == ~mask).all() and (score[~mask[:, 0]] == 0).all()
    for row, every, chance in rows_of(emissions, chain, mask):
        length = every.shape[1]
        np.testing.assert_array_equal(path[row, :length], every[chance.argmax()])
        np.testing.assert_allclose(score[row], paths(emissions[row, :length], chain)[1].max(), rtol=1e-12)


@given(**SIZES)
@settings(max_examples=40, deadline=None)
def test_marginals_are_shares_of_the_paths(rows: int, steps: int, tags: int, seed: int) -> None:
    emissions, chain, mask = drawn(rows, steps, tags, seed)
    found = crf.marginals(emissions, chain, mask)
    assert (found[~mask] == 0).all()
    for row, every, chance in rows_of(emissions, chain, mask):
        expected = [[np.exp(chance)[every[:, step] == tag].sum() for tag in range(tags)] for step in range(every.shape[1])]
        np.testing.assert_allclose(found[row, : every.shape[1]], expected, rtol=1e-9, atol=1e-12)


@given(**SIZES)
@settings(max_examples=40, deadline=None)
def test_the_confidence_of_a_stretch_is_the_share_of_the_paths_that_have_it(rows: int, steps: int, tags: int, seed: int) -> None:
    emissions, chain, mask = drawn(rows, steps, tags, seed)
    random = np.random.default_rng(seed)
    tag = torch.tensor(random.integers(0, tags, (rows, steps)))
    begin = random.integers(0, steps)
    end = random.integers(begin, steps) + 1
    held = [row for row in range(rows) if mask[row].sum() >= end]
    asked = crf.Stretches(torch.tensor(held), torch.full((len(held),), begin), torch.full((len(held),), end))
    found = crf.confidence(emissions, chain, mask, tag, asked)
    all_paths = {row: (every, chance) for row, every, chance in rows_of(emissions, chain, mask)}
    for place, row in enumerate(held):
        every, chance = all_paths[row]
        same = (every[:, begin:end] == tag[row, begin:end].numpy()).all(1)
        np.testing.assert_allclose(found[place], np.exp(chance)[same].sum(), rtol=1e-9, atol=1e-12)


def test_gradients_equal_finite_differences() -> None:
    emissions, chain, mask = drawn(3, 5, 4, 1)
    assert mask.sum(1).tolist() != [5, 5, 5]
    leaves = [part.requires_grad_() for part in (emissions, *chain)]
    weight = torch.tensor([1.0, -0.5, 2.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda e, *c: weight * crf.log_partition(e, Chain(*c), mask), leaves, eps=1e-6, atol=1e-8)
    for tags in (torch.arange(15).view(3, 5) % 4, torch.arange(15).view(3, 5) % 5 - 1):
        assert torch.autograd.gradcheck(
            lambda e, *c, tags=tags: crf.log_likelihood(e, Chain(*c), tags, mask), leaves, eps=1e-6, atol=1e-8
        )


def test_the_gradient_of_the_partition_is_the_marginals() -> None:
    emissions, chain, mask = drawn(3, 5, 4, 2)
    crf.log_partition(emissions.requires_grad_(), chain, mask).sum().backward()
    torch.testing.assert_close(emissions.grad, crf.marginals(emissions, chain, mask), rtol=0, atol=1e-14)


def test_transitions_counted_in_pieces_are_those_counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    emissions, chain, mask = drawn(3, 5, 4, 3)

    def gradient() -> Tensor:
        moves = chain.transitions.clone().requires_grad_()
        crf.log_partition(emissions, chain._replace(transitions=moves), mask).sum().backward()
        return moves.grad

    whole = gradient()
    monkeypatch.setattr(crf, "PIECE", 40)
    torch.testing.assert_close(gradient(), whole, rtol=0, atol=1e-14)


@pytest.mark.parametrize("beyond", [0.0, 1e30, float("nan")])
def test_padding_whatever_it_holds_changes_nothing(beyond: float) -> None:
    emissions, chain, mask = (drawn(3, 5, 4, 4)[0].float(), *drawn(3, 5, 4, 4)[1:])
    chain = Chain(*(part.float() for part in chain))
    wider = torch.cat([emissions, torch.zeros(3, 3, 4)], 1)
    longer = torch.cat([mask, torch.zeros(3, 3, dtype=torch.bool)], 1)
    wider[~longer] = beyond
    tags = torch.arange(15).view(3, 5) % 4
    further = torch.cat([tags, torch.full((3, 3), -1)], 1)
    one, other = emissions.clone().requires_grad_(), wider.clone().requires_grad_()
    first, second = crf.log_likelihood(one, chain, tags, mask), crf.log_likelihood(other, chain, further, longer)
    torch.testing.assert_close(first, second, rtol=0, atol=1e-6)
    first.sum().backward(), second.sum().backward()
    torch.testing.assert_close(one.grad, other.grad[:, :5], rtol=0, atol=1e-6)
    assert (other.grad[~longer] == 0).all()
    torch.testing.assert_close(
        crf.marginals(emissions, chain, mask), crf.marginals(wider, chain, longer)[:, :5], rtol=0, atol=1e-6
    )
    torch.testing.assert_close(crf.viterbi(emissions, chain, mask)[0], crf.viterbi(wider, chain, longer)[0][:, :5])


def test_a_row_that_knows_no_tag_adds_no_loss_and_no_gradient() -> None:
    emissions, chain, _ = drawn(2, 4, 3, 5)
    mask = torch.ones(2, 4, dtype=torch.bool)
    tags = torch.tensor([[-1] * 4, [0, -1, 2, 1]])
    said = crf.log_likelihood(emissions.requires_grad_(), chain, tags, mask)
    said.sum().backward()
    assert said[0] == 0 and said[1] < 0
    assert (emissions.grad[0] == 0).all() and (emissions.grad[1] != 0).any()


def test_what_is_not_allowed_never_happens_however_strongly_it_is_asked_for() -> None:
    follows = torch.tensor([[True, True, False], [False, False, True], [True, True, False]])
    chain = crf.CRF(3, Allowed(follows, torch.tensor([True, True, False]), torch.tensor([True, False, True])))()
    random = torch.Generator().manual_seed(0)
    emissions = 300 * torch.randn(40, 12, 3, generator=random)
    mask = torch.arange(12) < torch.randint(1, 13, (40, 1), generator=random)
    path, _ = crf.viterbi(emissions, chain, mask)
    for row, length in zip(path.tolist(), mask.sum(1).tolist(), strict=True):
        told = row[:length]
        assert told[0] != 2 and told[-1] != 1 and all(follows[a, b] for a, b in pairwise(told))
    said = crf.log_likelihood(emissions.requires_grad_(), chain, path, mask)
    said.sum().backward()
    assert said.isfinite().all() and emissions.grad.isfinite().all() and (said > -1e3).all()


def test_scores_of_a_chain_are_learnt_but_for_what_is_barred() -> None:
    follows = torch.tensor([[True, False], [True, True]])
    made = crf.CRF(2, Allowed(follows, torch.tensor([True, True]), torch.tensor([True, True])))
    emissions, tags = torch.randn(2, 4, 2), torch.tensor([[0, 0, 0, 0], [1, 1, 0, 0]])
    crf.log_likelihood(emissions, made(), tags, torch.ones(2, 4, dtype=torch.bool)).sum().backward()
    assert made.transitions.grad[0, 1] == 0 and (made.transitions.grad[follows] != 0).all()
    assert (
        made().transitions[0, 1] == crf.BARRED
        and (made.start.grad != 0).all()
        and set(made.state_dict())
        == {
            "transitions",
            "start",
            "end",
        }
    )
