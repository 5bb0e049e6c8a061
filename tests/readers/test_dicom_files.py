"""Every file that the package pydicom brings, and real series: read with each point at its place, or refused with its reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from sequela.errors import DataError, MissingExtra
from sequela.readers import _dicom_pixels, dicom
from sequela.readers._dicom_aside import Aside
from sequela.store.source import open_source
from sequela.types import Payload

ROOT = Path(pydicom.__file__).parent / "data"
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.rglob("*")
    if path.is_file() and path.suffix not in (".py", ".pyc") and "TINY_ALPHA/PT" not in path.as_posix()
)
REFUSED = {  # what cannot be read, and why
    "test_files/JPEG-lossy.dcm": "pixels (JPEG Extended",  # 12 bits, which neither GDCM nor Pillow decodes
    "test_files/JPGExtended.dcm": "pixels (JPEG Extended",
    "test_files/JPEG2000-embedded-sequence-delimiter.dcm": "pixels (JPEG 2000",
    "test_files/MR_truncated.dcm": "cut short",
    "test_files/SC_rgb_rle_32bit.dcm": "colours of the type uint32",
    "test_files/SC_rgb_rle_32bit_2frame.dcm": "colours of the type uint32",
    "test_files/UN_sequence.dcm": "no SOPClassUID",
    "test_files/badVR.dcm": "no number",
    "test_files/empty_charset_LEI.dcm": "no SOPClassUID",
    "test_files/liver_1frame.dcm": "tells of 3 frames and has 1",
    "test_files/liver_expb_1frame.dcm": "tells of 3 frames and has 1",
    "test_files/meta_missing_tsyntax.dcm": "0 × 0 pixels",
    "test_files/nested_priv_SQ.dcm": "0 × 0 pixels",
    "test_files/no_meta.dcm": "not a DICOM file",  # a byte is missing at its start
    "test_files/no_meta_group_length.dcm": "no SOPClassUID",
    "test_files/priv_SQ.dcm": "no SOPClassUID",
    "test_files/rtstruct.dcm": "RTSTRUCT",
    "charset_files/chrJapMulti.dcm": "without pixels",
    "charset_files/chrJapMultiExplicitIR6.dcm": "without pixels",
    "charset_files/chrKoreanMulti.dcm": "without pixels",
    "charset_files/chrSQEncoding.dcm": "no SOPClassUID",
    "charset_files/chrSQEncoding1.dcm": "no SOPClassUID",
}
NO_PICTURES = ("palettes/", "reportsi", "test-SR", "rtplan", "DICOMDIR", "NoMeta", "dicomdirtests/DICOMDIR")
PLAIN = "MR_small.dcm"
TWINS = [  # files with the same picture, encoded otherwise
    *((PLAIN, f"MR_small_{other}.dcm") for other in ("RLE", "jp2klossless", "jpeg_ls_lossless", "bigendian", "expb", "implicit")),
    (PLAIN, "MR_small_padded.dcm"),
    ("rtdose.dcm", "rtdose_rle.dcm"),
    ("rtdose.dcm", "rtdose_expb.dcm"),
    ("rtdose_1frame.dcm", "rtdose_rle_1frame.dcm"),
    ("SC_rgb_jpeg_dcmd.dcm", "SC_rgb_jpeg.dcm"),
    ("SC_rgb_small_odd.dcm", "SC_rgb_small_odd_big_endian.dcm"),
    ("SC_rgb_rle.dcm", "SC_rgb_jpeg_gdcm.dcm"),
]


class Memory:
    """A sink that remembers what a reader gave."""

    def __init__(self) -> None:
        self.pictures: list[Payload] = []
        self.reasons: list[str] = []
        self.notes: dict[str, int] = {}

    def payload(self, name: str, payload: Payload) -> str:
        self.pictures.append(payload)
        return name

    def refuse(self, record: str, reason: str) -> None:
        self.reasons.append(reason)

    def note(self, text: str, count: int) -> None:
        self.notes[text] = self.notes.get(text, 0) + count

    def events(self, frame: Any) -> None: ...
    def code(self, code: str, kind: str, **rest: Any) -> None: ...
    def accept(self, count: int = 1) -> None: ...
    def progress(self, done: int, total: int) -> None: ...
    def relative_times(self) -> None: ...


def read(path: Path, **options: Any) -> Memory:
    sink = Memory()
    dicom.build(dicom.Config(subject="file", **options)).read(open_source(path), sink)  # type: ignore[arg-type]
    return sink


def picture(name: str) -> Payload:
    (found,) = read(ROOT / "test_files" / name).pictures
    return found


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # of the files that the check itself opens
@pytest.mark.parametrize("name", FILES)
def test_every_file_of_pydicom_is_read_or_refused_with_its_reason(name: str) -> None:
    path = ROOT / name
    if path.read_bytes()[128:132] != b"DICM" and name not in REFUSED and "NoMeta" not in name:
        with pytest.raises(DataError, match="no DICOM file"):
            read(path)
        return
    found = read(path)
    if name in REFUSED:
        assert not found.pictures and REFUSED[name] in found.reasons[0]
    elif any(part in name for part in NO_PICTURES):
        assert not found.pictures and found.notes
    else:
        assert len(found.pictures) == 1 and not found.reasons
        _check_places(path, found.pictures[0])


def _check_places(path: Path, found: Payload) -> None:
    """Corners of the first and last frame lie where the file's own numbers put them, with the file's own value."""
    data = pydicom.dcmread(path)
    if "ImagePositionPatient" not in data or "ImageOrientationPatient" not in data or data.Modality == "CR":
        assert found.space is None or not found.space.oriented
        return
    turn, position = np.array(data.ImageOrientationPatient, float).reshape(2, 3), np.array(data.ImagePositionPatient, float)
    down, across = map(float, data.PixelSpacing)
    stored = np.atleast_3d(data.pixel_array) if data.pixel_array.ndim == 3 else data.pixel_array[None]
    slope, intercept = float(data.get("RescaleSlope", 1)), float(data.get("RescaleIntercept", 0))
    slope *= float(data.get("DoseGridScaling", 1))
    heights = np.array(data.get("GridFrameOffsetVector", [0.0]), float)[: len(stored)]
    assert found.space is not None
    values = found.values if found.values.ndim == 4 else found.values[:, None]
    for k in {0, len(stored) - 1}:
        for i, j in ((0, 0), (3, 7), (data.Rows - 1, data.Columns - 1)):
            place = position + heights[k] * np.cross(*turn) + turn[0] * across * j + turn[1] * down * i
            index = np.linalg.solve(found.space.affine, [*place, 1])
            assert np.allclose(index, np.rint(index), atol=1e-3)
            there = tuple(np.rint(index[:3]).astype(int))
            assert values[(0, *there)] == pytest.approx(stored[k, i, j] * slope + intercept, rel=1e-6)


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_a_compressed_file_decodes_to_the_pixels_of_its_uncompressed_twin(one: str, other: str) -> None:
    first, second = picture(one), picture(other)
    assert first.values.dtype == second.values.dtype and np.array_equal(first.values, second.values)
    assert first.unit == second.unit and (first.space is None) == (second.space is None)


def test_a_lossy_jpeg_is_close_to_the_picture_that_it_was_made_of() -> None:
    plain = picture("SC_rgb_rle.dcm").values.astype(int)
    for name in ("rgb_jpeg_lossy_gdcm", "rgb_jpeg_dcmtk", "ybr_full_422_uncompressed", "rgb_dcmtk_+eb+cr", "rgb_gdcm_KY"):
        assert np.abs(picture(f"SC_{name}.dcm").values - plain).mean() < 4, name


def test_a_decoder_that_breaks_down_or_does_not_end_costs_its_file_and_no_more(tmp_path: Path) -> None:
    path = ROOT / "test_files" / "MR_small_jpeg_ls_lossless.dcm"
    aside = Aside()
    aside._running().kill()
    with pytest.raises(DataError, match="broke down"):
        aside.decode(path, None, "pixels")
    assert np.array_equal(aside.decode(path, None, "pixels"), picture("MR_small.dcm").values[0])
    os.mkfifo(tmp_path / "endless.dcm")  # reading it waits for ever
    aside.seconds = 0.2
    with pytest.raises(DataError, match="broke down"):
        aside.decode(tmp_path / "endless.dcm", None, "pixels")


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_jp2klossless.dcm", "SC_rgb_jpeg_gdcm.dcm", "liver_1frame.dcm"])
def test_damaged_bytes_never_stop_the_reader(name: str, tmp_path: Path) -> None:
    whole, random = (ROOT / "test_files" / name).read_bytes(), np.random.default_rng(0)
    for number in range(20):
        damaged = bytearray(whole[: random.integers(200, len(whole))] if number % 4 == 0 else whole)
        for place in random.integers(132, min(len(damaged), 1500), random.integers(1, 20)):
            damaged[place] = random.integers(256)
        (tmp_path / f"{number:02d}.dcm").write_bytes(damaged)
    found = read(tmp_path)
    assert len(found.reasons) + len(found.pictures) + sum(found.notes.values()) >= 20
    assert any(found.reasons)


def test_a_palette_gives_the_colours_of_its_table() -> None:
    data = pydicom.dcmread(ROOT / "test_files" / "examples_palette.dcm")
    found = picture("examples_palette.dcm").values
    table = np.frombuffer(data.RedPaletteColorLookupTableData, "<u2")
    assert np.array_equal(found[0], table[data.pixel_array])


def test_a_film_is_a_stack_of_frames_in_their_order() -> None:
    data = pydicom.dcmread(ROOT / "test_files" / "examples_ybr_color.dcm")
    found = picture("examples_ybr_color.dcm")
    assert found.values.shape == (3, 30, 240, 320) and not found.space.oriented
    assert np.array_equal(found.values[:, 17], np.moveaxis(pydicom.pixels.pixel_array(data, index=17), -1, 0))


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_are_those_of_pydicom(function: str) -> None:
    data = pydicom.dcmread(ROOT / "test_files" / "MR_small.dcm")
    data.WindowCenter, data.WindowWidth, data.VOILUTFunction = 600, 1600, function
    low, high = -(2**15), 2**15 - 1
    theirs = (pydicom.pixels.apply_windowing(data.pixel_array, data) - low) / (high - low)
    assert np.allclose(_dicom_pixels.windowed(data.pixel_array, 600, 1600, function), theirs, atol=1e-4)


def test_without_pydicom_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(name, name=name)

    monkeypatch.setattr("sequela.extras.importlib.import_module", absent)
    (tmp_path / "scan.dcm").write_bytes(b"")
    with pytest.raises(MissingExtra, match=r"sequela\[dicom\]"):
        read(tmp_path)


# ----------------------------------------------------------------------------------------------------------------- real series


@pytest.mark.data("mri_dicom_series")
def test_four_real_series_are_in_the_order_of_their_places(real_data: Callable[[str], Path]) -> None:
    folder = real_data("mri_dicom_series")
    sink = Memory()
    dicom.build(dicom.Config()).read(open_source(folder), sink)  # type: ignore[arg-type]
    assert not sink.reasons and sink.notes == {"files that are not DICOM, left out": 1}
    expected = _independent(folder)
    assert sorted(one.values.shape[1:] for one in sink.pictures) == sorted(volume.shape for volume, _ in expected)
    for volume, first in expected:
        (found,) = [one for one in sink.pictures if one.values.shape[1:] == volume.shape]
        assert np.array_equal(found.values[0], volume)
        assert np.allclose(found.space.affine[:3, 3], first)
    assert sum(len(volume) for volume, _ in expected) == 129


def _independent(folder: Path) -> list[tuple[np.ndarray, list[float]]]:
    """Each axial series sorted by its third coordinate alone, with the place of its lowest slice."""
    series: dict[str, list[Any]] = {}
    for path in folder.rglob("*.dcm"):
        data = pydicom.dcmread(path)
        series.setdefault(data.SeriesInstanceUID, []).append(data)
    found = []
    for members in series.values():
        members.sort(key=lambda data: float(data.ImagePositionPatient[2]))
        found.append((np.stack([data.pixel_array for data in members]), list(map(float, members[0].ImagePositionPatient))))
    return found
