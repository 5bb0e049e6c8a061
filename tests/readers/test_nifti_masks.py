"""Masks of NIfTI volumes: matched by name, turned with their images, or refused with them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.readers.nifti_files import MASK, OBLIQUE, pair, read, reference, save

import sequela

nibabel = pytest.importorskip("nibabel")


def test_masks_are_matched_by_name_and_turned_with_their_images(tmp_path, folder, sink):
    pair(tmp_path, "imagesTr/a.nii", "labelsTr/a.nii.gz")
    save(tmp_path, "imagesTs/b.nii.gz")
    read(folder, sink, tmp_path)
    image, mask = sink.payloads["imagesTr/a.nii"], sink.payloads["labelsTr/a.nii.gz"]
    np.testing.assert_array_equal(mask.values[0], reference(nibabel.Nifti1Image(MASK, OBLIQUE))[0])
    assert mask.values.dtype == np.uint8 and mask.space is image.space and mask.channels == ("label",)
    assert sink.of("MASK")["source_id"].to_list() == ["a"] and sink.of("IMAGE")["source_id"].to_list() == ["a", "b"]
    assert sink.codes["MASK"][0] == "label" and not sink.refused, "a folder without any masks is no fault"


def test_a_mask_whose_file_is_turned_otherwise_than_its_image_is_the_same_mask(tmp_path, folder, sink):
    pair(tmp_path)
    turned = nibabel.Nifti1Image(MASK, OBLIQUE).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    save(tmp_path, "labels/a.nii", np.asarray(turned.dataobj), turned.affine)
    np.testing.assert_array_equal(
        read(folder, sink, tmp_path).payloads["labels/a.nii"].values[0], reference(nibabel.Nifti1Image(MASK, OBLIQUE))[0]
    )


def test_an_image_without_its_mask_and_a_mask_without_its_image_are_refused_by_name(tmp_path, folder, sink, memory):
    pair(tmp_path)
    save(tmp_path, "images/118.nii")
    save(tmp_path, "labels/010.nii", MASK)
    assert set(read(folder, sink, tmp_path).refused) == {"images/118.nii", "labels/010.nii"}
    assert read(folder, memory(), tmp_path, unmarked="keep").accepted == 2


MOVED = OBLIQUE + np.array([[0, 0, 0, 1.0]] + [[0] * 4] * 3)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"values": MASK[:, :, :-1]}, "shape 6 × 6 × 5, its image 7 × 6 × 5"),
        ({"affine": MOVED}, "lies elsewhere"),
        ({"values": MASK.astype(np.int16) - 1}, "whole ones from 0"),
        ({"values": MASK + np.float32(0.5)}, "whole ones from 0"),
        ({"values": np.where(MASK, np.nan, 0).astype(np.float32)}, "not finite"),
        ({"values": MASK.astype(np.int32) * 40000}, "whole ones from 0"),
        ({"values": np.stack([MASK, MASK], 3)}, "2 volumes"),
    ],
)
def test_a_mask_that_does_not_fit_refuses_its_image_by_name(changed, reason, tmp_path, folder, sink):
    pair(tmp_path, **changed)
    assert reason in read(folder, sink, tmp_path).refused["images/a.nii"] and not sink.payloads


def test_labels_above_255_are_kept(tmp_path, folder, sink):
    pair(tmp_path, values=MASK.astype(np.float32) * 1000)
    found = read(folder, sink, tmp_path).payloads["labels/a.nii"].values
    assert found.dtype == np.uint16 and set(np.unique(found).tolist()) == {0, 1000, 2000}


def test_volumes_of_labels_are_in_millilitres(tmp_path, folder, sink):
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    mask = np.zeros((5, 6, 7), np.uint8)
    mask[0, :5], mask[1, 0, 0] = 1, 3
    for name, values in (("a", mask), ("b", (mask == 1).astype(np.uint8))):
        save(tmp_path, f"images/{name}.nii", affine=affine)
        save(tmp_path, f"labels/{name}.nii", values, affine)
    read(folder, sink, tmp_path, volumes=True)
    told = {code: sink.of(f"LABEL//{code}")["numeric_value"].to_list() for code in ("volume", "volume_1", "volume_3")}
    assert told["volume"] == pytest.approx([36 * 0.024, 35 * 0.024]) and told["volume_3"] == pytest.approx([0.024, 0])
    assert sink.codes["LABEL//volume_1"] == ("label", "mL") and "LABEL//volume_2" not in sink.codes


def test_patterns_say_which_files_are_images_and_where_their_masks_lie(tmp_path, folder, sink):
    for case in ("01", "02"):
        save(tmp_path, f"sub-{case}/anat/sub-{case}_T1w.nii.gz")
        save(tmp_path, f"sub-{case}/anat/sub-{case}_T2w.nii.gz")
        save(tmp_path, f"truth/sub-{case}_T1w_seg.nii.gz", MASK)
    source = sequela.import_data(
        "nifti",
        tmp_path,
        tmp_path / "it.store",
        options={
            "images": "*_T1w.nii.gz",
            "masks": "../../truth/{stem}_seg.nii.gz",
            "subject_pattern": r"(?P<subject>sub-(?P<number>\d+))",
        },
    )
    assert source.subjects["source_id"].to_list() == ["sub-01", "sub-02"]
    events = source.events()
    assert events.filter(events["code"] == "NUMBER")["text_value"].to_list() == ["01", "02"]
    assert (events["code"] == "MASK").sum() == 2 and source.flow.refused_count == 0


def test_two_volumes_of_one_subject_are_not_told_apart(tmp_path, folder, sink):
    save(tmp_path, "x_1.nii")
    save(tmp_path, "x_2.nii")
    assert list(read(folder, sink, tmp_path, subject_pattern="(?P<subject>x)").refused) == ["x_2.nii"]


def test_folders_that_name_a_part_say_it(tmp_path, folder, sink):
    save(tmp_path, "train/a.nii")
    save(tmp_path, "val/images/b.nii")
    save(tmp_path, "val/images/a.nii")
    read(folder, sink, tmp_path)
    assert sink.parts == {"val/b": "tune", "val/a": "tune"}, "where there are folders of images, others are not read"
