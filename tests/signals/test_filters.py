from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sequela.errors import ConfigError
from sequela.signals.baseline import BASELINES, less_baseline
from sequela.signals.filters import Filters, band, filtered, less_mains

RATE = 250.0
TIME = np.arange(1500) / RATE


def sine(hertz: float, phase: float = 0.3) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * TIME + phase)


@pytest.mark.parametrize(("hertz", "kept"), [(0.05, 0.0), (2.0, 1.0), (10.0, 1.0), (25.0, 0.98), (40.0, 0.5), (70.0, 0.0)])
def test_a_band_keeps_what_lies_in_it_and_takes_out_the_rest(hertz: float, kept: float) -> None:
    middle = slice(250, -250)
    np.testing.assert_allclose(band(sine(hertz), RATE, 0.5, 40.0)[middle], kept * sine(hertz)[middle], atol=0.03)


def test_a_band_shifts_nothing_in_time() -> None:
    spike = np.exp(-0.5 * ((TIME - 3) / 0.02) ** 2)
    assert np.argmax(band(spike, RATE, 0.5, 40.0)) == np.argmax(spike)


def test_a_band_from_zero_keeps_the_level() -> None:
    np.testing.assert_allclose(band(np.full((2, 3, 100), 7.0), RATE, 0, 40.0), 7.0)


@pytest.mark.parametrize("length", [50, 175, 1500])
@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_hum_and_its_harmonic_go_wherever_a_window_begins(length: int, mains: float) -> None:
    hum = (sine(mains, 1.1) + 0.3 * sine(2 * mains))[:length]
    assert np.abs(less_mains(hum, RATE, mains)).max() < 0.02


def test_a_mains_frequency_that_wanders_a_little_goes_too() -> None:
    assert np.abs(less_mains(sine(50.2), RATE, 50.0)).max() < 0.02


def test_a_notch_leaves_a_slow_wave_alone() -> None:
    np.testing.assert_allclose(less_mains(sine(10) + sine(50), RATE, 50.0)[50:-50], sine(10)[50:-50], atol=0.01)


@given(some.floats(-5, 5), some.sampled_from([None, 50.0]), some.sampled_from([None, (0.5, 40.0)]))
def test_filters_are_linear_and_work_on_each_window_alone(
    scale: float, notch: float | None, band_hz: tuple[float, float] | None
) -> None:
    windows = np.random.default_rng(0).normal(size=(3, 2, 200)).astype(np.float32)
    filters = Filters(band_hz, notch)
    whole = filtered(windows, RATE, filters)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(filtered(windows * np.float32(scale), RATE, filters), whole * scale, atol=1e-4)
    np.testing.assert_allclose(filtered(windows[1:2], RATE, filters), whole[1:2], atol=1e-6)


@pytest.mark.parametrize("bounds", [(40.0, 0.5), (0.5, 130.0), (-1.0, 40.0), (5.0, 5.0)])
def test_a_band_that_does_not_fit_the_rate_is_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="does not fit 250 samples"):
        band(TIME, RATE, *bounds)


def test_mains_that_the_rate_cannot_show_are_refused() -> None:
    with pytest.raises(ConfigError, match="show no hum of 50 Hz"):
        less_mains(TIME, 100.0, 50.0)


def test_no_baseline_is_taken_out_unasked() -> None:
    assert less_baseline(TIME, RATE, "none") is TIME
    assert all(
        np.abs(less_baseline(np.full((1, 1, 200), 3.0), RATE, name)).max() < 1e-5 for name in ("mean", "median", "highpass")
    )
    assert set(BASELINES) == {"mean", "median", "two_median", "highpass"}
