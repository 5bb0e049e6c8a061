"""A mask that a bundle paints goes back to where its picture came from: to the DICOM series, or to the NIfTI file's own array."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sequela
from sequela import config
from sequela.bundle.prediction import Prediction
from sequela.cli import main
from sequela.export import dicom_seg, dicom_series
from sequela.export.dicom_seg import Maker, Segment
from sequela.pipeline.experiment import Run
from sequela.store.source import open_source
from sequela.types import Array, Space

pytestmark = pytest.mark.slow  # trains networks

pydicom = pytest.importorskip("pydicom")
nibabel = pytest.importorskip("nibabel")
pytest.importorskip("highdicom")

SHAPE = (6, 10, 12)
SPACE = Space(np.array([[0, 0, 1, -10], [0, 1.5, 0, -20], [2, 0, 0, 0], [0, 0, 0, 1.0]]), "SPL")
PATIENTS = [f"P{number:02d}" for number in range(12)]
SPLIT = {"train": PATIENTS[:8], "tune": PATIENTS[8:10], "test": PATIENTS[10:]}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is imported for the whole file is not kept beyond it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQUELA_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def drawn(number: int) -> tuple[Array, Array]:
    """A volume with a bright ball, and the ball; slices from below, rows from the front, columns from the right."""
    random = np.random.default_rng(number)
    middle, radius = random.uniform([2, 3, 3], [4, 7, 9]), random.uniform(2, 3)
    mask = sum((axis - place) ** 2 for axis, place in zip(np.ogrid[:6, :10, :12], middle, strict=True)) < radius**2
    return (random.normal(100, 20, SHAPE) + 300 * mask).astype(np.int16), mask.astype(np.uint8)


def slices(folder: Path, patient: str, volume: Array) -> Path:
    """Axial slices 2 mm apart, named against their order."""
    folder.mkdir(parents=True)
    for k, pixels in enumerate(volume):
        data = pydicom.Dataset()
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", f"2.25.4{patient[1:]}{k}"
        data.StudyInstanceUID, data.SeriesInstanceUID = f"2.25.1{patient[1:]}", f"2.25.2{patient[1:]}"
        data.StudyDate, data.StudyTime = "20200119", "112200"
        data.FrameOfReferenceUID, data.Modality, data.PatientID = f"2.25.3{patient[1:]}", "MR", patient
        data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = *SHAPE[1:], 1, "MONOCHROME2"
        data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
        data.ImagePositionPatient, data.ImageOrientationPatient = [-10, -20, 2.0 * k], [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [1.5, 1.0], 2.0
        data.PixelData = pixels.tobytes()
        data.save_as(folder / f"{9 - k}.dcm", enforce_file_format=True)
    return folder


def marked(folder: Path, patient: str, number: int) -> None:
    """A series and the segmentation that somebody drew on it."""
    volume, mask = drawn(number)
    alone = slices(folder / patient, patient, volume)
    stack = dicom_series.stack_of(open_source(alone), f"2.25.2{patient[1:]}")
    dicom_seg.write(mask, SPACE, stack, [Segment("ball")], Maker("a person"), alone / "drawn.dcm")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw") / "scans"
    for number, patient in enumerate(PATIENTS):
        marked(folder, patient, number)
    return folder


def study(**changed: Any) -> config.Study:
    given = {
        "name": "balls",
        "question": "Where is the ball?",
        "data": {"source": "scans", "reader": "dicom", "options": {"code": "IMAGE"}},
        "cohort": {"index": "IMAGE"},
        "outcome": {"mask": "MASK", "classes": ["ball"]},
        "inputs": {
            "scan": {
                "modality": {"name": "image", "patch": [4, 8, 8], "patches": 4},
                "encoder": {"name": "unet", "width": 4, "levels": 2},
            }
        },
        "task": "segment",
        "split": {"by": "list", "parts": SPLIT},
        "train": {"epochs": 6, "batch": 8, "optimizer": {"lr": 1e-2}, "patience": 0},
        "baselines": {"names": []},
        "evaluate": {"bootstrap": 0, "threshold": "f1"},
    }
    return config.convert(given | changed, config.Study)


@pytest.fixture(scope="module")
def trained(scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return sequela.run(study(), data=scans, out=tmp_path_factory.mktemp("runs") / "balls")


@pytest.fixture(scope="module")
def said(trained: Run, scans: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Prediction]:
    out = tmp_path_factory.mktemp("segmentations")
    return {one.row_id: one for one in sequela.predict(trained.bundle, scans, out=out, masks="dicom")}


def test_a_segmentation_holds_frame_by_frame_what_was_predicted(said: dict[str, Prediction]) -> None:
    """Read with pydicom alone, each frame by the height that it tells."""
    assert len(said) == 12 and any(one.mask is not None and one.mask.any() for one in said.values())
    for patient, one in said.items():
        assert one.file is not None and one.mask is not None
        data = pydicom.dcmread(one.file)
        assert (data.PatientID, data.FrameOfReferenceUID) == (patient, f"2.25.3{patient[1:]}")
        assert data.ManufacturerModelName == "balls" and data.SegmentSequence[0].SegmentLabel == "ball"
        heights = [
            float(frame.PlanePositionSequence[0].ImagePositionPatient[2]) for frame in data.PerFrameFunctionalGroupsSequence
        ]
        assert sorted(heights) == [0, 2, 4, 6, 8, 10]
        for height, frame in zip(heights, data.pixel_array, strict=True):
            np.testing.assert_array_equal(frame, one.mask[round(height / 2)])


def test_the_reader_reads_the_mask_that_was_predicted(said: dict[str, Prediction], scans: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    for patient in PATIENTS[:3]:
        shutil.copytree(scans / patient, both / patient, ignore=shutil.ignore_patterns("drawn.dcm"))
        shutil.copy(str(said[patient].file), both / patient / "predicted.dcm")
    store = sequela.import_data("dicom", both, tmp_path / "it.store")
    found = store.events(["MASK"]).join(store.subjects, on="subject_id")
    assert found["source_id"].to_list() == PATIENTS[:3]
    for patient, uri in found.select("source_id", "payload").iter_rows():
        np.testing.assert_array_equal(store.payloads.open(uri).values[0], said[patient].mask)


def test_the_command_line_writes_segmentations(
    trained: Run, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["predict", str(trained.bundle), str(scans), "--subject", "P03", "--out", str(tmp_path), "--masks", "dicom", "--json"]
    assert main(asked) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(tmp_path / "P03-mask.dcm") and "picture" not in told
    assert pydicom.dcmread(told["file"]).Modality == "SEG"


def test_segmentations_are_of_raw_dicom_into_a_folder(
    trained: Run, scans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = sequela.import_data("dicom", scans, tmp_path / "it.store", options={"code": "IMAGE"})
    assert main(["predict", str(trained.bundle), str(store.path), "--out", str(tmp_path), "--masks", "dicom"]) == 2
    assert "refers to the files of its series" in capsys.readouterr().err
    assert main(["predict", str(trained.bundle), str(scans), "--masks", "dicom"]) == 2
    assert "--out DIR" in capsys.readouterr().err


TURNS = [[[0, 1], [1, 1], [2, 1]], [[2, -1], [0, 1], [1, -1]], [[1, 1], [0, -1], [2, -1]]]
LPS = np.diag([-1.0, -1.5, 2.0, 1])


def turned(values: Array, number: int) -> Any:
    """A NIfTI image of slices, rows and columns, numbered by nibabel one of three ways."""
    image = nibabel.Nifti1Image(values.transpose(2, 1, 0), LPS).as_reoriented(np.array(TURNS[number % 3]))
    image.header.set_xyzt_units("mm")
    return image


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nifti") / "volumes"
    for number, patient in enumerate(PATIENTS):
        for name, values in zip(("images", "labels"), drawn(number), strict=True):
            (folder / name).mkdir(parents=True, exist_ok=True)
            turned(values, number).to_filename(folder / name / f"{patient}.nii.gz")
    return folder


def test_a_mask_of_a_nifti_file_lies_in_that_files_own_array(volumes: Path, tmp_path: Path) -> None:
    """Files turned by nibabel are read back by it: the same array order and affine, and the mask that was predicted."""
    asked = study(data={"source": "volumes", "reader": "nifti"}, cohort={"index": "SAMPLE"})
    done = sequela.run(asked, data=volumes, out=tmp_path / "run")
    said = sequela.predict(done.bundle, volumes, out=tmp_path / "masks")
    assert [one.row_id for one in said] == PATIENTS and any(one.mask is not None and one.mask.any() for one in said)
    for number, one in enumerate(said):
        source, back = nibabel.load(volumes / "images" / f"{one.row_id}.nii.gz"), nibabel.load(str(one.file))
        assert one.mask is not None
        np.testing.assert_allclose(back.affine, source.affine, atol=1e-4)
        np.testing.assert_array_equal(np.asarray(back.dataobj), np.asarray(turned(one.mask, number).dataobj))
