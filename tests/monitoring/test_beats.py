"""Heartbeats that are found as the signal comes are those of the whole signal, and predictions wait for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from tests.monitoring.conftest import BEATS
from tests.monitoring.test_monitor import followed

from sequela.bundle.bundle import Bundle
from sequela.errors import DataError
from sequela.monitoring.beats import Beats
from sequela.monitoring.file import from_store
from sequela.monitoring.recording import Recording
from sequela.signals.peaks import r_peaks
from sequela.store.store import Store

Make = Callable[[str], Bundle]


def bare(recording: Recording) -> Recording:
    return replace(recording, events=recording.events.filter(pl.col("code") != "BEAT"))


@pytest.mark.parametrize("seconds", [3.0, 11.7, 60.0])
def test_predictions_from_found_beats_are_those_of_the_beats_of_the_whole(seconds: float, made: Make, ecg_store: Store) -> None:
    recording = bare(from_store(ecg_store, "100"))
    (signal,) = recording.signals
    peaks = r_peaks(np.asarray(signal.payload.values), signal.rate_hz)
    times = np.array([signal.stamp(peak) for peak in peaks.tolist()]).astype("datetime64[us]")
    found = pl.DataFrame({"time": times, "code": ["BEAT"] * len(times)})
    known = replace(recording, events=pl.concat([recording.events, found], how="diagonal").sort("time", maintain_order=True))
    bundle = made(BEATS)
    ours, theirs = followed(bundle, recording, seconds, detect=True), followed(bundle, known, 60)
    assert len(ours) == len(peaks) > 40
    for one, other in zip(ours, theirs, strict=True):
        assert (one.seconds, one.prediction.row_id) == (other.seconds, other.prediction.row_id)
        assert one.prediction.probabilities == pytest.approx(other.prediction.probabilities, abs=1e-5)


def test_no_beat_comes_before_the_moment_that_was_called_settled(ecg_store: Store) -> None:
    recording = bare(from_store(ecg_store, "101"))
    beats, settled = Beats(recording.signals), recording.start
    for piece in recording.pieces(4.0):
        given = beats.push(piece)["time"].cast(pl.Int64).to_numpy()
        assert (given >= settled).all()
        settled = beats.settled(piece.until)


def test_beats_are_not_looked_for_where_the_signal_is_too_slow(ecg_store: Store) -> None:
    (signal,) = from_store(ecg_store, "100").signals
    slow = replace(signal, payload=replace(signal.payload, rate_hz=1.0))
    with pytest.raises(DataError, match="no signal WAVEFORM of 60 Hz"):
        Beats([slow])
