from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.metrics.instants import matched
from sequela.signals.peaks import LOWEST_RATE_HZ, RPeaks, r_peaks
from sequela.types import Array

HEARTBEAT = ((0.12, -0.17, 0.022), (-0.1, -0.03, 0.009), (1.1, 0.0, 0.011), (-0.22, 0.03, 0.011), (0.28, 0.24, 0.045))
TOLERANCE = 0.05  # seconds
BEATS = "NLRBAaJSVrFejnE/fQ?"  # symbols of annotated heartbeats


def beats(seconds: float, interval: float = 0.8) -> Array:
    """Seconds of beats that vary by a tenth."""
    count = int(seconds / interval)
    at = 0.5 + interval * (np.arange(count) + 0.1 * np.sin(np.arange(count)))
    return at[at < seconds - 0.5]


def recording(at: Array, seconds: float, rate_hz: float, noise: float = 0.01) -> Array:
    """One lead of these beats in millivolts, float32 "1 L"."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    lead = noise * np.random.default_rng(0).normal(size=len(time))
    for second in at:
        for height, offset, width in HEARTBEAT:
            lead += height * np.exp(-0.5 * ((time - second - offset) / width) ** 2)
    return lead[None].astype(np.float32)


def pushed(signal: Array, rate_hz: float, pieces: list[int]) -> Array:
    """The peaks of a signal fed in pieces of these lengths, again and again."""
    found, parts, start, turn = RPeaks(rate_hz), [], 0, 0
    while start < signal.shape[1]:
        parts.append(found.push(signal[:, start : start + pieces[turn % len(pieces)]]))
        start, turn = start + pieces[turn % len(pieces)], turn + 1
    return np.concatenate([*parts, found.finish()])


def assert_found(signal: Array, at: Array, rate_hz: float) -> None:
    found = r_peaks(signal, rate_hz)
    assert found.dtype == np.int64
    np.testing.assert_allclose(found / rate_hz, at, atol=TOLERANCE)


@pytest.mark.parametrize("rate_hz", [100.0, 128.0, 173.61, 250.0, 360.0, 500.0, 1000.0])
def test_every_beat_is_found_at_any_rate(rate_hz: float) -> None:
    at = beats(60)
    assert_found(recording(at, 60, rate_hz), at, rate_hz)


@pytest.mark.parametrize("interval", [0.35, 0.5, 1.0, 1.8])
def test_slow_and_fast_hearts_are_followed(interval: float) -> None:
    at = 0.5 + interval * np.arange(int(58 / interval))
    assert_found(recording(at, 60, 250.0), at, 250.0)


@pytest.mark.parametrize("scale", [-1.0, 1e-3, 1e3, 1e-9])
def test_neither_polarity_nor_unit_matters(scale: float) -> None:
    at = beats(60)
    assert_found(recording(at, 60, 250.0) * np.float32(scale), at, 250.0)


@pytest.mark.parametrize("hertz", [50.0, 60.0])
def test_mains_hum_hides_no_beat(hertz: float) -> None:
    at, time = beats(60), np.arange(60 * 500) / 500
    assert_found(recording(at, 60, 500.0) + np.float32(0.3) * np.sin(2 * np.pi * hertz * time).astype(np.float32), at, 500.0)


def test_a_drifting_baseline_hides_no_beat() -> None:
    at, time = beats(60), np.arange(60 * 250) / 250
    drift = 5 * np.sin(2 * np.pi * 0.2 * time) + 0.1 * time + 100
    assert_found(recording(at, 60, 250.0) + drift.astype(np.float32), at, 250.0)


def test_a_gap_hides_its_own_beats_alone_and_makes_none() -> None:
    at, signal = beats(60), recording(beats(60), 60, 250.0) + np.float32(3)
    signal[:, 20 * 250 : 26 * 250] = np.nan
    inside = (at > 19.9) & (at < 26.1)
    found = r_peaks(signal, 250.0) / 250
    assert not ((found > 20.1) & (found < 25.9)).any()
    np.testing.assert_allclose(found[(found < 19.9) | (found > 26.1)], at[~inside], atol=TOLERANCE)


def test_a_pause_of_twenty_seconds_has_no_beats() -> None:
    at = beats(90)
    at = at[(at < 40) | (at > 60)]
    assert_found(recording(at, 90, 250.0, noise=0.02), at, 250.0)


def test_a_bad_lead_does_not_spoil_a_good_one() -> None:
    at, random = beats(60), np.random.default_rng(1)
    good = recording(at, 60, 250.0)
    for bad in (np.zeros_like(good), np.full_like(good, np.nan), 3 * random.normal(size=good.shape).astype(np.float32)):
        assert_found(np.concatenate([good, bad]), at, 250.0)
        assert_found(np.concatenate([bad, good]), at, 250.0)


def test_an_early_wide_beat_is_found_and_its_t_wave_is_none() -> None:
    time, at = np.arange(30 * 250) / 250, np.arange(1, 29, 0.8)
    early = at[10::8] + 0.5
    signal = recording(at, 30, 250.0)[0]
    for second in early:
        for height, offset, width in ((1.8, 0.0, 0.035), (-0.6, 0.09, 0.035), (-0.5, 0.28, 0.06)):
            signal += (height * np.exp(-0.5 * ((time - second - offset) / width) ** 2)).astype(np.float32)
    assert_found(signal[None], np.sort(np.concatenate([at, early])), 250.0)


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan])
def test_a_dead_signal_has_no_beats(level: float) -> None:
    assert len(r_peaks(np.full((2, 5000), level, np.float32), 250.0)) == 0


@pytest.mark.parametrize("samples", [0, 1, 2, 100, 499, 500, 501])
def test_short_signals_are_read(samples: int) -> None:
    signal = recording(np.array([0.5]), 4, 250.0)[:, :samples]
    assert len(r_peaks(signal, 250.0)) == (samples > 125 + 100)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(pieces=st.lists(st.integers(1, 3000), min_size=1, max_size=6), seed=st.integers(0, 3))
def test_the_pieces_in_which_a_signal_comes_change_nothing(pieces: list[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    signal = np.concatenate([recording(beats(45), 45, 200.0), random.normal(size=(1, 9000)).astype(np.float32)])
    signal[:, 4000:4300] = np.nan
    np.testing.assert_array_equal(pushed(signal, 200.0, pieces), r_peaks(signal, 200.0))


def test_a_beat_is_given_within_the_promised_time_and_memory_stays_flat() -> None:
    at, found, given_at = beats(240), RPeaks(250.0), dict[int, int]()
    signal = recording(at, 240, 250.0)
    for second in range(240):
        given_at |= dict.fromkeys(found.push(signal[:, second * 250 : (second + 1) * 250]).tolist(), second + 1)
    late = [second - peak / 250 for peak, second in given_at.items()]
    assert len(late) > 250 and max(late) <= found.late_seconds + 1
    assert found.held_samples <= 24 * 250


def test_what_is_no_signal_is_refused() -> None:
    with pytest.raises(DataError, match="sampling rate"):
        r_peaks(np.zeros((1, 100), np.float32), LOWEST_RATE_HZ - 1)
    with pytest.raises(DataError, match="axes"):
        r_peaks(np.zeros(100, np.float32), 250.0)
    found = RPeaks(250.0)
    found.push(np.zeros((2, 100), np.float32))
    with pytest.raises(DataError, match="shape"):
        found.push(np.zeros((1, 100), np.float32))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The inplace keyword")  # of pandas, which wfdb calls
def test_nearly_every_annotated_beat_of_mit_bih_is_found_and_hardly_another(
    real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    wfdb = pytest.importorskip("wfdb")
    subprocess.run([sys.executable, str(real_data("mitbih") / "unpack.py"), str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    hits = missed = extra = 0
    for header in sorted(tmp_path.rglob("*.hea")):
        stem = str(header.with_suffix(""))
        marks = wfdb.rdann(stem, "atr")
        symbol, sample = np.array(marks.symbol), np.asarray(marks.sample, np.int64)
        edges = sample[np.isin(symbol, ["[", "]"])].reshape(-1, 2)
        found, true = (
            at[~((at[:, None] >= edges[:, 0] - 54) & (at[:, None] <= edges[:, 1] + 54)).any(1)]
            for at in (r_peaks(wfdb.rdrecord(stem).p_signal.T.astype(np.float32), 360.0), sample[np.isin(symbol, list(BEATS))])
        )
        pairs = matched(found, true, 54)  # 150 ms
        hits, missed, extra = hits + len(pairs.true), missed + len(pairs.missed), extra + len(pairs.extra)
    assert hits + missed == 109_494
    assert hits / (hits + missed) > 0.999 and hits / (hits + extra) > 0.996
