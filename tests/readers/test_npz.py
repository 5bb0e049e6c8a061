"""The npz reader: MedMNIST archives, named arrays, signals and series, and archives that must be refused."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import npz


def read(folder, sink, root, **options):
    npz.build(convert(options, npz.Config)).read(folder(root), sink)
    return sink


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (6, 5, 4), dtype=np.uint8)


def medmnist(path, images):
    labels = np.array([[0], [1], [1]], np.uint8)
    parts = {"train": images[:3], "val": images[3:5], "test": images[5:]}
    arrays = {f"{part}_images": found for part, found in parts.items()}
    np.savez(path, **arrays, **{f"{part}_labels": labels[: len(found)] for part, found in parts.items()})


def test_a_medmnist_archive_is_read_without_options(tmp_path, folder, sink, images):
    medmnist(tmp_path / "x.npz", images)
    read(folder, sink, tmp_path)
    assert sink.accepted == 6
    assert sink.parts["val-00001"] == "tune"
    assert sorted(sink.parts.values()) == ["test", "train", "train", "train", "tune", "tune"]
    np.testing.assert_array_equal(sink.payloads["train-00002"].values, images[2][None])
    assert sink.payloads["train-00002"].channels == ("grey",)
    labels = sink.of("LABEL//label")
    assert dict(zip(labels["source_id"], labels["text_value"], strict=True))["train-00001"] == "1"
    assert labels["numeric_value"].to_list() == [0, 1, 1, 0, 1, 0]
    assert sink.all["time"].null_count() == len(sink.all)
    assert sink.codes["IMAGE"][0] == "payload" and sink.codes["LABEL//label"][0] == "label"


def test_several_archives_keep_their_samples_apart(tmp_path, folder, sink, images):
    medmnist(tmp_path / "a.npz", images)
    medmnist(tmp_path / "b.npz", images)
    assert "b-test-00000" in read(folder, sink, tmp_path).payloads
    assert sink.accepted == 12


@pytest.mark.parametrize(("axis", "shape"), [("last", (2, 5, 4, 3)), ("first", (2, 3, 5, 4))])
def test_colour_images_have_their_channels_first(tmp_path, folder, sink, axis, shape):
    data = np.random.default_rng(1).random(shape).astype(np.float32)
    np.savez(tmp_path / "x.npz", data=data)
    read(folder, sink, tmp_path, channel_axis=axis)
    first = sink.payloads["00001"]
    np.testing.assert_array_equal(first.values, np.moveaxis(data[1], -1, 0) if axis == "last" else data[1])
    assert first.channels == ("red", "green", "blue")


def test_named_arrays_bring_subject_part_and_several_labels(tmp_path, folder, sink, images):
    labels = np.array([[0, np.nan], [1, 2.5], [1, 0]])
    np.savez(tmp_path / "x.npz", scans=images[:3], label=labels, subject=["p1", "p2", "p2"], part=["train", "test", "test"])
    read(folder, sink, tmp_path, data="scans", label_names=["sick", "score"])
    assert sink.parts == {"p1": "train", "p2": "test"}
    assert sink.of("LABEL//sick")["numeric_value"].to_list() == [0, 1, 1]
    assert sink.of("LABEL//score")["numeric_value"].to_list() == [2.5, 0], "a missing label is no event"


def test_words_are_labels_and_the_empty_word_is_none(tmp_path, folder, sink, images):
    np.savez(tmp_path / "x.npz", data=images[:3], label=["benign", "", "malignant"])
    assert read(folder, sink, tmp_path).of("LABEL//label")["text_value"].to_list() == ["benign", "malignant"]


def test_signals_are_payloads_and_never_overlap_in_one_subject(tmp_path, folder, sink):
    data = np.arange(12, dtype=np.int16).reshape(2, 3, 2)
    np.savez(tmp_path / "x.npz", data=data, subject=["a", "a"])
    read(folder, sink, tmp_path, kind="waveform", rate_hz=100.0, channels=["I", "II"], unit="mV")
    payload = sink.payloads["00001"]
    np.testing.assert_array_equal(payload.values, data[1].T.astype(np.float32))
    assert (payload.rate_hz, payload.channels, payload.unit) == (100.0, ("I", "II"), "mV")
    assert sink.of("WAVEFORM")["time"].to_list() == [datetime(2000, 1, 1), datetime(2000, 1, 2)]
    assert sink.of("RECORD//END")["time"].to_list()[0] == datetime(2000, 1, 1, 0, 0, 0, 30_000)
    assert sink.relative


def test_series_become_measurements_at_their_times_and_gaps_are_no_events(tmp_path, folder, sink):
    data = np.array([[[60, np.nan], [61, 7.4]]])
    np.savez(tmp_path / "x.npz", data=data, label=[1])
    read(folder, sink, tmp_path, kind="measurements", rate_hz=0.5, channels=["HR", "PH"], unit="")
    assert sink.of("HR")["numeric_value"].to_list() == [60, 61]
    assert sink.of("PH")["time"].to_list() == [datetime(2000, 1, 1, 0, 0, 2)]
    assert sink.of("RECORD//START")["time"].to_list() == [datetime(2000, 1, 1)]


def test_a_bad_archive_is_refused_by_name_and_the_rest_is_read(tmp_path, folder, sink, images):
    medmnist(tmp_path / "good.npz", images)
    whole = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("not an archive")
    np.save(tmp_path / "one.npy", images)
    (tmp_path / "one.npy").rename(tmp_path / "one.npz")
    np.savez(tmp_path / "pickled.npz", data=np.array([{"a": 1}, None], object))
    np.savez(tmp_path / "other.npz", something=images)
    np.savez(tmp_path / "uneven.npz", data=images, label=[1, 2])
    read(folder, sink, tmp_path)
    assert sink.accepted == 6
    assert set(sink.refused) == {f"{name}.npz" for name in ("cut", "empty", "text", "one", "pickled", "other", "uneven")}
    assert "pickled" in sink.refused["pickled.npz"]
    assert "6 samples but 2 labels" in sink.refused["uneven.npz"]


def test_a_sample_with_numbers_that_are_not_finite_is_refused_alone(tmp_path, folder, sink):
    data = np.ones((3, 2, 2), np.float32)
    data[1, 0, 0] = np.inf
    np.savez(tmp_path / "x.npz", data=data, label=[0, 1, 2])
    read(folder, sink, tmp_path)
    assert list(sink.refused) == ["00001"] and sink.accepted == 2
    assert sink.of("LABEL//label")["numeric_value"].to_list() == [0, 2]


def test_an_unknown_part_is_refused(tmp_path, folder, sink, images):
    np.savez(tmp_path / "x.npz", data=images[:2], part=["train", "holdout?"])
    assert list(read(folder, sink, tmp_path).refused) == ["00001"]


def test_what_cannot_be_meant_is_an_error(tmp_path, folder, sink, images):
    with pytest.raises(DataError, match="has no"):
        read(folder, sink, tmp_path)
    np.savez(tmp_path / "x.npz", data=images.astype(float)[:, :, 0])
    with pytest.raises(ConfigError, match="rate_hz"):
        read(folder, sink, tmp_path, kind="waveform")
    with pytest.raises(ConfigError, match="2 channels"):
        read(folder, sink, tmp_path, kind="waveform", rate_hz=1.0, channels=["a", "b"])


def test_pneumoniamnist_has_its_published_counts(real_data, folder, sink):
    read(folder, sink, real_data("pneumoniamnist"))
    parts = list(sink.parts.values())
    assert [parts.count(part) for part in ("train", "tune", "test")] == [4708, 524, 624]
    assert sink.of("LABEL//label")["numeric_value"].sum() == 3494 + 389 + 390
    assert not sink.refused
