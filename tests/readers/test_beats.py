"""Heartbeats that a reader finds, and the intervals between them."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from sequela.readers._beats import Beats
from sequela.readers._signals import Recording, Writer, annotated
from sequela.types import Payload

RATE = 200.0
AT = np.arange(1, 29, 0.75)
NOTHING = annotated(np.zeros(0), [])
DAY = datetime(2001, 2, 3)


def lead(at=AT, height=1.0):
    time = np.arange(round(30 * RATE)) / RATE
    return height * sum(np.exp(-0.5 * ((time - second) / 0.012) ** 2) for second in at).astype(np.float32)


def recording(channels=("MLII", "V1"), marks=NOTHING, rate=RATE):
    values = np.stack([lead(height=1 + i) for i in range(len(channels))])
    return Recording("r1", "s1", (Payload(values, rate, channels, "mV"),), DAY, marks)


def seconds(frame):
    return [(time - DAY).total_seconds() for time in frame["time"]]


def test_beats_are_found_where_none_is_annotated(sink):
    Writer(sink, Beats(detect=True)).write(recording())
    np.testing.assert_allclose(seconds(sink.of("BEAT")), AT, atol=0.01)
    assert sink.of("LABEL//beat").is_empty()


def test_annotated_beats_stay_as_they_are(sink):
    marks = annotated(np.array([5.0, 7.0]), ["N", "V"], column="beat")
    Writer(sink, Beats(detect=True)).write(recording(marks=marks))
    assert seconds(sink.of("BEAT")) == [5, 7]


def test_no_beat_is_looked_for_unasked(sink):
    Writer(sink).write(recording())
    assert sink.of("BEAT").is_empty() and sink.of("RR").is_empty()


@pytest.mark.parametrize(("channels", "detect"), [(("Fp1", "ABP"), True), (("MLII", "V1"), ("II|ECG",))])
def test_a_recording_without_a_lead_is_counted_and_has_no_beats(sink, channels, detect):
    Writer(sink, Beats(detect=detect)).write(recording(channels))
    assert sink.of("BEAT").is_empty() and sink.accepted == 1
    assert any("no beats were looked for" in text for text in sink.notes)


def test_beats_are_found_in_the_leads_named_alone(sink):
    beats = Beats(detect=("chest",))
    two = Payload(np.stack([lead(AT[:5]), lead()]), RATE, ("ECG", "chest"), "mV")
    found = beats.found((two,), sink)
    np.testing.assert_allclose(found, AT, atol=0.01)


def test_beats_are_found_in_the_signal_with_the_most_leads(sink):
    slow = Payload(np.zeros((3, 300), np.float32), 10.0, ("I", "II", "III"), "mV")
    fast = Payload(lead()[None], RATE, ("ECG",), "mV")
    other = Payload(np.zeros((4, 6000), np.float32), 100.0, ("Fp1", "Fp2", "C3", "C4"), "uV")
    assert len(Beats(detect=True).found((slow, other, fast), sink)) == len(AT)


def test_each_beat_that_follows_another_has_its_interval_and_rate(sink):
    marks = annotated(np.array([1.0, 1.8, 1.8, 2.3]), ["N", "N", "~", "V"], column=["beat", "beat", "beat", "beat"])
    Writer(sink, Beats(intervals=True)).write(recording(marks=marks))
    intervals, rates = sink.of("RR"), sink.of("HEART_RATE")
    assert seconds(intervals) == seconds(rates) == [1.8, 2.3]
    np.testing.assert_allclose(intervals["numeric_value"], [800, 500], rtol=1e-5)
    np.testing.assert_allclose(rates["numeric_value"], [75, 120], rtol=1e-5)
    assert sink.codes["RR"] == ("measurement", "ms") and sink.codes["HEART_RATE"] == ("measurement", "/min")


def test_no_interval_reaches_from_one_recording_into_the_next(sink):
    writer = Writer(sink, Beats(detect=True, intervals=True))
    writer.write(recording())
    later = recording()
    writer.write(Recording("r2", "s1", later.signals, DAY + timedelta(seconds=30), NOTHING))
    assert len(sink.of("BEAT")) == 2 * len(AT) and len(sink.of("RR")) == 2 * (len(AT) - 1)
    assert sink.of("RR")["numeric_value"].max() < 800
