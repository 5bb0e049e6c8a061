"""A monitor answers as the bundle does of the whole record, however the record comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.monitoring.conftest import BEATS, TAGS, fixed

from sequela.bundle.bundle import Bundle
from sequela.bundle.prediction import Prediction
from sequela.config import Exclusion
from sequela.errors import DataError
from sequela.monitoring.file import from_store
from sequela.monitoring.monitor import Monitor
from sequela.monitoring.reading import Reading
from sequela.monitoring.recording import Recording
from sequela.store.store import Store

GRU = '{ name = "gru", width = 6 }'
Make = Callable[[str], Bundle]


def followed(bundle: Bundle, recording: Recording, seconds: float, *, detect: bool = False) -> list[Reading]:
    monitor = Monitor(bundle.predictor, recording, detect=detect)
    said = [one for piece in recording.pieces(seconds) for one in monitor.push(piece)]
    return said + monitor.finish()


def chances(said: Iterable[Prediction]) -> Mapping[str, Mapping[str, float] | str | None]:
    return {one.row_id: one.probabilities or one.refused for one in said}


def same(streamed: list[Reading], whole: list[Prediction]) -> None:
    ours, theirs = chances(one.prediction for one in streamed), chances(whole)
    assert list(ours) == list(theirs)
    for row, one in ours.items():
        assert one == pytest.approx(theirs[row], abs=1e-5), row


@pytest.mark.slow
@pytest.mark.parametrize(
    "study",
    [BEATS, fixed(GRU, history="8s"), fixed(GRU), fixed('{ name = "cnn_rnn", step = "resnet1d", cell = "lstm", width = 5 }')],
    ids=["beats", "fixed", "fixed, all that is known", "fixed, a network over each window"],
)
@settings(max_examples=6, deadline=None)
@given(seconds=st.floats(0.3, 70))
def test_the_pieces_change_nothing(study: str, made: Make, ecg_store: Store, seconds: float) -> None:
    bundle = made(study)
    same(followed(bundle, from_store(ecg_store, "100"), max(seconds, 3.0)), bundle.predict(ecg_store, "100"))


@pytest.mark.parametrize("seconds", [7.0, 33.3])
def test_each_step_that_is_tagged_is_told_once_and_as_of_the_whole(made: Make, ecg_store: Store, seconds: float) -> None:
    bundle = made(TAGS)
    steps = [step for row in bundle.predict(ecg_store, "101") for step in row.steps or ()]
    said = followed(bundle, from_store(ecg_store, "101"), seconds)
    assert len(said) == len(steps) > 50
    assert [one.about for one in said] == pytest.approx([_seconds(step["time"]) for step in steps], abs=2e-3)
    for ours, theirs in zip(said, steps, strict=True):
        assert ours.prediction.probabilities == pytest.approx(theirs["probabilities"], abs=1e-5)


def _seconds(time: str) -> float:
    return float((np.datetime64(time.removesuffix("Z")) - np.datetime64("2000-01-01")) / np.timedelta64(1, "us") / 1e6)


def test_a_prediction_is_made_when_its_moment_has_passed_and_not_later(made: Make, ecg_store: Store) -> None:
    recording = from_store(ecg_store, "100")
    monitor, said, since = Monitor(made(BEATS).predictor, recording), 0, recording.start
    for piece in recording.pieces(5.0):
        for one in monitor.push(piece):
            moment = recording.start + one.seconds * 1e6
            assert since <= moment < piece.until
            said += 1
        since = piece.until
    assert said > 40
    assert {one.seconds > 60 for one in monitor.finish()} == {True}


def test_what_has_not_come_changes_nothing(made: Make, ecg_store: Store) -> None:
    recording = from_store(ecg_store, "100")
    whole = [one for one in followed(made(BEATS), recording, 10) if one.seconds < 30]
    half = [one for one in followed(made(BEATS), recording.between(None, 30.0), 10) if one.seconds < 30]
    assert [one.json() for one in half] == [one.json() for one in whole]


def test_old_samples_and_beats_are_let_go(made: Make, ecg_store: Store) -> None:
    recording = from_store(ecg_store, "100")
    monitor = Monitor(made(BEATS).predictor, recording)
    for piece in recording.pieces(2.0):
        monitor.push(piece)
    held = monitor._held.events()
    (uri,) = held["payload"].drop_nulls()
    assert monitor._held.open(uri).values.shape[1] < 45 * 250
    assert len(held.filter(held["code"] == "BEAT")) < 45 < len(recording.events)


def test_excluded_rows_are_told_with_the_reason_in_their_time(made: Make, ecg_store: Store) -> None:
    plain = made(BEATS)
    plan = msgspec.structs.replace(plain.study.cohort, exclude=[Exclusion(code="RECORD//START", reason="recorded")])
    bundle = replace(plain, predictor=replace(plain.predictor, study=msgspec.structs.replace(plain.study, cohort=plan)))
    said = followed(bundle, from_store(ecg_store, "100"), 10)
    assert {one.prediction.refused for one in said} == {"recorded"}
    assert [one.prediction.row_id for one in said] == [one.row_id for one in bundle.predict(ecg_store, "100")]
    assert [one.seconds for one in said] == sorted(one.seconds for one in said)


def test_a_recording_without_what_rows_start_from_is_refused(made: Make, ecg_store: Store) -> None:
    recording = from_store(ecg_store, "100")
    bare = Recording(
        "100", recording.signals, recording.events, {code: kind for code, kind in recording.kinds.items() if code != "BEAT"}
    )
    with pytest.raises(DataError, match="no 'BEAT'"):
        Monitor(made(BEATS).predictor, bare)
