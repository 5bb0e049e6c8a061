"""Volumes and masks written as NIfTI: held against the source's own files, and against the headers of DICOM."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

import sequela
from sequela.errors import DataError
from sequela.export import nifti
from sequela.types import Space

nibabel = pytest.importorskip("nibabel")

RANDOM = np.random.default_rng(5)
IMAGE = RANDOM.integers(-500, 500, (4, 5, 6)).astype(np.int16)
MASK = RANDOM.integers(0, 4, (4, 5, 6)).astype(np.uint8)
OBLIQUE = np.array([[1.5, 0.2, 0, -10], [-0.2, 2.0, 0.3, 4], [0, -0.3, 3.0, 25], [0, 0, 0, 1.0]], np.float32).astype(float)
TURNS = [(order, flips) for order in permutations(range(3)) for flips in product([1, -1], repeat=3)]


def turned(values, turn):
    """The same points, numbered another way by nibabel."""
    image = nibabel.Nifti1Image(values, OBLIQUE)
    found = image.as_reoriented(np.array([list(pair) for pair in zip(*turn, strict=True)]))
    found.header.set_xyzt_units("mm")
    return found


def payloads(store):
    """The stored payloads of a store of one subject, by code."""
    events = store.events().drop_nulls("payload")
    return {code: store.payloads.open(uri) for code, uri in events.select("code", "payload").iter_rows()}


@pytest.mark.parametrize("turn", TURNS, ids=str)
def test_a_mask_goes_back_as_its_own_file_was_whatever_way_that_was_turned(turn, tmp_path):
    for name, values in (("images", IMAGE), ("labels", MASK)):
        (tmp_path / name).mkdir()
        turned(values, turn).to_filename(tmp_path / name / "a.nii.gz")
    stored = payloads(sequela.import_data("nifti", tmp_path, tmp_path / "it.store"))
    for code, name in (("IMAGE", "images"), ("MASK", "labels")):
        values = stored[code].values
        path = nifti.write(values[0] if code == "MASK" else values, stored[code].space, tmp_path / f"{name}.nii.gz")
        given, back = nibabel.load(tmp_path / name / "a.nii.gz"), nibabel.load(path)
        np.testing.assert_array_equal(np.asarray(back.dataobj), np.asarray(given.dataobj))
        np.testing.assert_allclose(back.affine, given.affine, atol=1e-5)
        assert back.get_data_dtype() == given.get_data_dtype() and back.header.get_xyzt_units()[0] == "mm"


def test_both_forms_hold_a_rotation_and_the_sform_alone_what_is_sheared(tmp_path):
    for lps, codes in ((np.diag([3.0, 2, 1, 1]), (1, 1)), (OBLIQUE, (1, 0))):
        found = nibabel.load(nifti.write(MASK, Space(lps), tmp_path / "a.nii")).header
        assert (int(found["sform_code"]), int(found["qform_code"])) == codes
        np.testing.assert_allclose(found.get_sform(), np.diag([-1, -1, 1, 1]) @ lps, atol=1e-5)
    again = nibabel.load(nifti.write(MASK, Space(np.diag([3.0, 2, 1, 1])), tmp_path / "a.nii")).header
    np.testing.assert_allclose(again.get_qform(), again.get_sform(), atol=1e-5)


def test_channels_lie_along_the_fourth_axis(tmp_path):
    both = np.stack([IMAGE, IMAGE[::-1]])
    found = np.asarray(nibabel.load(nifti.write(both, Space(OBLIQUE), tmp_path / "a.nii")).dataobj)
    np.testing.assert_array_equal(found, np.moveaxis(both, 0, 3))


def test_a_volume_whose_directions_are_not_known_gets_its_spacing_alone(tmp_path):
    path = nifti.write(IMAGE, Space(np.diag([3.0, 2, 1, 1]), oriented=False), tmp_path / "a.nii")
    header = nibabel.load(path).header
    assert (int(header["sform_code"]), int(header["qform_code"])) == (0, 0)
    assert [float(zoom) for zoom in header.get_zooms()] == [3, 2, 1]


def test_the_same_volume_is_the_same_file_to_the_byte(tmp_path):
    paths = [nifti.write(MASK, Space(OBLIQUE), tmp_path / name) for name in ("a.nii.gz", "b.nii.gz")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_what_is_no_volume_and_what_is_no_name_of_one_is_refused(tmp_path):
    with pytest.raises(DataError, match="3 axes"):
        nifti.write(MASK[0], Space(OBLIQUE), tmp_path / "a.nii")
    with pytest.raises(DataError, match="no name of a NIfTI file"):
        nifti.write(MASK, Space(OBLIQUE), tmp_path / "a.img")


# ------------------------------------------------------------------------------------------------------------------- from DICOM


def points(data):
    """Of each pixel of a slice, its place in RAS, "H W 3", from the header's own words (DICOM PS3.3, equation C.7.6.2.1-1)."""
    row, column = np.mgrid[: data.Rows, : data.Columns]
    across, down = (np.array(data.ImageOrientationPatient[i : i + 3], float) for i in (0, 3))
    between_rows, between_columns = map(float, data.PixelSpacing)
    lps = np.array(data.ImagePositionPatient, float) + column[..., None] * between_columns * across
    return (lps + row[..., None] * between_rows * down) * [-1, -1, 1]


@pytest.mark.parametrize("columns_first", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_pixel_of_the_four_mri_series_lies_in_the_nifti_where_its_header_says(columns_first, real_data, tmp_path):
    pydicom = pytest.importorskip("pydicom")
    folder = real_data("mri_dicom_series")
    store = sequela.import_data("dicom", folder, tmp_path / "dicom.store")
    by_series = {}
    for path in folder.rglob("*.dcm"):
        data = pydicom.dcmread(path)
        by_series.setdefault(data.SeriesInstanceUID, []).append(data)
    assert len(by_series) == 4
    names = dict(_named(store))
    for series, slices in by_series.items():
        payload = store.payloads.open(names[series])
        path = nifti.write(payload.values, payload.space, tmp_path / "a.nii.gz", columns_first=columns_first)
        image = nibabel.load(path)
        values, found = np.asarray(image.dataobj), 0
        for data in slices:
            index = points(data) @ np.linalg.inv(image.affine)[:3, :3].T + np.linalg.inv(image.affine)[:3, 3]
            place = np.rint(index).astype(int)
            assert np.abs(index - place).max() < 0.01  # of a pixel: headers round
            said = data.pixel_array * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
            np.testing.assert_array_equal(values[tuple(np.moveaxis(place, -1, 0))], said)
            found += place[..., 0].size
        assert found == values.size


def _named(store):
    import polars as pl

    yield from pl.read_parquet(store.path / "metadata" / "payloads.parquet").select("name", "uri").iter_rows()


@pytest.mark.slow
def test_the_four_mri_series_come_back_from_nifti_as_they_were_read_from_dicom(real_data, tmp_path):
    first = sequela.import_data("dicom", real_data("mri_dicom_series"), tmp_path / "dicom.store")
    (tmp_path / "volumes").mkdir()
    given = dict(_named(first))
    for name, uri in given.items():
        payload = first.payloads.open(uri)
        nifti.write(payload.values, payload.space, tmp_path / "volumes" / f"{name}.nii.gz", columns_first=True)
    second = sequela.import_data("nifti", tmp_path / "volumes", tmp_path / "nifti.store")
    for name, uri in _named(second):
        back, payload = second.payloads.open(uri), first.payloads.open(given[name.removesuffix(".nii.gz")])
        np.testing.assert_array_equal(back.values, payload.values)
        assert back.values.dtype == payload.values.dtype
        np.testing.assert_allclose(back.space.affine, payload.space.affine, atol=1e-4)
    assert len(given) == 4
