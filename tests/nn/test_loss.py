"""Losses against their published formulas, and what balances classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sequela.nn import loss as losses

LOGIT = torch.tensor([-3.0, -0.4, 0.0, 1.3, 4.0], dtype=torch.float64)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_binary_cross_entropy_is_minus_the_log_of_the_probability_of_the_truth(label: float) -> None:
    truth = torch.sigmoid(LOGIT) if label else 1 - torch.sigmoid(LOGIT)
    torch.testing.assert_close(losses.binary_cross_entropy(LOGIT, torch.full_like(LOGIT, label)), -truth.log())


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_focal_binary_loss_is_equation_4_of_lin(label: float, gamma: float) -> None:
    truth = torch.sigmoid(LOGIT) if label else 1 - torch.sigmoid(LOGIT)
    found = losses.binary_cross_entropy(LOGIT, torch.full_like(LOGIT, label), gamma)
    torch.testing.assert_close(found, -((1 - truth) ** gamma) * truth.log())


@pytest.mark.parametrize("share", [0.2, 0.55, 0.85])
def test_a_label_between_0_and_1_counts_for_both_by_its_shares(share: float) -> None:
    chance = torch.sigmoid(LOGIT)
    found = losses.binary_cross_entropy(LOGIT, torch.full_like(LOGIT, share))
    torch.testing.assert_close(found, -share * chance.log() - (1 - share) * (1 - chance).log())
    weight = losses.balance(np.array([0.0, 0.0, 1.0, share]), np.full(4, True), 2)
    one, none = 2 / (1 + share), 2 / (3 - share)
    np.testing.assert_allclose(weight, [none, none, one, share * one + (1 - share) * none], rtol=1e-6)
    assert weight.mean() == pytest.approx(1)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_over_two_classes_is_the_binary_one(gamma: float) -> None:
    label = torch.tensor([0, 1, 1, 0, 1])
    two = torch.stack([torch.zeros_like(LOGIT), LOGIT], 1)
    torch.testing.assert_close(losses.cross_entropy(two, label, gamma), losses.binary_cross_entropy(LOGIT, label.double(), gamma))


def test_smoothing_of_two_classes_is_the_binary_one() -> None:
    label = torch.tensor([0, 1, 1, 0, 1])
    two = torch.stack([torch.zeros_like(LOGIT), LOGIT], 1)
    torch.testing.assert_close(
        losses.cross_entropy(two, label, smoothing=0.2), losses.binary_cross_entropy(LOGIT, label.double(), smoothing=0.2)
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_losses_and_their_gradients_stay_finite_where_the_net_is_sure(gamma: float) -> None:
    logit = torch.tensor([-1e4, -80.0, 80.0, 1e4], requires_grad=True)
    two = torch.stack([torch.zeros_like(logit), logit], 1)
    loss = losses.binary_cross_entropy(logit, torch.ones(4), gamma) + losses.cross_entropy(two, torch.ones(4).long(), gamma)
    loss.sum().backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(logit.grad).all()


def test_distances_are_squared_absolute_and_both() -> None:
    error = torch.tensor([-2.0, -0.5, 0.0, 1.0, 3.0])
    assert losses.distance(error, "mse").tolist() == [4.0, 0.25, 0.0, 1.0, 9.0]
    assert losses.distance(error, "mae").tolist() == [2.0, 0.5, 0.0, 1.0, 3.0]
    assert losses.distance(error, "huber").tolist() == [1.5, 0.125, 0.0, 0.5, 2.5]


def test_a_row_without_a_known_label_has_the_loss_0() -> None:
    loss = torch.tensor([[1.0, torch.nan], [torch.nan, torch.nan], [1.0, 3.0]])
    known = torch.tensor([[True, False], [False, False], [True, True]])
    assert losses.mean_known(loss, known).tolist() == [1.0, 0.0, 2.0]


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=40))
def test_balanced_weights_give_each_class_present_the_same_total(rows: list[tuple[int, bool]]) -> None:
    label, known = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    weight = losses.balance(label, known, 4)
    assert (weight[~known] == 0).all()
    present = np.unique(label[known])
    totals = [weight[known & (label == one)].sum() for one in present]
    np.testing.assert_allclose(totals, known.sum() / max(len(present), 1), rtol=1e-5)


def test_log_odds_and_shares_are_finite_for_a_class_that_is_not_there() -> None:
    label, known = np.array([[0.0], [0.0], [np.nan]]), np.array([[True], [True], [False]])
    np.testing.assert_allclose(losses.log_odds(label, known), np.log(0.5 / 2.5))
    np.testing.assert_allclose(losses.shares(label[:, 0], known[:, 0], 2), [2.5 / 3, 0.5 / 3])
