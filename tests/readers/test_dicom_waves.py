"""DICOM waveforms come back in their units, at their rates and times, beside pictures that stay as they were."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import GeneralECGWaveformStorage, HemodynamicWaveformStorage, generate_uid
from tests.readers.dicom_series import numbered, series, straight, write

import sequela
from sequela.errors import DataError

TEN = datetime(2020, 1, 19, 10, 0)


def code(value, meaning):
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "UCUM", meaning
    return item


def group(raw, rate=100.0, *, names=("Lead I", "Lead II"), unit="uV", sensitivity=2.5, offset=None, kind="SS", **elements):
    """A multiplex group of samples "C L" as they are stored."""
    item = Dataset()
    item.WaveformOriginality = elements.pop("WaveformOriginality", "ORIGINAL")
    item.NumberOfWaveformChannels, item.NumberOfWaveformSamples = raw.shape
    item.SamplingFrequency = rate
    if offset is not None:
        item.MultiplexGroupTimeOffset = offset
    item.ChannelDefinitionSequence = [channel(name, unit, sensitivity, place) for place, name in enumerate(names[: len(raw)])]
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = raw.dtype.itemsize * 8, kind
    item.WaveformData = raw.T.tobytes() + b"\0" * (raw.nbytes % 2)
    item["WaveformData"].VR = "OW"
    for name, value in elements.items():
        setattr(item, name, value)
    return item


def channel(name, unit, sensitivity, place):
    told = Dataset()
    told.ChannelSourceSequence = [code("1", name)]
    if sensitivity is not None:
        told.ChannelSensitivity, told.ChannelSensitivityCorrectionFactor, told.ChannelBaseline = sensitivity, 2, place
        told.ChannelSensitivityUnitsSequence = [code(unit, unit)]
    return told


def dataset(*groups, annotations=(), class_uid=GeneralECGWaveformStorage, **elements):
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = class_uid, generate_uid()
    data.PatientID, data.StudyInstanceUID, data.SeriesInstanceUID = "P1", "1.2.3", "1.2.3.9"
    data.Modality, data.StudyDate, data.StudyTime, data.PatientSex, data.PatientAge = "ECG", "20200119", "080000", "F", "044Y"
    data.AcquisitionDateTime = "20200119100000"
    data.WaveformSequence = list(groups)
    if annotations:
        data.WaveformAnnotationSequence = list(annotations)
    for name, value in elements.items():
        setattr(data, name, value)
    return data


def annotation(text="", positions=(), kind="POINT", of=(1, 0), **elements):
    item = Dataset()
    item.ReferencedWaveformChannels = list(of)
    if text:
        item.UnformattedTextValue = text
    if positions:
        item.TemporalRangeType, item.ReferencedSamplePositions = kind, list(positions)
    for name, value in elements.items():
        setattr(item, name, value)
    return item


def read(folder, max_refused=0.9, **options):
    options = {"timezone": "UTC", **options}
    return sequela.import_data("dicom", folder, folder.parent / "it.store", options=options, max_refused=max_refused)


def stored(tmp_path, *groups, **elements):
    write(dataset(*groups, **elements), tmp_path / "raw" / "a.dcm")
    return read(tmp_path / "raw")


def payloads(store):
    found = store.events().filter(store.events()["payload"].is_not_null())
    return {name: store.payloads.open(uri) for name, uri in zip(found["code"].cast(str), found["payload"], strict=True)}


def times(store, of):
    return store.events([of])["time"].to_list()


def raw(channels=2, samples=50, kind=np.int16):
    return (np.arange(channels * samples).reshape(channels, samples) - 20).astype(kind)


# ------------------------------------------------------------------------------------------------------------------------ signals


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_an_ecg_shipped_with_pydicom_equals_its_own_numbers_in_millivolts(tmp_path):
    file = get_testdata_file("waveform_ecg.dcm")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "ecg.dcm").write_bytes(Path(file).read_bytes())
    store = read(tmp_path / "raw", timezone="Europe/Rome", detect=True)
    (found,) = payloads(store).values()
    bytes_ = pydicom.dcmread(file).WaveformSequence[0].WaveformData
    expected = np.frombuffer(bytes_, "<i2").reshape(10_000, 12).T * 1.25 / 1000
    np.testing.assert_allclose(found.values, expected, rtol=1e-6)
    np.testing.assert_allclose(found.values, pydicom.dcmread(file).waveform_array(0).T / 1000, rtol=1e-6)
    assert found.channels == ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
    assert (found.rate_hz, found.unit) == (1000, "mV")
    assert times(store, "RECORD//START") == [datetime(2013, 1, 25, 9, 59, 19)]
    assert store.flow.notes["derived waveforms (such as a median beat), left out"] == 1
    assert store.events(["SEX"])["text_value"].to_list() == ["F"] and store.events(["AGE"])["numeric_value"].to_list() == [42]
    fiducial = np.array(times(store, "ANNOTATION//Fiducial Point"), "datetime64[us]")
    near = np.abs(np.array(times(store, "BEAT"), "datetime64[us]")[:, None] - fiducial).min(1)
    assert len(near) == 10 and near.max() < np.timedelta64(20, "ms"), "beats where the device itself saw them"


@pytest.mark.parametrize(
    ("dtype", "kind"), [("i1", "SB"), ("u1", "UB"), ("<i2", "SS"), ("<u2", "US"), ("<i4", "SL"), ("<u4", "UL")]
)
def test_samples_of_every_kind_are_scaled_by_sensitivity_correction_and_baseline(tmp_path, dtype, kind):
    samples = raw(kind=dtype)
    (found,) = payloads(stored(tmp_path, group(samples, kind=kind))).values()
    np.testing.assert_allclose(found.values, (samples * 5.0 + [[0], [1]]) / 1000, rtol=1e-6)
    assert (found.channels, found.unit) == (("I", "II"), "mV")


def test_groups_of_different_rates_are_signals_of_their_own(tmp_path):
    slow = group(raw(1, 5), 10.0, names=("Arterial pressure",), unit="mm[Hg]", sensitivity=0.5)
    store = stored(tmp_path, group(raw()), slow, class_uid=HemodynamicWaveformStorage, Modality="HD")
    found = payloads(store)
    assert {name: one.values.shape for name, one in found.items()} == {"WAVEFORM": (2, 50), "WAVEFORM//10HZ": (1, 5)}
    assert (found["WAVEFORM//10HZ"].unit, found["WAVEFORM//10HZ"].channels) == ("mm[Hg]", ("Arterial pressure",))
    assert times(store, "WAVEFORM") == times(store, "WAVEFORM//10HZ") == [TEN]
    assert times(store, "RECORD//END") == [TEN + timedelta(seconds=0.5)]


def test_groups_of_one_rate_lie_where_they_were_recorded_and_are_not_seen_elsewhere(tmp_path):
    store = stored(tmp_path, group(raw(1), offset=250), group(raw(1), names=("Lead V1",), offset=500))
    (found,) = payloads(store).values()
    assert found.channels == ("I", "V1") and found.values.shape == (2, 75)
    assert np.isnan(found.values[0, 50:]).all() and np.isnan(found.values[1, :25]).all()
    np.testing.assert_allclose(found.values[1, 25:], found.values[0, :50])
    assert times(store, "RECORD//START") == [TEN + timedelta(seconds=0.25)]


def test_padding_was_not_seen_and_a_channel_without_sensitivity_has_no_unit(tmp_path):
    item = group(raw(1), sensitivity=None)
    item.add_new(0x5400100A, "OW", np.int16(-20).tobytes())
    (found,) = payloads(stored(tmp_path, item)).values()
    assert found.unit == "" and np.isnan(found.values[0, 0])
    np.testing.assert_array_equal(found.values[0, 1:], np.arange(-19, 30))


# --------------------------------------------------------------------------------------------------------------- when and of whom


def test_annotations_are_at_their_samples_last_as_long_and_say_their_number(tmp_path):
    measured = annotation()
    measured.ConceptNameCodeSequence, measured.NumericValue = [code("1", "QT Interval")], "370"
    measured.MeasurementUnitsCodeSequence = [code("ms", "milliseconds")]
    later = annotation("later", of=(2, 1))
    later.TemporalRangeType, later.ReferencedTimeOffsets = "POINT", ["0.1"]
    said = [
        annotation("sinus rhythm"),
        annotation("premature", [11, 31], "MULTIPOINT"),
        annotation("noise", [21, 41], "SEGMENT"),
        annotation("beyond", [900]),
        annotation("of nothing", [1], of=(7, 0)),
        measured,
        later,
    ]
    store = stored(tmp_path, group(raw()), group(raw(1, 5), 10.0, offset=100), annotations=said)
    assert times(store, "ANNOTATION//sinus rhythm") == times(store, "ANNOTATION//QT Interval") == [TEN]
    assert store.events(["ANNOTATION//QT Interval"])["text_value"].to_list() == ["370 ms"]
    assert times(store, "ANNOTATION//premature") == [TEN + timedelta(seconds=s) for s in (0.1, 0.3)]
    noise = store.events(["ANNOTATION//noise"])
    assert (noise["time"][0], noise["numeric_value"][0]) == (TEN + timedelta(seconds=0.2), pytest.approx(0.2))
    assert times(store, "ANNOTATION//later") == [TEN + timedelta(seconds=0.2)]
    assert not {"ANNOTATION//beyond", "ANNOTATION//of nothing"} & set(store.events()["code"].cast(str))
    assert store.flow.notes["annotations outside their record, left out"] == 1


@pytest.mark.parametrize(
    ("told", "begins", "note"),
    [
        ({"AcquisitionDateTime": "20200119120000+0200"}, TEN, ""),
        ({"AcquisitionDateTime": ""}, datetime(2020, 1, 19, 8), ""),
        ({"AcquisitionDateTime": "", "StudyTime": ""}, datetime(2020, 1, 20), "no time of day"),
        ({"AcquisitionDateTime": "", "StudyDate": "", "StudyTime": ""}, datetime(2000, 1, 1), "without a date"),
    ],
)
def test_a_recording_begins_when_it_was_acquired_or_else_when_its_study_did(tmp_path, told, begins, note):
    store = stored(tmp_path, group(raw()), **told)
    assert times(store, "WAVEFORM") == [begins]
    assert any(note in said for said in store.flow.notes) if note else not store.flow.notes


def test_pictures_beside_waveforms_are_read_as_without_them(tmp_path):
    series(tmp_path / "raw", numbered(), straight())
    write(dataset(group(raw())), tmp_path / "raw" / "ecg.dcm")
    (tmp_path / "raw" / "labels.csv").write_text("subject,sick\nP1,yes\n")
    store = read(tmp_path / "raw", table="labels.csv", labels=["sick"])
    found = payloads(store)
    assert set(found) == {"IMAGE//CT", "WAVEFORM"} and np.array_equal(found["IMAGE//CT"].values[0], numbered())
    assert store.flow.accepted == 6 and store.events(["LABEL//sick"])["text_value"].to_list() == ["yes"]


def test_a_table_may_label_a_source_of_waveforms_alone(tmp_path):
    write(dataset(group(raw())), tmp_path / "raw" / "ecg.dcm")
    (tmp_path / "raw" / "labels.csv").write_text("StudyInstanceUID,rhythm\n1.2.3,AF\n")
    store = read(tmp_path / "raw", table="labels.csv", labels=["rhythm"])
    assert times(store, "LABEL//rhythm") == times(store, "RECORD//START") == [TEN]


def test_a_modality_that_was_not_asked_for_is_left_out_and_a_copy_counted_once(tmp_path):
    write(dataset(group(raw())), tmp_path / "raw" / "ecg.dcm")
    (tmp_path / "raw" / "copy.dcm").write_bytes((tmp_path / "raw" / "ecg.dcm").read_bytes())
    write(dataset(group(raw()), Modality="HD", SeriesInstanceUID="1.5"), tmp_path / "raw" / "pressure.dcm")
    store = read(tmp_path / "raw", modalities=["ECG"])
    assert list(payloads(store)) == ["WAVEFORM"] and store.flow.accepted == 1
    assert store.flow.notes["files of another modality (HD) than asked for, left out"] == 1
    assert store.flow.notes["files that repeat another, byte for byte, left out"] == 1


# ------------------------------------------------------------------------------------------------------------------------- damage


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ([], "it holds no waveform that was recorded"),
        ([group(raw(), WaveformOriginality="DERIVED")], "it holds no waveform that was recorded, only derived ones"),
        ([group(raw(), kind="MB")], "its waveform 1 is stored as 16 bits of the kind 'MB'"),
        ([group(raw(), NumberOfWaveformSamples=51)], "its waveform 1 is cut short: 200 bytes of 204"),
        ([group(raw(), NumberOfWaveformSamples=0)], "its waveform 1 says it has 2 channels of 0 samples"),
        ([group(raw(), NumberOfWaveformChannels=1)], "its waveform 1 tells of 2 channels and has 1"),
        ([group(raw(), 0.0)], "its waveform 1 does not say how often it was sampled"),
        ([group(raw(), sensitivity=0)], "its waveform 1 has no channel whose samples can be scaled"),
        ([group(raw(), sensitivity="1e300")], "it holds samples beyond 32 bits"),
        ([group(raw()), group(raw(), offset=10**9)], "its waveforms of 100 Hz lie 1000000 s apart"),
    ],
    ids=[
        "none",
        "derived",
        "of another kind",
        "cut short",
        "no samples",
        "too many channels",
        "no rate",
        "no gain",
        "huge gain",
        "far apart",
    ],
)
def test_a_waveform_that_cannot_be_read_is_refused_with_its_reason(tmp_path, groups, reason):
    write(dataset(*groups), tmp_path / "raw" / "bad.dcm")
    write(dataset(group(raw()), SeriesInstanceUID="1.5"), tmp_path / "raw" / "good.dcm")
    store = read(tmp_path / "raw")
    assert {one.reason: one.first for one in store.flow.refused} == {reason: ["bad.dcm"]}
    assert store.flow.accepted == 1 and list(payloads(store)) == ["WAVEFORM"]


def test_a_file_of_waveforms_cut_short_within_them_is_refused(tmp_path):
    file = write(dataset(group(raw(2, 5000))), tmp_path / "raw" / "a.dcm")
    file.write_bytes(file.read_bytes()[:-3000])
    with pytest.raises(DataError, match=r"cannot be read|cut short|no waveform"):
        read(tmp_path / "raw", max_refused=0.1)
