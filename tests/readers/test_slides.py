"""Slides as pyramidal TIFF files made here: tiles by level and by resolution, tissue told from glass, and bad files."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import _tiles, slides

tifffile = pytest.importorskip("tifffile")
pytest.importorskip("openslide")

TISSUE = (slice(256, 768), slice(512, 1024))  # rows and columns of the stained square


def slide(path, *, micrometres=0.5, levels=3, stained=True):
    """A slide of 1024 × 1536 pixels in a pyramid of levels four times coarser each; its finest level."""
    random = np.random.default_rng(0)
    base = random.integers(236, 240, (1024, 1536, 1), dtype=np.uint8).repeat(3, 2)
    if stained:
        base[TISSUE] = random.integers(0, 60, (512, 512, 3), dtype=np.uint8) + np.array([150, 40, 120], np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tifffile.TiffWriter(path) as writer:
        for level in range(levels):
            pixels = 1e4 / micrometres / 4**level if micrometres else 1
            resolution = {"resolution": (pixels, pixels), "resolutionunit": "CENTIMETER" if micrometres else "NONE"}
            picture = base[:: 4**level, :: 4**level]
            writer.write(picture, tile=(256, 256), photometric="rgb", subfiletype=int(level > 0), metadata=None, **resolution)
    return base


def read(folder, sink, root, **options):
    slides.build(convert(options, slides.Config)).read(folder(root), sink)
    return sink


def placed(sink):
    """Rows, columns, spans and micrometres of the tiles, in order."""
    return np.array([[float(part) for part in text.split()] for text in sink.of("TILE")["text_value"]])


def test_the_tiles_of_a_level_are_its_pixels_where_tissue_is(tmp_path, folder, sink):
    base = slide(tmp_path / "a.tif")
    read(folder, sink, tmp_path)
    found = placed(sink)
    assert {(row, column) for row, column, *_ in found} == {(256, 512), (256, 768), (512, 512), (512, 768)}
    np.testing.assert_array_equal(found[:, 2:], [[1, 0.5]] * 4)
    for row, column in ((256, 512), (512, 768)):
        tile = sink.payloads[f"a.tif#{row},{column}"].values
        np.testing.assert_array_equal(tile, base[row : row + 256, column : column + 256].transpose(2, 0, 1))
    assert sink.of("TILE")["numeric_value"].to_list() == pytest.approx([1] * 4, abs=0.02) and sink.accepted == 1


def test_a_coarser_level_has_its_places_in_pixels_of_the_finest(tmp_path, folder, sink):
    base = slide(tmp_path / "a.tif")
    read(folder, sink, tmp_path, tile=32, level=1, tissue=0.9)
    found = placed(sink)
    assert len(found) == (512 // 128) ** 2 and (found[:, 2:] == [4, 2]).all()
    row, column = found[5, :2].astype(int)
    np.testing.assert_array_equal(
        sink.payloads[f"a.tif#{row},{column}"].values, base[row : row + 128 : 4, column : column + 128 : 4].transpose(2, 0, 1)
    )


def test_a_resolution_picks_the_coarsest_level_that_is_fine_enough(tmp_path, folder, memory):
    slide(tmp_path / "a.tif")
    exact = read(folder, memory(), tmp_path, tile=32, mpp=2.0, tissue=0.9)
    level = read(folder, memory(), tmp_path, tile=32, level=1, tissue=0.9)
    assert exact.payloads.keys() == level.payloads.keys()
    np.testing.assert_array_equal(placed(exact), placed(level))
    between = read(folder, memory(), tmp_path, tile=32, mpp=1.0, tissue=0.9)
    assert (placed(between)[:, 2:] == [2, 1]).all() and len(placed(between)) == (512 // 64) ** 2
    tile = between.payloads["a.tif#256,512"].values
    assert tile.shape == (3, 32, 32) and tile.std() < level.payloads["a.tif#256,512"].values.std(), "pixels are averaged"


def test_all_tiles_are_kept_where_no_tissue_is_asked_and_the_last_reach_the_edge(tmp_path, folder, sink):
    slide(tmp_path / "a.tif", stained=False)
    read(folder, sink, tmp_path, tile=400, tissue=0)
    assert [(row, column) for row, column, *_ in placed(sink)] == [
        (row, column) for row in (0, 400, 624) for column in (0, 400, 800, 1136)
    ]
    assert sink.of("TILE")["numeric_value"].to_list() == [0] * 12


def test_folder_and_name_say_label_part_and_group(tmp_path, folder, sink):
    slide(tmp_path / "train/tumour/p1_a.tif")
    slide(tmp_path / "test/normal/p2_a.tif")
    read(folder, sink, tmp_path, tile=256, subject_pattern=r"(?P<subject>p\d)_(?P<block>\w)$")
    assert dict(zip(sink.of("LABEL//label")["source_id"], sink.of("LABEL//label")["text_value"], strict=True)) == {
        "p1": "tumour",
        "p2": "normal",
    }
    assert sink.parts == {"p1": "train", "p2": "test"} and sink.of("BLOCK")["text_value"].to_list() == ["a", "a"]
    thumbnail = sink.payloads["test/normal/p2_a.tif#thumbnail"].values
    assert thumbnail.shape[0] == 3 and max(thumbnail.shape) <= 1024
    assert float(sink.of("THUMBNAIL")["text_value"][0]) == pytest.approx(1536 / thumbnail.shape[2])


def test_every_bad_slide_is_refused_by_name(tmp_path, folder, sink):
    slide(tmp_path / "good.tif")
    slide(tmp_path / "glass.tif", stained=False)
    slide(tmp_path / "unscaled.tif", micrometres=None)
    whole = (tmp_path / "good.tif").read_bytes()
    (tmp_path / "cut.tif").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "empty.svs").write_bytes(b"")
    (tmp_path / "text.ndpi").write_text("no slide")
    tifffile.imwrite(tmp_path / "ordinary.tif", np.zeros((20, 20, 3), np.uint8), photometric="rgb")
    read(folder, sink, tmp_path, mpp=0.5)
    assert set(sink.refused) == {"glass.tif", "unscaled.tif", "cut.tif", "empty.svs", "text.ndpi", "ordinary.tif"}
    assert "micrometres" in sink.refused["unscaled.tif"] and "tissue" in sink.refused["glass.tif"]
    assert "images" in sink.refused["ordinary.tif"] and sink.accepted == 1


def test_a_level_or_resolution_that_is_not_there_is_refused(tmp_path, folder, memory):
    slide(tmp_path / "a.tif")
    assert "levels" in read(folder, memory(), tmp_path, level=7).refused["a.tif"]
    assert "finest" in read(folder, memory(), tmp_path, mpp=0.1).refused["a.tif"]
    assert "over 2" in read(folder, memory(), tmp_path, most=2).refused["a.tif"]


def test_what_cannot_be_meant_is_an_error(tmp_path, folder, sink):
    with pytest.raises(DataError, match="no slide"):
        read(folder, sink, tmp_path)
    with pytest.raises(ConfigError, match="not at both"):
        slides.build(slides.Config(level=0, mpp=0.5))
    with pytest.raises(ConfigError, match="regular expression"):
        slides.build(slides.Config(subject_pattern="("))


def test_otsu_parts_two_heaps_where_the_variance_between_is_greatest():
    random = np.random.default_rng(0)
    heaps = np.clip(np.concatenate([random.normal(60, 10, 1000), random.normal(180, 20, 3000)]), 0, 255).astype(np.uint8)

    def between(threshold):
        low, high = heaps[heaps <= threshold].astype(float), heaps[heaps > threshold].astype(float)
        return len(low) * len(high) * (low.mean() - high.mean()) ** 2 if len(low) and len(high) else -1.0

    assert _tiles.otsu(heaps) == max(range(256), key=between)
    assert _tiles.otsu(np.full(9, 7, np.uint8)) == 0


def test_saturation_is_what_the_colour_wheel_says():
    colours = np.array([[255, 0, 0], [200, 100, 150], [9, 9, 9], [0, 0, 0]], np.uint8).T[:, None]
    np.testing.assert_array_equal(_tiles.saturation(colours), [[255, 128, 0, 0]])
