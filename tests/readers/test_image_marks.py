"""Masks and boxes beside pictures: what each value and number means, and every way in which they may not fit."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import sequela
from sequela.config import convert
from sequela.errors import DataError
from sequela.readers import _marked_boxes, _xml, images
from sequela.readers._marked_boxes import Box, Marked
from sequela.store.source import open_source

MASK = {"masks": {"MASK": "../masks/{stem}.png"}}


def read(sink, root, **options):
    images.build(convert(options, images.Config)).read(open_source(root), sink)
    return sink


def picture(root, name, shape=(6, 5)):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(len(name)).integers(0, 256, shape, dtype=np.uint8)).save(path)


def mask(root, name, values, **options):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values, **options).save(path)


def voc(*things, size=(6, 5), head=""):
    """An annotation file of (name, xmin, ymin, xmax, ymax) on a picture of this height and width."""
    sides = ("xmin", "ymin", "xmax", "ymax")
    objects = "".join(
        f"<object><name>{name}</name><bndbox>"
        + "".join(f"<{side}>{value}</{side}>" for side, value in zip(sides, box, strict=True))
        + "</bndbox></object>"
        for name, *box in things
    )
    return f"{head}<annotation><size><width>{size[1]}</width><height>{size[0]}</height></size>{objects}</annotation>"


# -------------------------------------------------------------------------------------------------------------------------- masks


def test_black_and_white_is_no_and_yes_and_numbers_stay_numbers(tmp_path, memory):
    yes = np.zeros((6, 5), np.uint8)
    yes[2:4] = 255
    picture(tmp_path, "pictures/a.png")
    for values, expected in ((yes, yes // 255), (yes.astype(bool), yes // 255), (yes // 64, yes // 64)):
        mask(tmp_path, "masks/a.png", values)
        sink = read(memory(), tmp_path, **MASK)
        found = sink.payloads["pictures/a.png#MASK"].values
        np.testing.assert_array_equal(found, expected[None])
        assert found.dtype == np.uint8 and sink.codes["MASK"][0] == "label"
        assert list(sink.payloads) == ["pictures/a.png", "pictures/a.png#MASK"], "a mask is no picture"


def test_instances_may_be_more_than_255_and_are_counted(tmp_path, sink):
    numbers = np.arange(600, dtype=np.uint16).reshape(20, 30)
    picture(tmp_path, "pictures/a.png", (20, 30))
    mask(tmp_path, "masks/a.png", numbers)
    read(sink, tmp_path, **MASK, count=["MASK"])
    found = sink.payloads["pictures/a.png#MASK"].values
    np.testing.assert_array_equal(found[0], numbers)
    assert found.dtype == np.uint16 and sink.of("LABEL//count_MASK")["numeric_value"].to_list() == [599]


def test_the_places_of_a_palette_are_labels_not_its_colours(tmp_path, sink):
    places = np.random.default_rng(0).integers(0, 4, (6, 5), dtype=np.uint8)
    coloured = Image.fromarray(places, "P")
    coloured.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0])
    picture(tmp_path, "pictures/a.png")
    (tmp_path / "masks").mkdir()
    coloured.save(tmp_path / "masks/a.png")
    read(sink, tmp_path, **MASK)
    np.testing.assert_array_equal(sink.payloads["pictures/a.png#MASK"].values[0], places)


def test_listed_values_become_their_places_and_others_are_refused(tmp_path, sink):
    values = np.array([0, 85, 255, 85], np.uint8).reshape(2, 2)
    for name, given_values in (("a", values), ("b", values + 1)):
        picture(tmp_path, f"pictures/{name}.png", (2, 2))
        mask(tmp_path, f"masks/{name}.png", given_values)
    read(sink, tmp_path, **MASK, mask_values=[0, 85, 255])
    np.testing.assert_array_equal(sink.payloads["pictures/a.png#MASK"].values[0], [[0, 1], [2, 1]])
    assert "mask_values" in sink.refused["pictures/b.png"]


def test_what_255_means_is_not_guessed_where_other_masks_have_other_values(tmp_path, sink):
    for name, values in (("a", [0, 255]), ("b", [0, 128])):
        picture(tmp_path, f"pictures/{name}.png", (1, 2))
        mask(tmp_path, f"masks/{name}.png", np.array([values], np.uint8))
    with pytest.raises(DataError, match="not plain") as refused:
        read(sink, tmp_path, **MASK)
    assert "mask_values" in refused.value.hint


def test_masks_beside_the_pictures_are_found_by_name_and_group(tmp_path, sink):
    for name in ("01_L", "01_R"):
        picture(tmp_path, f"{name}.png")
        mask(tmp_path, f"{name}_first.png", np.ones((6, 5), np.uint8))
        mask(tmp_path, f"second/{name[:2]}/{name[-1]}.png", np.full((6, 5), 2, np.uint8))
    masks = {"FIRST": "{stem}_first.png", "SECOND": "second/{child}/{eye}.png"}
    read(sink, tmp_path, masks=masks, subject_pattern=r"(?P<child>\d+)_(?P<eye>[LR])$", pictures="**")
    assert sink.accepted == 2 and sink.of("IMAGE")["source_id"].to_list() == ["01_L", "01_R"]
    assert (sink.payloads["01_R.png#SECOND"].values == 2).all() and (sink.payloads["01_R.png#FIRST"].values == 1).all()


def test_a_missing_mask_leaves_the_picture_without_a_label(tmp_path, sink):
    picture(tmp_path, "pictures/a.png")
    picture(tmp_path, "pictures/b.png")
    mask(tmp_path, "masks/b.png", np.ones((6, 5), np.uint8))
    read(sink, tmp_path, **MASK)
    assert sink.of("MASK")["source_id"].to_list() == ["pictures/b"] and sink.accepted == 2
    assert sink.notes["pictures without a mask MASK, the first looked for at masks/a.png"] == 1


def test_a_mask_pattern_that_finds_nothing_shows_where_it_looked(tmp_path, sink):
    for name in "ab":
        picture(tmp_path, f"pictures/{name}.png")
        mask(tmp_path, f"masks/{name}.png", np.ones((6, 5), np.uint8))
    read(sink, tmp_path, masks={"MASK": "../mask/{stem}.png"}, pictures="pictures/*")
    assert sink.notes == {"pictures without a mask MASK, the first looked for at mask/a.png": 2}


def test_every_mask_that_does_not_fit_refuses_its_picture_by_name(tmp_path, sink):
    whole = np.ones((6, 5), np.uint8)
    colours = np.dstack([whole, whole * 2, whole])
    real = whole.astype(np.float32)
    for name in ("good", "turned", "cut", "text", "colours", "fractions", "negative"):
        picture(tmp_path, f"pictures/{name}.png")
    mask(tmp_path, "masks/good.tif", np.dstack([whole] * 3))
    mask(tmp_path, "masks/turned.tif", whole.T)
    mask(tmp_path, "masks/cut.tif", whole)
    (tmp_path / "masks/cut.tif").write_bytes((tmp_path / "masks/cut.tif").read_bytes()[:20])
    (tmp_path / "masks/text.tif").write_text("no mask")
    mask(tmp_path, "masks/colours.tif", colours)
    mask(tmp_path, "masks/fractions.tif", real / 2)
    mask(tmp_path, "masks/negative.tif", np.full((6, 5), -1, np.int32))
    read(sink, tmp_path, masks={"MASK": "../masks/{stem}.tif"})
    assert {name.split("/")[1] for name in sink.refused} == {
        f"{name}.png" for name in ("turned", "cut", "text", "colours", "fractions", "negative")
    }
    assert "5 × 6" in sink.refused["pictures/turned.png"] and "6 × 5" in sink.refused["pictures/turned.png"]
    assert list(sink.payloads) == ["pictures/good.png", "pictures/good.png#MASK"]


def test_a_picture_turned_by_its_camera_is_refused_with_a_mask_and_read_without(tmp_path, memory):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "pictures").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "pictures/a.jpg", exif=exif)
    assert read(memory(), tmp_path, **MASK).accepted == 1
    mask(tmp_path, "masks/a.png", np.ones((8, 8), np.uint8))
    assert "EXIF" in read(memory(), tmp_path, **MASK).refused["pictures/a.jpg"]


def test_a_mask_is_brought_to_size_with_its_picture_by_the_nearest_point(tmp_path, sink):
    values = np.repeat(np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3), 4, 0), 4, 1)
    picture(tmp_path, "pictures/a.png", (8, 12))
    mask(tmp_path, "masks/a.png", values)
    read(sink, tmp_path, **MASK, size=[2, 3])
    np.testing.assert_array_equal(sink.payloads["pictures/a.png#MASK"].values[0], np.arange(6).reshape(2, 3))


def test_a_volume_of_pages_has_a_mask_of_pages(tmp_path, sink):
    def save(name, depth, value):
        pages = [Image.fromarray(np.full((4, 3), value * k, np.uint8)) for k in range(depth)]
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])

    save("pictures/a.tif", 5, 10)
    save("pictures/b.tif", 5, 10)
    save("masks/a.tif", 5, 1)
    save("masks/b.tif", 4, 1)
    read(sink, tmp_path, masks={"MASK": "../masks/{stem}.tif"}, pages="volume")
    assert sink.payloads["pictures/a.tif#MASK"].values[0, :, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert "4 × 4 × 3" in sink.refused["pictures/b.tif"]


def test_two_pictures_of_one_subject_cannot_share_masks(tmp_path, sink):
    for name in ("1_a", "1_b"):
        picture(tmp_path, f"{name}.png")
    read(sink, tmp_path, masks={"MASK": "masks/{stem}.png"}, subject_pattern=r"(?P<subject>\d)_")
    assert list(sink.refused) == ["1_b.png"] and "subject" in sink.refused["1_b.png"]


# -------------------------------------------------------------------------------------------------------------------- Pascal VOC


def test_voc_counts_from_one_and_includes_the_last_pixel(tmp_path, sink):
    picture(tmp_path, "JPEGImages/a.png")
    picture(tmp_path, "JPEGImages/b.png")
    picture(tmp_path, "JPEGImages/c.png")
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/a.xml").write_text(voc(("cell", 1, 1, 5, 6), ("cell", 2, 3, 3, 4.5), ("plate", 4, 1, 5, 2)))
    (tmp_path / "Annotations/b.xml").write_text(voc())
    read(sink, tmp_path, boxes="voc", annotations="../Annotations/{stem}.xml")
    assert sink.of("BOX//cell")["text_value"].to_list() == ["0 0 6 5", "2 1 4.5 3"]
    assert sink.of("BOX//plate")["text_value"].to_list() == ["0 3 2 5"] and sink.codes["BOX//plate"][0] == "label"
    assert dict(zip(sink.of("BOXES")["source_id"], sink.of("BOXES")["numeric_value"], strict=True)) == {
        "JPEGImages/a": 3,
        "JPEGImages/b": 0,
    }, "no box is not the same as not marked"
    assert sink.of("LABEL//count_cell")["numeric_value"].to_list() == [2, 0]
    assert sink.of("LABEL//count_plate")["text_value"].to_list() == ["1", "0"]
    assert sink.accepted == 3 and sum(sink.notes.values()) == 1


def test_boxes_without_extent_or_outside_are_refused_one_by_one_and_others_cut_at_the_edge(tmp_path, sink):
    picture(tmp_path, "a.png")
    boxes = (("cell", 2, 2, 2, 2), ("cell", 3, 2, 2, 4), ("cell", 7, 1, 9, 4), ("cell", -2, 1, 3, 9), ("cell", 1, 1, 2, 2))
    (tmp_path / "a.xml").write_text(voc(*boxes))
    read(sink, tmp_path, boxes="voc")
    assert set(sink.refused) == {"a.png box 1", "a.png box 2", "a.png box 3"} and "outside" in sink.refused["a.png box 3"]
    assert sink.of("BOX//cell")["text_value"].to_list() == ["0 0 6 3", "0 0 2 2"]
    assert sink.of("BOXES")["numeric_value"].to_list() == [2] and sink.notes[_marked_boxes.CLIPPED] == 1 and sink.accepted == 1


def test_every_bad_annotation_refuses_its_picture_and_shows_nothing_of_it(tmp_path, sink):
    expanding = '<!DOCTYPE a [<!ENTITY x "secret"><!ENTITY y "&x;&x;&x;&x;">]>'
    outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    bad = {
        "entity": voc(("&y;", 1, 1, 2, 2), head=expanding),
        "external": voc(("&x;", 1, 1, 2, 2), head=outside),
        "cut": voc(("cell", 1, 1, 2, 2))[:-30],
        "empty": "",
        "other": "<html></html>",
        "size": voc(("cell", 1, 1, 2, 2), size=(60, 50)),
        "words": voc(("cell", 1, 1, 2, "wide")),
        "nan": voc(("cell", 1, 1, 2, "nan")),
        "nameless": voc(("", 1, 1, 2, 2)),
    }
    picture(tmp_path, "good.png")
    (tmp_path / "good.xml").write_text(voc(("cell", 1, 1, 2, 2)))
    for name, text in bad.items():
        picture(tmp_path, f"{name}.png")
        (tmp_path / f"{name}.xml").write_text(text)
    read(sink, tmp_path, boxes="voc")
    assert set(sink.refused) == {f"{name}.png" for name in bad} and sink.accepted == 1
    assert "document type" in sink.refused["entity.png"] and "document type" in sink.refused["external.png"]
    assert "60 × 50" in sink.refused["size.png"] and not any("secret" in reason for reason in sink.refused.values())


def test_boxes_are_brought_to_size_with_their_picture(tmp_path, sink):
    picture(tmp_path, "a.png", (6, 8))
    (tmp_path / "a.xml").write_text(voc(("cell", 1, 4, 4, 6), size=(6, 8)))
    read(sink, tmp_path, boxes="voc", size=[12, 4])
    assert sink.of("BOX//cell")["text_value"].to_list() == ["6 0 12 2"]


def test_xml_loses_its_namespaces():
    root = _xml.parsed(b'<a xmlns="http://www.nih.gov"><b> x </b></a>')
    assert root.tag == "a" and _xml.text(root, "b") == "x" and _xml.text(root, "c") == ""


@given(st.tuples(*[st.floats(-50, 50)] * 4), st.integers(1, 40), st.integers(1, 40))
def test_a_fitted_box_lies_within_its_picture_and_within_itself(edges, height, width):
    box = Box("x", *edges)
    fitting = _marked_boxes.fitted(Marked((box,)), (height, width))
    assert len(fitting.boxes) + len(fitting.refused) == 1
    for kept in fitting.boxes:
        assert 0 <= kept.top < kept.bottom <= height and 0 <= kept.left < kept.right <= width
        assert kept.top >= box.top and kept.left >= box.left and kept.bottom <= box.bottom and kept.right <= box.right
        assert [float(edge) for edge in kept.text.split()] == pytest.approx([kept.top, kept.left, kept.bottom, kept.right])


# --------------------------------------------------------------------------------------------------------------------------- COCO


def coco(**changes):
    """A file of two pictures and three boxes, one of them of a crowd."""
    images_ = [{"id": 1, "file_name": "a.png", "height": 6, "width": 5}, {"id": 2, "file_name": "b.png"}]
    annotations = [
        {"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "area": 12, "segmentation": [[1, 2]]},
        {"image_id": 1, "category_id": 8, "bbox": [0.5, 0, 1, 1]},
        {"image_id": 1, "category_id": 8, "bbox": [0, 0, 5, 5], "iscrowd": 1},
    ]
    whole = {"images": images_, "annotations": annotations, "categories": [{"id": 7, "name": "RBC"}, {"id": 8, "name": "WBC"}]}
    return json.dumps(whole | changes)


def test_coco_boxes_are_left_top_width_and_height_from_zero(tmp_path, sink):
    for name in ("images/a.png", "images/b.png", "images/c.png"):
        picture(tmp_path, name)
    (tmp_path / "instances.json").write_text(coco())
    read(sink, tmp_path, boxes="coco")
    assert sink.of("BOX//RBC")["text_value"].to_list() == ["2 1 6 4"]
    assert sink.of("BOX//WBC")["text_value"].to_list() == ["0 0.5 1 1.5"]
    assert sink.of("BOXES").select("source_id", "numeric_value").rows() == [("images/a", 2), ("images/b", 0)]
    assert sink.notes[_marked_boxes.CROWD] == 1 and sink.accepted == 3


def test_coco_finds_pictures_in_other_folders_by_a_name_that_is_theirs_alone(tmp_path, sink):
    for name in ("here/a.png", "here/b.png", "there/b.png"):
        picture(tmp_path, name)
    names = [{"id": 1, "file_name": "train2017/a.png"}, {"id": 2, "file_name": "train2017/b.png"}]
    (tmp_path / "instances.json").write_text(coco(images=names))
    read(sink, tmp_path, boxes="coco")
    assert sink.of("BOXES")["source_id"].to_list() == ["here/a"] and sink.accepted == 3


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"images": 3}', coco(annotations=[{"image_id": 9, "category_id": 7, "bbox": [1, 1, 1, 1]}]), "\ud800"],
    ids=["empty", "a list", "nothing in it", "a number", "an unknown picture", "no UTF-8"],
)
def test_json_that_is_not_coco_stops_the_import(text, tmp_path, sink):
    picture(tmp_path, "a.png")
    (tmp_path / "boxes.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(DataError, match=r"boxes\.json"):
        read(sink, tmp_path, boxes="coco")


def test_which_json_holds_the_boxes_is_not_guessed(tmp_path, memory):
    picture(tmp_path, "a.png")
    picture(tmp_path, "b.png")
    (tmp_path / "one.json").write_text(coco())
    (tmp_path / "two.json").write_text(coco())
    with pytest.raises(DataError, match="2 JSON files"):
        read(memory(), tmp_path, boxes="coco")
    with pytest.raises(DataError, match="two JSON files"):
        read(memory(), tmp_path, boxes="coco", annotations="*.json")


# ---------------------------------------------------------------------------------------------------------------------- real data


@pytest.mark.slow
def test_chase_db1_has_two_observers_and_both_eyes_of_a_child(real_data, sink):
    masks = {"MASK": "{stem}_1stHO.png", "SECOND": "{stem}_2ndHO.png"}
    pattern = r"Image_(?P<child>\d+)(?P<eye>[LR])"
    parts = {"train": r"Image_(0\d|10)", "test": r"Image_1[1-4]"}
    read(sink, real_data("chase_db1"), mode="colour", masks=masks, subject_pattern=pattern, parts=parts)
    assert sink.accepted == 28 and not sink.refused and not sink.notes and len(sink.payloads) == 84
    assert sink.of("CHILD")["text_value"].n_unique() == 14 and sorted(sink.parts.values()) == ["test"] * 8 + ["train"] * 20
    first, second = (
        np.stack([sink.payloads[f"Image_{eye}.jpg#{code}"].values for eye in ("01L", "14R")]) for code in ("MASK", "SECOND")
    )
    assert first.shape == (2, 1, 960, 999) and set(np.unique(first)) == {0, 1}
    assert 0.6 < 2 * (first & second).sum() / (first.sum() + second.sum()) < 0.9


@pytest.mark.slow
def test_bccd_refuses_two_boxes_without_extent_and_keeps_their_pictures(real_data, sink):
    names = {"train": "train", "tune": "val", "test": "test"}
    parts = {part: f"ImageSets/Main/{name}.txt" for part, name in names.items()}
    options = {"boxes": "voc", "annotations": "../Annotations/{stem}.xml", "parts": parts, "size": [48, 64]}
    read(sink, real_data("bccd") / "BCCD", **options)
    counts = {name: int(sink.of(f"LABEL//count_{name}")["numeric_value"].sum()) for name in ("RBC", "WBC", "Platelets")}
    assert counts == {"RBC": 4153, "WBC": 372, "Platelets": 361} and sink.of("BOXES")["numeric_value"].sum() == 4886
    assert list(sink.refused) == ["JPEGImages/BloodImage_00338.jpg box 13", "JPEGImages/BloodImage_00343.jpg box 4"]
    assert sink.accepted == 364 and [list(sink.parts.values()).count(part) for part in names] == [205, 87, 72]


@pytest.mark.slow
def test_dsb2018_numbers_its_nuclei_and_has_two_kinds_of_pictures(real_data, sink):
    options = {"mode": "colour", "masks": {"MASK": "../labels/{stem}.png"}, "count": ["MASK"], "describe": True}
    read(sink, real_data("dsb2018"), **options)
    assert sink.accepted == 538 and not sink.refused
    assert sink.of("LABEL//count_MASK")["numeric_value"].sum() == 16667
    assert sink.of("KIND")["text_value"].value_counts().sort("text_value")["count"].to_list() == [107, 431]


# ---------------------------------------------------------------------------------------------------------------------- the store


def test_a_store_gives_pictures_masks_and_boxes_back(tmp_path):
    for name in "ab":
        picture(tmp_path / "set", f"pictures/{name}.png")
        mask(tmp_path / "set", f"masks/{name}.png", np.full((6, 5), 3, np.uint8))
        (tmp_path / "set" / "pictures" / f"{name}.xml").write_text(voc(("cell", 1, 1, 5, 6)))
    store = sequela.import_data("images", tmp_path / "set", tmp_path / "it.store", options={**MASK, "boxes": "voc"})
    events = store.events(["MASK", "IMAGE", "BOX//cell", "BOXES"])
    assert store.kinds["MASK"] == store.kinds["BOX//cell"] == store.kinds["BOXES"] == "label"
    shapes = [store.payloads.open(uri).values.shape for uri in events["payload"].drop_nulls()]
    assert shapes == [(1, 6, 5)] * 4
    (first, second) = (store.payloads.open(uri).values for uri in store.events(["MASK"])["payload"])
    assert (first == 3).all() and (second == 3).all()
    assert store.events(["BOX//cell"])["text_value"].to_list() == ["0 0 6 5"] * 2


def test_one_picture_alone_is_read_with_the_options_of_its_set(tmp_path, memory):
    picture(tmp_path, "new.png")
    of_the_set = {
        **MASK,
        "boxes": "voc",
        "annotations": "../Annotations/{stem}.xml",
        "parts": {"train": "ImageSets/Main/train.txt"},
        "subject_pattern": r"Image_(?P<child>\d+)",
        "count": ["MASK"],
    }
    sink = read(memory(), tmp_path / "new.png", **of_the_set)
    assert sink.accepted == 1 and not sink.refused and set(sink.codes) == {"IMAGE"}
