"""Small folders laid out exactly as TCIA gives out LIDC-IDRI: CT slices as DICOM, beside them the XML file of four readers."""

from __future__ import annotations

import numpy as np
import pytest

from sequela.config import convert
from sequela.errors import DataError
from sequela.readers import lidc
from sequela.readers._lidc_nodules import Marked, matched
from sequela.readers._lidc_readings import Drawn
from sequela.store.source import open_source

pydicom = pytest.importorskip("pydicom")

SHAPE = (12, 32, 40)  # slices, rows, columns
STEP = 2.5  # millimetres from slice to slice


def scan(folder, patient="LIDC-IDRI-0001", series="1.3.6.1.1", slices=SHAPE[0], seed=0):
    """A CT series in files of shuffled names, from inferior to superior; the SOPInstanceUID of each slice."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    folder.mkdir(parents=True, exist_ok=True)
    names = np.random.default_rng(seed).permutation(slices)
    pixels = np.random.default_rng(seed).integers(-1000, 400, (slices, *SHAPE[1:])).astype(np.int16)
    for number in range(slices):
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, f"{series}.{number + 1}"
        data.file_meta.MediaStorageSOPClassUID, data.file_meta.MediaStorageSOPInstanceUID = CTImageStorage, data.SOPInstanceUID
        data.PatientID, data.Modality, data.StudyDate = patient, "CT", "20000101"
        data.StudyInstanceUID, data.SeriesInstanceUID, data.InstanceNumber = "1.3.6.2", series, int(names[number])
        data.ImageOrientationPatient, data.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.7, 0.7]
        data.ImagePositionPatient, data.SliceThickness = [-100, -90, round(-300 + STEP * number, 3)], STEP
        data.Rows, data.Columns, data.SamplesPerPixel, data.PhotometricInterpretation = *SHAPE[1:], 1, "MONOCHROME2"
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation, data.RescaleSlope, data.RescaleIntercept = 15, 1, 1, -24
        data.PixelData = pixels[number].tobytes()
        data["PixelData"].VR = "OW"
        data.save_as(folder / f"{names[number] + 1:06d}.dcm", enforce_file_format=True)
    return [f"{series}.{number + 1}" for number in range(slices)]


def outline(instance, box, inside=True):
    """The outline of a rectangle (top, left, bottom, right; half open): the first pixels outside of it, one after another."""
    top, left, bottom, right = box[0] - 1, box[1] - 1, box[2], box[3]
    chain = [
        *((column, top) for column in range(left, right + 1)),
        *((right, row) for row in range(top + 1, bottom + 1)),
        *((column, bottom) for column in range(right - 1, left - 1, -1)),
        *((left, row) for row in range(bottom - 1, top - 1, -1)),
    ]
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in chain)
    flag = "TRUE" if inside else "FALSE"
    where = f"<imageZposition>0</imageZposition><imageSOP_UID>{instance}</imageSOP_UID>"
    return f"<roi>{where}<inclusion>{flag}</inclusion>{edges}</roi>"


def nodule(instances, slices, box, malignancy=None, holes=(), name="Nodule 001"):
    """A box through these slices as one reader drew it."""
    grades = (
        f"<characteristics><subtlety>4</subtlety><malignancy>{malignancy}</malignancy></characteristics>" if malignancy else ""
    )
    rois = "".join(outline(instances[number], box) for number in slices)
    rois += "".join(outline(instances[number], hole, inside=False) for number in slices for hole in holes)
    return f"<unblindedReadNodule><noduleID>{name}</noduleID>{grades}{rois}</unblindedReadNodule>"


def small(instance):
    edge = "<edgeMap><xCoord>3</xCoord><yCoord>3</yCoord></edgeMap>"
    roi = f"<roi><imageSOP_UID>{instance}</imageSOP_UID><inclusion>TRUE</inclusion>{edge}</roi>"
    return f"<unblindedReadNodule><noduleID>9</noduleID>{roi}</unblindedReadNodule>"


def reading(*readers, series="1.3.6.1.1", head=""):
    sessions = "".join(
        f"<readingSession><servicingRadiologistID>anon</servicingRadiologistID>{one}</readingSession>" for one in readers
    )
    said = f"<ResponseHeader><SeriesInstanceUid>{series}</SeriesInstanceUid></ResponseHeader>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}<LidcReadMessage xmlns="http://www.nih.gov">{said}{sessions}</LidcReadMessage>'


def layout(root):
    """One scan, of which four readers drew: one nodule all of them, one two of them, one of them a hole in it."""
    folder = root / "LIDC-IDRI-0001" / "01-01-2000-30178" / "3000566-03192"
    uids = scan(folder)
    first, second = (3, 4, 5), (8, 9)
    hole = [(8, 8, 9, 9)]
    (folder / "069.xml").write_text(
        reading(
            nodule(uids, first, (5, 5, 12, 12), 4, hole) + nodule(uids, second, (20, 20, 24, 26), 1, name="2") + small(uids[0]),
            nodule(uids, first, (5, 5, 12, 13), 5),
            nodule(uids, first[:2], (6, 5, 12, 12), 2) + nodule(uids, second, (21, 20, 24, 26), 2, name="x"),
            nodule(uids, first, (5, 6, 12, 12), 3),
        )
    )
    return folder


def read(sink, root, **options):
    lidc.build(convert(options, lidc.Config)).read(open_source(root), sink)
    return sink


def stored(slices, box):
    """A box in a stack, as it is stored: its rows run from anterior, its columns from right, as these slices do."""
    found = np.zeros(SHAPE, bool)
    found[slices[0] : slices[-1] + 1, box[0] : box[2], box[1] : box[3]] = True
    return found


def test_each_readers_nodules_are_filled_within_their_outlines_and_numbered_alike(tmp_path, sink):
    layout(tmp_path)
    read(sink, tmp_path)
    assert sink.accepted == 1 and not sink.refused
    masks = [sink.payloads[f"LIDC-IDRI-0001 MASK//READER{reader}"].values for reader in (1, 2, 3, 4)]
    assert all(mask.shape == (1, *SHAPE) for mask in masks)
    hole = stored((3, 4, 5), (8, 8, 9, 9))
    np.testing.assert_array_equal(masks[0][0] == 1, stored((3, 4, 5), (5, 5, 12, 12)) & ~hole)
    np.testing.assert_array_equal(masks[0][0] == 2, stored((8, 9), (20, 20, 24, 26)))
    np.testing.assert_array_equal(masks[1][0] == 1, stored((3, 4, 5), (5, 5, 12, 13)))
    np.testing.assert_array_equal(masks[2][0] == 1, stored((3, 4), (6, 5, 12, 12)))
    np.testing.assert_array_equal(masks[2][0] == 2, stored((8, 9), (21, 20, 24, 26)))
    assert set(np.unique(masks[3])) == {0, 1}


def test_the_consensus_holds_what_half_of_those_who_saw_it_drew(tmp_path, memory):
    layout(tmp_path)
    sink = read(memory(), tmp_path)
    drawn = [sink.payloads[f"LIDC-IDRI-0001 MASK//READER{reader}"].values == 1 for reader in (1, 2, 3, 4)]
    np.testing.assert_array_equal(sink.payloads["LIDC-IDRI-0001 MASK"].values, np.sum(drawn, 0) >= 2)
    assert sink.of("LABEL//count")["numeric_value"].to_list() == [1], "three readers are needed"
    assert sink.of("LABEL//malignancy")["numeric_value"].to_list() == [3.5], "the median of 4, 5, 2 and 3"
    assert sink.of("NODULE").select("numeric_value", "text_value").rows() == [(3.5, "1 4")]
    two = read(memory(), tmp_path, drawn_by=2, share=1)
    assert two.of("LABEL//count")["numeric_value"].to_list() == [2]
    assert two.of("NODULE").select("numeric_value", "text_value").rows() == [(3.5, "1 4"), (1.5, "2 2")]
    np.testing.assert_array_equal(two.payloads["LIDC-IDRI-0001 MASK"].values[0] == 2, stored((8, 9), (21, 20, 24, 26)))


def test_masks_lie_where_the_scan_lies_and_the_scan_is_in_hounsfield_units(tmp_path, sink):
    layout(tmp_path)
    read(sink, tmp_path, each=False)
    picture, mask = sink.payloads["LIDC-IDRI-0001"], sink.payloads["LIDC-IDRI-0001 MASK"]
    assert picture.unit == "HU" and picture.values.shape == (1, *SHAPE) and picture.values.min() >= -1024
    np.testing.assert_array_equal(picture.space.affine, mask.space.affine)
    assert picture.space.spacing == pytest.approx((STEP, 0.7, 0.7))
    assert set(sink.payloads) == {"LIDC-IDRI-0001", "LIDC-IDRI-0001 MASK"}


def test_two_scans_of_a_patient_are_two_subjects_of_one_patient(tmp_path, sink):
    layout(tmp_path)
    scan(tmp_path / "LIDC-IDRI-0001/later", series="1.3.6.1.2", seed=1)
    read(sink, tmp_path)
    assert sink.of("PATIENT").select("source_id", "text_value").rows() == [
        ("LIDC-IDRI-0001", "LIDC-IDRI-0001"), ("LIDC-IDRI-0001#2", "LIDC-IDRI-0001"),
    ]  # fmt: skip
    assert sink.of("MASK")["source_id"].to_list() == ["LIDC-IDRI-0001"] and sink.notes["scans without a reading: not marked"] == 1


def test_a_scan_on_which_nobody_found_a_nodule_is_marked_with_none(tmp_path, sink):
    folder = tmp_path / "a"
    uids = scan(folder)
    (folder / "a.xml").write_text(reading("", small(uids[1]), "", ""))
    read(sink, tmp_path)
    assert not sink.payloads["LIDC-IDRI-0001 MASK"].values.any() and sink.of("LABEL//count")["numeric_value"].to_list() == [0]
    assert "LABEL//malignancy" not in sink.codes


def test_every_bad_reading_and_scan_is_refused_by_name_and_other_scans_are_kept(tmp_path, sink):
    expanding = '<!DOCTYPE a [<!ENTITY x "secret">]>'
    bad = {
        "entity": lambda uids, series: reading(series=series, head=expanding),
        "cut": lambda uids, series: reading(series=series)[:-20],
        "elsewhere": lambda uids, series: reading(nodule(["9.9"], (0,), (5, 5, 9, 9)), series=series),
        "beyond": lambda uids, series: reading(nodule(uids, (1,), (5, 5, 9, 90)), series=series),
        "words": lambda uids, series: reading(nodule(uids, (1,), (5, 5, 9, 9), "five"), series=series),
        "nobody": lambda uids, series: reading(series="1.2.3.4"),
        "unnamed": lambda uids, series: reading(series=""),
    }
    for number, (name, make) in enumerate(bad.items(), 2):
        series = f"1.3.6.1.{number}"
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.xml").write_text(make(scan(tmp_path / name, f"LIDC-IDRI-{number:04d}", series), series))
    layout(tmp_path)
    (tmp_path / "x-ray.xml").write_text('<IdriReadMessage xmlns="http://www.nih.gov/idri"/>')
    scan(tmp_path / "scout", "LIDC-IDRI-0100", "1.3.6.1.100", slices=2)
    scan(tmp_path / "gap", "LIDC-IDRI-0101", "1.3.6.1.101")
    next(path for path in (tmp_path / "gap").iterdir() if pydicom.dcmread(path).SOPInstanceUID.endswith(".6")).unlink()
    (tmp_path / "broken.dcm").write_bytes(b"no DICOM")
    read(sink, tmp_path)
    assert set(sink.refused) == {*(f"{name}/{name}.xml" for name in bad), "broken.dcm", "LIDC-IDRI-0101 1.3.6.1.101"}
    assert sink.of("MASK")["source_id"].to_list() == ["LIDC-IDRI-0001"] and sink.accepted == 1 + len(bad)
    assert not any("secret" in reason for reason in sink.refused.values())


def test_a_source_without_a_scan_is_refused(tmp_path, sink):
    (tmp_path / "a.xml").write_text(reading())
    with pytest.raises(DataError, match="no CT"):
        read(sink, tmp_path)


def test_no_reader_is_twice_in_a_nodule_and_the_best_overlap_comes_first():
    def mark(reader, first, last):
        return Marked(reader, Drawn("", (), {}), np.arange(first, last))

    marks = [mark(0, 0, 10), mark(0, 8, 20), mark(1, 9, 20), mark(2, 50, 60)]
    found = [[(one.reader, int(one.points[0])) for one in nodule.marks] for nodule in matched(marks)]
    assert found == [[(0, 0)], [(0, 8), (1, 9)], [(2, 50)]]
