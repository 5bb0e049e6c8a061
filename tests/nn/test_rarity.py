"""How rare an error is, held against counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sequela.nn.rarity import Rarity

ERRORS = np.random.default_rng(0).pareto(2.0, 5000) + 0.1


@pytest.fixture(scope="module")
def rarity() -> Rarity:
    made = Rarity()
    made.settle(torch.tensor(ERRORS))
    return made


def share(rarity: Rarity, errors: np.ndarray) -> np.ndarray:
    return rarity(torch.tensor(errors)).sigmoid().numpy()


def test_it_is_the_share_of_smaller_errors(rarity: Rarity) -> None:
    asked = np.quantile(ERRORS, [0.005, 0.03, 0.2, 0.5, 0.85, 0.97, 0.995])
    counted = (ERRORS[None] < asked[:, None]).mean(1)
    np.testing.assert_allclose(share(rarity, asked), counted, atol=0.004)


def test_beyond_all_that_was_seen_it_falls_as_the_tail_does(rarity: Rarity) -> None:
    last = np.quantile(np.log(ERRORS), 0.99)
    slope = np.mean(np.log(ERRORS)[np.log(ERRORS) > last] - last)  # Hill 1975
    larger = 1 - share(rarity, np.exp(last + slope * np.array([1.0, 3.0])))
    np.testing.assert_allclose(larger, 0.01 * np.exp([-1.0, -3.0]), rtol=1e-6)


@given(st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=20, unique=True))
def test_a_larger_error_is_rarer(rarity: Rarity, errors: list[float]) -> None:
    said = rarity(torch.tensor(sorted(errors), dtype=torch.float64))
    assert (said.diff() >= 0).all()
    apart = torch.tensor(sorted(errors), dtype=torch.float64).log().diff() > 1e-6
    assert (said.diff()[apart] > 0).all()


def test_until_it_is_settled_it_orders_as_the_error_does() -> None:
    assert Rarity()(torch.tensor([math.e, 1.0])).tolist() == pytest.approx([1.0, 0.0])


def test_errors_that_are_all_alike_can_be_told_from_larger_ones() -> None:
    made = Rarity()
    made.settle(torch.full((50,), 2.0))
    said = made(torch.tensor([1.0, 2.0, 3.0]))
    assert said.isfinite().all()
    assert said[0] < said[1] < said[2]


def test_no_error_at_all_settles_nothing() -> None:
    with pytest.raises(ValueError, match="no errors"):
        Rarity().settle(torch.zeros(0))
