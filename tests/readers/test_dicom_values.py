"""The values of pictures: rescaled, of as many bits as are stored, through the tables and windows that files bring."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from tests.readers.dicom_series import DX, dataset, numbered, pictures, place, read, series, straight, write

from sequela.errors import DataError


def test_a_ct_is_in_hounsfield_units_without_loss(tmp_path: Path) -> None:
    stored = np.arange(60, dtype=np.uint16).reshape(5, 4, 3) * 60
    series(tmp_path / "raw", stored, straight(), BitsStored=12, HighBit=11, RescaleSlope=1, RescaleIntercept=-1024)
    (found,) = pictures(read(tmp_path / "raw"))
    assert found.values.dtype == np.int16 and found.unit == "HU"
    assert np.array_equal(found.values[0], stored.astype(np.int32) - 1024)


def test_slices_with_slopes_of_their_own_are_rescaled_each_by_its_own(tmp_path: Path) -> None:
    slope = [0.5, 0.25, 2.0, 1.5, 0.125]
    for number, one in enumerate(numbered().astype(np.uint16)):
        data = dataset(one, **place(straight(), number), RescaleSlope=slope[number], RescaleIntercept=0, Modality="PT")
        write(data, tmp_path / "raw" / f"{9 - number}.dcm")
    (found,) = pictures(read(tmp_path / "raw"), "IMAGE//PT")
    assert found.values.dtype == np.float32
    assert np.array_equal(found.values[0], numbered() * np.array(slope, np.float32)[:, None, None])


def test_bits_above_those_stored_are_no_part_of_the_values(tmp_path: Path) -> None:
    overlaid = (numbered().astype(np.uint16) | 0xF000).astype(np.uint16)
    series(tmp_path / "raw", overlaid, straight(), BitsStored=12, HighBit=11)
    assert np.array_equal(pictures(read(tmp_path / "raw"))[0].values[0], numbered())


def test_an_x_ray_that_shows_low_values_white_is_inverted_and_a_measurement_is_not(tmp_path: Path) -> None:
    pixels = numbered((4, 3)).astype(np.uint16)
    shown = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11}
    write(dataset(pixels, SOPClassUID=DX, Modality="DX", SeriesInstanceUID="1.9", **shown), tmp_path / "raw" / "a.dcm")
    write(dataset(pixels, Modality="PT", SeriesInstanceUID="1.8", **shown), tmp_path / "raw" / "b.dcm")
    store = read(tmp_path / "raw")
    assert np.array_equal(pictures(store, "IMAGE//DX")[0].values[0], 4095 - pixels)
    assert np.array_equal(pictures(store, "IMAGE//PT")[0].values[0], pixels)
    assert store.flow.notes["pictures that show low values white (MONOCHROME1), inverted"] == 1


def test_each_x_ray_of_a_series_is_a_picture_and_knows_its_spacing_alone(tmp_path: Path) -> None:
    for number in range(3):
        data = dataset(
            numbered((4, 3), number), SOPClassUID=DX, Modality="DX", ImagerPixelSpacing=[0.2, 0.1], InstanceNumber=number
        )
        write(data, tmp_path / "raw" / f"{number}.dcm")
    found = pictures(read(tmp_path / "raw"), "IMAGE//DX")
    assert [one.values.shape for one in found] == [(1, 4, 3)] * 3
    assert all(not one.space.oriented and one.space.spacing[1:] == (0.2, 0.1) for one in found)


def test_values_as_they_are_to_be_shown_follow_the_files_window(tmp_path: Path) -> None:
    values = np.array([[-200, -160, 40], [140, 240, 900]], np.int16)
    write(
        dataset(values, Modality="DX", WindowCenter=40, WindowWidth=400, VOILUTFunction="LINEAR_EXACT"),
        tmp_path / "raw" / "a.dcm",
    )
    (found,) = pictures(read(tmp_path / "raw", voi=True), "IMAGE//DX")
    assert found.values.dtype == np.uint16
    assert found.values[0].tolist() == [[0, 0, 32768], [49151, 65535, 65535]]


def table(values: list[int], first: int, bits: int) -> Dataset:
    """A look-up table."""
    found = Dataset()
    found.add_new(0x00283002, "SS", [len(values), first, bits])
    found.add_new(0x00283006, "US", values)
    return found


def test_a_table_of_values_is_applied_and_a_table_for_the_eye_where_that_is_asked_for(tmp_path: Path) -> None:
    pixels = np.array([[0, 1], [2, 3]], np.int16)
    meant = table([100, 200, 300, 65535], 0, 16)
    meant.ModalityLUTType = "US"
    shown = table([0, 5, 250, 255], 0, 8)
    write(dataset(pixels, Modality="DX", SeriesInstanceUID="1.8", ModalityLUTSequence=[meant]), tmp_path / "raw" / "a.dcm")
    (found,) = pictures(read(tmp_path / "raw"), "IMAGE//DX")
    assert found.values.dtype == np.uint16 and found.values[0].tolist() == [[100, 200], [300, 65535]]
    write(dataset(pixels, Modality="DX", SeriesInstanceUID="1.9", VOILUTSequence=[shown]), tmp_path / "eye" / "a.dcm")
    (found,) = pictures(read(tmp_path / "eye", voi=True), "IMAGE//DX")
    assert found.values[0].tolist() == [[0, 5 * 257], [250 * 257, 65535]]


def test_a_file_that_names_no_window_is_refused_where_windows_are_asked_for(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight())
    with pytest.raises(DataError, match="names no window"):
        read(tmp_path / "raw", voi=True)
