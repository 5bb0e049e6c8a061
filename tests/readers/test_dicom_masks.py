"""DICOM segmentations made by highdicom, read back point on point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

import sequela

SHAPE = (5, 6, 4)
NAMES = ("liver", "spleen", "tumour")


def source_images(sagittal: bool = False) -> list[Dataset]:
    """Slices of one CT series, in the order of their places."""
    images = []
    for number in range(SHAPE[0]):
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, generate_uid()
        data.PatientID, data.PatientName, data.PatientBirthDate, data.PatientSex = "P1", "X^Y", "", "F"
        data.StudyInstanceUID, data.SeriesInstanceUID, data.StudyID, data.AccessionNumber = "1.2.3", "1.2.3.4", "", ""
        data.FrameOfReferenceUID, data.Modality, data.StudyDate, data.StudyTime = "1.2.3.5", "CT", "20200119", "112200"
        data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = *SHAPE[1:], 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation, data.InstanceNumber = 15, 1, SHAPE[0] - number
        data.PixelSpacing, data.SliceThickness, data.ReferringPhysicianName = [0.5, 0.75], 2.0, ""
        data.ImageOrientationPatient = [0, 1, 0, 0, 0, -1] if sagittal else [1, 0, 0, 0, 1, 0]
        data.ImagePositionPatient = [2.0 * number, -40, 60] if sagittal else [-30, -40, 2.0 * number]
        data.PixelData = np.full(SHAPE[1:], number, np.int16).tobytes()
        data["PixelData"].VR = "OW"
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = CTImageStorage, data.SOPInstanceUID
        images.append(data)
    return images


def segmentation(images: list[Dataset], labels: np.ndarray, kind: str = "BINARY") -> Dataset:
    highdicom = pytest.importorskip("highdicom")
    from pydicom.sr.codedict import codes

    described = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=NAMES[number - 1],
            segmented_property_category=codes.SCT.Organ,
            segmented_property_type=codes.SCT.Liver,
            algorithm_type="MANUAL",
        )
        for number in range(1, 3)
    ]
    return highdicom.seg.Segmentation(
        source_images=images,
        pixel_array=labels,
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=generate_uid(),
        series_number=2,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="none",
        manufacturer_model_name="none",
        software_versions="0",
        device_serial_number="0",
    )


def labelled() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:3, 1:4, :2] = 1
    labels[3, 4:, 1:] = 2
    return labels


def read(folder: Path, *files: Dataset, **options: Any) -> Any:
    (folder / "raw").mkdir()
    for number, data in enumerate(files):
        data.save_as(folder / "raw" / f"{number * 7 % 11:02d}.dcm", enforce_file_format=True)
    return sequela.import_data("dicom", folder / "raw", folder / "it.store", options=options, max_refused=0.9)


def opened(store: Any, code: str) -> Any:
    (uri,) = store.events([code])["payload"]
    return store.payloads.open(uri)


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_segmentation_is_a_label_map_on_its_picture(kind: str, tmp_path: Path) -> None:
    images = source_images()
    store = read(tmp_path, *images, segmentation(images, labelled(), kind))
    mask, picture = opened(store, "MASK"), opened(store, "IMAGE//CT")
    assert mask.values.dtype == np.uint8 and np.array_equal(mask.values[0], labelled())
    assert np.array_equal(mask.space.affine, picture.space.affine) and mask.space.axes == picture.space.axes
    assert store.kinds["MASK"] == "label"
    event = store.events(["MASK"]).row(0, named=True)
    assert event["text_value"] == "1 liver; 2 spleen" and event["time"] == store.events(["IMAGE//CT"])["time"][0]


def test_a_mask_turns_with_its_picture(tmp_path: Path) -> None:
    images = source_images(sagittal=True)
    store = read(tmp_path, *images, segmentation(images, labelled()))
    mask, picture = opened(store, "MASK"), opened(store, "IMAGE//CT")
    assert mask.values.shape == picture.values.shape == (1, 6, 4, 5)
    marked = np.argwhere(mask.values[0] == 2)
    assert set(picture.values[0][tuple(marked.T)]) == {3}
    assert len(marked) == (labelled() == 2).sum()


def test_a_segmentation_of_a_series_that_is_not_there_is_refused(tmp_path: Path) -> None:
    images = source_images()
    other = source_images()
    for data in other:
        data.SeriesInstanceUID = "1.9"
    store = read(tmp_path, *images, segmentation(other, labelled()))
    assert [refusal.reason for refusal in store.flow.refused] == ["it marks a series that is not read"]
    assert store.events(["MASK"]).is_empty()


def test_a_segmentation_on_another_grid_is_refused(tmp_path: Path) -> None:
    images, moved = source_images(), source_images()
    for data in moved:
        data.ImagePositionPatient = [-29.6, -40, data.ImagePositionPatient[2]]
    store = read(tmp_path, *images, segmentation(moved, labelled()))
    assert [refusal.reason for refusal in store.flow.refused] == ["it is a segmentation on another grid than its series"]


def test_overlapping_segments_are_refused(tmp_path: Path) -> None:
    images = source_images()
    both = np.zeros((*SHAPE, 2), np.uint8)
    both[1, 1, 1] = 1
    store = read(tmp_path, *images, segmentation(images, both))
    assert [refusal.reason for refusal in store.flow.refused] == ["it is a segmentation whose segments overlap"]


def test_a_fractional_segmentation_is_refused(tmp_path: Path) -> None:
    images = source_images()
    share = np.stack([(labelled() == number).astype(np.float64) / 2 for number in (1, 2)], axis=-1)
    store = read(tmp_path, *images, segmentation(images, share, "FRACTIONAL"))
    assert [refusal.reason for refusal in store.flow.refused] == [
        "it is a segmentation of the type FRACTIONAL; read are BINARY and LABELMAP"
    ]


def test_a_segmentation_of_a_series_that_was_not_asked_for_is_left_out(tmp_path: Path) -> None:
    images, others = source_images(), source_images()
    for data in others:
        data.SeriesInstanceUID, data.Modality = "1.9", "PT"
    store = read(tmp_path, *images, *others, segmentation(others, labelled()), modalities=["CT"])
    assert not store.flow.refused
    assert store.flow.notes["segmentations of series that were not asked for, left out"] == 1
