"""Folders and tables of PNG and JPEG files, with every kind of bad one among them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import images
from sequela.store.source import open_source

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
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "shapeless.tif")
    whole = (tmp_path / "shapeless.tif").read_bytes()
    assert whole.count(struct.pack("<HH", 256, 4)) == 1, "the tag of the width"
    (tmp_path / "shapeless.tif").write_bytes(whole.replace(struct.pack("<HH", 256, 4), struct.pack("<HH", 250, 4)))
    read(folder, sink, tmp_path)
    assert set(sink.refused) == {
        "cut.png", "flipped.png", "cut.jpg", "empty.png", "text.jpg", "bomb.png", "other.png", "shapeless.tif",
    }  # fmt: skip
    assert list(sink.payloads) == ["good.png"] and sink.accepted == 1


def test_an_image_over_the_limit_is_refused_unread(tmp_path, folder, sink):
    save(tmp_path, "small.png", shape=(4, 4))
    save(tmp_path, "large.png", shape=(20, 20))
    read(folder, sink, tmp_path, max_pixels=100)
    assert list(sink.refused) == ["large.png"] and "20 × 20" in sink.refused["large.png"]


def test_the_limit_is_ours_alone(tmp_path, folder, memory, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    save(tmp_path, "large.png", shape=(20, 20))
    assert list(read(folder, memory(), tmp_path, max_pixels=400).payloads) == ["large.png"] and Image.MAX_IMAGE_PIXELS == 10
    assert "says it has 20 × 20 pixels" in read(folder, memory(), tmp_path, max_pixels=399).refused["large.png"]


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


# ------------------------------------------------------------------------------------------------------- depth, colour and pages


def test_cmyk_becomes_rgb_by_the_documented_rule_with_adobes_inks_turned_back(tmp_path, folder, sink):
    ink = np.array([40, 90, 200, 30], np.uint8)
    flat = np.broadcast_to(ink, (16, 16, 4))
    Image.fromarray(np.ascontiguousarray(flat), "CMYK").save(tmp_path / "print.tif")
    Image.fromarray(np.ascontiguousarray(flat), "CMYK").save(tmp_path / "print_adobe.jpg", quality=100)
    assert b"Adobe" in (tmp_path / "print_adobe.jpg").read_bytes(), "Pillow writes the inverted form"
    read(folder, sink, tmp_path, mode="colour")
    expected = (255 - ink[:3].astype(int)) * (255 - int(ink[3])) / 255
    for name, within in (("print.tif", 1), ("print_adobe.jpg", 4)):
        found = sink.payloads[name].values.reshape(3, -1).astype(int)
        assert (np.abs(found - expected[:, None]) <= within).all()


def test_what_lies_behind_transparency_is_not_guessed(tmp_path, folder, sink):
    half = save(tmp_path, "half.png", mode="RGBA")
    assert half[..., 3].min() < 255
    palette = Image.new("P", (4, 4))
    palette.save(tmp_path / "key.png", transparency=0)
    opaque = np.dstack([np.full((4, 4), 7, np.uint8), np.full((4, 4), 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "opaque.png")
    read(folder, sink, tmp_path)
    assert set(sink.refused) == {"half.png", "key.png"} and "transparent" in sink.refused["key.png"]
    assert (sink.payloads["opaque.png"].values == 7).all()


def deep_colour():
    """A PNG of 2 × 2 pixels with 16 bits a colour."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + struct.pack(">6H", *range(1000, 1006)) for _ in range(2))
    head = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_sixteen_bits_a_colour_are_refused_rather_than_halved(tmp_path, folder, sink):
    (tmp_path / "deep.png").write_bytes(deep_colour())
    with Image.open(tmp_path / "deep.png") as shown:
        assert shown.mode == "RGB", "Pillow itself would drop eight bits"
    assert "16 bits a colour" in read(folder, sink, tmp_path, mode="colour").refused["deep.png"]


def test_tiff_keeps_sixteen_bits_in_either_byte_order_and_real_numbers(tmp_path, folder, sink):
    deep = np.random.default_rng(0).integers(0, 65536, (5, 4), dtype=np.uint16)
    real = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    Image.fromarray(deep).save(tmp_path / "little.tif")
    Image.frombytes("I;16B", (4, 5), deep.astype(">u2").tobytes()).save(tmp_path / "big.tiff")
    Image.fromarray(real).save(tmp_path / "real.tif")
    Image.fromarray(np.full((5, 4), np.nan, np.float32)).save(tmp_path / "nothing.tif")
    Image.fromarray(np.full((5, 4), 70_000, np.int32)).save(tmp_path / "wide.tif")
    read(folder, sink, tmp_path)
    for name in ("little.tif", "big.tiff"):
        np.testing.assert_array_equal(sink.payloads[name].values, deep[None])
    assert sink.payloads["real.tif"].values.dtype == np.float32
    np.testing.assert_array_equal(sink.payloads["real.tif"].values, real[None])
    assert "finite" in sink.refused["nothing.tif"] and "70000" in sink.refused["wide.tif"]


def test_one_bit_and_palette_become_greys(tmp_path, folder, sink):
    bits = np.random.default_rng(0).integers(0, 2, (5, 4)).astype(bool)
    Image.fromarray(bits).save(tmp_path / "bits.png")
    grey = np.arange(20, dtype=np.uint8).reshape(5, 4)
    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    read(folder, sink, tmp_path)
    np.testing.assert_array_equal(sink.payloads["bits.png"].values, bits[None] * np.uint8(255))
    np.testing.assert_array_equal(sink.payloads["palette.png"].values, grey[None])


def test_pages_are_refused_or_the_slices_of_a_volume(tmp_path, folder, memory):
    slices = [Image.fromarray(np.full((4, 3), k, np.uint8)) for k in range(5)]
    slices[0].save(tmp_path / "stack.tif", save_all=True, append_images=slices[1:])
    assert "pages" in read(folder, memory(), tmp_path).refused["stack.tif"]
    found = read(folder, memory(), tmp_path, pages="volume").payloads["stack.tif"].values
    assert found.shape == (1, 5, 4, 3) and found[0, :, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert "over max_pixels" in read(folder, memory(), tmp_path, pages="volume", max_pixels=59).refused["stack.tif"]


def test_pages_of_several_sizes_are_no_volume(tmp_path, folder, sink):
    first, second = Image.new("L", (4, 4)), Image.new("L", (4, 5))
    first.save(tmp_path / "stack.tif", save_all=True, append_images=[second])
    assert "one size" in read(folder, sink, tmp_path, pages="volume").refused["stack.tif"]


@pytest.mark.parametrize("turn", [2, 3, 4, 5, 6, 7, 8])
def test_every_exif_turn_is_undone_and_a_tiff_on_its_side_refused(turn, tmp_path, folder, sink):
    corner = np.zeros((16, 24), np.uint8)
    corner[:8, :8] = 255  # stored at the top left
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(corner).save(tmp_path / "j.jpg", exif=exif, quality=100)
    Image.fromarray(corner).save(tmp_path / "t.tif", tiffinfo={0x0112: turn})
    read(folder, sink, tmp_path)
    place = {2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}[turn]  # EXIF 2.3, 4.6.4
    assert set(sink.refused) == ({"t.tif"} if turn > 4 else set()), "Pillow garbles an uncompressed TIFF on its side"
    for found in (payload.values[0] for payload in sink.payloads.values()):
        assert found.shape == ((24, 16) if turn > 4 else (16, 24))
        assert found[place] > 200 and (found > 128).sum() == 64


def test_a_picture_thirty_thousand_pixels_wide_is_decoded_once(tmp_path, folder, sink, monkeypatch):
    Image.fromarray(np.arange(90_000, dtype=np.uint32).astype(np.uint8).reshape(3, 30_000)).save(tmp_path / "wide.png")
    decoded = []
    real = Image.core.zip_decoder
    monkeypatch.setattr(Image.core, "zip_decoder", lambda *given: decoded.append(given) or real(*given))
    read(folder, sink, tmp_path)
    assert sink.payloads["wide.png"].values.shape == (1, 3, 30_000) and len(decoded) == 1


def test_over_the_limit_nothing_is_decoded(tmp_path, folder, sink, monkeypatch):
    save(tmp_path, "large.png", shape=(20, 20))
    monkeypatch.setattr(Image.core, "zip_decoder", lambda *given: pytest.fail("decoded"))
    assert "max_pixels" in read(folder, sink, tmp_path, max_pixels=100).refused["large.png"]


# ------------------------------------------------------------------------------------------------------------- names and folders


def test_named_groups_are_statics_and_may_name_the_subject(tmp_path, folder, memory):
    for name in ("Image_01L.png", "Image_01R.png", "Image_02L.png", "other.png"):
        save(tmp_path, name)
    apart = read(folder, memory(), tmp_path, subject_pattern=r"Image_(?P<child>\d+)(?P<eye>[LR])$")
    said = dict(zip(apart.of("CHILD")["source_id"], apart.of("CHILD")["text_value"], strict=True))
    assert said == {"Image_01L": "01", "Image_01R": "01", "Image_02L": "02"} and len(apart.payloads) == 4
    assert apart.codes["CHILD"] == ("static", "")
    together = read(folder, memory(), tmp_path, subject_pattern=r"Image_(?P<subject>\d+)")
    assert together.of("IMAGE")["source_id"].to_list() == ["01", "01", "02"] and list(together.refused) == ["other.png"]


def test_columns_of_a_table_are_statics_once_a_subject(tmp_path, folder, sink):
    for name in "abc":
        save(tmp_path, f"{name}.png")
    (tmp_path / "t.csv").write_text("file,subject,age,sex\na.png,p,61,F\nb.png,p,61,F\nc.png,q,,M\n")
    read(folder, sink, tmp_path, table="t.csv", statics=["age", "sex"])
    assert sink.of("AGE")["numeric_value"].to_list() == [61] and sorted(sink.of("SEX")["text_value"]) == ["F", "M"]


def test_lists_and_expressions_say_parts(tmp_path, folder, sink):
    for number in range(1, 6):
        save(tmp_path, f"pictures/{number}.png")
    (tmp_path / "train.txt").write_text("1\n2.png 1\n\n9\n")
    (tmp_path / "val.txt").write_text("pictures/3\n1\n")
    read(folder, sink, tmp_path, parts={"train": "train.txt", "tune": "val.txt", "test": "pictures/[45]"})
    assert sink.parts == {"pictures/2": "train", "pictures/3": "tune", "pictures/4": "test", "pictures/5": "test"}
    assert set(sink.refused) == {"9", "pictures/1.png"} and "at once" in sink.refused["pictures/1.png"]


def test_a_list_that_is_not_there_is_told(tmp_path, folder, sink):
    save(tmp_path, "a.png")
    read(folder, sink, tmp_path, parts={"train": "train.txt"})
    assert sink.accepted == 1 and not sink.parts and any("train.txt" in note for note in sink.notes)


def test_two_files_of_one_name_are_not_one_subject(tmp_path, folder, sink):
    save(tmp_path, "a.jpg")
    save(tmp_path, "a.png")
    assert "second picture" in read(folder, sink, tmp_path).refused["a.png"] and list(sink.payloads) == ["a.jpg"]


def test_a_file_name_that_is_not_utf8_is_refused_and_shown(tmp_path, folder, sink):
    save(tmp_path, "good.png")
    try:
        (tmp_path / "f\udcfc.png").write_bytes((tmp_path / "good.png").read_bytes())
    except (OSError, UnicodeEncodeError):
        pytest.skip("this file system takes UTF-8 names only")
    read(folder, sink, tmp_path)
    assert list(sink.payloads) == ["good.png"] and list(sink.refused) == ["f\\udcfc.png"]


def test_pictures_chosen_by_a_pattern_and_described(tmp_path, folder, sink):
    save(tmp_path, "images/a.png", shape=(6, 5))
    save(tmp_path, "images/b.png", mode="RGB", shape=(4, 4))
    grey = np.random.default_rng(0).integers(0, 256, (4, 4), dtype=np.uint8)
    Image.fromarray(np.dstack([grey] * 3)).save(tmp_path / "images/c.png")
    save(tmp_path, "thumbnails/a.png")
    options = {"pictures": "images/*", "mode": "colour", "describe": True, "labels": []}
    images.build(convert(options, images.Config)).read(open_source(tmp_path), sink)
    assert sink.of("KIND")["text_value"].to_list() == ["grey", "colour", "grey"], "three equal colours are grey"
    assert sink.of("SIZE")["text_value"].to_list() == ["6 × 5", "4 × 4", "4 × 4"] and "LABEL//label" not in sink.codes


def test_tiles_cover_the_picture_to_its_edges(tmp_path, folder, sink):
    values = save(tmp_path, "a.png", shape=(10, 7))
    save(tmp_path, "small.png", shape=(3, 9))
    read(folder, sink, tmp_path, tile=4)
    assert sink.of("TILE")["text_value"].to_list() == [f"{row} {column} 1 0" for row in (0, 4, 6) for column in (0, 3)]
    np.testing.assert_array_equal(sink.payloads["a.png#6,3"].values, values[None, 6:, 3:])
    assert "less than a tile" in sink.refused["small.png"] and sink.of("IMAGE")["source_id"].to_list() == ["a"]


def test_options_that_cannot_be_meant_are_refused_before_anything_is_read():
    for given, told in (
        ({"subject_pattern": "("}, "regular expression"),
        ({"parts": {"train": "("}}, "regular expression"),
        ({"parts": {"training": "x"}}, "training"),
        ({"masks": {"MASK": "{name}.png"}}, "name"),
        ({"count": ["MASK"]}, "no mask"),
        ({"masks": {"MASK": "{stem}.png"}, "mask_values": [0, 0]}, "twice"),
        ({"boxes": "voc", "annotations": "{child}.xml"}, "child"),
    ):
        with pytest.raises(ConfigError, match=told):
            images.build(convert(given, images.Config))


@pytest.mark.parametrize("seed", range(60))
def test_a_file_with_any_bytes_changed_or_lost_is_read_or_refused(seed, tmp_path, folder, sink):
    random = np.random.default_rng(seed)
    form = random.choice(["png", "jpg", "tif"])
    shown = Image.fromarray(random.integers(0, 256, (24, 20, 3), dtype=np.uint8))
    if form == "tif":
        shown.save(tmp_path / "a.tif", compression=random.choice([None, "tiff_lzw", "tiff_adobe_deflate"]))
    else:
        shown.save(tmp_path / f"a.{form}")
    whole = bytearray((tmp_path / f"a.{form}").read_bytes())
    for place in random.integers(0, random.choice([60, 400, len(whole)]), random.choice([1, 3, 20])):
        whole[min(place, len(whole) - 1)] = random.choice([0, 255, random.integers(256)])
    whole = whole[: random.integers(1, len(whole))] if random.random() < 0.3 else whole
    (tmp_path / f"a.{form}").write_bytes(whole)
    read(folder, sink, tmp_path, mode="colour", pages="volume")
    assert sink.accepted + len(sink.refused) == 1


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        (lambda whole: b"", "it is empty"),
        (lambda whole: b"no picture at all", "it does not begin as one"),
        (lambda whole: whole[: len(whole) // 2], "cut short or damaged"),
    ],
)
def test_what_is_wrong_with_a_damaged_picture_is_said_in_words(tmp_path, folder, sink, spoilt, reason):
    for name in ("a.jpg", "b.png", "c.tif"):
        save(tmp_path, name, shape=(64, 64))
        (tmp_path / name).write_bytes(spoilt((tmp_path / name).read_bytes()))
    save(tmp_path, "whole.png")
    read(folder, sink, tmp_path)
    said = list(sink.refused.values())
    assert len(said) == 3 and all(reason in one and "Error" not in one for one in said), said
