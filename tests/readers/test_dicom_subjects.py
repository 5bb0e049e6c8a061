"""Of whom and of when a series is, and what a table says of subjects, studies and series."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pydicom
import pytest
from tests.readers.dicom_series import numbered, read, reasons, series, straight

from sequela.errors import ConfigError, DataError


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
