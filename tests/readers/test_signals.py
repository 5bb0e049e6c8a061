"""What the readers of signals share: recordings are written alike, whatever format they came in."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sequela.errors import DataError
from sequela.readers._channel_names import channel_names, joined_units, standard_unit
from sequela.readers._signals import Recording, Writer, annotated, joined
from sequela.store.channel_names import normal_name
from sequela.store.channels import places
from sequela.types import Payload

DAY = datetime(2001, 2, 3, 4, 5, 6)
NOTHING = annotated(np.zeros(0), [])


def signal(channels=2, rate=100.0, seconds=10.0):
    return Payload(np.zeros((channels, round(rate * seconds)), np.float32), rate, tuple("abc"[:channels]), "mV")


def recording(*signals, name="r1", subject="s1", start=DAY, marks=NOTHING, **person):
    return Recording(name, subject, signals or (signal(),), start, marks, **person)


def test_each_rate_of_a_recording_is_a_payload_and_the_one_of_most_channels_the_waveform(sink):
    Writer(sink).write(recording(signal(1, 1.0), signal(3, 100.0), signal(1, 0.5)))
    at = sink.all.filter(sink.all["time"] == DAY)
    assert dict(zip(at["code"], at["payload"], strict=True)) == {
        "RECORD//START": None,
        "WAVEFORM//1HZ": "r1@1HZ",
        "WAVEFORM": "r1",
        "WAVEFORM//0.5HZ": "r1@0.5HZ",
    }
    assert [sink.codes[code][0] for code in ("WAVEFORM", "WAVEFORM//1HZ")] == ["payload", "payload"]
    assert {name: payload.rate_hz for name, payload in sink.payloads.items()} == {"r1": 100.0, "r1@1HZ": 1.0, "r1@0.5HZ": 0.5}


def test_of_two_rates_with_as_many_channels_the_higher_is_the_waveform(sink):
    Writer(sink).write(recording(signal(2, 10.0), signal(2, 20.0)))
    assert sink.of("WAVEFORM")["payload"].to_list() == ["r1"] and sink.payloads["r1"].rate_hz == 20


def test_a_record_ends_one_past_the_last_sample_of_what_lasts_longest(sink):
    Writer(sink).write(recording(signal(2, 100.0, 10), signal(1, 1.0, 12)))
    assert sink.of("RECORD//END")["time"].to_list() == [DAY + timedelta(seconds=12)]


def test_labels_marks_and_beats_become_their_events(sink):
    marks = annotated(
        np.array([1.0, 2.0, 3.0, 4.0]),
        ["N", "(AFIB", "Arousal", "~"],
        column=["beat", "rhythm", "", ""],
        text=["", "", "by scorer 2", ""],
        duration=np.array([np.nan, np.nan, 1.5, np.nan]),
    )
    Writer(sink).write(recording(marks=marks))
    assert sink.of("BEAT").select("text_value", "numeric_value").rows() == [(None, None)], "a beat does not tell its label"
    assert sink.of("LABEL//beat")["text_value"].to_list() == ["N"]
    assert sink.of("LABEL//rhythm").select("time", "text_value").rows() == [(DAY + timedelta(seconds=2), "(AFIB")]
    assert sink.of("ANNOTATION//Arousal").select("text_value", "numeric_value").rows() == [("by scorer 2", 1.5)]
    assert sink.of("ANNOTATION//~").select("text_value", "numeric_value").rows() == [(None, None)]
    assert {kind for code, (kind, _) in sink.codes.items() if code.startswith(("LABEL", "ANNOTATION"))} == {"label"}


def test_annotations_outside_their_recording_are_left_out_and_counted(sink):
    Writer(sink).write(recording(marks=annotated(np.array([-0.1, 0.0, 9.99, 10.0, np.nan, np.inf]), ["x"] * 6)))
    assert len(sink.of("ANNOTATION//x")) == 2 and sink.notes["annotations outside their record, left out"] == 4


def test_annotations_of_several_hands_are_joined_in_time(sink):
    both = joined([annotated(np.array([3.0, 1.0]), ["c", "a"]), annotated(np.array([2.0, 1.0]), ["b", "later"])])
    assert both.symbol.tolist() == ["a", "later", "b", "c"]
    assert len(joined([])) == 0


def test_recordings_without_a_date_follow_each_other_and_one_with_a_date_keeps_it(sink):
    writer = Writer(sink)
    for name, start in (("r1", None), ("r2", None), ("r3", DAY)):
        writer.write(recording(name=name, start=start, age=70.0, sex="F"))
    assert sink.of("RECORD//START")["time"].to_list() == [datetime(2000, 1, 1), datetime(2000, 1, 2), DAY]
    assert sink.relative and sink.accepted == 3
    assert sink.of("AGE")["numeric_value"].to_list() == [70] and sink.of("SEX")["text_value"].to_list() == ["F"]


@pytest.mark.parametrize(
    ("signals", "reason"),
    [
        ((Payload(np.zeros((1, 0), np.float32), 10.0),), "no sample"),
        ((Payload(np.zeros((0, 9), np.float32), 10.0),), "no sample"),
        ((Payload(np.zeros((1, 9), np.float32), 0.0),), "sampling rate of 0"),
        ((Payload(np.zeros((1, 9), np.float32), -1.0),), "sampling rate of -1"),
        ((Payload(np.zeros((1, 9), np.float32), None),), "sampling rate of None"),
        ((signal(), signal()), "two signals of one rate"),
    ],
)
def test_what_is_no_recording_is_refused_before_anything_of_it_is_written(sink, signals, reason):
    with pytest.raises(DataError, match=reason):
        Writer(sink).write(Recording("r1", "s1", signals, DAY, NOTHING))
    assert not sink.frames and not sink.payloads and not sink.accepted


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("ECG II", "II"), ("EKG V1", "V1"), ("ECG lead V3", "V3"), ("lead avf", "aVF"), ("mlii", "MLII"), ("ECG_I", "I"),
        ("-avr", "-aVR"), ("EKG", "ECG"), ("EKG1", "ECG1"), ("EEG Fp1-Ref", "Fp1"), ("EEG FPZ-CZ", "Fpz-Cz"), ("C4-A1", "C4-A1"),
        ("EEG FP1-LE", "Fp1"), ("POZ", "POz"), ("Fc5.", "FC5"), ("C3..", "C3"), ("EEG T3 - O1", "T3-O1"), ("EEG 1", "EEG 1"),
        ("EOG  horizontal", "EOG horizontal"), ("Resp oro-nasal", "Resp oro-nasal"), ("SaO2", "SaO2"), ("V", "V"), ("EEG", "EEG"),
        ("Lead", "Lead"), ("ABP", "ABP"), ("II-Ref", "II-Ref"), ("Temp rectal", "Temp rectal"),
    ],
)  # fmt: skip
def test_names_of_channels_come_in_one_spelling(given_name, stored):
    assert normal_name(given_name) == stored


@given(some.text(max_size=20))
def test_the_one_spelling_of_a_name_is_its_own(name):
    assert normal_name(normal_name(name)) == normal_name(name)


@given(some.lists(some.sampled_from(["II", "ii", "ECG II", "EEG Fp1-Ref", "Fp1", "RESP", "RESP#2", "", " "]), max_size=12))
def test_no_two_channels_of_a_recording_share_a_name(names):
    assert len({name.casefold() for name in channel_names(names)}) == len(names)


@given(some.lists(some.sampled_from(["ECG II", "EEG Fp1-Ref", "V1", "EEG FPZ-CZ", "SaO2", "Resp oro-nasal"]), unique=True))
def test_a_channel_is_found_by_the_name_of_its_source_and_by_the_stored_one(names):
    stored = channel_names(names)
    assert places(stored, names) == places(stored, stored) == tuple(range(len(names)))


def test_a_name_that_is_there_letter_by_letter_goes_before_another_spelling_of_it():
    assert places(["EEG Fp1-Ref", "EEG Fp1-LE"], ["EEG Fp1-LE", "Fp1"]) == (1, 0)
    assert places(["II", "V1"], ["MLII|II", "ECG II"]) == (0, None), "a channel is given once"
    assert places(["MLII"], ["II"]) == (None,), "MLII is not II: a study says MLII|II"


def test_volts_of_any_scale_become_millivolts_and_other_units_stay():
    assert [standard_unit(unit) for unit in ("mV", "uV", "µV", "μV", "V", "nV")] == [
        (1.0, "mV"), (1e-3, "mV"), (1e-3, "mV"), (1e-3, "mV"), (1e3, "mV"), (1e-6, "mV"),
    ]  # fmt: skip
    assert [standard_unit(unit) for unit in ("mmHg", "", None, "l,min")] == [(1.0, "mmHg"), (1.0, ""), (1.0, ""), (1.0, "l min")]
    assert (joined_units(["mV", "mV"]), joined_units(["mV", "%"])) == ("mV", "mV,%")
