"""NIfTI volumes and their masks: what is in the file, turned to one orientation, or refused with its reason."""

from __future__ import annotations

import gzip
import zipfile
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import sequela
from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import nifti

nibabel = pytest.importorskip("nibabel")

RANDOM = np.random.default_rng(0)
IMAGE = RANDOM.integers(-1000, 2000, (5, 6, 7)).astype(np.int16)
MASK = RANDOM.integers(0, 3, (5, 6, 7)).astype(np.uint8)
OBLIQUE = np.array([[1.9, 0.3, 0.0, -20.0], [-0.3, 1.4, 0.2, 7.0], [0.1, -0.2, 2.9, 30.0], [0, 0, 0, 1]])
BUNDLED = Path(nibabel.__file__).parent


def save(root, name, values=IMAGE, affine=OBLIQUE, change=None, kind=None):
    """A file whose header `change` may alter, its numbers being stored as they are given."""
    image = (kind or nibabel.Nifti1Image)(values, affine)
    image.header.set_xyzt_units("mm")
    if change:
        change(image.header)
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path


def patch(path, offset, value):
    """Overwrites bytes of the header of an uncompressed file."""
    raw = bytearray(path.read_bytes())
    raw[offset : offset + len(value)] = value
    path.write_bytes(raw)


def read(folder, sink, root, **options):
    nifti.build(convert(options, nifti.Config)).read(folder(root), sink)
    return sink


def reference(image):
    """A nibabel image as "D H W" and its affine in LPS, made by nibabel's own turning to RAS and our reversal of that."""
    ras = nibabel.as_closest_canonical(image)
    i, j, _ = ras.shape[:3]
    points = np.array([[i - 1, j - 1, 0, 1], [i - 1, j - 1, 1, 1], [i - 1, j - 2, 0, 1], [i - 2, j - 1, 0, 1]])
    first, down, row, column = (points @ ras.affine.T)[:, :3] * [-1, -1, 1]
    affine = np.eye(4)
    affine[:3] = np.stack([down - first, row - first, column - first, first], 1)
    return np.asarray(ras.dataobj)[::-1, ::-1].transpose(*range(3, ras.ndim), 2, 1, 0), affine


def assert_is(payload, image):
    values, affine = reference(image)
    stored = payload.values if values.ndim == 4 else payload.values[0]
    np.testing.assert_allclose(stored, values, rtol=1e-6)
    np.testing.assert_allclose(payload.space.affine, affine, atol=1e-4)


# -------------------------------------------------------------------------------------------------------------------- geometry


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_however_the_file_turns_a_volume_the_same_is_stored(order, tmp_path, folder, sink, memory):
    image = nibabel.Nifti1Image(IMAGE, OBLIQUE)
    save(tmp_path, "given/a.nii")
    given = read(folder, sink, tmp_path / "given").payloads["a.nii"]
    assert_is(given, image)
    for number, flips in enumerate(product([1, -1], repeat=3)):
        turn = nibabel.orientations.axcodes2ornt(
            "".join("RLAPSI"[2 * axis + (flip < 0)] for axis, flip in zip(order, flips, strict=True))
        )
        save(tmp_path, f"turned{number}/a.nii", *_turned(image, turn))
        found = read(folder, memory(), tmp_path / f"turned{number}").payloads["a.nii"]
        np.testing.assert_array_equal(found.values, given.values)
        np.testing.assert_allclose(found.space.affine, given.space.affine, atol=1e-5)


def _turned(image, turn):
    found = image.as_reoriented(nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), turn))
    return np.asarray(found.dataobj), found.affine


def test_the_axes_of_the_source_are_remembered(tmp_path, folder, sink):
    save(tmp_path, "a.nii", affine=np.diag([-1.0, 1, 1, 1]) @ OBLIQUE)
    assert read(folder, sink, tmp_path).payloads["a.nii"].space.axes == "LAS"


@pytest.mark.parametrize(("unit", "scale"), [("mm", 1.0), ("meter", 1000.0), ("micron", 0.001)])
def test_lengths_come_out_in_millimetres(unit, scale, tmp_path, folder, sink):
    save(tmp_path, "a.nii", affine=np.diag([2.0, 3, 4, 1]), change=lambda header: header.set_xyzt_units(unit))
    np.testing.assert_allclose(read(folder, sink, tmp_path).payloads["a.nii"].space.spacing, scale * np.array([4, 3, 2]))
    assert not sink.notes


def test_a_unit_that_is_not_said_is_counted_and_one_that_is_none_refused(tmp_path, folder, sink):
    save(tmp_path, "a.nii", change=lambda header: header.set_xyzt_units("unknown"))
    patch(save(tmp_path, "b.nii"), 123, bytes([5]))
    read(folder, sink, tmp_path)
    assert sink.notes == {"volumes that name no unit of length, taken as millimetres": 1}
    assert "unit of length" in sink.refused["b.nii"] and sink.accepted == 1


def test_forms_that_turn_a_volume_in_different_ways_are_refused_unless_one_is_preferred(tmp_path, folder, sink, memory):
    def disagree(header):
        header.set_sform(OBLIQUE, 1)
        header.set_qform(np.diag([-1.0, 1, 1, 1]) @ OBLIQUE, 1)

    save(tmp_path, "a.nii", change=disagree)
    assert "disagree" in read(folder, sink, tmp_path).refused["a.nii"]
    axes = [read(folder, memory(), tmp_path, prefer=form).payloads["a.nii"].space.axes for form in ("sform", "qform")]
    assert axes == ["RAS", "LAS"]


def test_forms_that_lie_apart_are_counted_and_the_sform_taken(tmp_path, folder, sink):
    def apart(header):
        header.set_sform(np.diag([2.0, 2, 2, 1]), 1)
        moved = np.diag([2.0, 2, 2, 1])
        moved[:3, 3] = 9
        header.set_qform(moved, 1)

    save(tmp_path, "a.nii", affine=None, change=apart)
    np.testing.assert_allclose(read(folder, sink, tmp_path).payloads["a.nii"].space.affine[:3, 3], [-8, -10, 0])
    assert sum(sink.notes.values()) == 1


def test_a_file_that_does_not_say_how_the_patient_lies_is_refused_or_taken_by_its_spacing(tmp_path, folder, sink, memory):
    def silent(header):
        header.set_zooms((2, 3, 4))

    save(tmp_path, "a.nii", affine=None, change=silent)
    assert "how the patient lies" in read(folder, sink, tmp_path).refused["a.nii"]
    kept = memory()
    found = read(folder, kept, tmp_path, unoriented=True).payloads["a.nii"]
    np.testing.assert_array_equal(found.values[0], IMAGE.transpose(2, 1, 0))
    assert not found.space.oriented and found.space.spacing == (4, 3, 2) and sum(kept.notes.values()) == 1


@pytest.mark.parametrize("spacing", [0.0, -2.0, np.nan])
def test_a_spacing_that_is_no_length_is_refused_where_no_sform_is(spacing, tmp_path, folder, sink, memory):
    def only_qform(header):
        header.set_qform(np.diag([2.0, 2, 2, 1]), 1)
        header.set_sform(None, 0)

    broken = np.array([spacing], "<f4").tobytes()
    patch(save(tmp_path, "qform/a.nii", affine=None, change=only_qform), 80, broken)
    patch(save(tmp_path, "sform/a.nii", change=lambda header: header.set_sform(OBLIQUE, 1)), 80, broken)
    assert "pixdim" in read(folder, sink, tmp_path / "qform").refused["a.nii"]
    assert_is(read(folder, memory(), tmp_path / "sform").payloads["a.nii"], nibabel.Nifti1Image(IMAGE, OBLIQUE))


def test_axes_in_one_plane_are_refused(tmp_path, folder, sink):
    flat = OBLIQUE.copy()
    flat[:3, 2] = flat[:3, 0]
    path = save(tmp_path, "a.nii")
    patch(path, 280, np.asarray(flat[:3], "<f4").tobytes())
    patch(path, 252, bytes(2))
    assert "one plane" in read(folder, sink, tmp_path).refused["a.nii"]


# ---------------------------------------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("stored", "slope", "offset", "dtype"),
    [
        ("int16", 1, -1024, np.int16),
        ("uint16", 1, 0, np.uint16),
        ("int32", 1, 0, np.int16),
        ("uint8", 0, 0, np.uint8),
        ("int16", 0.5, 3, np.float32),
        ("float64", 1, 0, np.float32),
        ("int16", 600, 0, np.float32),
        ("uint8", 500, 0, np.uint16),
        ("int8", 1, 0, np.int16),
    ],
)
def test_numbers_are_scaled_as_said_and_kept_in_a_stored_type_that_loses_nothing(
    stored, slope, offset, dtype, tmp_path, folder, sink
):
    raw = (np.arange(1, 211) % 128).reshape(5, 6, 7).astype(stored)
    image = nibabel.Nifti1Image(raw, OBLIQUE)
    image.header.set_slope_inter(slope or 1, offset)
    image.to_filename(tmp_path / "a.nii")
    patch(tmp_path / "a.nii", 108, np.array([352, slope, offset], "<f4").tobytes())
    (tmp_path / "a.nii").write_bytes((tmp_path / "a.nii").read_bytes()[:352] + raw.tobytes(order="F"))
    found = read(folder, sink, tmp_path).payloads["a.nii"]
    np.testing.assert_array_equal(found.values[0], (raw * float(slope or 1) + offset).transpose(2, 1, 0)[:, ::-1, ::-1])
    assert found.values.dtype == dtype


def test_whole_numbers_that_a_float_does_not_hold_are_refused(tmp_path, folder, sink):
    save(tmp_path, "a.nii", np.full((2, 2, 2), 2**24 + 1, np.int32))
    assert "exactly" in read(folder, sink, tmp_path).refused["a.nii"]


def test_numbers_that_are_not_finite_are_refused_or_filled(tmp_path, folder, sink, memory):
    holed = IMAGE.astype(np.float32)
    holed[0, 0, 0], holed[1, 1, 1] = np.nan, np.inf
    save(tmp_path, "a.nii", holed)
    assert "2 points" in read(folder, sink, tmp_path).refused["a.nii"]
    found = read(folder, memory(), tmp_path, fill=-1).payloads["a.nii"].values
    assert (found == -1).sum() == 2 + (IMAGE == -1).sum() and np.isfinite(found).all()


def test_a_fourth_axis_is_channels_where_they_are_named_and_refused_elsewhere(tmp_path, folder, sink, memory):
    both = np.stack([IMAGE, IMAGE[::-1]], 3)
    save(tmp_path, "a.nii", both)
    assert "2 volumes" in read(folder, sink, tmp_path).refused["a.nii"]
    assert "2 volumes" in read(folder, memory(), tmp_path, channels=["t1", "t2", "pd"]).refused["a.nii"]
    found = read(folder, memory(), tmp_path, channels=["t1", "t2"]).payloads["a.nii"]
    assert found.channels == ("t1", "t2")
    assert_is(found, nibabel.Nifti1Image(both, OBLIQUE))


def test_colours_are_three_channels(tmp_path, folder, sink):
    raw = np.zeros((2, 3, 4), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    raw["G"] = np.arange(24).reshape(2, 3, 4)
    save(tmp_path, "a.nii", raw, np.diag([-1.0, -1, 1, 1]))
    found = read(folder, sink, tmp_path).payloads["a.nii"]
    assert found.channels == ("red", "green", "blue")
    np.testing.assert_array_equal(found.values[1], raw["G"].transpose(2, 1, 0))


# ------------------------------------------------------------------------------------------------------------------------ masks


def pair(root, image="images/a.nii", mask="labels/a.nii", **options):
    save(root, image)
    save(root, mask, **{"values": MASK, **options})


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


# ----------------------------------------------------------------------------------------------------------------------- damage


def damaged(tmp_path):
    whole = save(tmp_path, "whole.nii.gz").read_bytes()
    plain = save(tmp_path, "plain.nii").read_bytes()
    yield "cut.nii.gz", whole[: len(whole) // 2], "damaged"
    yield "short.nii", plain[:-10], "cut short"
    yield "empty.nii", b"", "empty"
    yield "empty.nii.gz", gzip.compress(b""), "empty"
    yield "text.nii", b"a letter to the editor" * 40, "not a NIfTI"
    yield "head.nii", plain[:200], "not a NIfTI"
    yield "flipped.nii.gz", whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:], "damaged"
    yield "analyze.nii", plain[:344] + b"\0\0\0\0" + plain[348:], "Analyze"
    yield "alone.hdr", plain[:344] + b"ni1\0" + plain[348:], "without its .img"
    yield "sizes.nii", plain[:42] + b"\0\0" + plain[44:], "sizes of axes"
    yield "negative.nii", plain[:42] + b"\xff\xff" + plain[44:], "sizes of axes"
    yield "vast.nii", plain[:42] + b"\xff\x7f\xff\x7f\xff\x7f" + plain[48:], "max_points"
    yield "inside.nii", plain[:108] + np.float32(40).tobytes() + plain[112:], "inside its header"
    yield "type.nii", plain[:70] + b"\x07\x00" + plain[72:], "data type"
    yield "complex.nii", plain[:70] + b"\x20\x00" + plain[72:], "complex64"
    yield "bits.nii", plain[:70] + b"\x01\x00" + plain[72:], ""
    yield "offset.nii", plain[:112] + np.array([2, np.inf], "<f4").tobytes() + plain[120:], "scl_inter"


def test_every_kind_of_damage_is_refused_by_name_and_the_rest_read(tmp_path, folder, sink):
    expected = {}
    for name, content, reason in list(damaged(tmp_path)):
        (tmp_path / name).write_bytes(content)
        expected[name] = reason
    read(folder, sink, tmp_path)
    assert sink.refused.keys() == expected.keys() and sink.accepted == 2
    for name, reason in expected.items():
        assert reason in sink.refused[name], (name, sink.refused[name])


def test_a_header_and_its_data_may_be_two_files(tmp_path, folder, sink):
    save(tmp_path, "a.img", kind=nibabel.Nifti1Pair)
    assert_is(read(folder, sink, tmp_path).payloads["a.hdr"], nibabel.Nifti1Image(IMAGE, OBLIQUE))


def test_an_archive_is_read_as_its_folder(tmp_path):
    pair(tmp_path / "set")
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("images/a.nii", "labels/a.nii"):
            archive.write(tmp_path / "set" / name, name)
    stores = [sequela.import_data("nifti", tmp_path / name, tmp_path / f"{name}.store") for name in ("set", "set.zip")]
    assert stores[0].manifest.dataset.content_hash == stores[1].manifest.dataset.content_hash


def test_a_single_file_is_read_as_an_image(tmp_path):
    path = save(tmp_path, "scan.nii.gz")
    store = sequela.import_data("nifti", path, tmp_path / "it.store")
    assert store.subjects["source_id"].to_list() == ["scan"]


def test_a_placeholder_that_nothing_names_is_refused_before_anything_is_read():
    with pytest.raises(ConfigError, match="placeholder"):
        nifti.build(nifti.Config(masks="{case}.nii"))
    with pytest.raises(ConfigError, match="regular expression"):
        nifti.build(nifti.Config(subject_pattern="(?P<subject>"))


# -------------------------------------------------------------------------------------------------------------------- real files


def bundled():
    return sorted(path for ending in ("nii", "nii.gz", "hdr") for path in BUNDLED.rglob(f"*.{ending}"))


REFUSED = {
    "analyze.hdr": "Analyze",
    "nifti1.hdr": "without its .img",
    "nifti2.hdr": "without its .img",
    "row_major.dconn.nii": "CIFTI",
    "resampled_anat_moved.nii": "153 points that are not finite",
}


@pytest.mark.parametrize("path", bundled(), ids=lambda path: path.name)
def test_every_file_that_nibabel_brings_is_read_as_nibabel_reads_it_or_refused_with_its_reason(path, tmp_path, folder, sink):
    image = None if path.name in REFUSED else nibabel.load(path)
    channels = [f"volume {n}" for n in range(image.shape[3])] if image is not None and image.ndim == 4 else []
    (tmp_path / path.name).write_bytes(path.read_bytes())
    read(folder, sink, tmp_path, channels=channels)
    if path.name in REFUSED:
        assert REFUSED[path.name] in sink.refused[path.name]
    else:
        assert_is(sink.payloads[path.name], image)


def test_the_volume_of_nibabel_with_holes_is_read_where_they_are_filled(tmp_path, folder, sink):
    path = BUNDLED / "tests" / "data" / "resampled_anat_moved.nii"
    (tmp_path / path.name).write_bytes(path.read_bytes())
    image = nibabel.load(path)
    filled = nibabel.Nifti1Image(np.nan_to_num(np.asarray(image.dataobj)), image.affine)
    assert_is(read(folder, sink, tmp_path, fill=0).payloads[path.name], filled)


def test_the_hippocampus_set_is_read_but_for_its_three_faulty_cases(real_data, tmp_path):
    store = sequela.import_data("nifti", real_data("msd_hippocampus"), tmp_path / "it.store", options={"volumes": True})
    assert store.flow.accepted == 260
    refused = {name.rpartition("_")[2] for refusal in store.flow.refused for name in refusal.first}
    assert refused == {"118.nii.gz", "010.nii.gz", "281.nii.gz"} and store.flow.refused_count == 3
    events = store.events()
    assert (events["code"] == "MASK").sum() == (events["code"] == "IMAGE").sum() == 260
    ids = dict(zip(store.subjects["source_id"], store.subjects["subject_id"], strict=True))
    mine = events.filter(events["subject_id"] == ids["hippocampus_001"])
    for code, name in (("IMAGE", "images"), ("MASK", "labels")):
        payload = store.payloads.open(mine.filter(mine["code"] == code)["payload"][0])
        assert_is(payload, nibabel.load(real_data("msd_hippocampus") / name / "hippocampus_001.nii.gz"))
    said = np.asarray(nibabel.load(real_data("msd_hippocampus") / "labels" / "hippocampus_001.nii.gz").dataobj)
    assert mine.filter(mine["code"] == "LABEL//volume")["numeric_value"][0] == pytest.approx((said > 0).sum() / 1000)


def test_metaimage_and_nrrd_are_read_through_simpleitk_alike(tmp_path, folder, sink):
    itk = pytest.importorskip("SimpleITK")
    turn = Rotation.from_euler("xyz", (10, 20, 30), degrees=True).as_matrix() * [2.0, 3.0, 4.0]
    save(tmp_path, "a.nii", affine=np.block([[turn, np.array([[5.0], [6], [7]])], [np.zeros(3), 1]]))
    image = itk.ReadImage(str(tmp_path / "a.nii"))
    for name in ("b.mha", "c.nrrd"):
        itk.WriteImage(image, str(tmp_path / name))
    (tmp_path / "d.mha").write_bytes(b"ObjectType = Image\nNDims = 3\n")
    read(folder, sink, tmp_path)
    assert list(sink.refused) == ["d.mha"]
    for name in ("b.mha", "c.nrrd"):
        np.testing.assert_array_equal(sink.payloads[name].values, sink.payloads["a.nii"].values)
        np.testing.assert_allclose(sink.payloads[name].space.affine, sink.payloads["a.nii"].space.affine, atol=1e-4)


def test_without_simpleitk_its_files_are_refused_with_the_line_that_installs_it(tmp_path, folder, sink, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "SimpleITK", None)
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0004\n")
    save(tmp_path, "b.nii")
    assert "pip install SimpleITK" in read(folder, sink, tmp_path).refused["a.nrrd"] and sink.accepted == 1


def test_a_folder_without_volumes_is_refused(tmp_path, folder, sink):
    (tmp_path / "letter.txt").write_text("no volume")
    with pytest.raises(DataError, match="no volume"):
        read(folder, sink, tmp_path)


# ---------------------------------------------------------------------------------------------------------------------- tables


def labelled(sink, code):
    found = sink.of(code)
    assert found["time"].null_count() == len(found)
    words = found["text_value"] if found["text_value"].null_count() < len(found) else found["numeric_value"]
    return dict(zip(found["source_id"], words, strict=True))


def test_a_table_labels_volumes_by_file_with_or_without_its_ending(tmp_path, folder, sink):
    for name in ("one/a.nii.gz", "one/b.nii", "two/c.nii.gz", "two/d.nii.gz"):
        save(tmp_path, f"scans/{name}")
    lines = ("a.nii.gz,glioma,0.5,train", "b,normal,,val", "one/b,normal,1,train", "scans/two/c.nii.gz,glioma,2,", "e,normal,3,")
    (tmp_path / "scans/t.csv").write_text("\n".join(["file,diagnosis,score,part", *lines, "d,normal,,later"]))
    read(folder, sink, tmp_path, table="scans/t.csv", labels=["diagnosis", "score"])
    assert labelled(sink, "LABEL//diagnosis") == {"scans/one/a": "glioma", "scans/one/b": "normal", "scans/two/c": "glioma"}
    assert labelled(sink, "LABEL//score") == {"scans/one/a": 0.5, "scans/two/c": 2}, "an empty cell is no label"
    assert sink.parts == {"scans/one/a": "train", "scans/one/b": "tune"} and sink.accepted == 4
    assert sink.codes["LABEL//diagnosis"] == ("label", "")
    assert set(sink.refused) == {"scans/t.csv line 4", "scans/t.csv line 7"} and "part" in sink.refused["scans/t.csv line 7"]
    assert sink.notes == {
        "lines of scans/t.csv that name no file of the source": 1,
        "files of which scans/t.csv has no line, so unlabelled": 1,
    }


def test_a_table_labels_volumes_by_subject(tmp_path, folder, sink):
    for name in ("sub-01_T1w.nii", "sub-02_T1w.nii", "sub-03_T1w.nii"):
        save(tmp_path, name)
    (tmp_path / "t.csv").write_text("subject,label\n01,1\n02,0\n02,1\n")
    read(folder, sink, tmp_path, table="t.csv", subject_pattern=r"sub-(?P<subject>\d+)")
    found = sink.of("LABEL//label")
    assert dict(zip(found["source_id"], found["numeric_value"], strict=True)) == {"01": 1, "02": 0}
    assert sink.refused == {"t.csv line 4": "listed more than once; the first line counts"}
    assert sink.notes == {"subjects of which t.csv has no line, so unlabelled": 1}


def test_a_name_that_may_mean_two_volumes_labels_neither(tmp_path, folder, sink):
    save(tmp_path, "left/a.nii")
    save(tmp_path, "right/a.nii")
    (tmp_path / "t.csv").write_text("file,label\na,1\nright/a,0\n")
    read(folder, sink, tmp_path, table="t.csv")
    assert sink.of("LABEL//label")["source_id"].to_list() == ["right/a"]
    assert sink.refused == {"t.csv line 2": "several pictures are called so"}


def test_a_table_that_cannot_be_meant_is_refused(tmp_path, folder, memory):
    save(tmp_path, "a.nii")
    (tmp_path / "t.csv").write_text("flie,label\na,1\n")
    with pytest.raises(DataError, match="no column 'file' or 'subject'"):
        read(folder, memory(), tmp_path, table="t.csv")
    with pytest.raises(DataError, match="no column 'grade'"):
        read(folder, memory(), tmp_path, table="t.csv", file="flie", labels=["grade"])
    (tmp_path / "t.csv").write_text("file,label\nb,1\nc,1\n")
    with pytest.raises(DataError, match=r"none of the 2 lines of t\.csv names a file"):
        read(folder, memory(), tmp_path, table="t.csv")
    with pytest.raises(ConfigError, match="without a table there are no columns grade"):
        nifti.build(convert({"labels": ["grade"]}, nifti.Config))


def test_new_volumes_without_the_table_are_read_unlabelled(tmp_path, folder, sink):
    save(tmp_path, "a.nii")
    read(folder, sink, tmp_path, table="t.csv", labels=["grade"])
    assert sink.accepted == 1 and set(sink.codes) == {"IMAGE"}
    assert sink.notes == {"a table that is not there, so nothing is labelled: t.csv": 1}
