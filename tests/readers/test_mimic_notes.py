"""Notes of MIMIC-III and MIMIC-IV: whole, by category, at the time at which they were surely there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sequela.store.store import Store

HEAD3 = "ROW_ID,SUBJECT_ID,HADM_ID,CHARTDATE,CHARTTIME,STORETIME,CATEGORY,DESCRIPTION,CGID,ISERROR,TEXT\n"
PEOPLE3 = {
    "PATIENTS.csv": "SUBJECT_ID,GENDER,DOB\n10,F,2060-01-01\n",
    "ADMISSIONS.csv": "SUBJECT_ID,HADM_ID,ADMITTIME,DISCHTIME\n10,100,2101-05-01 10:00:00,2101-05-04 16:00:00\n",
}
HEAD4 = "note_id,subject_id,hadm_id,note_type,note_seq,charttime,storetime,text\n"
PEOPLE4 = {
    "hosp/patients.csv": "subject_id,gender,anchor_age,anchor_year\n10,F,40,2100\n",
    "hosp/admissions.csv": "subject_id,hadm_id,admittime,dischtime\n10,100,2101-05-01 10:00:00,2101-05-04 16:00:00\n",
}
LONG = 'Name: [** Known lastname **]\r\n\r\n  Plan:\tno "pain", 37 °C; 血压正常.  \n'


@pytest.fixture
def third(written: Callable[..., Any]) -> Callable[[str], Any]:
    """What is written of these rows of NOTEEVENTS."""
    return lambda rows: written("mimic3", {**PEOPLE3, "NOTEEVENTS.csv": HEAD3 + rows})


def notes(sink: Any) -> list[dict[str, Any]]:
    return [row for frame in sink.frames for row in frame.iter_rows(named=True) if row["code"].startswith("NOTE")]


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2101-{text}:00")


def test_a_note_is_the_whole_text_as_the_source_has_it(third: Any) -> None:
    quoted = LONG.replace('"', '""')
    sink = third(f'1,10,100,2101-05-01,2101-05-01 20:00:00,2101-05-01 21:00:00,Nursing ,Report,7,,"{quoted}"\n')
    (note,) = notes(sink)
    assert note["text_value"] == LONG and note["visit"] == 100
    assert (note["code"], sink.codes["NOTE//Nursing"]) == ("NOTE//Nursing", ("text", ""))
    assert (note["time"], note["available"]) == (at("05-01 20:00"), at("05-01 21:00"))


@pytest.mark.parametrize(
    ("row", "time", "available"),
    [
        ("1,10,100,2101-05-02,,,Radiology,CHEST,,,Clear.", "05-03 00:00", None),  # only by then was it surely there
        ("1,10,100,2101-05-04,,,Radiology,CHEST,,,Clear.", "05-04 16:00", None),  # the stay ends before the day does
        ("1,10,100,2101-05-06,,,Radiology,CHEST,,,Clear.", "05-06 00:00", None),  # written after the stay
        ("1,10,,2101-05-06,,,Radiology,CHEST,,,Clear.", "05-07 00:00", None),
        ("1,10,100,2101-05-03,,,Discharge summary,Report,,,Sent home.", "05-04 00:00", "05-04 16:00"),
        ("1,10,100,2101-05-05,,,Discharge summary,Addendum,,,Also.", "05-05 00:00", "05-04 16:00"),
    ],
)
def test_a_note_of_a_date_alone_stands_where_the_day_or_the_stay_ends(
    third: Any, row: str, time: str, available: str | None
) -> None:
    (note,) = notes(third(row + "\n"))
    assert note["time"] == at(time)
    assert note["available"] == (available and at(available))


def test_notes_flagged_as_errors_or_without_text_are_left_out_and_counted(third: Any) -> None:
    row = "1,10,100,2101-05-01,2101-05-01 20:00:00,,Nursing,Report,7,{},{}\n"
    sink = third(row.format("1", "Another patient.") + row.format("", "") + row.format("", '" \n "') + row.format("0", "Well."))
    assert [note["text_value"] for note in notes(sink)] == ["Well."]
    assert sink.notes["NOTEEVENTS: rows ignored: flagged as an error"] == 1
    assert sink.notes["NOTEEVENTS: rows ignored: no text"] == 2


def test_an_admission_of_somebody_else_is_refused_by_its_row(third: Any) -> None:
    sink = third("1,11,100,2101-05-01,2101-05-01 20:00:00,,Nursing,Report,7,,Well.\n")
    assert list(sink.refused) == ["NOTEEVENTS.csv row 2"] and not notes(sink)


def test_an_empty_table_is_read_as_such(third: Any) -> None:
    sink = third("")
    assert sink.notes["NOTEEVENTS: rows read"] == 0 and not notes(sink)


@pytest.fixture
def fourth(written: Callable[..., Any]) -> Callable[..., Any]:
    """What is written of these files of the module note."""
    return lambda **rows: written("mimic4", {**PEOPLE4, **{f"note/{name}.csv": HEAD4 + text for name, text in rows.items()}})


def test_the_notes_of_mimic4_are_called_as_those_of_mimic3(fourth: Any) -> None:
    sink = fourth(
        discharge='10-DS-1,10,100,DS,1,2101-05-04 00:00:00,2101-05-05 09:00:00,"Sent\nhome."\n',
        radiology="10-RR-1,10,100,RR,1,2101-05-02 08:00:00,2101-05-02 09:30:00,Clear.\n",
    )
    told = {note["code"]: (note["time"], note["available"], note["text_value"]) for note in notes(sink)}
    assert told == {
        "NOTE//Discharge summary": (at("05-04 16:00"), at("05-05 09:00"), "Sent\nhome."),
        "NOTE//Radiology": (at("05-02 08:00"), at("05-02 09:30"), "Clear."),
    }
    assert {sink.codes[code][0] for code in told} == {"text"}


def test_a_discharge_summary_is_never_known_before_the_discharge(fourth: Any) -> None:
    (note,) = notes(fourth(discharge="10-DS-1,10,100,DS,1,2101-05-02 00:00:00,,Draft.\n"))
    assert (note["time"], note["available"]) == (at("05-03 00:00"), at("05-04 16:00"))


def test_notes_of_one_number_are_refused(fourth: Any) -> None:
    row = "10-RR-1,10,100,RR,1,2101-05-02 08:00:00,,Clear.\n"
    assert len(fourth(radiology=row + row).refused) == 2


def test_the_notes_of_the_demo_are_an_empty_table(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    import sequela

    read = partial(sequela.import_data, "mimic3", real_data("mimic3_demo"), tmp_path / "demo.store")
    store: Store = read(options={"tables": ["PATIENTS", "ADMISSIONS", "NOTEEVENTS"]})
    assert store.flow.notes["NOTEEVENTS: rows read"] == 0
