from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from sequela.signals.heart_rate import FEATURES, Intervals, cleaned, intervals, sample_entropy, spectrum, variability

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "heart_rate.json").read_text(encoding="utf-8"))


def steady(count: int = 300, ms: float = 800.0) -> Intervals:
    return intervals(np.arange(count + 1) * ms / 1e3)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: f"{len(case['ms'])} intervals")
def test_variability_is_that_of_neurokit_and_astropy(case: dict[str, Any]) -> None:
    ms = np.array(case["ms"])
    found = dict(zip(FEATURES, variability(Intervals(np.cumsum(ms) / 1e3, ms)), strict=True))
    for name, value in case["variability"].items():
        assert found[name] == pytest.approx(value, rel=1e-4), name
    assert found["lf_hf"] == pytest.approx(case["variability"]["lf"] / case["variability"]["hf"], rel=1e-4)


def test_intervals_end_at_the_second_beat_and_next_to_an_ectopic_one_none_is_normal() -> None:
    beats = np.array([1.0, 1.8, 2.3, 3.5, 4.3])
    every = intervals(beats)
    np.testing.assert_allclose(every.ms, [800, 500, 1200, 800])
    np.testing.assert_allclose(every.seconds, beats[1:])
    normal = intervals(beats, np.array([True, True, False, True, True]))
    np.testing.assert_allclose(normal.ms, [800, 800])
    np.testing.assert_allclose(normal.seconds, [1.8, 4.3])


def test_cleaning_takes_out_ectopic_beats_gaps_and_doubles_and_leaves_the_rest() -> None:
    beats = np.delete(np.arange(0, 80, 0.8), [50, 51, 52])
    beats = np.sort(np.concatenate([beats, [20.3, 60.4]]))
    found = cleaned(intervals(beats))
    np.testing.assert_allclose(found.ms, 800, atol=1e-6)
    assert len(found.ms) == 98 - 1 - 2 - 2


def test_cleaning_what_is_clean_changes_nothing() -> None:
    np.testing.assert_array_equal(cleaned(steady()).ms, steady().ms)


def test_a_difference_across_an_interval_that_was_taken_out_does_not_count() -> None:
    found = Intervals(np.array([0.8, 1.6, 3.4]), np.array([800.0, 800.0, 900.0]))
    assert dict(zip(FEATURES, variability(found), strict=True))["rmssd"] == 0


def test_the_spectrum_adds_up_to_the_variance() -> None:
    random = np.random.default_rng(0)
    seconds = np.cumsum(0.8 + 0.05 * random.random(400))
    values = 40 * np.sin(2 * np.pi * 0.1 * seconds)
    values -= values.mean()
    hertz = np.arange(0.01, 0.5, 1 / (8 * (seconds[-1] - seconds[0])))
    assert np.trapezoid(spectrum(seconds, values, hertz), hertz) == pytest.approx(values.var(), rel=0.03)


@settings(max_examples=10, deadline=None)
@given(some.floats(0.25, 4.0))
def test_powers_follow_the_square_of_the_unit_and_their_ratio_and_the_entropy_do_not(scale: float) -> None:
    ms = np.array(GOLDEN["cases"][1]["ms"])
    at = np.cumsum(ms) / 1e3
    one, other = variability(Intervals(at, ms)), variability(Intervals(at, ms.mean() + scale * (ms - ms.mean())))
    np.testing.assert_allclose(other[4:6], one[4:6] * scale**2, rtol=1e-6)
    np.testing.assert_allclose(other[6:], one[6:], rtol=1e-6)


def test_what_is_too_short_is_not_known() -> None:
    assert np.isnan(variability(steady(2))).all()
    minute = dict(zip(FEATURES, variability(steady(60)), strict=True))
    assert np.isnan(minute["lf"]) and np.isnan(minute["hf"]) and minute["heart_rate"] == pytest.approx(75)


def test_a_heart_like_a_clock_has_no_variability() -> None:
    found = dict(zip(FEATURES, variability(Intervals(np.arange(1, 301) * 0.8, np.full(300, 800.0))), strict=True))
    assert found["sdnn"] == found["rmssd"] == found["pnn50"] == found["lf"] == found["hf"] == 0
    assert np.isnan(found["lf_hf"]) and np.isnan(found["sample_entropy"])


def test_noise_is_less_regular_than_a_wave() -> None:
    noise = np.random.default_rng(0).normal(size=300)
    assert sample_entropy(noise) > 1.5 > 0.5 > sample_entropy(np.sin(np.arange(300) / 5))
    assert np.isnan(sample_entropy(np.arange(3.0)))
