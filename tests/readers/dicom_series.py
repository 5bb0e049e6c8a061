"""DICOM series written slice by slice with a known place for every point, and what a store has of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

import sequela
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
