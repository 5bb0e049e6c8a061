"""Small folders laid out exactly as ChestX-ray14 is given out."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from PIL import Image

from sequela.config import convert
from sequela.errors import DataError
from sequela.readers import chestxray14
from sequela.readers._samples import ANCHOR
from sequela.store.source import open_source

HEAD = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y],"
)
LINES = (  # as in the file of 2017
    "00000001_000.png,Cardiomegaly,0,1,058Y,M,PA,2682,2749,0.143,0.143,",
    "00000001_001.png,Cardiomegaly|Emphysema,1,1,058Y,M,AP,2894,2729,0.143,0.143,",
    "00000002_000.png,No Finding,0,2,009M,F,PA,2500,2048,0.171,0.171,",
    "00000003_000.png,Infiltration|Pleural_Thickening,0,3,414Y,F,PA,2582,2991,0.143,0.143,",
)
BOXES = (
    "00000001_001.png,Cardiomegaly,225.08474576271,10.5,86.7,79.1,,,",
    "00000003_000.png,Infiltrate,686.1,131.5,185.4,313.4,,,",
)


def layout(root, lines=LINES, boxes=BOXES, head=HEAD):
    """The folder of the set, with a picture for each line; their bytes by name."""
    pictures = {}
    for number, line in enumerate(lines):
        name = line.partition(",")[0]
        path = root / f"images_{number % 2 + 1:03d}" / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pictures[name] = np.random.default_rng(number).integers(0, 256, (1024, 1024), dtype=np.uint8)
        Image.fromarray(pictures[name]).save(path, compress_level=1)
    (root / "Data_Entry_2017.csv").write_text("\n".join([head, *lines, ""]))
    (root / "BBox_List_2017.csv").write_text("\n".join(["Image Index,Finding Label,Bbox [x,y,w,h],,,", *boxes, ""]))
    (root / "train_val_list.txt").write_text("00000001_000.png\n00000001_001.png\n00000002_000.png\n")
    (root / "test_list.txt").write_text("00000003_000.png\n")
    return pictures


def read(sink, root, **options):
    chestxray14.build(convert(options, chestxray14.Config)).read(open_source(root), sink)
    return sink


def test_pictures_findings_and_official_parts_are_read(tmp_path, sink):
    pictures = layout(tmp_path)
    read(sink, tmp_path)
    assert sink.accepted == 4 and not sink.refused and sink.relative
    payload = sink.payloads["images_002/images/00000001_001.png"]
    np.testing.assert_array_equal(payload.values, pictures["00000001_001.png"][None])
    assert sink.parts == {"1": "train", "2": "train", "3": "test"}
    stamped = sink.of("IMAGE").select("source_id", "time").rows()
    assert stamped == [("1", ANCHOR), ("1", ANCHOR + timedelta(days=1)), ("2", ANCHOR), ("3", ANCHOR)]
    assert sink.of("LABEL//Emphysema")["numeric_value"].to_list() == [0, 1, 0, 0]
    assert sink.of("LABEL//Emphysema")["time"].to_list() == sink.of("IMAGE")["time"].to_list()
    assert sink.of("LABEL//No Finding")["numeric_value"].to_list() == [0, 0, 1, 0]
    assert len([code for code in sink.codes if code.startswith("LABEL//")]) == 15


def test_age_sex_and_view_are_told_where_they_can_be_true(tmp_path, sink):
    layout(tmp_path)
    read(sink, tmp_path)
    assert sink.of("AGE").select("source_id", "numeric_value").rows() == [("1", 58), ("1", 58), ("2", 0.75)]
    assert sum(sink.notes.values()) == 1, "nobody is 414 years old"
    assert sink.of("SEX").select("source_id", "text_value", "time").rows() == [
        ("1", "M", None),
        ("2", "F", None),
        ("3", "F", None),
    ]
    assert sink.of("VIEW")["text_value"].to_list() == ["PA", "AP", "PA", "PA"]


def test_boxes_are_on_the_pictures_that_the_list_names_alone(tmp_path, sink):
    layout(tmp_path)
    read(sink, tmp_path, size=512)
    assert sink.of("BOXES").select("source_id", "numeric_value").rows() == [("1", 1), ("3", 1)]
    box = [float(edge) for edge in sink.of("BOX//Cardiomegaly")["text_value"][0].split()]
    assert box == pytest.approx([10.5 / 2, 225.08474576271 / 2, (10.5 + 79.1) / 2, (225.08474576271 + 86.7) / 2])
    assert sink.of("BOX//Infiltration")["time"].to_list() == [ANCHOR], "written Infiltrate in the list"


def test_spacing_is_that_of_the_stretched_picture(tmp_path, memory):
    layout(tmp_path)
    for size, side in ((None, 1024), (256, 256)):
        space = read(memory(), tmp_path, size=size).payloads["images_001/images/00000001_000.png"].space
        assert not space.oriented and space.spacing[1:] == pytest.approx((0.143 * 2749 / side, 0.143 * 2682 / side))


def test_the_newer_table_and_a_part_of_the_pictures_are_read(tmp_path, sink):
    newer = tuple(line.replace("058Y", "58").removesuffix(",") for line in LINES[:3])
    layout(tmp_path, newer, head=HEAD.removesuffix(",").replace("Gender", "Sex"))
    (tmp_path / "Data_Entry_2017.csv").rename(tmp_path / "Data_Entry_2017_v2020.csv")
    (tmp_path / "images_001/images/00000002_000.png").unlink()
    read(sink, tmp_path, partial=True)
    assert sink.accepted == 2 and not sink.refused and sink.of("AGE")["numeric_value"].to_list() == [58, 58]
    assert sink.of("SEX")["source_id"].to_list() == ["1"], "a patient without a picture is no subject"
    assert {note: count for note, count in sink.notes.items() if "not there" in note}.popitem()[1] == 1


def test_every_bad_line_and_picture_is_refused_by_name(tmp_path, sink):
    lines = (
        *LINES,
        "00000004_000.png,Broken Rib,0,4,058Y,M,PA,1,1,1,1,",
        "00000005_000.png,No Finding|Mass,0,5,058Y,M,PA,1,1,1,1,",
        "00000006_000.png,Mass,zero,6,058Y,M,PA,1,1,1,1,",
        "00000007_000.png,Mass,0,7,058Y,M,PA,1,1,1,1,",
        "00000008_000.png,Mass,0,8,058Y,M,PA,1,1,1,1,",
        "00000001_009.png,Mass,1,1,058Y,M,PA,1,1,1,1,",
    )
    layout(tmp_path, lines, (*BOXES, "00000001_000.png,Mass,1,2,3", "00000001_000.png,Mass,5,5,0,9,,,"))
    (tmp_path / "images_002/images/00000007_000.png").rename(tmp_path / "notes.txt")
    cut = tmp_path / "images_001/images/00000008_000.png"
    cut.write_bytes(cut.read_bytes()[:500])
    read(sink, tmp_path)
    assert set(sink.refused) == {
        *(f"0000000{number}_000.png" for number in (4, 5, 6, 7, 8)), "00000001_009.png", "BBox_List_2017.csv line 4",
        "00000001_000.png box 1",
    }  # fmt: skip
    assert sink.accepted == 4 and "same time" in sink.refused["00000001_009.png"] and "Rib" not in str(sink.refused)


def test_a_folder_without_the_table_is_refused(tmp_path, sink):
    with pytest.raises(DataError, match="Data_Entry_2017"):
        read(sink, tmp_path)
    (tmp_path / "Data_Entry_2017.csv").write_text("Image Index,Patient ID\n")
    with pytest.raises(DataError, match="Finding Labels"):
        read(sink, tmp_path)
