"""Series written slice by slice with a known place for every point, in files whose names and order say nothing."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from scipy.spatial.transform import Rotation

import sequela
from sequela.errors import ConfigError, DataError
from sequela.types import Payload

CT, DX = CTImageStorage, DigitalXRayImageStorageForPresentation


def dataset(pixels: np.ndarray, **elements: Any) -> Dataset:
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = elements.pop("SOPClassUID", CT), generate_uid()
    data.PatientID, data.StudyInstanceUID, data.SeriesInstanceUID = "P1", "1.2.3", "1.2.3.4"
    data.Modality, data.StudyDate, data.StudyTime = "CT", "20200119", "112200"
    data.Rows, data.Columns = pixels.shape[-2:]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = pixels.dtype.itemsize * 8
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    data.PixelData = pixels.tobytes()
    data["PixelData"].VR = "OW"
    for name, value in elements.items():
        setattr(data, name, value)
    return data


def write(data: Dataset, path: Path) -> Path:
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def place(affine: np.ndarray, number: int) -> dict[str, Any]:
    """The elements of slice `number` of a volume with this affine (slice, row, column) -> mm."""
    down, across = np.linalg.norm(affine[:3, 1]), np.linalg.norm(affine[:3, 2])
    turn = [*(affine[:3, 2] / across), *(affine[:3, 1] / down)]
    position = affine @ [number, 0, 0, 1]
    return {
        "ImageOrientationPatient": [round(float(x), 9) for x in turn],
        "ImagePositionPatient": [round(float(x), 6) for x in position[:3]],
        "PixelSpacing": [round(float(down), 6), round(float(across), 6)],
        "SliceThickness": 2.0,
    }


def series(folder: Path, volume: np.ndarray, affine: np.ndarray, seed: int = 0, **elements: Any) -> list[Path]:
    """Files of shuffled names and numbers, one a slice, in the order of the slices."""
    names = np.random.default_rng(seed).permutation(len(volume))
    data = [dataset(one, **place(affine, k), InstanceNumber=int(names[k]), **elements) for k, one in enumerate(volume)]
    return [write(one, folder / f"{seed}-{names[k]:03d}.dcm") for k, one in enumerate(data)]


def straight(spacing: float = 2.0) -> np.ndarray:
    return np.array([[0, 0, 0.5, -30], [0, 0.7, 0, -40], [spacing, 0, 0, 10], [0, 0, 0, 1.0]])


def numbered(shape: tuple[int, ...] = (5, 4, 3), start: int = 0) -> np.ndarray:
    return np.arange(start, start + np.prod(shape), dtype=np.int16).reshape(shape)


def read(source: Path, max_refused: float = 0.5, **options: Any) -> Any:
    return sequela.import_data("dicom", source, source.parent / f"{source.name}.store", options=options, max_refused=max_refused)


def pictures(store: Any, code: str = "IMAGE//CT") -> list[Payload]:
    return [store.payloads.open(uri) for uri in store.events([code])["payload"]]


def reasons(store: Any) -> dict[str, int]:
    return {refusal.reason: refusal.count for refusal in store.flow.refused}


# ------------------------------------------------------------------------------------------------------------------- assembly


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


# --------------------------------------------------------------------------------------------------------------------- values


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


# ---------------------------------------------------------------------------------------------------- subjects, times, options


def test_the_subject_its_sex_and_age_and_the_series_are_told(tmp_path: Path) -> None:
    told = {"PatientSex": "F", "PatientAge": "018M", "SeriesDescription": "Thorax nativ", "TimezoneOffsetFromUTC": "+0100"}
    series(tmp_path / "raw", numbered(), straight(), **told)
    store = read(tmp_path / "raw")
    events = {row["code"]: row for row in store.events().iter_rows(named=True)}
    assert store.subjects["source_id"].to_list() == ["P1"]
    assert events["IMAGE//CT"]["text_value"] == "Thorax nativ"
    assert events["IMAGE//CT"]["time"] == datetime(2020, 1, 19, 10, 22)
    assert events["SEX"]["text_value"] == "F" and events["SEX"]["time"] is None
    assert events["AGE"]["numeric_value"] == 1.5 and events["AGE"]["time"] == datetime(2020, 1, 19, 10, 22)
    assert not store.manifest.dataset.relative_times


def test_times_without_an_offset_are_of_the_zone_given_and_else_relative(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight())
    store = read(tmp_path / "raw")
    assert store.manifest.dataset.relative_times
    shutil.rmtree(tmp_path / "raw.store")
    store = read(tmp_path / "raw", timezone="America/New_York")
    assert store.events(["IMAGE//CT"])["time"][0] == datetime(2020, 1, 19, 16, 22)
    assert not store.manifest.dataset.relative_times


def test_dates_that_were_moved_when_names_were_removed_are_relative(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), LongitudinalTemporalInformationModified="MODIFIED")
    assert read(tmp_path / "raw", timezone="UTC").manifest.dataset.relative_times


def test_a_subject_of_whom_two_sexes_are_told_keeps_the_first_and_that_is_noted(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), seed=1, PatientSex="F")
    series(tmp_path / "raw", numbered(), straight(), seed=2, PatientSex="M", SeriesInstanceUID="1.5")
    store = read(tmp_path / "raw")
    assert store.events(["SEX"])["text_value"].to_list() == ["F"]
    assert store.flow.notes["pictures that tell another sex than the subject's first"] == 1


def test_a_picture_with_a_date_alone_is_known_when_the_day_is_over(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), StudyTime="")
    events = read(tmp_path / "raw", timezone="UTC").events(["IMAGE//CT"])
    assert events["time"][0] == datetime(2020, 1, 19) and events["available"][0] == datetime(2020, 1, 20)


def test_a_picture_without_a_date_has_no_time_and_that_is_noted(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), StudyDate="")
    store = read(tmp_path / "raw")
    assert store.events(["IMAGE//CT"])["time"][0] is None
    assert store.flow.notes["pictures whose study has no date: without time, so always known"] == 1


def test_an_acquisition_over_a_time_is_as_late_as_its_last_slice(tmp_path: Path) -> None:
    files = series(tmp_path / "raw", numbered(), straight(), AcquisitionDate="20200119")
    for number, file in enumerate(files):
        data = pydicom.dcmread(file)
        data.AcquisitionTime = f"1200{10 + number}.5"
        data.save_as(file)
    events = read(tmp_path / "raw", time="acquisition", timezone="UTC").events(["IMAGE//CT"])
    assert events["time"].to_list() == [datetime(2020, 1, 19, 12, 0, 14, 500000)]


def test_a_file_that_names_no_patient_is_refused_unless_a_subject_is_something_else(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), PatientID="")
    with pytest.raises(DataError, match="does not name its patient"):
        read(tmp_path / "raw")
    assert read(tmp_path / "raw", subject="study").subjects["source_id"].to_list() == ["1.2.3"]


def test_series_are_chosen_by_modality_and_description_and_may_share_one_code(tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight(), seed=1, SeriesDescription="Thorax lung kernel")
    series(tmp_path / "raw", numbered(), straight(), seed=2, SeriesInstanceUID="1.5", SeriesDescription="Topogram")
    series(tmp_path / "raw", numbered(), straight(), seed=3, SeriesInstanceUID="1.6", SeriesDescription="Lung", Modality="PT")
    store = read(tmp_path / "raw", modalities=["CT"], series="LUNG", code="IMAGE")
    assert store.events(["IMAGE"])["text_value"].to_list() == ["Thorax lung kernel"]
    assert sum(store.flow.notes.values()) == 10


@pytest.mark.parametrize("options", [{"timezone": "Mars/Olympus"}, {"series": "("}])
def test_options_that_cannot_be_meant_are_refused_before_anything_is_read(options: dict[str, Any], tmp_path: Path) -> None:
    series(tmp_path / "raw", numbered(), straight())
    with pytest.raises(ConfigError):
        read(tmp_path / "raw", **options)


# ------------------------------------------------------------------------------------------------------------------ bad input


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


# ---------------------------------------------------------------------------------------------------------------------- tables


def visit(folder: Path, patient: str, number: int, **elements: Any) -> list[Path]:
    """The files, in their order, of a series of a patient's study on the day of that number."""
    told = {"StudyInstanceUID": f"1.{number}", "SeriesInstanceUID": f"1.{number}.1", "StudyDate": f"202001{number:02d}"}
    return series(folder, numbered(), straight(), seed=number, PatientID=patient, **(told | elements))


def labelled(store: Any, code: str) -> list[tuple[str, datetime | None, str]]:
    events = store.events([code]).join(store.subjects, on="subject_id").sort("source_id", "time")
    return list(events.select("source_id", "time", "text_value").iter_rows())


def test_a_table_labels_subjects_without_time_and_says_their_part(tmp_path: Path) -> None:
    for number, patient in enumerate(("P1", "P1", "P2", "P3"), 1):
        visit(tmp_path / "raw", patient, number)
    (tmp_path / "raw/t.csv").write_text("subject,grade,part\nP1,high,train\nP2,low,test\nP4,low,train\nP2,high,test\n")
    store = read(tmp_path / "raw", table="t.csv", labels=["grade"])
    assert labelled(store, "LABEL//grade") == [("P1", None, "high"), ("P2", None, "low")]
    assert store.kinds["LABEL//grade"] == "label"
    names = dict(store.subjects.select("subject_id", "source_id").iter_rows())
    assert {names[subject]: part for subject, part in store.parts.items()} == {"P1": "train", "P2": "test"}
    assert reasons(store) == {"listed more than once; the first line counts": 1}
    assert store.flow.notes["lines of t.csv that name no subject of the source"] == 1
    assert store.flow.notes["subjects of which t.csv has no line, so unlabelled"] == 1
    assert not [note for note in store.flow.notes if "not DICOM" in note], "the table is no stray file"


@pytest.mark.parametrize(("column", "ending"), [("StudyInstanceUID", ""), ("SeriesInstanceUID", ".1")])
def test_labels_of_a_study_or_series_are_stamped_as_its_pictures(column: str, ending: str, tmp_path: Path) -> None:
    visit(tmp_path / "raw", "P1", 1)
    visit(tmp_path / "raw", "P1", 2)
    visit(tmp_path / "raw", "P2", 3, StudyDate="")
    (tmp_path / "raw/t.csv").write_text(f"subject,{column},grade\n,1.1{ending},high\n,1.2{ending},low\n,1.3{ending},low\n")
    store = read(tmp_path / "raw", table="t.csv", labels=["grade"], timezone="UTC")
    pictures_at = store.events(["IMAGE//CT"])["time"].to_list()
    assert labelled(store, "LABEL//grade") == [("P1", pictures_at[0], "high"), ("P1", pictures_at[1], "low"), ("P2", None, "low")]
    assert pictures_at[0] != pictures_at[1]


def test_the_columns_of_a_table_may_be_called_otherwise(tmp_path: Path) -> None:
    visit(tmp_path / "raw", "P1", 1)
    (tmp_path / "raw/t.csv").write_text("scan,label\n1.1,7\n")
    assert labelled(read(tmp_path / "raw", table="t.csv", columns={"study": "scan"}), "LABEL//label")[0][2] == "7"


def test_a_picture_that_cannot_be_read_is_not_labelled(tmp_path: Path) -> None:
    visit(tmp_path / "raw", "P1", 1)
    visit(tmp_path / "raw", "P2", 2)[2].unlink()
    (tmp_path / "raw/t.csv").write_text("subject,label\nP1,1\nP2,0\n")
    store = read(tmp_path / "raw", table="t.csv", max_refused=0.9)
    assert [name for name, _, _ in labelled(store, "LABEL//label")] == ["P1"]


def test_a_table_whose_lines_name_nothing_is_refused(tmp_path: Path) -> None:
    visit(tmp_path / "raw", "P1", 1)
    (tmp_path / "raw/t.csv").write_text("subject,label\n1,1\n")
    with pytest.raises(DataError, match="names a subject"):
        read(tmp_path / "raw", table="t.csv")
    with pytest.raises(ConfigError, match="without a table"):
        read(tmp_path / "raw", labels=["grade"])
