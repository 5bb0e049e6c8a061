"""Clocks: what the waves tell of a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sequela.nn import clock


def test_waves_are_sines_and_cosines_of_periods_between_the_two() -> None:
    position = torch.tensor([[-3.25, 0.0, 700.5]], dtype=torch.float64)
    found = clock.Sinusoidal(6, 0.5, 50.0)(position)[0].numpy()
    for row, time in zip(found, (-3.25, 0.0, 700.5), strict=True):
        angle = [math.tau * time / period for period in (0.5, 5.0, 50.0)]
        np.testing.assert_allclose(row, [*np.sin(angle), *np.cos(angle)], atol=1e-9)


def test_an_odd_width_lacks_one_cosine() -> None:
    position = torch.tensor([[1.5]], dtype=torch.float64)
    assert torch.equal(clock.Sinusoidal(5, 1.0, 9.0)(position), clock.Sinusoidal(6, 1.0, 9.0)(position)[..., :5])


def test_minutes_are_told_apart_thirty_years_away() -> None:
    """In float32 both positions are the same number."""
    far = torch.tensor([[-11_000.0, -11_000.0 + 1 / 24 / 60 / 2]], dtype=torch.float64)
    assert torch.equal(*far.float()[0].unbind())
    for name in ("sinusoidal", "time2vec"):
        torch.manual_seed(0)
        one, other = clock.build(name, 16, *clock.span("days", 0, 0))(far)[0]
        assert (one - other).abs().amax() > 0.02


def test_time2vec_is_a_line_and_sines_with_learnt_phases() -> None:
    torch.manual_seed(0)
    made = clock.Time2Vec(4, 2.0, 200.0)
    found = made(torch.tensor([[-30.0]], dtype=torch.float64))[0, 0].detach().numpy()
    phase = made.phase.detach().numpy()
    sines = [math.sin(-30 * math.tau / period + shift) for period, shift in zip((2.0, 20.0, 200.0), phase[1:], strict=True)]
    np.testing.assert_allclose(found, [-30 / 200 + phase[0], *sines], atol=1e-5)


@pytest.mark.parametrize("unit", [*clock.SPANS, "beats"])
def test_every_unit_has_a_span_and_an_option_takes_its_place(unit: str) -> None:
    shortest, longest = clock.span(unit, 0, 0)
    assert 0 < shortest < longest
    assert clock.span(unit, 7.0, 0) == (7.0, longest)
    assert clock.span(unit, 0, 7.0) == (shortest, 7.0)
