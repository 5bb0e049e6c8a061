"""Masks as DICOM segmentations: every frame there, where its slice is, and read back equal."""

from __future__ import annotations

import shutil

import numpy as np
import polars as pl
import pytest

import sequela
from sequela.errors import DataError
from sequela.export import dicom_seg, dicom_series
from sequela.export.dicom_seg import LESION, Concept, Maker, Segment
from sequela.readers import dicom
from sequela.store.source import open_source
from sequela.types import Space

pydicom = pytest.importorskip("pydicom")
highdicom = pytest.importorskip("highdicom")

SEGMENTS = (Segment("tumour", LESION, Concept("108369006", "SCT", "Neoplasm")), Segment("oedema"))
MAKER = Maker("a study", serial="0123abcd")


def _series(folder, store):
    """The payload that is stored of the one series of a folder, and the slices that it was made of."""
    found = sequela.import_data("dicom", folder, store)
    table = pl.read_parquet(store / "metadata" / "payloads.parquet")
    (name,), (uri,) = table["name"].to_list(), table["uri"].to_list()
    return found.payloads.open(uri), dicom_series.stack_of(open_source(folder), name)


def drawn(shape, seed=0):
    """A mask with two labels, nothing in its first and last third of slices."""
    mask = np.zeros(shape, np.uint8)
    third = len(mask) // 3
    part = mask[third : 2 * third]
    part[:] = np.random.default_rng(seed).choice([0, 1, 2], part.shape, p=[0.7, 0.2, 0.1])
    return mask


def folders(real_data):
    root = real_data("mri_dicom_series")
    return sorted({path.parent for path in root.rglob("*.dcm")})


def at(frame, data):
    """Place of a frame's first pixel, from its functional groups."""
    return tuple(np.round([float(x) for x in frame.PlanePositionSequence[0].ImagePositionPatient], 4))


@pytest.mark.slow
def test_a_mask_on_each_mri_series_comes_back_voxel_by_voxel(real_data, tmp_path):
    """Read with pydicom alone: frame by frame, by place and segment, against what was drawn at the source's own slices."""
    checked = 0
    for number, folder in enumerate(folders(real_data)):
        payload, stack = _series(folder, tmp_path / f"{number}.store")
        mask = drawn(payload.values.shape[1:], number)
        found = pydicom.dcmread(dicom_seg.write(mask, payload.space, stack, SEGMENTS, MAKER, tmp_path / f"{number}.dcm"))
        sources = [pydicom.dcmread(path) for path in folder.glob("*.dcm")]
        frames = dict(_frames(found))
        assert len(frames) == 2 * len(sources) == found.NumberOfFrames, "every slice has a frame of each segment, empty or not"
        for source in sources:
            place = tuple(np.round([float(x) for x in source.ImagePositionPatient], 4))
            expected = _slice_of(mask, payload.space, source)
            for segment in (1, 2):
                np.testing.assert_array_equal(frames[place, segment], expected == segment)
                checked += 1
    assert checked == 2 * 129


def _frames(found):
    pixels = found.pixel_array
    for frame, groups in zip(pixels, found.PerFrameFunctionalGroupsSequence, strict=True):
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        yield (at(groups, found), number), frame


def _slice_of(mask, space, source):
    """What a stored mask says at each pixel of a DICOM slice, by the place that its header gives."""
    row, column = np.mgrid[: source.Rows, : source.Columns]
    across, down = (np.array(source.ImageOrientationPatient[i : i + 3], float) for i in (0, 3))
    between_rows, between_columns = map(float, source.PixelSpacing)
    lps = np.array(source.ImagePositionPatient, float) + column[..., None] * between_columns * across
    lps = lps + row[..., None] * between_rows * down
    index = (np.concatenate([lps, np.ones((*row.shape, 1))], -1) @ np.linalg.inv(space.affine).T)[..., :3]
    assert np.abs(index - np.rint(index)).max() < 0.01  # of a pixel: headers round
    return mask[tuple(np.moveaxis(np.rint(index).astype(int), -1, 0))]


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_the_reader_reads_the_mask_that_was_drawn(kind, real_data, tmp_path):
    folder = next(one for one in folders(real_data) if "13_H" in one.name)
    payload, stack = _series(folder, tmp_path / "first.store")
    mask = drawn(payload.values.shape[1:])
    both = tmp_path / "both"
    shutil.copytree(folder, both)
    dicom_seg.encoded(mask, payload.space, stack, SEGMENTS, MAKER, kind=kind).save_as(both / "seg.dcm")
    store = sequela.import_data("dicom", both, tmp_path / "second.store")
    (row,) = store.events().filter(pl.col("code") == "MASK").rows(named=True)
    back = store.payloads.open(row["payload"])
    np.testing.assert_array_equal(back.values[0], mask)
    np.testing.assert_allclose(back.space.affine, payload.space.affine)
    assert row["text_value"] == "1 tumour; 2 oedema"


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """Six axial slices of a made-up patient, named against their order, and what was read of them."""
    folder = tmp_path_factory.mktemp("scan") / "series"
    _write(folder, [(f"{9 - k}.dcm", k) for k in range(6)])
    return (*_series(folder, folder.parent / "it.store"), folder)


def _plain(kind, instance):
    """The elements that all made-up files share."""
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data.SOPClassUID, data.SOPInstanceUID = kind, instance
    data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
    data.Modality, data.PatientID, data.PatientName, data.SeriesNumber = "MR", "p", "A^B", 4
    data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = 8, 9, 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    return data


def _write(folder, files):
    folder.mkdir()
    for name, k in files:
        data = _plain("1.2.840.10008.5.1.4.1.1.4", f"2.25.100{k}")
        data.ImagePositionPatient, data.ImageOrientationPatient = [-10, -20, 5.0 + 2.5 * k], [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [0.7, 0.8], 2.5
        data.PixelData = np.random.default_rng(k).integers(0, 2000, (8, 9)).astype(np.int16).tobytes()
        data.save_as(folder / name, enforce_file_format=True)


def test_it_lies_in_an_own_series_of_the_study_and_frame_of_reference_of_its_source(scan):
    payload, stack, _ = scan
    made = dicom_seg.encoded(drawn((6, 8, 9)), payload.space, stack, SEGMENTS, MAKER)
    assert (made.StudyInstanceUID, made.FrameOfReferenceUID, made.PatientID) == ("2.25.1", "2.25.3", "p")
    assert made.SeriesInstanceUID not in ("2.25.2", made.SOPInstanceUID) and made.Modality == "SEG" and made.SeriesNumber == 1004
    assert (made.Manufacturer, made.ManufacturerModelName, made.DeviceSerialNumber) == ("Sequela", "a study", "0123abcd")
    assert [one.SegmentLabel for one in made.SegmentSequence] == ["tumour", "oedema"]
    assert made.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC" and "not verified" in made.SeriesDescription
    referred = {one.ReferencedSOPInstanceUID for one in made.ReferencedSeriesSequence[0].ReferencedInstanceSequence}
    assert referred == {f"2.25.100{k}" for k in range(6)}


def test_an_empty_mask_has_all_its_frames(scan):
    payload, stack, _ = scan
    made = dicom_seg.encoded(np.zeros((6, 8, 9), np.uint8), payload.space, stack, SEGMENTS, MAKER)
    assert made.NumberOfFrames == 12 and not made.pixel_array.any()


def test_the_same_mask_has_the_same_names_and_another_has_others(scan):
    payload, stack, _ = scan
    made = [dicom_seg.encoded(drawn((6, 8, 9), seed), payload.space, stack, SEGMENTS, MAKER) for seed in (1, 1, 2)]
    uids = [(one.SeriesInstanceUID, one.SOPInstanceUID) for one in made]
    assert uids[0] == uids[1] and not set(uids[0]) & set(uids[2])
    assert all(len(uid) <= 64 and pydicom.uid.UID(uid).is_valid for uid in uids[0])


@pytest.mark.parametrize(
    ("mask", "segments", "reason"),
    [
        (np.zeros((6, 9, 8), np.uint8), SEGMENTS, "does not lie on the slices"),
        (np.zeros((5, 8, 9), np.uint8), SEGMENTS, "does not lie on the slices"),
        (np.full((6, 8, 9), 3, np.uint8), SEGMENTS, "values up to 3, and 2 segments"),
        (np.zeros((6, 8, 9), np.uint8), (), "0 segments"),
    ],
)
def test_a_mask_that_does_not_fit_its_series_or_its_names_is_refused(mask, segments, reason, scan):
    payload, stack, _ = scan
    with pytest.raises(DataError, match=reason):
        dicom_seg.encoded(mask, payload.space, stack, segments, MAKER)


def test_a_mask_that_lies_elsewhere_is_refused(scan):
    payload, stack, _ = scan
    moved = Space(payload.space.affine + np.array([[0, 0, 0, 1.0]] + [[0] * 4] * 3), payload.space.axes)
    with pytest.raises(DataError, match="does not lie on the slices"):
        dicom_seg.encoded(drawn((6, 8, 9)), moved, stack, SEGMENTS, MAKER)


def test_a_series_that_is_not_there_is_named(scan):
    with pytest.raises(DataError, match=r"has no series '2\.25\.77'"):
        dicom_series.stack_of(open_source(scan[2]), "2.25.77")
    with pytest.raises(DataError, match=r"has no series '2\.25\.2#2'"):
        dicom_series.stack_of(open_source(scan[2]), "2.25.2#2")


def test_stacks_of_one_series_are_found_by_the_names_that_the_reader_gave(tmp_path):
    """A scout and two echoes: where the reader is told to leave the scout out, the second stack has the name of the first."""
    folder = tmp_path / "series"
    folder.mkdir()
    for stack, (count, echo) in enumerate([(1, 5.0), (4, 10.0), (4, 20.0)]):
        for k in range(count):
            data = _plain("1.2.840.10008.5.1.4.1.1.4", f"2.25.9{stack}{k}")
            data.ImagePositionPatient, data.ImageOrientationPatient = [-10, -20, 2.5 * k], [1, 0, 0, 0, 1, 0]
            data.PixelSpacing, data.SliceThickness, data.EchoTime = [0.7, 0.8], 2.5, echo
            data.PixelData = np.full((8, 9), 100 * stack + k, np.int16).tobytes()
            data.save_as(folder / f"{7 - stack}{k}.dcm", enforce_file_format=True)
    for least, names in ((1, {"2.25.2", "2.25.2#2", "2.25.2#3"}), (2, {"2.25.2", "2.25.2#2"})):
        store = sequela.import_data("dicom", folder, tmp_path / f"{least}.store", options={"least": least})
        found = dicom_series.series_of(open_source(folder), dicom.Config(least=least))
        table = pl.read_parquet(store.path / "metadata" / "payloads.parquet")
        assert set(table["name"]) == set(found.stacks) == names
        for name, uri in table.select("name", "uri").iter_rows():
            expected = _plainly(found.stack(name))
            np.testing.assert_array_equal(store.payloads.open(uri).values.ravel(), expected.ravel())
            assert store.payloads.open(uri).name == name


def _plainly(stack):
    return np.stack([pydicom.dcmread(one.pixels.path).pixel_array for one in stack.slices])


def _enhanced(path, order):
    """A multi-frame file of slices 3 mm apart, in this order."""
    data = _plain("1.2.840.10008.5.1.4.1.1.4.1", "2.25.7")
    data.NumberOfFrames = len(order)
    shared, turn, measures = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    turn.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    measures.PixelSpacing, measures.SliceThickness = [0.7, 0.8], 3
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [turn], [measures]
    data.SharedFunctionalGroupsSequence = [shared]
    data.PerFrameFunctionalGroupsSequence = [_at_slice(k) for k in order]
    data.PixelData = np.stack([np.full((8, 9), 100 * k, np.int16) for k in order]).tobytes()
    data.save_as(path, enforce_file_format=True)
    return data


def _at_slice(k):
    groups, place, content = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    place.ImagePositionPatient = [7 + 3.0 * k, -20, 60]
    content.StackID, content.InStackPositionNumber, content.DimensionIndexValues = "1", k + 1, [1, k + 1]
    groups.PlanePositionSequence, groups.FrameContentSequence = [place], [content]
    return groups


def test_the_frames_of_an_enhanced_file_are_referred_to_one_by_one_whatever_their_order(tmp_path):
    (tmp_path / "in").mkdir()
    source = _enhanced(tmp_path / "in" / "a.dcm", [2, 0, 4, 1, 3])
    payload, stack = _series(tmp_path / "in", tmp_path / "it.store")
    mask = drawn(payload.values.shape[1:])
    frames = dict(_frames(dicom_seg.encoded(mask, payload.space, stack, SEGMENTS, MAKER)))
    assert len(frames) == 10 and mask.any()
    for groups in source.PerFrameFunctionalGroupsSequence:
        one, shared = pydicom.Dataset(), source.SharedFunctionalGroupsSequence[0]
        one.Rows, one.Columns = source.Rows, source.Columns
        one.ImagePositionPatient = groups.PlanePositionSequence[0].ImagePositionPatient
        one.ImageOrientationPatient = shared.PlaneOrientationSequence[0].ImageOrientationPatient
        one.PixelSpacing = shared.PixelMeasuresSequence[0].PixelSpacing
        expected = _slice_of(mask, payload.space, one)
        for segment in (1, 2):
            np.testing.assert_array_equal(frames[at(groups, source), segment], expected == segment)
