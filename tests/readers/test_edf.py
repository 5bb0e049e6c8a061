"""EDF and BDF files of every kind come back as what their header says they mean."""

from __future__ import annotations

import tracemalloc
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.edf_files import NIGHT, SECOND, Made, ramp, read, tal, write

import sequela
from sequela.readers import _edf_annotations, edf
from sequela.store.source import open_source


def test_samples_are_scaled_and_rates_kept_apart(tmp_path, folder, sink):
    signals = [
        Made("EEG Fp1-Ref", ramp()),
        Made("EEG Cz", ramp(begin=500), "µV"),
        Made("Resp", ramp(3, 2), "L/min", (0, 100), (0, 1000)),
        Made("Temp", ramp(3, 2), "degC", (30, 42), (0, 12)),
        Made("SaO2", ramp(3, 1), "%", (0, 100), (0, 200)),
    ]
    write(tmp_path / "night.edf", signals)
    read(folder, sink, tmp_path)
    main, slow, slowest = (sink.payloads[name] for name in ("night", "night@2HZ", "night@1HZ"))
    assert (main.rate_hz, main.channels, main.unit) == (8, ("Fp1", "Cz"), "mV")
    np.testing.assert_allclose(main.values, np.stack([np.arange(24), np.arange(500, 524)]) / 1e4, rtol=1e-4, atol=1e-9)
    assert (slow.rate_hz, slow.channels, slow.unit) == (2, ("Resp", "Temp"), "L/min,degC")
    np.testing.assert_allclose(slow.values, [np.arange(6) / 10, np.arange(6) + 30], rtol=1e-6)
    np.testing.assert_allclose(slowest.values, [[0, 0.5, 1]])
    assert {code for code, (kind, _) in sink.codes.items() if kind == "payload"} == {"WAVEFORM", "WAVEFORM//2HZ", "WAVEFORM//1HZ"}
    assert sink.of("RECORD//START")["time"].to_list() == [NIGHT]
    assert sink.of("RECORD//END")["time"].to_list() == [NIGHT + 3 * SECOND]
    assert sink.relative and sink.accepted == 1


def test_samples_of_24_bits_keep_their_sign(tmp_path, folder, sink):
    stored = np.array([[0, 1, -1, 2**23 - 1, -(2**23), 256, -65536]])
    write(tmp_path / "a.bdf", [Made("A1", stored, "", (-(2**23), 2**23 - 1), (-(2**23), 2**23 - 1))], bdf=True)
    read(folder, sink, tmp_path)
    np.testing.assert_array_equal(sink.payloads["a"].values, stored.astype(np.float32))


@settings(max_examples=30, deadline=None)
@given(
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.25, 3.0]), min_size=4, max_size=4),
    low=st.integers(0, 60),
    length=st.integers(0, 60),
)
def test_any_piece_of_an_interrupted_file_is_that_piece_of_the_whole(tmp_path_factory, memory, gaps, low, length):
    root = tmp_path_factory.mktemp("d")
    begins = np.cumsum([0, *[1 + gap for gap in gaps]])
    write(root / "a.edf", [Made(samples=ramp(5))], [tal(f"+{begin}", "") for begin in begins], plus="+D")
    sink, kept = memory(), {}
    sink.payload = lambda name, payload: kept.update({name: payload}) or name
    edf.build(edf.Config()).read(open_source(root), sink)
    payload = kept["a"]
    expected = np.full(round((begins[-1] + 1) * 8), np.nan)
    for number, begin in enumerate(begins):
        expected[round(begin * 8) :][:8] = np.arange(8 * number, 8 * number + 8) / 1e4
    assert payload.values.shape == (1, len(expected))
    np.testing.assert_allclose(payload.values[:, low : low + length], expected[None, low : low + length], rtol=1e-4, atol=1e-9)


def test_a_long_interruption_begins_a_recording_at_its_own_time(tmp_path, folder, sink):
    begins = (0, 1, 4, 500)
    lists = [
        tal("+0", "") + tal("+1.5", "spike"),
        tal("+1", ""),
        tal("+4", ""),
        tal("+500", "") + tal("+500.25", "late") + tal("+90", "away"),
    ]
    write(tmp_path / "a.edf", [Made(samples=ramp(4)), Made("Resp", ramp(4, 1), "", (0, 1), (0, 1))], lists, plus="+D")
    read(folder, sink, tmp_path, longest_gap="5min")
    assert {name: payload.values.shape for name, payload in sink.payloads.items()} == {
        "a": (1, 40),
        "a@1HZ": (1, 5),
        "a#2": (1, 8),
        "a#2@1HZ": (1, 1),
    }
    assert np.isnan(sink.payloads["a"].values[0, 16:32]).all() and not np.isnan(sink.payloads["a"].values[0, 32:]).any()
    np.testing.assert_array_equal(sink.payloads["a@1HZ"].values, [[0, 1, np.nan, np.nan, 2]])
    assert sink.of("RECORD//START")["time"].to_list() == [NIGHT, NIGHT + begins[-1] * SECOND]
    assert sink.of("RECORD//END")["time"].to_list() == [NIGHT + 5 * SECOND, NIGHT + 501 * SECOND]
    assert sink.of("ANNOTATION//spike")["time"].to_list() == [NIGHT + 1.5 * SECOND]
    assert sink.of("ANNOTATION//late")["time"].to_list() == [NIGHT + 500.25 * SECOND]
    assert sink.notes == {"annotations outside their record, left out": 1}


def test_a_huge_gap_takes_no_memory_and_no_room(tmp_path, folder, sink):
    write(tmp_path / "a.edf", [Made(samples=ramp(2))], [tal("+0", ""), tal("+900000000", "")], plus="+D")
    read(folder, sink, tmp_path)
    assert {name: payload.values.shape for name, payload in sink.payloads.items()} == {"a": (1, 8), "a#2": (1, 8)}


def test_a_recording_that_begins_within_a_second_begins_there(tmp_path, folder, sink):
    write(tmp_path / "a.edf", [Made()], [tal("+0.25", ""), tal("+1.25", "x"), tal("+2.25", "")], plus="+C")
    read(folder, sink, tmp_path)
    assert sink.of("RECORD//START")["time"].to_list() == [NIGHT + 0.25 * SECOND]
    assert sink.of("ANNOTATION//x")["time"].to_list() == [NIGHT + 1.25 * SECOND]


def test_channels_are_found_by_name_in_the_words_of_file_or_store(tmp_path, folder, sink):
    write(tmp_path / "a.edf", [Made("EEG Fpz-Cz"), Made("ECG II"), Made("EMG chin")])
    write(tmp_path / "none.edf", [Made("EMG chin")])
    read(folder, sink, tmp_path, channels=["MLII|II", "Fpz-Cz"])
    assert sink.payloads["a"].channels == ("II", "Fpz-Cz")
    assert sink.refused == {"none.edf": "it has none of the channels asked for, but EMG chin"}


def test_a_file_far_larger_than_what_is_held_is_read_in_pieces(tmp_path):
    write(tmp_path / "raw" / "a.edf", [Made(f"s{i}", np.zeros((1000, 4000))) for i in range(4)])
    tracemalloc.start()
    try:
        store = sequela.import_data("edf", tmp_path / "raw", tmp_path / "it.store")
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    stored = (tmp_path / "it.store" / "payloads" / "signals-000000.npy").stat().st_size
    assert stored > 60e6 and held < stored / 2, f"{held} bytes held of {stored}"
    assert store.flow.accepted == 1


def test_annotations_are_labels_where_their_text_is_like_a_pattern(tmp_path, folder, sink):
    lists = [
        tal("+0", "") + tal("+0", "Sleep stage W", duration="1") + tal("+1", "Sleep stage N2", duration="2"),
        tal("+1", "") + tal("+1.5", "Hypopnea", "Lights off", duration="0.5") + tal("+1.75", "obstructive APNEA"),
        tal("+2", "") + tal("+2.5", "Größe \N{GREEK SMALL LETTER MU}V"),
    ]
    write(tmp_path / "a.edf", [Made()], lists, plus="+C")
    read(folder, sink, tmp_path, labels={"stage": "Sleep stage *", "event": "Obstructive apnea|Hypopnea"}, epoch="1s")
    stages = sink.of("LABEL//stage")
    assert stages["text_value"].to_list() == ["W", "N2", "N2"]
    assert stages["time"].to_list() == [NIGHT, NIGHT + SECOND, NIGHT + 2 * SECOND]
    assert sink.of("LABEL//event")["text_value"].to_list() == ["Hypopnea", "obstructive APNEA"]
    off = sink.of("ANNOTATION//Lights off")
    assert (off["time"][0], off["numeric_value"][0]) == (NIGHT + 1.5 * SECOND, 0.5)
    assert len(sink.of("ANNOTATION//Größe μV")) == 1
    assert sink.codes["LABEL//stage"][0] == "label" == sink.codes["ANNOTATION//Lights off"][0]


def test_a_file_of_annotations_alone_adds_them_to_its_subject(tmp_path, folder, sink):
    write(tmp_path / "SC4001-PSG.edf", [Made()])
    stages = [tal("+0", "") + tal("-30", "Sleep stage ?", duration="30") + tal("+0", "Sleep stage W", duration="90")]
    write(tmp_path / "SC4001-Hypnogram.edf", [], stages, plus="+C", duration=0)
    write(tmp_path / "SC4002-Hypnogram.edf", [], stages, plus="+C", duration=0, date="01.01.85", recording="Startdate X X X X")
    read(folder, sink, tmp_path, subject_pattern=r"(SC4\d\d\d)", labels={"stage": "Sleep stage *"}, epoch="30s")
    labels = sink.of("LABEL//stage").sort("time")
    assert labels["text_value"].to_list() == ["?", "W", "W", "W"]
    assert labels["time"].to_list() == [NIGHT + seconds * SECOND for seconds in (-30, 0, 30, 60)]
    assert set(sink.all["source_id"]) == {"SC4001"} and sink.accepted == 2
    assert "no date" in sink.refused["SC4002-Hypnogram.edf"]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-(10**7), 10**9).map(lambda tenths: tenths / 10),
            st.none() | st.integers(0, 10**7).map(lambda tenths: tenths / 10),
            st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20),
        ),
        max_size=8,
    )
)
def test_lists_written_in_any_order_are_read_back_by_onset(marks):
    record = tal("+5", "") + b"".join(
        tal(f"{onset:+}", text, duration="" if duration is None else str(duration)) for onset, duration, text in marks
    )
    found = _edf_annotations.read([record], 1)
    assert found.begins.tolist() == [5] and found.broken == 0
    assert list(found.found) == sorted((_edf_annotations.Annotation(*mark) for mark in marks), key=lambda mark: mark.onset)


def test_broken_lists_are_counted_and_the_others_read(tmp_path, folder, sink):
    lists = [
        tal("+0", "")
        + b"noise\0"
        + b"+1.x\x14bad\x14\0"
        + tal("+1", "good")
        + b"+2\x14unfinished\0"
        + tal("+9" + "9" * 20, "far"),
        tal("+1", "") + tal("+1", "endless", duration="9" * 20),
        b"\xff\xfe",
    ]
    write(tmp_path / "a.edf", [Made()], lists, plus="+C")
    read(folder, sink, tmp_path)
    assert sink.notes == {"annotations (TAL) that cannot be read, left out": 6}
    assert len(sink.of("ANNOTATION//good")) == 1 and not sink.refused


@pytest.mark.parametrize(
    ("patient", "plus", "age", "sex"),
    [
        ("MCH-0234567 F 02-MAR-1951 Haagse_Harry", "+C", 69.0, "F"),
        ("X M X X", "+C", None, "M"),
        ("X X 31-FEB-1951 X", "+C", None, None),
        ("p7 F 02-MAR-1951 Name", "", None, None),
        ("", "+C", None, None),
        ("X F 02-MAR-2051 X", "+C", None, "F"),
    ],
)
def test_age_and_sex_are_what_an_edf_plus_header_says_and_nothing_else(tmp_path, folder, sink, patient, plus, age, sex):
    write(tmp_path / "a.edf", [Made()], [tal("+0", "")] * 3 if plus else (), plus=plus, patient=patient)
    read(folder, sink, tmp_path)
    codes = set(sink.all["code"])
    assert ("AGE" in codes, "SEX" in codes) == (age is not None, sex is not None)
    if age is not None:
        assert sink.of("AGE")["numeric_value"][0] == pytest.approx(age, abs=0.01)
    if sex is not None:
        assert sink.of("SEX")["text_value"].to_list() == [sex]
    assert not sink.all.select(pl.any_horizontal(pl.col(pl.String).str.contains("Harry|Name"))).to_series().any(), "a name"


def test_the_subject_is_the_path_or_what_the_header_calls_the_patient(tmp_path, folder, memory):
    write(tmp_path / "ward" / "n1.edf", [Made()], [tal("+0", "")] * 3, plus="+C", patient="MCH-7 F X X", date="03.03.20")
    write(tmp_path / "ward" / "n2.edf", [Made()], [tal("+0", "")] * 3, plus="+C", patient="MCH-7 F X X")
    write(tmp_path / "ward" / "n3.edf", [Made()], [tal("+0", "")] * 3, plus="+C")
    by_path, by_header = (
        read(folder, memory(), tmp_path),
        read(folder, memory(), tmp_path, subject="header", subject_pattern=r"-(\d)"),
    )
    assert set(by_path.all["source_id"]) == {"ward/n1", "ward/n2", "ward/n3"}
    assert by_header.of("WAVEFORM")["source_id"].to_list() == ["7", "7"]
    assert by_header.refused == {"ward/n3.edf": "its header does not name its patient, and subject = 'header' asks for it"}


@pytest.mark.parametrize(
    "date", [{"date": "01.01.85"}, {"date": "31.02.20"}, {"date": "        "}, {"recording": "Startdate X X X X", "plus": "+C"}]
)
def test_recordings_without_a_date_follow_each_other(tmp_path, folder, sink, date):
    for name in ("p1_a", "p1_b"):
        write(tmp_path / f"{name}.edf", [Made()], [tal("+0", "")] * 3, **date)
    read(folder, sink, tmp_path, subject_pattern="(p1)")
    assert sink.of("RECORD//START")["time"].to_list() == [datetime(2000, 1, 1), datetime(2000, 1, 2)]


def test_recordings_of_one_subject_at_one_time_are_counted(tmp_path, folder, sink):
    write(tmp_path / "p1_a.edf", [Made()])
    write(tmp_path / "p1_b.edf", [Made()], time="22.30.02")
    write(tmp_path / "p1_c.edf", [Made()], time="22.30.05")
    read(folder, sink, tmp_path, subject_pattern="(p1)")
    assert sink.notes == {"recordings that lie over another of their subject in time": 1} and sink.accepted == 3
