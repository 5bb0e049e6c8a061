"""Ordered classes: one score and rising thresholds, whatever the weights are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sequela import config
from sequela.errors import ConfigError
from sequela.nn.ordinal import log_chances
from sequela.study import cohort as cohorts
from sequela.tasks import sentiment
from sequela.types import Encoded, Target

NAMES = ("negative", "neutral", "positive")


def by_difference(above: float, gaps: list[float]) -> np.ndarray:
    """McCullagh's model as he writes it: differences of the chances of being above each threshold."""
    logits = above - np.concatenate([[0.0], np.cumsum(np.exp(gaps))])
    chance = np.concatenate([[1.0], 1 / (1 + np.exp(-logits)), [0.0]])
    return chance[:-1] - chance[1:]


@given(st.floats(-6, 6), st.lists(st.floats(-2, 1.5), min_size=1, max_size=5))
def test_the_chances_are_those_of_proportional_odds(above: float, gaps: list[float]) -> None:
    told = log_chances(torch.tensor([[above]], dtype=torch.double), torch.tensor(gaps, dtype=torch.double)).exp()
    np.testing.assert_allclose(told[0].numpy(), by_difference(above, gaps), rtol=1e-9, atol=1e-12)


@given(st.floats(-200, 200), st.lists(st.floats(-30, 4), min_size=1, max_size=5))
def test_every_class_keeps_a_finite_loss_and_gradient(above: float, gaps: list[float]) -> None:
    score, free = torch.tensor([[above]], requires_grad=True), torch.tensor(gaps, requires_grad=True)
    told = log_chances(score, free)
    told.sum().backward()
    assert torch.isfinite(told).all() and torch.isfinite(score.grad).all() and torch.isfinite(free.grad).all()


def test_a_higher_score_moves_the_answer_up_and_never_round_a_class() -> None:
    score, gaps = torch.linspace(-8, 8, 81)[:, None], torch.tensor([0.3, -0.5])
    chances = log_chances(score, gaps).exp()
    assert (chances.argmax(1).diff() >= 0).all()
    mean = (chances * torch.arange(4)).sum(1)
    assert (mean.diff() > 0).all()


def test_an_unseen_class_starts_with_a_small_chance_rather_than_none() -> None:
    task = sentiment.build(sentiment.Config(), NAMES)
    head = task.head(4)
    task.start(head, Target(np.array([[0.0], [0.0], [2.0]]), np.full((3, 1), True), NAMES))
    answer = task.answer(head(Encoded(None, torch.ones(1, 1, dtype=torch.bool), torch.zeros(1, 4))))
    np.testing.assert_allclose(answer.values[0], np.array([2.5, 0.5, 1.5]) / 4.5, rtol=1e-5)


def test_it_learns_an_order_that_one_score_tells() -> None:
    torch.manual_seed(0)
    pooled = torch.randn(400, 3)
    label = torch.bucketize(pooled[:, 0] - pooled[:, 1], torch.tensor([-1.0, 1.0])).double()
    target = Target(label[:, None], torch.full((400, 1), True), NAMES)
    task = sentiment.build(sentiment.Config(), NAMES)
    head = task.head(3)
    task.start(head, Target(label[:, None].numpy(), np.full((400, 1), True), NAMES))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.2)
    every = torch.ones(400, 1, dtype=torch.bool)
    for _ in range(60):
        optimizer.zero_grad()
        task.loss(head(Encoded(None, every, pooled)), target).mean().backward()
        optimizer.step()
    said = task.answer(head(Encoded(None, every, pooled))).values.argmax(1)
    assert (said == label.numpy()).mean() > 0.95


def test_two_classes_are_refused_as_they_have_no_order() -> None:
    with pytest.raises(ConfigError, match="three classes or more"):
        sentiment.build(sentiment.Config(), ("no", "yes"))


def study(task: str, **outcome: object) -> config.Study:
    said = {
        "name": "s",
        "question": "?",
        "data": {"source": "x"},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "rating", **outcome},
        "inputs": {"patient": {"modality": "static", "encoder": "mlp"}},
        "task": task,
        "split": {"by": "subject"},
    }
    return config.convert(said, config.Study, "study")


@pytest.mark.parametrize(
    ("task", "outcome", "names", "ordered"),
    [
        ("sentiment", {}, ("1", "2", "3"), True),
        ("sentiment", {"classes": ["low", "mid", "high"]}, ("low", "mid", "high"), True),
        ("multiclass", {}, ("1", "2", "3"), False),
        ("multiclass", {"cuts": [1.0, 2.0]}, ("<1", "1-2", ">=2"), True),
    ],
)
def test_classes_are_in_order_where_the_task_or_their_cuts_say_so(
    task: str, outcome: dict[str, object], names: tuple[str, ...], ordered: bool
) -> None:
    target = Target(np.zeros((4, 1)), np.full((4, 1), True), names)
    assert cohorts._in_order(study(task, **outcome), target).ordered is ordered
    assert cohorts._in_order(study(task, **outcome), target).take(np.array([0])).ordered is ordered


def test_words_without_an_order_are_refused() -> None:
    with pytest.raises(ConfigError, match="order of the classes high, low, mid is not known"):
        cohorts._in_order(study("sentiment"), Target(np.zeros((1, 1)), np.full((1, 1), True), ("high", "low", "mid")))
