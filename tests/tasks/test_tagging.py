"""A label for each step: padding, steps that another row judges and labels that nobody gave leave no trace."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from sequela import config
from sequela.batch import collate, lines
from sequela.contracts import Tagger
from sequela.errors import ConfigError, DataError
from sequela.nn.chained import ChainHead
from sequela.tasks import tagging
from sequela.tasks.tagging import ChainTagging, StepHead, Tagging
from sequela.types import Encoded, Ragged, Tags, Target

NAMES = ("N", "S", "V")
LENGTHS = np.array([4, 0, 2, 5])
OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])
WIDTH = 6


def tags(unknown: tuple[int, ...] = (), others: tuple[int, ...] = ()) -> Tags:
    """Eleven steps of four rows; some without a label, some that other rows judge."""
    value, judged = np.arange(11) % 3, np.ones(11, bool)
    value[list(unknown)], judged[list(others)] = -1, False
    return Tags(OFFSETS, value, judged)


def target(of: Tags) -> Target:
    row = np.repeat(np.arange(4), LENGTHS)[of.judged & (of.value >= 0)]
    count = np.bincount(row, minlength=4).astype(float)[:, None]
    return Target(count, count > 0, NAMES, of)


def task_of(**options: Any) -> Tagging:
    task = tagging.build(config.convert(options, tagging.Config), NAMES)
    assert isinstance(task, Tagging)
    return task


def encoded(seed: int = 0) -> Encoded:
    steps = torch.randn(4, 5, WIDTH, generator=torch.Generator().manual_seed(seed))
    return Encoded(steps, torch.arange(5) < torch.tensor(LENGTHS)[:, None], None)


def head_of(task: Tagging, labels: Target) -> StepHead:
    torch.manual_seed(1)
    head = task.head(WIDTH)
    assert isinstance(head, StepHead)
    task.start(head, labels)
    return head


def in_batch(labels: Target, rows: np.ndarray) -> Target:
    ragged = Ragged(OFFSETS, np.zeros((11, 1), np.float32), np.zeros(11))
    made = collate({"x": ragged}, rows, labels)
    assert made.target is not None
    return Target(torch.tensor(made.target.values), torch.tensor(made.target.known), NAMES, torch.tensor(made.target.dense))


def test_labels_are_padded_as_their_steps_are():
    found = in_batch(target(tags(unknown=(2,), others=(4,))), np.array([2, 0])).dense
    assert found.tolist() == [[-1, 2, -1, -1], [0, 1, -1, 0]]


def test_a_step_without_a_label_or_of_another_row_adds_no_loss_and_no_gradient():
    labels = target(tags(unknown=(2,), others=(4, 5)))
    task = task_of()
    out = head_of(task, labels)(encoded()).detach().requires_grad_()
    loss = task.loss(out, in_batch(labels, np.arange(4)))
    loss.sum().backward()
    learnt = torch.zeros(4, 5, dtype=torch.bool)
    learnt[0, [0, 1, 3]] = learnt[3] = True
    assert out.grad is not None and loss.shape == (4,)
    assert ((out.grad[:, :, :3] != 0).any(2) == learnt).all() and (loss[[1, 2]] == 0).all()


def test_a_rare_class_counts_more_in_training_and_answers_stay_true_to_its_share():
    """Of steps that say nothing the answer is how often each class occurred, balanced or not."""
    value = np.array([0] * 90 + [1] * 9 + [2])
    labels = Target(np.array([[100.0]]), np.array([[True]]), NAMES, Tags(np.array([0, 100]), value, np.ones(100, bool)))
    for balance, expected in ((0.0, [0.9, 0.09, 0.01]), (1.0, [0.9, 0.09, 0.01])):
        task = task_of(balance=balance)
        head = head_of(task, labels).eval()
        said = task.answer(head(Encoded(torch.zeros(1, 1, WIDTH), torch.ones(1, 1, dtype=torch.bool), None))[0]).values[0]
        np.testing.assert_allclose(said, expected, atol=0.01)
    counts = head.counts / head.counts[0]
    np.testing.assert_allclose(counts.numpy(), [1, 90.5 / 9.5, 90.5 / 1.5], rtol=1e-5)
    np.testing.assert_allclose(head.counts.numpy() @ [90.5, 9.5, 1.5] / 101.5, 1, rtol=1e-5)


def test_without_the_prior_balanced_classes_are_answered_as_equally_frequent():
    value = np.array([0] * 98 + [1, 2])
    labels = Target(np.array([[100.0]]), np.array([[True]]), NAMES, Tags(np.array([0, 100]), value, np.ones(100, bool)))
    task = task_of(balance=1.0, prior=False)
    head = head_of(task, labels).eval()
    said = task.answer(head(Encoded(torch.zeros(1, 1, WIDTH), torch.ones(1, 1, dtype=torch.bool), None))[0]).values[0]
    np.testing.assert_allclose(said, 1 / 3, atol=0.02)


def test_answers_are_of_the_real_steps_row_after_row():
    labels = target(tags())
    task = task_of()
    rows, out = encoded(), head_of(task, labels).eval()(encoded())
    answer = task.tagged(out, rows.mask)
    each = [task.answer(out[row, :length]).values for row, length in enumerate(LENGTHS)]
    np.testing.assert_array_equal(answer.values, np.concatenate(each))
    np.testing.assert_allclose(answer.values.sum(1), 1, rtol=0, atol=1e-12)


def test_what_was_answered_in_batches_is_put_back_in_the_rows_order():
    order = [np.array([1, 2]), np.array([3, 0])]
    said = np.concatenate([np.repeat(rows * 10, LENGTHS[rows]) for rows in order])
    np.testing.assert_array_equal(said[lines(order, LENGTHS)], np.repeat(np.arange(4) * 10, LENGTHS))


def test_labels_that_cannot_be_learnt_from_are_refused():
    task = task_of()
    with pytest.raises(DataError, match="none of the steps of 4 training rows"):
        task.check(target(tags(unknown=tuple(range(11)))))
    with pytest.raises(DataError, match="all 4 labelled training steps are 'S'"):
        task.check(target(tags(unknown=tuple(k for k in range(11) if k % 3 != 1))))
    with pytest.raises(ConfigError, match="two classes or more"):
        tagging.build(tagging.Config(), ("N",))
    with pytest.raises(ConfigError, match="balances steps"):
        task.balance(target(tags()))


def test_tags_taken_by_row_stay_with_their_steps():
    some = tags(unknown=(4,)).take(np.array([3, 0]))
    assert some.value.tolist() == [0, 1, 2, 0, 1, 0, 1, 2, 0] and some.offsets.tolist() == [0, 5, 9]
    assert tags().take(np.array([False, False, True, True])).value.tolist() == [1, 2, 0, 1, 2, 0, 1]


# ------------------------------------------------------------------------------------------------------- a chain over the classes


def chained() -> tuple[ChainTagging, ChainHead]:
    torch.manual_seed(2)
    task = tagging.build(tagging.Config(crf=True), NAMES)
    assert isinstance(task, ChainTagging) and isinstance(task, Tagger)
    head = task.head(WIDTH)
    assert isinstance(head, ChainHead)
    task.start(head, target(tags()))
    with torch.no_grad():
        for parameter in head.chain.parameters():
            parameter.normal_()
    return task, head.eval().requires_grad_(False)


def test_the_answers_of_a_chain_are_its_posteriors_row_after_row():
    task, head = chained()
    out = head(encoded())
    answer = task.tagged(out, out.mask)
    assert answer.kind == "probabilities" and answer.values.shape == (11, 3)
    np.testing.assert_allclose(answer.values.sum(1), 1, rtol=0, atol=1e-12)
    chances = {}
    for path in product(range(3), repeat=2):  # the third row has two steps
        emitted = out.emissions[2, [0, 1], list(path)].sum() + out.chain.transitions[path[0], path[1]]
        chances[path] = float(torch.exp(emitted + out.chain.start[path[0]] + out.chain.end[path[1]]))
    first = [sum(chance for path, chance in chances.items() if path[0] == k) / sum(chances.values()) for k in range(3)]
    np.testing.assert_allclose(answer.values[4], first, rtol=1e-5)


def test_a_step_without_a_label_is_summed_out_of_a_chain():
    """Its emissions still speak: the likelihood of the others is the sum over what it might have been."""
    task, head = chained()
    out = head(encoded())
    loss = task.loss(out, in_batch(target(tags(unknown=(1,))), np.arange(4)))
    each = []
    for k in range(3):
        told = tags()
        told.value[1] = k
        each.append(task.loss(out, in_batch(target(told), np.arange(4))))
    torch.testing.assert_close(loss[0], -torch.logsumexp(-torch.stack(each)[:, 0], 0))
    torch.testing.assert_close(loss[1:], each[0][1:])
    assert loss[1] == 0


def test_a_chain_takes_no_options_of_steps_by_themselves():
    with pytest.raises(ConfigError, match="no balance, gamma or smoothing"):
        tagging.build(tagging.Config(crf=True, balance=0.5), NAMES)
    task, _ = chained()
    with pytest.raises(ConfigError, match="balances steps"):
        task.balance(target(tags()))
    with pytest.raises(DataError, match="none of the steps of 4 training rows"):
        task.check(target(tags(unknown=tuple(range(11)))))
