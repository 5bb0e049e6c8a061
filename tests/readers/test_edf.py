"""EDF and BDF files of every kind come back as what their header says they mean; what means nothing is left out or refused."""

from __future__ import annotations

import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.edf_files import Made, tal, write

import sequela
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import _edf_annotations, _edf_header, edf
from sequela.store.source import open_source

NIGHT = datetime(2020, 3, 2, 22, 30)
SECOND = timedelta(seconds=1)


def read(folder, sink, root, **options):
    edf.build(convert(options, edf.Config)).read(folder(root), sink)
    return sink


def ramp(records=3, each=8, begin=0):
    return np.arange(begin, begin + records * each).reshape(records, each)


# --------------------------------------------------------------------------------------------------------- against another reader


@pytest.fixture(scope="module")
def pyedflib():
    return pytest.importorskip("pyedflib")


def theirs(pyedflib, file):
    """All samples as pyedflib has them, in the units of a store, by rate; and the annotations' onsets, durations and texts."""
    signals: dict[float, list[np.ndarray]] = {}
    with pyedflib.EdfReader(str(file)) as opened:
        for number, name in enumerate(opened.getSignalLabels()):
            if name != "EDF Annotations":  # a signal like any other where a file claims to be plain EDF
                rate = opened.samples_in_datarecord(number) / opened.datarecord_duration
                factor = {"uV": 1e-3, "V": 1e3}.get(opened.getPhysicalDimension(number), 1.0)
                signals.setdefault(rate, []).append((opened.readSignal(number) * factor).astype(np.float32))
        marks = [column.tolist() for column in opened.readAnnotations()]
    return {rate: np.stack(found) for rate, found in signals.items()}, marks


def test_every_file_shipped_with_pyedflib_has_the_same_samples(pyedflib, folder, memory, tmp_path):
    files = sorted(Path(pyedflib.__file__).parent.rglob("*.[eb]df"))
    if not files:
        pytest.skip("this pyedflib ships no files")
    for number, file in enumerate(files):
        write_to = tmp_path / str(number) / file.name
        write_to.parent.mkdir()
        write_to.write_bytes(file.read_bytes())
        ours, (signals, marks) = read(folder, memory(), write_to.parent), theirs(pyedflib, file)
        assert not ours.refused and ours.accepted == 1
        assert {payload.rate_hz for payload in ours.payloads.values()} == set(signals)
        for payload in ours.payloads.values():
            np.testing.assert_array_equal(payload.values, signals[payload.rate_hz])
        if len(marks[0]):
            said = ours.all.filter(pl.col("code").str.starts_with("ANNOTATION//"))
            outside = ours.notes["annotations outside their record, left out"]
            assert said.height + outside == len(marks[0])
            assert {code.removeprefix("ANNOTATION//") for code in said["code"]} <= set(marks[2])


@settings(max_examples=10, deadline=None)
@given(
    ending=st.sampled_from(["edf", "bdf"]),
    rates=st.lists(st.sampled_from([1, 8, 100, 256]), min_size=1, max_size=4),
    seconds=st.integers(1, 4),
    top=st.sampled_from([0.5, 3276.7, 99999.5]),
    seed=st.integers(0, 99),
)
def test_what_pyedflib_writes_is_read_with_the_same_samples(pyedflib, tmp_path_factory, ending, rates, seconds, top, seed):
    root = tmp_path_factory.mktemp("written")
    file, random = root / f"it.{ending}", np.random.default_rng(seed)
    span = (-(2**15), 2**15 - 1) if ending == "edf" else (-(2**23), 2**23 - 1)
    kind = pyedflib.FILETYPE_EDFPLUS if ending == "edf" else pyedflib.FILETYPE_BDFPLUS
    with pyedflib.EdfWriter(str(file), len(rates), kind) as writer:
        common = {"physical_min": -top, "physical_max": top, "digital_min": span[0], "digital_max": span[1]}
        for number, rate in enumerate(rates):
            writer.setSignalHeader(number, {"label": f"s{number}", "dimension": "uV", "sample_frequency": rate, **common})
        writer.setSex("female")
        writer.setBirthdate(datetime(1951, 5, 2))
        writer.setStartdatetime(datetime(2001, 5, 2, 1, 2, 3))
        writer.writeAnnotation(0.25, 0.5, "étage")
        writer.writeSamples([random.uniform(-top, top, rate * seconds) for rate in rates])
    store = sequela.import_data("edf", root, root / "it.store")
    signals, _ = theirs(pyedflib, file)
    events = store.events()
    payloads = [store.payloads.open(uri) for uri in events["payload"].drop_nulls()]
    assert {payload.rate_hz for payload in payloads} == set(signals)
    for payload in payloads:
        np.testing.assert_array_equal(payload.values, signals[payload.rate_hz])
    said = {
        code: (time, number, text)
        for code, time, number, text in events.select(
            pl.col("code").cast(pl.String), "time", "numeric_value", "text_value"
        ).iter_rows()
    }
    assert said["ANNOTATION//étage"][:2] == (datetime(2001, 5, 2, 1, 2, 3, 250_000), 0.5)
    assert said["SEX"][2] == "F" and said["AGE"][1] == pytest.approx(50, abs=0.01)


# ------------------------------------------------------------------------------------------------------------------------ signals


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


# -------------------------------------------------------------------------------------------------------------------- annotations


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


# ------------------------------------------------------------------------------------------------------------------------- people


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


# ------------------------------------------------------------------------------------------------------------------------- damage

FLAT = "it has no channel whose samples can be scaled"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"size": 1024}, "its header says it has 1024 bytes and 1 signals, which take 512"),
        ({"size": "many"}, "the size of the header in its header is no number"),
        ({"records": 0}, "it holds no data record"),
        ({"records": 9}, "it is cut short: 3 data records of 9"),
        ({"records": -7}, "its number of data records is -7"),
        ({"records": "x"}, "the number of data records in its header is no number"),
        ({"duration": 0}, "its data records last 0 s"),
        ({"duration": "1e-9"}, FLAT),
        ({"duration": "9e99"}, "its data records last 9e+99 s each"),
        ({"duration": -1}, "the duration of its data records is -1.0 s"),
        ({"duration": "nan"}, "the duration of a data record in its header is no number"),
        ({"signals": []}, "its header says it has 256 bytes and 0 signals, which take 512"),
        ({"signals": [Made(digital=(5, 5))]}, FLAT),
        ({"signals": [Made(physical=(5, 5))]}, FLAT),
        ({"signals": [Made(physical=("-9e99", "9e99"))]}, FLAT),
        ({"signals": [Made(samples=np.zeros((3, 0)))]}, "its data records hold no sample"),
        ({"signals": [Made(count=-3)]}, "its number of samples of signal 1 is -3"),
        ({"signals": [Made(count="8.5")]}, "the number of samples of signal 1 in its header is no whole number"),
        ({"signals": [Made(count=99999999)]}, "it is cut short: 0 data records of 3"),
        ({"signals": [Made(physical=("low", 5))]}, "the physical minimum of signal 1 in its header is no number"),
        (
            {"lists": [tal("+0", ""), tal("+5", ""), tal("+2", "")], "plus": "+D"},
            "its data record 3 begins before an earlier one ends",
        ),
        (
            {"lists": [tal("+0", ""), b"", tal("+2", "")], "plus": "+D"},
            "1 of its 3 data records do not say when they begin, though it is discontinuous",
        ),
        ({"plus": "+D"}, "3 of its 3 data records do not say when they begin, though it is discontinuous"),
    ],
    ids=str,
)
def test_a_wrong_header_is_refused_with_its_reason_and_the_next_file_is_read(tmp_path, folder, sink, wrong, reason):
    write(tmp_path / "bad.edf", **{"signals": [Made()], **wrong})
    write(tmp_path / "good.edf", [Made()])
    read(folder, sink, tmp_path)
    assert sink.refused == {"bad.edf": reason}
    assert list(sink.payloads) == ["good"] and set(sink.all["source_id"]) == {"good"}


@pytest.mark.parametrize(
    "faulty",
    [Made("flat", digital=(5, 5)), Made("flat", physical=(0, 0)), Made("flat", ramp(3, 0)), Made("flat", physical=(0, "9e99"))],
)
def test_a_channel_without_a_scale_is_left_out_and_counted(tmp_path, folder, sink, faulty):
    write(tmp_path / "a.edf", [Made("EEG Cz"), faulty, Made("EEG Pz", ramp(begin=100))])
    read(folder, sink, tmp_path)
    assert sink.payloads["a"].channels == ("Cz", "Pz")
    np.testing.assert_allclose(sink.payloads["a"].values[1], np.arange(100, 124) / 1e4, rtol=1e-4, atol=1e-9)
    ((note, count),) = sink.notes.items()
    assert note.startswith("channels ") and note.endswith(", left out") and count == 1


def test_channels_of_one_name_are_numbered_and_names_may_be_latin_or_missing(tmp_path, folder, sink):
    write(tmp_path / "a.edf", [Made("EEG Cz"), Made("EEG Cz"), Made("Ströme"), Made("")], patient="X F X M\xfcller")
    read(folder, sink, tmp_path)
    assert sink.payloads["a"].channels == ("Cz", "Cz#2", "Ströme", "channel_3")


def test_records_that_the_header_does_not_count_are_counted_by_the_size(tmp_path, folder, sink):
    write(tmp_path / "open.edf", [Made()], records=-1)
    write(tmp_path / "one.edf", [Made(samples=ramp(1))])
    read(folder, sink, tmp_path)
    assert {name: payload.values.shape for name, payload in sink.payloads.items()} == {"open": (1, 24), "one": (1, 8)}


def test_a_file_cut_short_is_refused_or_its_whole_records_are_kept(tmp_path, folder, memory):
    for name, records in (("told", None), ("open", -1)):
        file = write(tmp_path / f"{name}.edf", [Made()], records=records)
        file.write_bytes(file.read_bytes()[:-5])
    strict, kept = read(folder, memory(), tmp_path), read(folder, memory(), tmp_path, cut_short="keep")
    assert strict.refused == {"told.edf": "it is cut short: 2 data records of 3"}
    assert strict.notes == {"files that end within a data record, which is left out": 1}
    assert [kept.payloads[name].values.shape for name in ("told", "open")] == [(1, 16), (1, 16)]
    assert kept.notes["files cut short, of which the whole data records are read"] == 1


@pytest.mark.parametrize("length", [0, 7, 8, 100, 256, 300, 511])
def test_a_header_cut_short_anywhere_is_refused(tmp_path, folder, sink, length):
    file = write(tmp_path / "a.edf", [Made()])
    file.write_bytes(file.read_bytes()[:length])
    read(folder, sink, tmp_path)
    assert sink.refused["a.edf"] == (
        "not an EDF or BDF file" if length < 8 else f"its header is cut short: {length} bytes of {256 if length < 256 else 512}"
    )


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), flips=st.integers(1, 12), in_header=st.booleans(), plus=st.sampled_from(["", "+C", "+D"]))
def test_flipped_bytes_are_read_or_refused_and_never_break_the_import(tmp_path_factory, memory, seed, flips, in_header, plus):
    root, random = tmp_path_factory.mktemp("flipped"), np.random.default_rng(seed)
    lists = [tal(f"+{i}", "") + tal(f"+{i}.5", "spike") for i in range(3)]
    file = write(root / "a.edf", [Made(), Made("Resp", ramp(3, 2))], lists, plus=plus)
    content = bytearray(file.read_bytes())
    for place in random.integers(0, 1024 if in_header else len(content), flips):
        content[place] ^= int(random.integers(1, 256))
    file.write_bytes(content)
    sink = memory()
    edf.build(edf.Config()).read(open_source(root), sink)
    assert sink.accepted + len(sink.refused) >= 1
    for payload in sink.payloads.values():
        part = payload.values[:, : min(payload.values.shape[1], 64)]
        assert part.dtype == np.float32 and not np.isinf(part).any()


def test_an_error_never_shows_what_a_header_holds():
    with pytest.raises(DataError) as refused:
        _edf_header.parse(b"0       " + b"Secret".ljust(80) + b" " * 80 + b"Secret  " * 8 + b"Secr" + b" " * 300)
    assert "Secr" not in str(refused.value)


def test_what_edf_cannot_mean_is_an_error(tmp_path, folder, sink):
    with pytest.raises(DataError, match=r"has no \.edf"):
        read(folder, sink, tmp_path)
    for wrong in ({"subject_pattern": "p"}, {"longest_gap": "-1s"}, {"epoch": "0s"}, {"labels": {"stage": ""}}, {"epoch": "1 s"}):
        with pytest.raises(ConfigError):
            edf.build(convert(wrong, edf.Config))
