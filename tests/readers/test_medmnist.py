"""Small archives laid out exactly as MedMNIST gives them out, in two dimensions and three."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.errors import DataError
from sequela.readers import medmnist
from sequela.readers.medmnist import CHEST
from sequela.store.source import open_source

COUNTS = {"train": 4, "val": 2, "test": 3}


def layout(path, shape, labels=1, classes=2, counts=COUNTS):
    """An archive of samples of this shape; its arrays by name."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in counts.items():
        arrays[f"{part}_images"] = random.integers(0, 256, (count, *shape), dtype=np.uint8)
        arrays[f"{part}_labels"] = random.integers(0, classes, (count, labels)).astype(np.uint8)
    np.savez(path, **arrays)
    return arrays


def read(sink, root):
    medmnist.build(medmnist.Config()).read(open_source(root), sink)
    return sink


@pytest.mark.parametrize(
    ("name", "shape", "stored", "channels"),
    [
        ("pneumoniamnist", (28, 28), (1, 28, 28), 1),
        ("pathmnist_64", (64, 64, 3), (3, 64, 64), 3),
        ("organmnist3d", (28, 28, 28), (1, 28, 28, 28), 1),
    ],
)
def test_pictures_and_volumes_are_stored_as_they_are(name, shape, stored, channels, tmp_path, sink):
    arrays = layout(tmp_path / f"{name}.npz", shape)
    read(sink, tmp_path / f"{name}.npz")
    payload = sink.payloads["val-00001"]
    assert payload.values.shape == stored and len(payload.channels) == channels and payload.space is None
    np.testing.assert_array_equal(np.moveaxis(payload.values, 0, -1).reshape(shape), arrays["val_images"][1])
    assert sink.accepted == 9 and [list(sink.parts.values()).count(part) for part in ("train", "tune", "test")] == [4, 2, 3]
    assert sink.of("LABEL//label")["numeric_value"].to_list() == [
        int(value) for part in COUNTS for value in arrays[f"{part}_labels"][:, 0]
    ]


def test_chestmnist_has_fourteen_findings_by_name(tmp_path, sink):
    arrays = layout(tmp_path / "chestmnist.npz", (28, 28), labels=14)
    read(sink, tmp_path)
    assert {code for code in sink.codes if code.startswith("LABEL//")} == {f"LABEL//{name}" for name in CHEST}
    hernia = dict(zip(sink.of("LABEL//hernia")["source_id"], sink.of("LABEL//hernia")["numeric_value"], strict=True))
    assert [hernia[f"train-{i:05d}"] for i in range(4)] == arrays["train_labels"][:, 13].tolist()


def test_grades_keep_their_order_as_numbers(tmp_path, sink):
    arrays = layout(tmp_path / "retinamnist.npz", (28, 28, 3), classes=5)
    read(sink, tmp_path)
    assert sink.of("LABEL//label")["numeric_value"][:4].to_list() == arrays["train_labels"][:, 0].tolist()


def test_several_sets_keep_their_samples_apart(tmp_path, sink):
    layout(tmp_path / "a.npz", (28, 28))
    layout(tmp_path / "b.npz", (28, 28))
    assert read(sink, tmp_path).accepted == 18 and "b-test-00002" in sink.payloads


def test_every_archive_of_another_form_is_refused_by_name_and_none_of_it_written(tmp_path, sink):
    layout(tmp_path / "good.npz", (28, 28))
    layout(tmp_path / "many.npz", (28, 28), labels=14)
    layout(tmp_path / "oblong.npz", (28, 28, 20))
    layout(tmp_path / "parts.npz", (28, 28), counts={"train": 2, "val": 2})
    arrays = layout(tmp_path / "short.npz", (28, 28))
    np.savez(tmp_path / "short.npz", **arrays | {"test_labels": arrays["test_labels"][:1]})
    np.savez(tmp_path / "real.npz", **{name: values.astype(float) for name, values in arrays.items()})
    np.savez(tmp_path / "pickled.npz", **arrays | {"val_labels": np.array([{}, {}], object)})
    whole = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.npz").write_bytes(b"")
    read(sink, tmp_path)
    assert set(sink.refused) == {
        f"{name}.npz" for name in ("many", "oblong", "parts", "short", "real", "pickled", "cut", "empty")
    }
    assert sink.accepted == 9 and all(name.startswith("good-") for name in sink.payloads)


def test_a_source_without_an_archive_is_refused(tmp_path, sink):
    with pytest.raises(DataError, match=r"no \.npz"):
        read(sink, tmp_path)


def test_the_real_set_has_its_published_counts(real_data, sink):
    read(sink, real_data("pneumoniamnist"))
    assert [list(sink.parts.values()).count(part) for part in ("train", "tune", "test")] == [4708, 524, 624]
    assert sink.accepted == 5856 and sink.of("LABEL//label")["numeric_value"].sum() == 4273
