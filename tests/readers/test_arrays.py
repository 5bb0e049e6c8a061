"""Arrays written as text, NPY, NPZ and HDF5 come back as the recordings they are; what is none is refused by name."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sequela
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import arrays as reader
from sequela.readers._array_files import Inside, signals

RATE = 100.0


def read(folder, sink, root, **options):
    reader.build(convert({"rate_hz": RATE, **options}, reader.Config)).read(folder(root), sink)
    return sink


def whole(values):
    """All samples, asked for piece by piece, as a store does."""
    return np.concatenate([values[:, begin : begin + 7] for begin in range(0, values.shape[1], 7)], axis=1)


@pytest.fixture
def sink(memory):
    """One that reads a payload at once, since its file may be closed when it is written."""
    made = memory()
    keep = made.payload
    made.payload = lambda name, payload: keep(name, replace(payload, values=whole(payload.values)))
    return made


def ramp(samples=20, channels=2):
    return np.arange(samples * channels, dtype=np.float32).reshape(samples, channels) / 4


def test_one_number_a_line_is_a_recording_of_one_channel(tmp_path, folder, sink):
    (tmp_path / "Z001.txt").write_bytes(b"-14\r\n-5\r\n0\r\n7\r\n")
    read(folder, sink, tmp_path, unit="uV", channels=["EEG Cz-Ref"])
    (payload,) = sink.payloads.values()
    np.testing.assert_array_equal(payload.values, np.float32([[-0.014, -0.005, 0, 0.007]]))
    assert (payload.rate_hz, payload.channels, payload.unit) == (RATE, ("Cz",), "mV")
    assert sink.of("WAVEFORM")["source_id"].to_list() == ["Z001"]
    assert sink.of("RECORD//END")["time"].to_list() == [datetime(2000, 1, 1, microsecond=40_000)]
    assert sink.accepted == 1 and sink.relative and not sink.refused


def test_an_array_with_more_channels_than_samples_lies_the_other_way_round_and_is_refused(tmp_path, folder, sink):
    np.save(tmp_path / "a.npy", ramp(20, 2).T)
    read(folder, sink, tmp_path)
    assert sink.accepted == 0
    assert list(sink.refused.values()) == ["channel_axis = 'last' makes of it 20 channels of 2 samples"]


def test_a_rate_that_no_signal_has_is_refused():
    with pytest.raises(ConfigError, match="rate_hz"):
        convert({"rate_hz": 1e12}, reader.Config)


@pytest.mark.parametrize(
    "text",
    [
        "I,II\n0,0.25\n0.5,0.75\n",
        "0,0.25\n0.5,0.75",
        "# device 7\n\nI;II\n0;0.25\n0.5;0.75\n",
        "0 0.25\n0.5   0.75\n",
        "\ufeffI\tII\r\n0\t0.25\r\n0.5\t0.75\r\n",
        '"I","II"\n 0, 0.25\n 0.5, 0.75\n',
    ],
    ids=["names", "no names", "comments", "blanks", "tabs after a byte-order mark", "quotes and blanks"],
)
def test_a_column_is_a_channel_however_columns_are_apart(tmp_path, folder, sink, text):
    (tmp_path / "a.csv").write_text(text, newline="")
    read(folder, sink, tmp_path)
    (payload,) = sink.payloads.values()
    np.testing.assert_array_equal(payload.values, [[0, 0.5], [0.25, 0.75]])
    assert payload.channels == (("I", "II") if "II" in text else ("channel_0", "channel_1"))


def test_columns_are_chosen_by_their_names_and_an_empty_cell_was_not_seen(tmp_path, folder, sink):
    (tmp_path / "a.csv").write_text("time,V5,ECG II\n0,1,2\n1,,3\n2,nan,4\n")
    read(folder, sink, tmp_path, channels=["MLII|II", "V1|V5", "aVF"])
    (payload,) = sink.payloads.values()
    assert payload.channels == ("II", "V5")
    np.testing.assert_array_equal(payload.values, [[2, 3, 4], [1, np.nan, np.nan]])


@pytest.mark.parametrize("axis", ["last", "first"])
def test_arrays_of_every_kind_of_file_give_one_recording_each(tmp_path, folder, sink, axis):
    h5py = pytest.importorskip("h5py")
    array = ramp() if axis == "last" else ramp().T
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "b.npz", one=array.astype(np.int16), rest=array[..., :3])
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["p1/ecg"] = array
        file["p2/ecg"] = array.astype(">f8")
        file["p2/notes"] = "of the night"
    read(folder, sink, tmp_path, channel_axis=axis, dataset="*[eg]", channels=["I", "II"])
    assert {name: found.values.shape for name, found in sink.payloads.items()} == dict.fromkeys(
        ["a", "b#one", "c#p1/ecg", "c#p2/ecg"], (2, 20)
    )
    np.testing.assert_array_equal(sink.payloads["a"].values, ramp().T)
    np.testing.assert_array_equal(sink.payloads["b#one"].values, ramp().T.astype(np.int16))
    np.testing.assert_array_equal(sink.payloads["c#p2/ecg"].values, ramp().T)
    assert not sink.refused and sink.of("WAVEFORM")["source_id"].n_unique() == 4


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 3), st.sampled_from(["npy", "h5"]), st.data())
def test_any_piece_of_a_file_is_that_piece_of_the_whole(tmp_path_factory, samples, channels, ending, data):
    file = tmp_path_factory.mktemp("pieces") / f"a.{ending}"
    array = np.random.default_rng(samples).normal(size=(samples, channels))
    if ending == "npy":
        np.save(file, array)
    else:
        h5py = pytest.importorskip("h5py")
        with h5py.File(file, "w") as opened:
            opened.create_dataset("x", data=array, chunks=(min(samples, 5), 1), compression="gzip")
    low, high = sorted((data.draw(st.integers(0, samples)), data.draw(st.integers(0, samples))))
    for found in signals(file, Inside("*", "last", "")):
        held = found.channels(tuple(range(channels)), 2.0)
        assert held.shape == (channels, samples) and held.dtype == held[:, low:high].dtype == np.float32
        np.testing.assert_array_equal(held[:, low:high], (array.T * 2).astype(np.float32)[:, low:high])


def test_labels_and_subjects_are_found_in_the_path(tmp_path, folder, sink):
    for name in ("A_Z/p1_1.txt", "A_Z/p1_2.txt", "E_S/p2_1.txt", "other/p3_1.txt", "E_S/readme_.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1\n2\n")
    read(folder, sink, tmp_path, path="_(?P<set>[ZONFS])/", subject_pattern=r"(p\d+)_")
    labels = sink.of("LABEL//set").sort("source_id", "time")
    assert labels["text_value"].to_list() == ["Z", "Z", "S"]
    assert labels["time"].to_list() == [datetime(2000, 1, 1), datetime(2000, 1, 2), datetime(2000, 1, 1)], "at each recording"
    assert labels["time"].to_list() == sink.of("WAVEFORM").sort("source_id", "time")["time"].to_list()[:3]
    assert list(sink.refused) == ["E_S/readme_.txt"] and sink.accepted == 4
    assert sink.notes["recordings in whose path `path` finds nothing, so unlabelled"] == 1


def test_a_label_of_a_recording_that_is_a_subject_of_its_own_has_no_time(tmp_path, folder, sink):
    (tmp_path / "A_Z").mkdir()
    (tmp_path / "A_Z" / "1.txt").write_text("1\n2\n")
    read(folder, sink, tmp_path, path="_(?P<set>[ZONFS])/")
    assert sink.of("LABEL//set")["time"].to_list() == [None]
    assert sink.codes["LABEL//set"][0] == "label"


def test_a_table_tells_labels_subjects_and_parts(tmp_path, folder, sink):
    for name in ("a", "b", "c"):
        np.save(tmp_path / f"{name}.npy", ramp())
    (tmp_path / "labels.csv").write_text("record,subject,part,seizure\na.npy,p1,train,1\nb,p1,train,0\nz,p2,test,1\n")
    read(folder, sink, tmp_path, table="labels.csv", labels=["seizure"])
    assert sink.of("LABEL//seizure")["source_id"].to_list() == ["p1", "p1"]
    assert sink.of("LABEL//seizure")["text_value"].to_list() == ["1", "0"]
    assert sink.of("LABEL//seizure")["time"].to_list() == [datetime(2000, 1, 1), datetime(2000, 1, 2)]
    assert sink.parts == {"p1": "train"} and sink.accepted == 3
    assert sink.notes["lines of labels.csv that name no recording of the source"] == 1
    assert sink.notes["recordings of which labels.csv has no line, so unlabelled"] == 1


def test_every_kind_of_damage_is_refused_by_name_and_the_rest_is_read(tmp_path, folder, sink):
    h5py = pytest.importorskip("h5py")
    np.save(tmp_path / "good.npy", ramp())
    np.save(tmp_path / "empty.npy", np.zeros((0, 2)))
    np.save(tmp_path / "words.npy", np.array(["a"]))
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "deep.npy", np.zeros((2, 3, 4)))
    np.save(tmp_path / "complex.npy", np.zeros(3, complex))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "good.npy").read_bytes()[:200])
    (tmp_path / "noise.npz").write_bytes(bytes(range(256)))
    (tmp_path / "noise.h5").write_bytes(bytes(range(256)))
    (tmp_path / "noise.txt").write_bytes(bytes(range(256)))
    (tmp_path / "nothing.txt").write_bytes(b"")
    (tmp_path / "names.csv").write_text("I,II\n")
    (tmp_path / "ragged.csv").write_text("1,2\n3,4,5\n")
    (tmp_path / "word.csv").write_text("I,II\n1,2\n3,secret\n")
    (tmp_path / "mixed.csv").write_text("I,2\n1,2\n")
    (tmp_path / "gap.txt").write_text("1\n\n2\n")
    with h5py.File(tmp_path / "far.h5", "w") as file:
        file.create_dataset("far", (4,), "f4", external=[(str(tmp_path / "good.npy"), 0, 16)])
        file["linked"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "x")
    read(folder, sink, tmp_path)
    assert list(sink.payloads) == ["good"]
    assert {name: reason for name, reason in sink.refused.items() if name.endswith(".csv")} == {
        "mixed.csv": "line 1 holds numbers and words",
        "names.csv": "a line after line 1 does not hold 2 cells",
        "ragged.csv": "a line after line 0 does not hold 2 cells",
        "word.csv": "line 3 holds what is no number",
    }
    assert sink.refused["gap.txt"] == "1 of its lines are empty"
    assert sink.refused["far.h5#far"] == "its samples lie in other files, which are not followed"
    assert set(sink.refused) == {
        *("empty.npy", "words.npy", "objects.npy", "deep.npy", "complex.npy", "cut.npy", "noise.npz", "noise.h5", "noise.txt"),
        *("nothing.txt", "names.csv", "ragged.csv", "word.csv", "mixed.csv", "gap.txt", "far.h5#far"),
    }
    assert not any(str(tmp_path) in reason or "secret" in reason for reason in sink.refused.values())


def test_infinite_numbers_refuse_a_recording_and_leave_nothing_of_it(tmp_path):
    np.save(tmp_path / "a.npy", ramp())
    np.save(tmp_path / "b.npy", np.array([1, np.inf, 2]))
    np.save(tmp_path / "c.npy", np.array([1e300, 1, 2]))
    store = sequela.import_data("arrays", tmp_path, tmp_path / "it.store", options={"rate_hz": 1}, max_refused=0.9)
    assert store.flow.accepted == 1 and store.flow.refused_count == 2
    assert len(list((tmp_path / "it.store" / "payloads").iterdir())) == 1
    np.testing.assert_array_equal(store.payloads.open(store.events(["WAVEFORM"])["payload"][0]).values, ramp().T)


def test_a_dataset_that_is_damaged_in_its_middle_is_refused_and_leaves_nothing_of_it(tmp_path):
    h5py = pytest.importorskip("h5py")
    file, samples = tmp_path / "raw" / "a.h5", np.arange(4096, dtype=np.float32)
    file.parent.mkdir()
    with h5py.File(file, "w") as opened:
        opened.create_dataset("bad", data=samples, chunks=(1024,), fletcher32=True)
        opened.create_dataset("good", data=-samples, chunks=(1024,), fletcher32=True)
    content = bytearray(file.read_bytes())
    content[content.index(samples[3000:3010].tobytes())] ^= 1
    file.write_bytes(content)
    store = sequela.import_data("arrays", file.parent, tmp_path / "it.store", options={"rate_hz": 1}, max_refused=0.9)
    assert {one.reason: one.first for one in store.flow.refused} == {"some of its samples cannot be read": ["a.h5#bad"]}
    assert [store.payloads.open(uri).name for uri in store.events(["WAVEFORM"])["payload"]] == ["a#good"]


def test_what_arrays_cannot_mean_is_an_error(tmp_path, folder, sink):
    (tmp_path / "a.npz").write_bytes(b"")
    with pytest.raises(DataError, match="no file of signals"):
        read(folder, sink, tmp_path, files="*.txt")
    with pytest.raises(ConfigError, match="no group"):
        reader.build(reader.Config(rate_hz=1, path="set"))
    with pytest.raises(ConfigError, match="without a name"):
        reader.build(reader.Config(rate_hz=1, path="(set)"))
    with pytest.raises(ConfigError, match="regular expression"):
        reader.build(reader.Config(rate_hz=1, subject_pattern="("))
    with pytest.raises(ConfigError, match="rate_hz"):
        convert({}, reader.Config, "arrays")
    (tmp_path / "t.csv").write_text("record,set\na,1\n")
    with pytest.raises(ConfigError, match="both `path` and the table"):
        read(folder, sink, tmp_path, path="(?P<set>a)", table="t.csv", labels=["set"])


def test_channels_that_are_not_those_named_are_refused(tmp_path, folder, sink):
    (tmp_path / "plain.txt").write_text("1 2\n3 4\n")
    (tmp_path / "named.csv").write_text("I,II\n3,4\n")
    read(folder, sink, tmp_path, channels=["V1"])
    assert sink.refused == {
        "plain.txt": "it has 2 channels, and 1 are named",
        "named.csv": "it has none of the channels asked for, but I, II",
    }


@pytest.mark.slow
def test_bonn_has_its_five_hundred_segments_and_five_sets(real_data, tmp_path):
    options = {"rate_hz": 173.61, "unit": "uV", "channels": ["EEG"], "path": "_(?P<set>[ZONFS])/"}
    store = sequela.import_data("arrays", real_data("bonn_eeg") / "Bonn_EEG_dataset.zip", tmp_path / "it.store", options=options)
    events = store.events(["WAVEFORM", "LABEL//set"])
    assert store.flow.accepted == 500 and not store.flow.refused and events["subject_id"].n_unique() == 500
    assert Counter(events["text_value"].drop_nulls().to_list()) == dict.fromkeys("ZONFS", 100)
    payloads = [store.payloads.open(uri) for uri in events["payload"].drop_nulls()]
    assert {(one.values.shape, one.rate_hz) for one in payloads} == {((1, 4097), 173.61)}
    first = next(one for one in payloads if one.name == "A_Z/Z001")
    np.testing.assert_allclose(first.values[0, :3], np.array([12, 22, 35]) / 1000, rtol=1e-6)
