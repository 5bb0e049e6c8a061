"""Where the signal cannot be used, a monitor says so, and gives no answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from tests.monitoring.conftest import BEATS
from tests.monitoring.test_monitor import followed

from sequela.bundle.bundle import Bundle
from sequela.monitoring.file import from_store
from sequela.monitoring.recording import Recording
from sequela.store.store import Store
from sequela.types import Array

Make = Callable[[str], Bundle]


def changed(recording: Recording, change: Callable[[Array], None], channels: tuple[str, ...] = ("MLII", "V1")) -> Recording:
    (signal,) = recording.signals
    values = np.array(signal.payload.values)
    change(values)
    payload = replace(signal.payload, values=values[: len(channels)], channels=channels)
    return replace(recording, signals=(replace(signal, payload=payload),))


def still(values: Array, lead: slice) -> None:
    values[lead, 20 * 250 : 40 * 250] = 0.25


def test_the_quality_of_a_clean_signal_stands_beside_every_answer(made: Make, ecg_store: Store) -> None:
    said = followed(made(BEATS), from_store(ecg_store, "100"), 10)
    assert all(set(one.quality) == {"MLII", "V1"} and min(one.quality.values()) > 0.7 for one in said)


def test_while_all_leads_are_off_there_is_no_answer(made: Make, ecg_store: Store) -> None:
    recording = changed(from_store(ecg_store, "100"), lambda values: still(values, slice(None)))
    said = followed(made(BEATS), recording, 10)
    off = [one for one in said if 25 <= one.seconds < 40]
    assert len(off) > 8
    assert {one.prediction.refused for one in off} == {"poor quality: flat"}
    assert all(one.prediction.probabilities is None for one in off)
    assert not any(one.prediction.refused for one in said if one.seconds < 20 or one.seconds > 45)


def test_while_one_lead_is_off_the_other_answers_and_the_line_says_so(made: Make, ecg_store: Store) -> None:
    recording = changed(from_store(ecg_store, "100"), lambda values: still(values, slice(0, 1)))
    off = [one for one in followed(made(BEATS), recording, 10) if 25 <= one.seconds < 40]
    assert all(one.quality["MLII"] == 0 and one.quality["V1"] > 0.7 and one.prediction.probabilities for one in off)


def test_a_lead_that_the_recording_lacks_is_missing(made: Make, ecg_store: Store) -> None:
    recording = changed(from_store(ecg_store, "100"), lambda values: None, ("MLII",))
    said = [one for one in followed(made(BEATS), recording, 10) if one.quality]
    assert {one.quality["V1"] for one in said} == {0.0}
    assert all(one.prediction.probabilities for one in said)


def test_a_recording_of_other_channels_is_not_answered(made: Make, ecg_store: Store) -> None:
    recording = changed(from_store(ecg_store, "100"), lambda values: None, ("Fp1", "Fp2"))
    said = [one for one in followed(made(BEATS), recording, 10) if one.quality]
    assert {one.prediction.refused for one in said} == {"poor quality: missing"}
