"""MNIST's own files: plain, gzipped, damaged."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from sequela.errors import DataError
from sequela.readers import idx


def encoded(values):
    kind = {"uint8": 8, "int32": 12, "float32": 13}[str(values.dtype)]
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, kind, values.ndim, *values.shape)
    return head + values.astype(values.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def digits():
    return np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)


def write(folder, name, images, compress=False):
    labels = np.arange(len(images), dtype=np.uint8)
    for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
        content = encoded(values)
        path = folder / f"{name}-{kind}-ubyte{'.gz' if compress else ''}"
        path.write_bytes(gzip.compress(content) if compress else content)


def read(folder, sink, root, **options):
    idx.build(idx.Config(**options)).read(folder(root), sink)
    return sink


def test_images_labels_and_parts_come_back(tmp_path, folder, sink, digits):
    write(tmp_path, "train", digits)
    write(tmp_path, "t10k", digits[:2], compress=True)
    read(folder, sink, tmp_path)
    np.testing.assert_array_equal(sink.payloads["train-00003"].values, digits[3][None])
    np.testing.assert_array_equal(sink.payloads["t10k-00001"].values, digits[1][None])
    assert sink.parts["train-00000"] == "train" and sink.parts["t10k-00000"] == "test"
    labels = sink.of("LABEL//label")
    assert dict(zip(labels["source_id"], labels["text_value"], strict=True))["train-00004"] == "4"
    assert sink.accepted == 7 and not sink.refused


def test_images_may_be_transposed_and_unlabelled(tmp_path, folder, sink, digits):
    (tmp_path / "emnist-letters-train-images-idx3-ubyte").write_bytes(encoded(digits))
    read(folder, sink, tmp_path, transposed=True)
    np.testing.assert_array_equal(sink.payloads["emnist-letters-train-00001"].values, digits[1].T[None])
    assert set(sink.parts.values()) == {"train"} and "LABEL//label" not in sink.codes


def test_damage_is_refused_by_name_and_the_rest_is_read(tmp_path, folder, sink, digits):
    for name in ("a", "b", "c", "d", "e", "good"):
        write(tmp_path, name, digits)
    images = {name: tmp_path / f"{name}-images-idx3-ubyte" for name in "abcde"}
    images["a"].write_bytes(images["a"].read_bytes()[:-1])
    images["b"].write_bytes(b"")
    images["c"].write_bytes(b"no idx file at all")
    images["d"].write_bytes(encoded(digits.astype(np.float32)))
    images["e"].write_bytes(encoded(digits[:3]))
    (tmp_path / "f-images-idx3-ubyte.gz").write_bytes(gzip.compress(encoded(digits))[:40])
    read(folder, sink, tmp_path)
    assert len(sink.refused) == 6 and sink.accepted == 5
    assert "promises" in sink.refused["a-images-idx3-ubyte"]
    assert "3 images" in sink.refused["e-images-idx3-ubyte"]


@pytest.mark.parametrize("values", [np.arange(6, dtype=np.int32).reshape(2, 3), np.array([1.5, -2], np.float32)])
def test_numbers_of_any_type_are_read_in_the_machines_own_order(values):
    found = idx.array(encoded(values))
    np.testing.assert_array_equal(found, values)
    assert found.dtype == values.dtype and found.dtype.isnative


def test_a_source_without_images_is_an_error(tmp_path, folder, sink):
    with pytest.raises(DataError, match="idx3"):
        read(folder, sink, tmp_path)
