"""NIfTI volumes: what is in the file, turned to one orientation, or refused with its reason."""

from __future__ import annotations

import gzip
import zipfile
from itertools import permutations, product

import numpy as np
import pytest
from tests.readers.nifti_files import IMAGE, OBLIQUE, assert_is, pair, patch, read, save

import sequela
from sequela.errors import ConfigError, DataError
from sequela.readers import nifti

nibabel = pytest.importorskip("nibabel")


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


def test_a_folder_without_volumes_is_refused(tmp_path, folder, sink):
    (tmp_path / "letter.txt").write_text("no volume")
    with pytest.raises(DataError, match="no volume"):
        read(folder, sink, tmp_path)
