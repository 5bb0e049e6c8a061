"""A map over pairs of places: what is asked, how it is learnt, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sequela import config
from sequela.batch import collate
from sequela.contracts import Agreeing, Spanner, Tagger
from sequela.errors import ConfigError, DataError
from sequela.nn.pairwise import Mapped, PairHead, distances
from sequela.study import paired
from sequela.tasks import contact
from sequela.tasks.contact import Contact
from sequela.types import Array, Encoded, Pairs, Piece, Places, Ragged, Target

WIDTH, STEPS = 5, (12, 0, 9)
TRUE = ((1, 9), (2, 8), (0, 7))  # of the first row two, of the last one


def task_of(**options: Any) -> Contact:
    return contact.build(config.convert({"separation": 4, "told": 3, "channels": 6} | options, contact.Config), ("contact",))


def places() -> Places:
    offsets = np.concatenate([[0], np.cumsum(STEPS)])
    begin = np.concatenate([np.arange(length) for length in STEPS]).astype(np.int32)
    return Places(offsets, begin, begin + 1, tuple("A" * length for length in STEPS), ((Piece(0, "", "SEQUENCE//rna"),),) * 3)


def target(known: tuple[bool, ...] = (True, False, True)) -> Target:
    low, high = np.array(TRUE).T
    pairs = Pairs(np.array([0, 2, 2, 3]), low, high)
    return paired.placed(Target(np.zeros((3, 1)), np.array(known)[:, None], ("contact",), pairs), places(), 4)


def in_batch(of: Target) -> Target:
    offsets = places().offsets
    made = collate({"rna": Ragged(offsets, np.zeros(offsets[-1], np.int8), np.zeros(offsets[-1]))}, np.arange(3), of).target
    assert made is not None
    return Target(torch.tensor(made.values), torch.tensor(made.known), made.names, torch.tensor(made.dense).long())


def encoded(padding: int = 0) -> Encoded:
    steps = torch.randn(3, max(STEPS), WIDTH, generator=torch.Generator().manual_seed(0))
    steps = torch.cat([steps, torch.full((3, padding, WIDTH), 9.0)], 1)
    return Encoded(steps, torch.arange(steps.shape[1]) < torch.tensor(STEPS)[:, None], None)


def head_of(task: Contact, *, learnt: bool = True) -> PairHead:
    torch.manual_seed(1)
    head = task.head(WIDTH)
    assert isinstance(head, PairHead)
    for parameter in head.parameters() if learnt else ():
        torch.nn.init.normal_(parameter, std=0.3)
    return head.eval()


def saying(chance: dict[tuple[int, int], float], row: int = 0) -> Mapped:
    """The output that gives these pairs of a row these chances, and all others nearly none."""
    logits = torch.full((3, 12, 12), -12.0)
    for (low, high), one in chance.items():
        logits[row, low, high] = logits[row, high, low] = float(np.log(one / (1 - one)))
    return Mapped(logits, encoded().mask)


def of_row(pairs: Pairs, row: int) -> list[tuple[int, int]]:
    return paired.rows(pairs)[row]


def test_it_is_a_task_whose_networks_agree_on_a_map() -> None:
    assert isinstance(task_of(), Agreeing) and not isinstance(task_of(), Spanner | Tagger)
    assert task_of().kind == contact.KIND == "contact"


@pytest.mark.parametrize("layers", [0, 2])
def test_a_map_is_symmetric_and_padding_changes_nothing(layers: int) -> None:
    head = head_of(task_of(layers=layers))
    out, longer = head(encoded()), head(encoded(padding=5))
    torch.testing.assert_close(out.logits, out.logits.transpose(1, 2))
    for row, count in enumerate(STEPS):
        torch.testing.assert_close(longer.logits[row, :count, :count], out.logits[row, :count, :count])


def test_a_map_in_blocks_is_the_whole_map_and_learns_as_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    head, of = head_of(task_of(layers=0)).train(), in_batch(target())
    grads: list[Array] = []
    for block in (10**9, 200):
        monkeypatch.setattr("sequela.nn.pairwise.BLOCK", block)
        head.zero_grad()
        task_of().loss(head(encoded()), of).sum().backward()
        grads.append(np.concatenate([one.grad.numpy().ravel() for one in head.parameters() if one.grad is not None]))
    np.testing.assert_allclose(grads[0], grads[1], rtol=1e-4, atol=1e-6)
    assert np.abs(grads[0]).sum() > 0


def test_convolutions_see_the_pairs_around_one() -> None:
    head, inner = head_of(task_of(layers=2)), encoded()
    moved = replace(inner, steps=inner.steps.clone())
    moved.steps[0, 3] += 1.0
    changed = (head(moved).logits - head(inner).logits)[0].abs() > 1e-6
    assert changed[2, 9] and not (head_of(task_of(layers=0))(moved).logits - head_of(task_of(layers=0))(inner).logits)[0, 2, 9]


def test_a_map_that_is_too_large_is_refused() -> None:
    with pytest.raises(DataError, match="pairs of 12 steps is asked for, and it may have 11"):
        head_of(task_of(max_steps=11))(encoded())


def test_near_distances_are_told_apart_and_far_ones_by_ranges() -> None:
    found = distances(600)[0].numpy()
    assert found[:64].tolist() == list(range(64)) and found[64] == 64
    assert (np.diff(found) >= 0).all() and 64 < found[100] < found[300] < found[599] < 96


def test_the_loss_is_of_the_pairs_that_are_asked_alone() -> None:
    task, of = task_of(), in_batch(target())
    right, wrong = saying({(1, 9): 0.99, (2, 8): 0.99}), saying({(1, 9): 0.99, (3, 10): 0.99})
    near = saying({(1, 9): 0.99, (2, 8): 0.99, (4, 6): 0.99})
    assert task.loss(right, of)[0] < task.loss(wrong, of)[0]
    assert task.loss(near, of)[0] == task.loss(right, of)[0]
    assert task.loss(right, of)[1] == 0
    asked = (in_batch(target()).dense[0] >= 0).sum()
    expected = 2 * -(2 * np.log(0.99) + (int(asked) / 2 - 2) * np.log1p(-1 / (1 + np.exp(12)))) / float(asked)
    assert float(task.loss(right, of)[0]) == pytest.approx(expected, rel=1e-3)


def test_a_row_of_which_nothing_is_known_has_no_loss() -> None:
    out = head_of(task_of())(encoded())
    loss = task_of().loss(out, in_batch(target((False, False, True))))
    assert loss[:2].tolist() == [0, 0] and loss[2] > 0


def test_the_likeliest_pairs_of_each_row_are_told_in_order() -> None:
    answer = task_of(told=1).answer(saying({(1, 9): 0.9, (2, 8): 0.5, (0, 3): 0.99}))
    assert answer.paired is not None and answer.paired.score is not None and answer.kind == "pairs"
    assert np.diff(answer.paired.offsets).tolist() == [12, 0, 9]
    assert of_row(answer.paired, 0)[:2] == [(1, 9), (2, 8)]
    np.testing.assert_allclose(answer.paired.score[:2], [0.9, 0.5], atol=1e-6)
    assert answer.values[:, 0] == pytest.approx([1.4, 0.0, 0.0], abs=1e-3)


def test_pairs_that_count_more_in_the_loss_change_no_probability() -> None:
    plain, weighed = task_of(), task_of(positive=20.0)
    heads = [head_of(task, learnt=False) for task in (plain, weighed)]
    for task, head in zip((plain, weighed), heads, strict=True):
        task.start(head, target())
    share = 3 / (8 * 9 / 2 + 5 * 6 / 2)
    for task, head in zip((plain, weighed), heads, strict=True):
        torch.nn.init.zeros_(head.out.weight)
        answer = task.answer(head(encoded()))
        assert answer.values[0, 0] / (8 * 9 / 2) == pytest.approx(share, rel=0.2)


def test_several_networks_agree_on_the_mean_of_their_logits() -> None:
    both = task_of().agreed([saying({(1, 9): 0.9}), saying({(1, 9): 0.1})])
    assert float(both.logits[0, 1, 9].sigmoid()) == pytest.approx(0.5)


def test_what_cannot_be_learnt_is_refused() -> None:
    with pytest.raises(DataError, match="pairs of none of 3 training rows are known"):
        task_of().check(target((False, False, False)))
    none = Target(np.zeros((3, 1)), np.array([[True]] * 3), ("contact",), Pairs(np.zeros(4, np.int64), *[np.zeros(0, int)] * 2))
    with pytest.raises(DataError, match="none of 3 training rows has a pair 4 letters apart"):
        task_of().check(paired.placed(none, places(), 4))
    with pytest.raises(ConfigError, match="nothing to balance"):
        task_of().balance(target())
    with pytest.raises(ConfigError, match="one kind of pair, the outcome has 2"):
        contact.build(contact.Config(), ("a", "b"))
