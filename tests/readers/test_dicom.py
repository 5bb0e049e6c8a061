"""Series written slice by slice with a known place for every point, in files whose names and order say nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from scipy.spatial.transform import Rotation
from tests.readers.dicom_series import dataset, numbered, pictures, place, read, reasons, series, straight, write

from sequela.errors import DataError


@settings(max_examples=12, deadline=None)
@given(angle=st.tuples(*[st.floats(-180, 180)] * 3), seed=st.integers(0, 99))
def test_every_point_of_a_series_keeps_its_value_at_its_place_however_it_was_scanned(
    angle: Any, seed: int, tmp_path_factory: Any
) -> None:
    affine = straight()
    affine[:3, :3] = Rotation.from_euler("xyz", angle, degrees=True).as_matrix() @ affine[:3, :3]
    folder, volume = tmp_path_factory.mktemp("scan") / "raw", numbered()
    series(folder, volume, affine, seed)
    (found,) = pictures(read(folder))
    for index in np.ndindex(found.values.shape[1:]):
        source = np.argwhere(volume == found.values[(0, *index)])[0]
        assert np.allclose(found.space.affine @ [*index, 1], affine @ [*source, 1], atol=1e-3)
    assert found.values.dtype == np.int16 and found.values.size == volume.size


def test_slices_are_stored_from_inferior_to_superior_whatever_their_names(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered()[::-1].copy(), straight(), seed=3)
    (found,) = pictures(read(tmp_path / "raw"))
    assert np.array_equal(found.values[0], numbered()[::-1])
    assert np.allclose(found.space.affine, straight())


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0)])
def test_a_volume_scanned_in_another_orientation_is_stored_alike(order: tuple[int, ...], tmp_path: Path) -> None:
    turned, affine = numbered().transpose(order), np.eye(4)
    affine[:3, :3], affine[:3, 3] = straight()[:3, :3][:, order], straight()[:3, 3]
    flipped = turned[::-1, :, ::-1].copy()  # and numbered from the other ends
    affine[:3, 3] += affine[:3, 0] * (turned.shape[0] - 1) + affine[:3, 2] * (turned.shape[2] - 1)
    affine[:3, [0, 2]] *= -1
    series(tmp_path / "raw", flipped, affine)
    (found,) = pictures(read(tmp_path / "raw"))
    assert np.array_equal(found.values[0], numbered()) and found.values.flags.c_contiguous
    assert np.allclose(found.space.affine, straight())


def test_a_missing_slice_refuses_the_series_by_the_names_of_its_files(tmp_path: Path) -> None:
    files = series(tmp_path / "raw", numbered(), straight())
    series(tmp_path / "raw" / "other", numbered(), straight(), SeriesInstanceUID="1.2.3.5")
    files[2].unlink()
    store = read(tmp_path / "raw")
    assert reasons(store) == {"1 of its slices are missing between those that are there": 4}
    assert store.flow.refused[0].first == sorted(file.name for file in files if file.exists())
    assert store.flow.accepted == 5 and len(pictures(store)) == 1


def test_the_longest_even_run_of_a_series_with_a_gap_is_read_where_that_is_asked_for(tmp_path: Path) -> None:
    files = series(tmp_path / "raw", numbered((7, 4, 3)), straight())
    files[2].unlink()
    store = read(tmp_path / "raw", gaps="longest")
    (found,) = pictures(store)
    assert np.array_equal(found.values[0], numbered((7, 4, 3))[3:])
    assert np.allclose(found.space.affine[:3, 3], [-30, -40, 16])
    assert store.flow.notes["slices beyond a gap in their series, left out"] == 2


def test_slices_that_are_unevenly_spaced_are_refused(tmp_path: Path) -> None:
    for number, height in enumerate([0.0, 2.0, 4.0, 6.7]):
        data = dataset(numbered()[number], **place(straight(), 0))
        data.ImagePositionPatient = [0.0, 0.0, height]
        write(data, tmp_path / "raw" / f"{number}.dcm")
    with pytest.raises(DataError, match=r"from 2 to 2\.7 mm apart"):
        read(tmp_path / "raw")


def test_rounded_positions_are_evenly_spaced(tmp_path: Path) -> None:
    for number, height in enumerate([0.0, 0.67, 1.33, 2.0, 2.67]):
        data = dataset(numbered()[number], **place(straight(), 0))
        data.ImagePositionPatient = [0.0, 0.0, height]
        write(data, tmp_path / "raw" / f"{number}.dcm")
    (found,) = pictures(read(tmp_path / "raw"))
    assert found.space.spacing == pytest.approx((2.67 / 4, 0.7, 0.5))


def test_a_tilted_gantry_keeps_its_sheared_affine_and_is_noted_or_refused(tmp_path: Path) -> None:
    affine = straight()
    tilt = Rotation.from_euler("x", 15, degrees=True).as_matrix()
    affine[:3, 1:3] = tilt @ affine[:3, 1:3]  # the planes are tilted, the table moves straight on
    series(tmp_path / "raw", numbered(), affine)
    store = read(tmp_path / "raw")
    (found,) = pictures(store)
    assert np.allclose(found.space.affine, affine, atol=1e-5)
    assert store.flow.notes["stacks of a tilted gantry, kept sheared as they were scanned"] == 1
    shutil.rmtree(tmp_path / "raw.store")
    with pytest.raises(DataError, match="its gantry was tilted"):
        read(tmp_path / "raw", tilt="refuse")


def test_slices_beside_their_line_are_refused(tmp_path: Path) -> None:
    files = series(tmp_path / "raw", numbered(), straight())
    moved = pydicom.dcmread(files[2])
    moved.ImagePositionPatient = [-28.0, -40.0, 14.0]
    moved.save_as(files[2])
    with pytest.raises(DataError, match="do not lie on one line"):
        read(tmp_path / "raw")


def test_echoes_of_one_series_are_stacks_of_their_own(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), seed=1, EchoTime=10.0)
    series(tmp_path / "raw", numbered(start=500), straight(), seed=2, EchoTime=80.0)
    store = read(tmp_path / "raw")
    assert sorted(one.values.min() for one in pictures(store)) == [0, 500]
    assert all(one.values.shape == (1, 5, 4, 3) for one in pictures(store))
    assert store.flow.notes["series of several stacks or pictures, each written by itself"] == 1


def test_stacks_one_behind_the_other_are_told_apart_by_their_acquisition(tmp_path: Path) -> None:
    far = straight()
    far[2, 3] = 400
    series(tmp_path / "raw", numbered(), straight(), seed=1, AcquisitionNumber=1)
    series(tmp_path / "raw", numbered(start=500), far, seed=2, AcquisitionNumber=2)
    assert sorted(one.values.min() for one in pictures(read(tmp_path / "raw"))) == [0, 500]


def test_an_interleaved_scan_with_a_missing_slice_is_not_taken_for_two_stacks(tmp_path: Path) -> None:
    files = series(tmp_path / "raw", numbered((8, 4, 3)), straight())
    for number, file in enumerate(files):
        data = pydicom.dcmread(file)
        data.AcquisitionNumber = number % 2
        data.save_as(file)
    files[6].unlink()
    with pytest.raises(DataError, match="1 of its slices are missing"):
        read(tmp_path / "raw")


def test_orientations_of_one_series_are_stacks_of_their_own(tmp_path: Path) -> None:
    sagittal = np.array([[2, 0, 0, -5], [0, 0, 0.5, -40], [0, -0.5, 0, 30], [0, 0, 0, 1.0]])
    series(tmp_path / "raw", numbered(), straight(), seed=1)
    series(tmp_path / "raw", numbered((4, 4, 3), 500), sagittal, seed=2)
    shapes = sorted(one.values.shape for one in pictures(read(tmp_path / "raw")))
    assert shapes == [(1, 4, 3, 4), (1, 5, 4, 3)]


def test_slices_at_one_place_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), seed=1)
    series(tmp_path / "raw", numbered(start=500), straight(), seed=2)
    with pytest.raises(DataError, match="several slices at one place"):
        read(tmp_path / "raw")


def test_stacks_of_fewer_slices_than_asked_for_are_left_out(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), seed=1)
    series(tmp_path / "raw", numbered((1, 4, 3)), straight(), seed=2, SeriesInstanceUID="1.5")
    store = read(tmp_path / "raw", least=5)
    assert [one.values.shape for one in pictures(store)] == [(1, 5, 4, 3)]
    assert store.flow.notes["stacks of fewer slices than asked for, left out"] == 1


def test_a_file_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    files = series(tmp_path / "raw", numbered(), straight())
    shutil.copy(files[1], tmp_path / "raw" / "copy.dcm")
    store = read(tmp_path / "raw")
    assert pictures(store)[0].values.shape == (1, 5, 4, 3)
    assert store.flow.notes["files that repeat another, byte for byte, left out"] == 1


def test_a_single_slice_is_a_picture_at_its_place(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered((1, 4, 3)), straight())
    (found,) = pictures(read(tmp_path / "raw"))
    assert found.values.shape == (1, 4, 3) and found.space.oriented
    assert np.allclose(found.space.affine, straight(2.0))


def test_one_series_read_from_a_folder_a_zip_and_beside_another_is_the_same(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight())
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "raw"))
    plain, packed = read(tmp_path / "raw"), read(archive)
    assert np.array_equal(pictures(plain)[0].values, pictures(packed)[0].values)
    assert plain.manifest.dataset.content_hash == packed.manifest.dataset.content_hash


def enhanced(volume: np.ndarray, affine: np.ndarray, order: list[int], echoes: list[float]) -> Dataset:
    """One file of many frames: in this order of slices, each with its own echo time and slope."""
    data = dataset(volume[order], Modality="MR", NumberOfFrames=len(order))
    first = place(affine, 0)
    turn, measures = Dataset(), Dataset()
    turn.ImageOrientationPatient = first["ImageOrientationPatient"]
    measures.PixelSpacing, measures.SliceThickness = first["PixelSpacing"], 2.0
    shared = Dataset()
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [turn], [measures]
    data.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for number, echo in zip(order, echoes, strict=True):
        plane, time, values, frame = Dataset(), Dataset(), Dataset(), Dataset()
        plane.ImagePositionPatient = place(affine, number)["ImagePositionPatient"]
        time.EffectiveEchoTime = echo
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 2, number, "US"
        frame.PlanePositionSequence, frame.MREchoSequence, frame.PixelValueTransformationSequence = [plane], [time], [values]
        frames.append(frame)
    data.PerFrameFunctionalGroupsSequence = frames
    return data


def test_the_frames_of_an_enhanced_picture_are_put_together_by_their_own_places_and_echoes(tmp_path: Path) -> None:
    volume, order = numbered(), [3, 0, 4, 1, 2]
    write(enhanced(volume, straight(), order * 2, [10.0] * 5 + [80.0] * 5), tmp_path / "raw" / "a.dcm")
    found = pictures(read(tmp_path / "raw"), "IMAGE//MR")
    assert len(found) == 2
    for one in found:
        assert np.array_equal(one.values[0], volume * 2 + np.arange(5)[:, None, None])
        assert np.allclose(one.space.affine, straight())


def test_an_enhanced_picture_of_fewer_groups_than_frames_is_refused(tmp_path: Path) -> None:
    data = enhanced(numbered(), straight(), [0, 1, 2, 3, 4], [10.0] * 5)
    data.PerFrameFunctionalGroupsSequence.pop()
    write(data, tmp_path / "raw" / "a.dcm")
    with pytest.raises(DataError, match="tells of 4 frames and has 5"):
        read(tmp_path / "raw")


def test_one_bad_file_never_stops_an_import(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    series(raw, numbered((9, 4, 3)), straight())
    cut = series(raw / "cut", numbered(), straight(), SeriesInstanceUID="1.5")
    cut[0].write_bytes(cut[0].read_bytes()[:-10])
    (raw / "empty.dcm").write_bytes(b"")
    (raw / "letter.dcm").write_text("to the editor")
    (raw / "README.txt").write_text("about these files")
    headless = cut[1].read_bytes()
    cut[1].write_bytes(headless[:200])
    store = read(raw)
    found = reasons(store)
    assert found["an empty file"] == 1 and found["not a DICOM file"] == 1
    assert found["it is cut short: its pixels end before its header says"] == 1
    assert store.flow.notes["files that are not DICOM, left out"] == 1
    assert found["another slice of its series cannot be read"] == 3
    assert [one.values.shape for one in pictures(store)] == [(1, 9, 4, 3)]


def test_a_slice_that_cannot_be_decoded_refuses_its_series_and_is_named(tmp_path: Path) -> None:
    files = series(tmp_path / "raw", numbered(), straight())
    for file in files:
        data = pydicom.dcmread(file)
        data.compress(pydicom.uid.RLELossless)
        data.save_as(file)
    data = pydicom.dcmread(files[4])
    data.PixelData = pydicom.encaps.encapsulate([b"no such thing"])
    data.save_as(files[4])
    with pytest.raises(
        DataError, match=f"a slice of its series cannot be read .{files[4].name}: its pixels .RLE Lossless. cannot"
    ):
        read(tmp_path / "raw")


def test_two_files_with_other_content_that_claim_to_be_one_are_refused(tmp_path: Path) -> None:
    files = series(tmp_path / "raw", numbered(), straight())
    other = pydicom.dcmread(files[0])
    other.PixelData = bytes(24)
    other.save_as(tmp_path / "raw" / "z.dcm")
    assert reasons(read(tmp_path / "raw")) == {"another file with other content has the same SOPInstanceUID": 1}


def test_an_empty_series_of_a_dicomdir_is_refused_by_the_names_it_lists(tmp_path: Path) -> None:
    write(dataset(numbered()[0], **place(straight(), 0)), tmp_path / "raw" / "IMAGES" / "IM1")
    records = []
    for name in ("IM1", "IM2"):
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", ["IMAGES", name]
        records.append(record)
    directory = Dataset()
    directory.SOPClassUID, directory.SOPInstanceUID = "1.2.840.10008.1.3.10", generate_uid()
    directory.DirectoryRecordSequence = records
    write(directory, tmp_path / "raw" / "DICOMDIR")
    store = read(tmp_path / "raw")
    assert [(r.reason, r.first) for r in store.flow.refused] == [("listed in DICOMDIR, but not there", ["IMAGES/IM2"])]
    assert len(pictures(store)) == 1
