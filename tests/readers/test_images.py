"""Folders and tables of PNG and JPEG files, with every kind of bad one among them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import images

Image = pytest.importorskip("PIL.Image")


def read(folder, sink, root, **options):
    images.build(convert(options, images.Config)).read(folder(root), sink)
    return sink


def save(root, name, seed=0, mode="L", shape=(6, 5), **options):
    depth = {"L": (), "RGB": (3,), "RGBA": (4,), "CMYK": (4,)}[mode]
    values = np.random.default_rng(seed).integers(0, 256, (*shape, *depth), dtype=np.uint8)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values, mode if mode == "CMYK" else None).save(path, **options)
    return values


def test_folders_say_part_and_label(tmp_path, folder, sink):
    normal = save(tmp_path, "train/NORMAL/1.png", 1)
    save(tmp_path, "train/PNEUMONIA/1.png", 2)
    save(tmp_path, "val/NORMAL/2.jpg", 3)
    save(tmp_path, "test/NORMAL/3.JPEG", 4)
    (tmp_path / "notes.txt").write_text("no image")
    read(folder, sink, tmp_path)
    np.testing.assert_array_equal(sink.payloads["train/NORMAL/1.png"].values, normal[None])
    labels = sink.of("LABEL//label")
    assert dict(zip(labels["source_id"], labels["text_value"], strict=True))["train/PNEUMONIA/1"] == "PNEUMONIA"
    assert sink.parts["val/NORMAL/2"] == "tune" and sink.parts["test/NORMAL/3"] == "test"
    assert sink.accepted == 4 and sink.all["time"].null_count() == len(sink.all)


def test_a_table_says_file_subject_part_and_labels(tmp_path, folder, sink):
    for i in range(3):
        save(tmp_path, f"data/png/{i}.png", i)
    (tmp_path / "data/list.csv").write_text(
        "file,patient,part,sick,score\npng/0.png,p1,train,1,0.5\ndata/png/1.png,p1,train,0,\npng/2.png,p2,test,1,2\n"
    )
    read(folder, sink, tmp_path, table="data/list.csv", subject="patient", labels=["sick", "score"])
    assert sink.of("IMAGE")["source_id"].to_list() == ["p1", "p1", "p2"]
    assert sink.parts == {"p1": "train", "p2": "test"}
    assert sink.of("LABEL//sick")["numeric_value"].to_list() == [1, 0, 1]
    assert sink.of("LABEL//score")["numeric_value"].to_list() == [0.5, 2], "an empty cell is no label"


def test_colour_cmyk_alpha_and_palette_become_what_is_asked_for(tmp_path, folder, sink):
    colour = save(tmp_path, "colour.png", mode="RGB")
    Image.fromarray(np.dstack([colour, np.full(colour.shape[:2], 255, np.uint8)])).save(tmp_path / "alpha.png")
    save(tmp_path, "print.jpg", mode="CMYK")
    Image.fromarray(colour).quantize(16).save(tmp_path / "palette.png")
    read(folder, sink, tmp_path, mode="colour")
    np.testing.assert_array_equal(sink.payloads["colour.png"].values, colour.transpose(2, 0, 1))
    assert {p.values.shape for p in sink.payloads.values()} == {(3, 6, 5)} and len(sink.payloads) == 4
    assert not sink.refused


def test_sixteen_bits_stay_sixteen_bits(tmp_path, folder, sink):
    values = np.random.default_rng(0).integers(0, 65536, (4, 3), dtype=np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    found = read(folder, sink, tmp_path).payloads["deep.png"].values
    np.testing.assert_array_equal(found, values[None])
    assert found.dtype == np.uint16


def test_sixteen_bits_are_no_colour(tmp_path, folder, sink):
    Image.fromarray(np.zeros((4, 3), np.uint16)).save(tmp_path / "deep.png")
    assert "16 bits" in read(folder, sink, tmp_path, mode="colour").refused["deep.png"]


def test_an_image_is_turned_upright_and_brought_to_size(tmp_path, folder, sink):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side
    save(tmp_path, "side.jpg", shape=(8, 12), exif=exif)
    assert read(folder, sink, tmp_path).payloads["side.jpg"].values.shape == (1, 12, 8)
    sink.payloads.clear()
    assert read(folder, sink, tmp_path, size=[4, 3]).payloads["side.jpg"].values.shape == (1, 4, 3)


def bomb():
    """A PNG of a few bytes that says it has 40,000 by 40,000 pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def test_every_bad_image_is_refused_by_name_and_the_rest_is_read(tmp_path, folder, sink):
    for name in ("good.png", "cut.png", "flipped.png", "cut.jpg"):
        save(tmp_path, name, shape=(40, 40))
    for name in ("cut.png", "cut.jpg"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    broken = bytearray((tmp_path / "flipped.png").read_bytes())
    broken[60:80] = bytes(20)
    (tmp_path / "flipped.png").write_bytes(broken)
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not an image")
    (tmp_path / "bomb.png").write_bytes(bomb())
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "other.png", format="BMP")
    read(folder, sink, tmp_path)
    assert set(sink.refused) == {"cut.png", "flipped.png", "cut.jpg", "empty.png", "text.jpg", "bomb.png", "other.png"}
    assert list(sink.payloads) == ["good.png"] and sink.accepted == 1


def test_an_image_over_the_limit_is_refused_unread(tmp_path, folder, sink):
    save(tmp_path, "small.png", shape=(4, 4))
    save(tmp_path, "large.png", shape=(20, 20))
    read(folder, sink, tmp_path, max_pixels=100)
    assert list(sink.refused) == ["large.png"] and "20 × 20" in sink.refused["large.png"]


def test_a_line_without_its_file_or_with_an_unknown_part_is_refused(tmp_path, folder, sink):
    save(tmp_path, "a.png")
    save(tmp_path, "b.png")
    (tmp_path / "t.csv").write_text("file,label,part\na.png,1,train\nb.png,0,holdout\nc.png,1,test\na.png,0,test\n")
    read(folder, sink, tmp_path, table="t.csv")
    assert set(sink.refused) == {"a.png", "b.png", "c.png"} and sink.accepted == 1
    assert "more than once" in sink.refused["a.png"] and sink.parts == {"a": "train"}


def test_what_cannot_be_meant_is_an_error_that_names_the_nearest(tmp_path, folder, sink):
    with pytest.raises(DataError, match="no PNG, JPEG or TIFF"):
        read(folder, sink, tmp_path)
    (tmp_path / "list.csv").write_text("flie,label\na.png,1\n")
    with pytest.raises(DataError, match="no table") as refused:
        read(folder, sink, tmp_path, table="lists.csv")
    assert "list.csv" in refused.value.hint
    with pytest.raises(DataError, match="no column 'file'") as refused:
        read(folder, sink, tmp_path, table="list.csv")
    assert "flie" in refused.value.hint
    with pytest.raises(DataError, match="no column 'grade'"):
        read(folder, sink, tmp_path, table="list.csv", file="flie", labels=["grade"])
    with pytest.raises(ConfigError, match="size"):
        read(folder, sink, tmp_path, size=0)
