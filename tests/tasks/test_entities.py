"""Stretches of a text: what is read off the tags, how sure it is, and what cannot be learnt from."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from sequela import config
from sequela.contracts import Spanner, Task
from sequela.errors import ConfigError, DataError
from sequela.nn import crf
from sequela.nn.chained import Chained, ChainHead
from sequela.tasks import entities
from sequela.tasks.entities import Entities
from sequela.text import scheme
from sequela.types import Encoded, Spanned, Spans, Tags, Target

NAMES = ("Disease", "Drug")
TAGS = scheme.size(len(NAMES))
WIDTH = 6
READ = ((0, 1, 2, 3, 0), (), (8, 0), (4, 0, 5, 7))  # tags of four rows


def target(rows: tuple[tuple[int, ...], ...] = READ, known: tuple[bool, ...] = (True, True, True, True)) -> Target:
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])])
    value = np.array([tag if read else -1 for row, read in zip(rows, known, strict=True) for tag in row], np.int64)
    nothing = Spans(np.zeros(len(rows) + 1, np.int64), *(np.zeros(0, np.int64) for _ in range(3)))
    dense = Spanned(nothing, Tags(offsets, value, np.ones(len(value), bool)))
    return Target(np.ones((len(rows), 1)), np.array(known)[:, None], NAMES, dense)


def in_batch(of: Target, steps: int = 5) -> Target:
    return Target(torch.ones(4, 1), torch.tensor(of.known), NAMES, torch.tensor(of.dense.tags.padded(steps)))


def task_of(names: tuple[str, ...] = NAMES, **options: Any) -> Entities:
    return entities.build(config.convert(options, entities.Config), names)


def encoded(seed: int = 0, steps: int = 5) -> Encoded:
    vectors = torch.randn(4, 5, WIDTH, generator=torch.Generator().manual_seed(seed))
    vectors = torch.cat([vectors, torch.full((4, steps - 5, WIDTH), 9.0)], 1)
    return Encoded(vectors, torch.arange(steps) < torch.tensor([5, 0, 2, 4])[:, None], None)


def head_of(task: Entities, seed: int = 1) -> nn.Module:
    torch.manual_seed(seed)
    head = task.head(WIDTH)
    with torch.no_grad():
        for parameter in head.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn(parameter.shape))
    return head.eval()


def saying(task: Entities, tags: tuple[tuple[int, ...], ...], sure: float = 20.0) -> Chained:
    """The output that says these tags."""
    padded = torch.tensor([[*row, *[0] * (5 - len(row))] for row in tags])
    head = task.head(WIDTH)
    assert isinstance(head, ChainHead)
    mask = torch.arange(5) < torch.tensor([len(row) for row in tags])[:, None]
    return Chained(sure * nn.functional.one_hot(padded, TAGS).float(), head.chain(), mask)


def test_it_is_a_task_whose_answers_are_stretches() -> None:
    assert isinstance(task_of(), Spanner)
    made: Task = task_of()
    assert made.kind == entities.KIND == "entities"


@pytest.mark.parametrize("chain", [True, False])
def test_stretches_are_told_in_steps_with_their_type(chain: bool) -> None:
    task = task_of(crf=chain)
    out = saying(task, READ)
    answer = task.spanned(out, out.mask)
    spans = answer.spanned
    assert answer.kind == "spans" and answer.names == NAMES and spans is not None
    assert spans.offsets.tolist() == [0, 1, 1, 2, 4]
    assert list(zip(spans.row, spans.begin, spans.end, spans.label, strict=True)) == [
        (0, 1, 4, 0),
        (2, 0, 1, 1),
        (3, 0, 1, 0),
        (3, 2, 4, 1),
    ]
    np.testing.assert_allclose(spans.score, 1, atol=1e-6)
    np.testing.assert_allclose(answer.values, [[1, 0], [0, 0], [0, 1], [1, 1]], atol=1e-6)


def test_the_score_of_a_stretch_is_the_share_of_the_paths_that_have_it() -> None:
    task = task_of(("Disease",))
    head = head_of(task)
    out = head(encoded())
    spans = task.spanned(out, out.mask).spanned
    assert spans is not None and len(spans.begin)
    for row, begin, end, score in zip(spans.row, spans.begin, spans.end, spans.score, strict=True):
        length = int(out.mask[row].sum())
        chances = {path: _score(out, int(row), path) for path in product(range(5), repeat=length)}
        total = np.logaddexp.reduce(list(chances.values()))
        same = [chance for path, chance in chances.items() if (begin, end, 0) in scheme.stretches(np.array(path))]
        np.testing.assert_allclose(score, np.exp(np.logaddexp.reduce(same) - total), rtol=1e-5)


def _score(out: Chained, row: int, path: tuple[int, ...]) -> float:
    """By the definition."""
    emissions, transitions, start, end = (part.detach().double().numpy() for part in (out.emissions, *out.chain))
    moves = sum(transitions[a, b] for a, b in pairwise(path))
    own = sum(emissions[row, step, tag] for step, tag in enumerate(path))
    return float(own + moves + start[path[0]] + end[path[-1]])


@pytest.mark.parametrize("chain", [True, False])
def test_no_answer_is_an_illegal_path(chain: bool) -> None:
    task = task_of(crf=chain)
    for seed in range(5):
        out = head_of(task, seed)(encoded(seed))
        path, _ = crf.viterbi(50 * out.emissions, out.chain, out.mask)
        legal = scheme.legal(len(NAMES))
        for tags in (row[row >= 0].numpy() for row in path):
            if len(tags):
                assert legal.first[tags[0]] and legal.last[tags[-1]] and legal.follows[tags[:-1], tags[1:]].all()


@pytest.mark.parametrize("chain", [True, False])
def test_a_row_that_nobody_read_adds_no_loss_and_no_gradient(chain: bool) -> None:
    task = task_of(crf=chain)
    out = head_of(task)(encoded())
    emissions = out.emissions.detach().requires_grad_()
    loss = task.loss(out._replace(emissions=emissions), in_batch(target(known=(True, True, False, True))))
    loss.sum().backward()
    assert loss.shape == (4,) and loss[2] == 0 and (loss[[0, 3]] > 0).all()
    assert (emissions.grad[[1, 2]] == 0).all() and (emissions.grad[0] != 0).any()


@pytest.mark.parametrize("chain", [True, False])
def test_the_nearer_the_tags_the_smaller_the_loss_of_a_text(chain: bool) -> None:
    task = task_of(crf=chain)
    losses = [task.loss(saying(task, READ, sure), in_batch(target()))[[0, 2, 3]] for sure in (-5.0, 0.0, 2.0, 20.0)]
    assert all((better < worse).all() for worse, better in pairwise(losses))
    assert (losses[-1] < 1e-3).all()


@pytest.mark.parametrize("chain", [True, False])
def test_padding_of_a_text_changes_no_stretch_and_no_loss(chain: bool) -> None:
    task = task_of(crf=chain)
    head = head_of(task)
    one, other = head(encoded()), head(encoded(steps=8))
    torch.testing.assert_close(task.loss(one, in_batch(target())), task.loss(other, in_batch(target(), 8)), rtol=0, atol=1e-6)
    first, second = (task.spanned(out, out.mask) for out in (one, other))
    np.testing.assert_allclose(first.values, second.values, rtol=0, atol=1e-6)
    assert first.spanned is not None and second.spanned is not None
    np.testing.assert_array_equal(first.spanned.begin, second.spanned.begin)


def test_a_started_head_answers_as_frequent_tags_are() -> None:
    task = task_of()
    head = task.head(WIDTH)
    task.start(head, target())
    nothing = Encoded(torch.zeros(1, 1, WIDTH), torch.ones(1, 1, dtype=torch.bool), None)
    count = np.bincount([tag for row in READ for tag in row], minlength=TAGS) + 0.5
    np.testing.assert_allclose(head(nothing).emissions[0, 0].softmax(0).detach(), count / count.sum(), rtol=1e-5)


def test_a_batch_of_texts_without_words_has_no_stretch() -> None:
    task = task_of()
    mask = torch.zeros(2, 1, dtype=torch.bool)
    answer = task.spanned(head_of(task)(Encoded(torch.zeros(2, 1, WIDTH), mask, None)), mask)
    assert answer.values.tolist() == [[0, 0], [0, 0]] and answer.spanned is not None
    assert answer.spanned.offsets.tolist() == [0, 0, 0] and answer.spanned.score is not None and not len(answer.spanned.score)


def test_texts_that_cannot_be_learnt_from_are_refused() -> None:
    task = task_of()
    task.check(target())
    with pytest.raises(DataError, match="none of the texts of 4 training rows was read"):
        task.check(target(known=(False,) * 4))
    with pytest.raises(DataError, match="nothing is marked as 'Drug'"):
        task.check(target(known=(True, True, False, False)))
    with pytest.raises(ConfigError, match="one type or more"):
        entities.build(entities.Config(), ())
    with pytest.raises(ConfigError, match="nothing to balance"):
        task.balance(target())


def test_networks_that_agree_speak_as_the_geometric_mean_of_their_paths() -> None:
    task = task_of(("Disease",))
    outs = [head_of(task, seed)(encoded()) for seed in (1, 2)]
    together = task.agreed(outs)
    paths = list(product(range(5), repeat=2))  # the third row has two steps
    each = [np.array([_score(out, 2, path) for path in paths]) for out in (*outs, together)]
    mean = (each[0] + each[1]) / 2
    np.testing.assert_allclose(each[2] - np.logaddexp.reduce(each[2]), mean - np.logaddexp.reduce(mean), atol=1e-3)
    torch.testing.assert_close(task.agreed(outs[:1]).emissions, outs[0].emissions)
