"""Quantiles that never cross, and their loss."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_pinball_loss

from sequela.nn import quantile

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@settings(deadline=None)
@given(arrays(np.float64, (4, 5), elements=st.floats(-50, 50)))
def test_quantiles_rise_whatever_the_numbers_are(raw: np.ndarray) -> None:
    found = quantile.spread_out(torch.tensor(raw))
    assert (found.diff(dim=-1) >= 0).all()
    torch.testing.assert_close(found[:, 2], torch.tensor(raw[:, 2]))


def test_raw_numbers_and_quantiles_are_made_of_one_another() -> None:
    rising = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)).sort(-1).values
    rising = rising + 0.1 * torch.arange(5)
    torch.testing.assert_close(quantile.spread_out(quantile.raw_of(rising)), rising)


def test_the_loss_is_the_mean_pinball_loss_of_scikit_learn() -> None:
    random = torch.Generator().manual_seed(1)
    truth, quantiles = torch.randn(50, generator=random), torch.randn(50, 5, generator=random)
    expected = np.mean([mean_pinball_loss(truth, quantiles[:, q], alpha=level) for q, level in enumerate(LEVELS)])
    np.testing.assert_allclose(quantile.pinball(quantiles, LEVELS, truth).mean(), expected, rtol=1e-5)


def test_the_loss_is_least_at_the_quantiles_of_the_truth() -> None:
    truth = torch.randn(20_000, generator=torch.Generator().manual_seed(2))
    best = torch.quantile(truth, torch.tensor(LEVELS))
    least = quantile.pinball(best.expand(len(truth), -1), LEVELS, truth).mean()
    for shift in (-0.1, 0.1):
        for place in range(5):
            moved = best.clone()
            moved[place] += shift
            assert quantile.pinball(moved.expand(len(truth), -1), LEVELS, truth).mean() > least
