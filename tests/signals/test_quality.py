from __future__ import annotations

import numpy as np
import pytest

from sequela.signals.quality import FAULTS, quality, worst

RATE = 250.0
TIME = np.arange(2500) / RATE
EVERY = np.ones((1, 1, 2500), bool)


def beats(noise: float = 0.01) -> np.ndarray:
    """Ten seconds of a heart at rest, float32 "1 1 L"."""
    lead = noise * np.random.default_rng(0).normal(size=len(TIME))
    for second in np.arange(0.5, 10, 0.8):
        for height, offset, width in ((0.12, -0.17, 0.022), (1.1, 0.0, 0.011), (-0.22, 0.03, 0.011), (0.28, 0.24, 0.045)):
            lead += height * np.exp(-0.5 * ((TIME - second - offset) / width) ** 2)
    return lead[None, None].astype(np.float32)


def judged(values: np.ndarray, seen: np.ndarray = EVERY) -> tuple[float, str]:
    found = quality(values, seen, RATE, beats=True)
    return float(found.index[0, 0]), str(found.reason[0, 0])


def test_a_clean_lead_is_good() -> None:
    assert judged(beats())[0] > 0.95


def test_an_eeg_is_good_where_no_beats_are_expected() -> None:
    random = np.random.default_rng(1)
    hertz = np.arange(0.5, 30, 0.1)[:, None]
    phase = random.random(hertz.shape)
    waves = (random.normal(size=hertz.shape) / hertz * np.sin(2 * np.pi * (hertz * TIME + phase))).sum(0)
    assert quality(waves[None, None].astype(np.float32), EVERY, RATE).index[0, 0] > 0.9


@pytest.mark.parametrize("level", [0.0, 3.5])
def test_a_dead_lead_is_flat(level: float) -> None:
    assert judged(np.full((1, 1, 2500), level, np.float32)) == (0, "flat")


def test_a_lead_that_dies_half_way_is_flat() -> None:
    values = beats()
    values[..., 1000:] = values[..., 1000:1001]
    assert judged(values) == (0, "flat")


def test_an_amplifier_at_its_limits_is_clipped() -> None:
    index, reason = judged(np.clip(beats(0.02) + 2 * np.sin(2 * np.pi * 0.3 * TIME).astype(np.float32), -1, 1))
    assert index < 0.2 and reason == "clipped"


def test_the_more_is_missing_the_worse() -> None:
    seen = EVERY.copy()
    seen[..., :250] = False
    tenth = judged(beats(), seen)
    seen[..., :750] = False
    third = judged(beats(), seen)
    assert tenth[1] == third[1] == "missing" and 1 > tenth[0] > third[0] > 0
    assert judged(beats(), np.zeros_like(EVERY))[0] == 0


def test_the_more_noise_the_worse() -> None:
    found = [judged(beats(noise)) for noise in (0.02, 0.05, 0.1, 0.2, 0.5)]
    assert [index for index, _ in found] == sorted((index for index, _ in found), reverse=True)
    assert found[-1] == (0, "noise")


def test_a_step_that_stays_is_a_jump_and_a_drift_is_none() -> None:
    step = np.where(TIME > 5, 5, 0).astype(np.float32)
    index, reason = judged(beats() + step)
    assert index < 0.5 and reason == "jump"
    assert judged(beats() + (0.5 * TIME).astype(np.float32))[1] != "jump"


def test_breathing_without_beats_has_no_beat_where_beats_are_expected() -> None:
    waves = (np.sin(2 * np.pi * 8 * TIME) + 0.01 * np.random.default_rng(0).normal(size=len(TIME)))[None, None].astype(np.float32)
    assert judged(waves) == (0, "no beat")
    assert quality(waves, EVERY, RATE).index[0, 0] > 0.9


def test_windows_and_channels_are_judged_alone() -> None:
    good, bad = beats(), np.zeros_like(beats())
    found = quality(
        np.concatenate([np.concatenate([good, bad], 1), np.concatenate([bad, good], 1)]), np.ones((2, 2, 2500), bool), RATE
    )
    assert found.index.dtype == np.float32 and found.index.shape == found.reason.shape == (2, 2)
    np.testing.assert_array_equal(found.poor(0.5), [[False, True], [True, False]])
    assert set(found.reason.ravel()) <= {"", *FAULTS}


def test_neither_level_nor_unit_matters() -> None:
    one = quality(beats(), EVERY, RATE, beats=True).index
    np.testing.assert_allclose(quality(beats() * 1000 + 512, EVERY, RATE, beats=True).index, one, atol=0.02)


@pytest.mark.parametrize("length", [1, 2, 5, 60])
def test_short_windows_are_judged_by_what_they_can_show(length: int) -> None:
    found = quality(beats()[..., :length], EVERY[..., :length], RATE, beats=True)
    assert ((found.index >= 0) & (found.index <= 1)).all()


def test_no_windows_have_no_quality() -> None:
    assert quality(np.zeros((0, 2, 100), np.float32), np.zeros((0, 2, 100), bool), RATE).index.shape == (0, 2)


def test_the_fault_that_is_named_most_often_is_the_worst() -> None:
    assert worst(["", "flat", "noise", "flat"]) == "flat" and worst(["", ""]) == "" and worst([]) == ""
