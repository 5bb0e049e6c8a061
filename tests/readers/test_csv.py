"""CSV: mappings of events, measurements and samples; zones, units and rows that do not fit."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.readers import csv
from sequela.store.cache import ingest
from sequela.store.store import Store


def read(tmp_path: Path, files: dict[str, str | bytes], max_refused: float = 0.0, **options: Any) -> Store:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    reader = csv.build(config.convert(options, csv.Config))
    return ingest(reader, "csv", csv.VERSION, folder, tmp_path / "a.store", options=options, max_refused=max_refused)


def rows(store: Store, code: str) -> list[tuple[Any, ...]]:
    frame = store.events(codes=[code]).join(store.subjects, on="subject_id", maintain_order="left")
    return frame.select("source_id", "time", pl.col("numeric_value").cast(pl.Float64).round(3), "text_value").rows()


def kinds(store: Store) -> dict[str, str]:
    return dict(store.codes.select("code", "kind").iter_rows())


LONG = {"subject": "id", "time": "when", "timezone": "UTC", "code": "test", "value": "result"}
NOON = datetime(2020, 5, 1, 12)


# ----------------------------------------------------------------------------------------------------------------------- tables


def test_a_table_of_events(tmp_path: Path) -> None:
    store = read(
        tmp_path, {"labs.csv": "id,when,test,result\n7,2020-05-01 12:00,Na,140\n7,2020-05-01T12:30:15.5,K,4.1\n"}, **LONG
    )
    assert rows(store, "Na") == [("7", NOON, 140.0, None)]
    assert rows(store, "K") == [("7", NOON + timedelta(minutes=30, seconds=15.5), 4.1, None)]
    assert kinds(store) == {"Na": "measurement", "K": "measurement"}


def test_a_table_of_samples(tmp_path: Path) -> None:
    text = "patient;glucose;bmi;sex;diabetes;group\nA1;5.0;22.5;f;1;train\nA2;;30;m;0;test\n"
    store = read(
        tmp_path,
        {"samples.csv": text},
        subject="patient",
        values=["glucose", "bmi"],
        unit={"glucose": "mmol/L", "bmi": "kg/m2"},
        static=["sex"],
        label="diabetes",
        part="group",
    )
    assert rows(store, "glucose") == [("A1", None, 90.078, None)]
    assert rows(store, "bmi") == [("A1", None, 22.5, None), ("A2", None, 30.0, None)]
    assert rows(store, "sex") == [("A1", None, None, "f"), ("A2", None, None, "m")]
    assert rows(store, "LABEL//diabetes") == [("A1", None, 1.0, None), ("A2", None, 0.0, None)]
    assert kinds(store) == {"glucose": "static", "bmi": "static", "sex": "static", "LABEL//diabetes": "label"}
    assert dict(store.codes.select("code", "unit").iter_rows())["glucose"] == "mg/dL"
    assert store.parts == {1: "train", 2: "test"}


def test_a_wide_table_over_time_with_numbers_as_times(tmp_path: Path) -> None:
    text = "id,hour,hr,sbp,age\n1,0,80,120,50\n1,1.5,85,,50\n"
    store = read(tmp_path, {"v.csv": text}, subject="id", time="hour", time_unit="hours", values=["hr", "sbp"], static=["age"])
    assert rows(store, "hr") == [("1", csv.ANCHOR, 80.0, None), ("1", csv.ANCHOR + timedelta(hours=1.5), 85.0, None)]
    assert rows(store, "sbp") == [("1", csv.ANCHOR, 120.0, None)]
    assert rows(store, "age") == [("1", None, 50.0, None)]
    assert store.dataset.relative_times


def test_the_mapping_may_lie_with_the_tables_in_ten_lines(tmp_path: Path) -> None:
    mapping = """
[[tables]]
file = "labs.csv"
subject = "id"
time = "day"
time_unit = "days"
values = ["crp"]
[[tables]]
file = "patients.csv"
subject = "id"
label = "died"
"""
    assert len(mapping.strip().splitlines()) <= 10
    files = {"sequela.toml": mapping, "labs.csv": "id,day,crp\n1,2,30\n", "patients.csv": "id,died\n1,no\n2,yes\n"}
    store = read(tmp_path, files)
    assert rows(store, "crp") == [("1", csv.ANCHOR + timedelta(days=2), 30.0, None)]
    assert rows(store, "LABEL//died") == [("1", None, None, "no"), ("2", None, None, "yes")]


def test_texts_beside_numbers(tmp_path: Path) -> None:
    store = read(
        tmp_path, {"l.csv": "id,when,test,result\n1,2020-05-01,Na,140\n1,2020-05-01,Na,haemolysed\n"}, **LONG, text="result"
    )
    assert [row[2:] for row in rows(store, "Na")] == [(140.0, None), (None, "haemolysed")]


def test_events_without_a_number(tmp_path: Path) -> None:
    options = {"subject": "id", "time": "t", "time_unit": "days", "code": "what", "kind": "outcome"}
    store = read(tmp_path, {"e.csv": "id,t,what\n1,3,DEATH\n"}, **options)
    assert (rows(store, "DEATH")[0][:2], kinds(store)) == (("1", csv.ANCHOR + timedelta(days=3)), {"DEATH": "outcome"})


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separators_are_found_and_gzip_and_quotes_and_windows_lines_are_read(tmp_path: Path, separator: str) -> None:
    lines = ["id,when,test,result", '1,2020-05-01,"Na",140', '2,2020-05-01,"K ""s""",4'] if separator == "," else None
    text = "\r\n".join(lines or ["id,when,test,result".replace(",", separator), "1,2020-05-01,Na,140".replace(",", separator)])
    store = read(tmp_path, {"l.csv.gz": gzip.compress(("\ufeff" + text).encode())}, **LONG)
    assert rows(store, "Na")[0][2] == 140.0
    assert separator != "," or rows(store, 'K "s"')[0][2] == 4.0


def test_the_visit_of_a_row_and_the_time_from_which_it_is_known(tmp_path: Path) -> None:
    lines = ["1,2020-05-01,Na,140,7,2020-05-02 12:00", "1,2020-05-03,Na,141,V-1,", "1,2020-05-04,Na,142,,"]
    text = "\n".join(["id,when,test,result,stay,stored", *lines])
    store = read(tmp_path, {"l.csv": text, "m.csv": text.replace("Na", "K")}, **LONG, visit="stay", known="stored")
    frame = store.events(codes=["Na"]).sort("time").select("visit", "available")
    assert frame["available"].to_list() == [datetime(2020, 5, 2, 12), None, None]
    first, named, none = frame["visit"]
    assert (first, none) == (7, None) and named > 2**32, "a name that is no number gets one by its hash"
    assert store.events(codes=["K"]).sort("time")["visit"].to_list() == [first, named, none], "the same in every table"


def test_a_time_of_knowing_that_cannot_be_read_is_refused_by_row(tmp_path: Path) -> None:
    text = "id,when,test,result,stored\n1,2020-05-01,Na,140,soon\n1,2020-05-03,Na,141,2020-05-03\n"
    store = read(tmp_path, {"l.csv": text}, 0.5, **LONG, known="stored")
    assert store.flow.refused[0].reason == "no time that can be read in the column 'stored'"
    assert store.flow.refused[0].first == ["l.csv row 2"]


def test_columns_may_have_any_name(tmp_path: Path) -> None:
    text = "subject,known,where,number\n1,5,home,2\n"
    store = read(tmp_path, {"l.csv": text}, subject="subject", values=["known", "number"], static=["where"])
    assert [rows(store, code)[0][2:] for code in ("known", "number", "where")] == [(5.0, None), (2.0, None), (None, "home")]


# ------------------------------------------------------------------------------------------------------------------------ time


def table(*times: str) -> dict[str, str | bytes]:
    return {"l.csv": "id,when,test,result\n" + "".join(f"1,{time},Na,140\n" for time in times)}


def test_a_declared_zone_is_converted_with_its_summer_time(tmp_path: Path) -> None:
    store = read(tmp_path, table("2020-01-01 12:00", "2020-07-01 12:00"), **{**LONG, "timezone": "Europe/Berlin"})
    assert [row[1].hour for row in rows(store, "Na")] == [11, 10]


def test_different_offsets_in_one_column_are_converted(tmp_path: Path) -> None:
    times = ["2020-05-01T14:00:00+02:00", "2020-05-01 12:00:00Z", "2020-05-01T08:30:00-0330"]
    store = read(tmp_path, table(*times), **{**LONG, "timezone": ""})
    assert [row[1] for row in rows(store, "Na")] == [NOON] * 3


def test_a_time_without_zone_is_refused_where_none_is_declared(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'when' have no offset \(l.csv row 2\)") as refused:
        read(tmp_path, table("2020-05-01 12:00"), **{**LONG, "timezone": ""})
    assert "timezone" in refused.value.hint


def test_times_with_and_without_an_offset_in_one_column_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mixes times with an offset \(l.csv row 2\) and without \(l.csv row 3\)"):
        read(tmp_path, table("2020-05-01T12:00:00Z", "2020-05-01T12:00:00"), **LONG)


def test_an_hour_that_the_clock_skipped_or_repeated_is_refused_by_row(tmp_path: Path) -> None:
    times = ["2020-03-29 02:30", "2020-10-25 02:30", "2020-05-01 12:00"]
    store = read(tmp_path, table(*times), 0.7, **{**LONG, "timezone": "Europe/Berlin"})
    assert store.flow.refused[0].first == ["l.csv row 2", "l.csv row 3"]
    assert len(rows(store, "Na")) == 1


def test_an_unreadable_time_is_refused_by_row(tmp_path: Path) -> None:
    store = read(tmp_path, table("2020-05-01 12:00", "yesterday", "", "2020-13-01 12:00"), 0.8, **LONG)
    assert store.flow.refused[0].first == ["l.csv row 3", "l.csv row 4", "l.csv row 5"]


def test_a_stated_format_of_time(tmp_path: Path) -> None:
    store = read(tmp_path, table("01.05.2020 12:00"), **LONG, time_format="%d.%m.%Y %H:%M")
    assert rows(store, "Na")[0][1] == NOON


# ------------------------------------------------------------------------------------------------------------------------ units


def units_table(*pairs: tuple[str, str, str]) -> dict[str, str | bytes]:
    return {"l.csv": "id,when,test,result,u\n" + "".join(f"1,2020-05-01,{test},{value},{unit}\n" for test, value, unit in pairs)}


def test_units_of_a_column_are_brought_to_one(tmp_path: Path) -> None:
    store = read(
        tmp_path,
        units_table(("glucose", "100", "mg/dL"), ("glucose", "5.551", "mmol/L"), ("temp", "98.6", "F")),
        **LONG,
        unit="u",
    )
    assert [row[2] for row in rows(store, "glucose")] == [100.0, pytest.approx(100.0, abs=0.01)]
    assert rows(store, "temp")[0][2] == 37.0
    assert dict(store.codes.select("code", "unit").iter_rows()) == {"glucose": "mg/dL", "temp": "degC"}


def test_a_column_whose_unit_is_not_stated_is_taken_as_it_is(tmp_path: Path) -> None:
    store = read(
        tmp_path,
        {"a.csv": "id,glucose,albumin\n1,5,4\n"},
        subject="id",
        values=["glucose", "albumin"],
        unit={"glucose": "mmol/L"},
    )
    assert (rows(store, "glucose")[0][2], rows(store, "albumin")[0][2]) == (90.078, 4.0)


def test_a_wrong_unit_is_refused_by_row(tmp_path: Path) -> None:
    bad = units_table(("glucose", "100", "mg/dL"), ("glucose", "5", "furlong"), ("glucose", "5", ""))
    store = read(tmp_path, bad, 0.7, **LONG, unit="u")
    assert sorted(name for refusal in store.flow.refused for name in refusal.first) == ["l.csv row 3", "l.csv row 4"]
    assert "'furlong' is not a unit of glucose" in store.flow.refused[1].reason
    assert len(rows(store, "glucose")) == 1


def test_two_units_of_an_unknown_quantity_are_not_mixed(tmp_path: Path) -> None:
    store = read(tmp_path, units_table(("ferritin", "100", "ng/mL"), ("ferritin", "5", "nmol/L")), 0.5, **LONG, unit="u")
    assert store.flow.refused[0].first == ["l.csv row 3"]
    assert dict(store.codes.select("code", "unit").iter_rows()) == {"ferritin": "ng/mL"}


# --------------------------------------------------------------------------------------------------------------------- refusals


def test_a_duplicate_subject_among_samples_is_refused_whole(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"a.csv": "id,x\n1,5\n2,6\n1,7\n", "b.csv": "id,x\n3,8\n2,9\n4,1\n"}
    store = read(tmp_path, files, 0.9, subject="id", values=["x"])
    assert store.flow.refused[0].first == ["a.csv row 2", "a.csv row 3", "a.csv row 4", "b.csv row 3"]
    assert [row[0] for row in rows(store, "x")] == ["3", "4"]


def test_rows_that_do_not_fit_are_refused_by_number_and_the_rest_is_read(tmp_path: Path) -> None:
    given = ["1,2020-05-01,Na,140", "1,2020-05-01,Na", "1,2020-05-01,Na,140,5", "1,2020-05-01,Na,high", ",2020-05-01,Na,1"]
    text = "\n".join(["id,when,test,result", *given, "1,2020-05-01,,1", "1,2020-05-01,K,4"])
    store = read(tmp_path, {"l.csv": text}, 0.9, **LONG)
    refused = {refusal.reason: refusal.first for refusal in store.flow.refused}
    assert refused == {
        "more or fewer entries than the header": ["l.csv row 3", "l.csv row 4"],
        "no number in the column 'result'": ["l.csv row 5"],
        "no subject in the column 'id'": ["l.csv row 6"],
        "no code": ["l.csv row 7"],
    }
    assert len(store.events()) == 2
    assert store.flow.accepted == 2


def test_a_missing_value_is_no_event_and_is_counted(tmp_path: Path) -> None:
    store = read(tmp_path, {"l.csv": "id,when,test,result\n1,2020-05-01,Na,140\n1,2020-05-01,Na,NA\n"}, **LONG)
    assert (len(store.events()), store.flow.notes) == (1, {"rows without a value, left out": 1})


def test_a_static_that_changes_within_a_subject_is_refused(tmp_path: Path) -> None:
    text = "id,hour,hr,sex\n1,0,80,f\n1,1,85,m\n2,0,70,m\n"
    store = read(tmp_path, {"v.csv": text}, 0.9, subject="id", time="hour", time_unit="hours", values=["hr"], static=["sex"])
    assert store.flow.refused[0].first == ["v.csv row 2", "v.csv row 3"]
    assert rows(store, "sex") == [("2", None, None, "m")]


def test_an_unknown_part_is_refused_by_row(tmp_path: Path) -> None:
    store = read(tmp_path, {"v.csv": "id,x,p\n1,1,train\n2,2,later\n"}, 0.5, subject="id", values=["x"], part="p")
    assert (store.flow.refused[0].first, store.parts) == (["v.csv row 3"], {1: "train"})


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file is empty"):
        read(tmp_path, {"l.csv": ""}, **LONG)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"l.csv is not a text file in UTF-8"):
        read(tmp_path, {"l.csv": b"\x89PNG\r\n\x1a\n\xff\xfe"}, **LONG)


def test_a_damaged_gzip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"l.csv.gz is a damaged gzip file"):
        read(tmp_path, {"l.csv.gz": gzip.compress(b"id,when,test,result\n" * 99)[:30]}, **LONG)


def test_a_missing_column_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"l\.csv has no column 'result'") as refused:
        read(tmp_path, {"l.csv": "id,when,test,results\n1,2020-05-01,Na,140\n"}, **LONG)
    assert "'results'" in refused.value.hint


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "no subject column, and in holds no sequela.toml"),
        ({"time": "when", "tables": [{"time": "when"}]}, "does not say which column is the subject"),
        ({"subject": "id"}, "takes nothing from it"),
        ({"subject": "id", "value": "x", "label": "y"}, "a value column and no code column"),
        ({"subject": "id", "values": ["x"], "timezone": "UTC"}, "names no time column"),
        ({"subject": "id", "values": ["x"], "time": "t", "timezone": "Mars/Base"}, "is not a time zone"),
        ({"subject": "id", "values": ["x"], "unit": "u"}, "one unit for several columns"),
        ({"subject": "id", "values": ["x"], "visit": "v"}, "their visit, and names no time column"),
        ({"subjekt": "id"}, "unknown key 'subjekt'"),
    ],
)
def test_mappings_that_make_no_sense_are_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(tmp_path, {"l.csv": "id,x\n1,2\n"}, **options)


def test_a_pattern_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"in has no file 'labs\*.csv'") as refused:
        read(tmp_path, {"l.csv": "id,x\n1,2\n"}, subject="id", values=["x"], file="labs*.csv")
    assert "l.csv" in refused.value.hint


# ----------------------------------------------------------------------------------------------------------- events, code systems


VISITS = "id,visit,in,out,kind\n1,7,2020-05-01,2020-05-03,planned\n1,8,2020-06-01,,urgent\n"


def test_a_column_of_times_may_be_an_event_and_a_missing_one_is_none(tmp_path: Path) -> None:
    common = {"subject": "id", "timezone": "UTC", "visit": "visit"}
    tables = [
        {**common, "time": "in", "event": "HOSPITAL//ADMISSION", "text": "kind"},
        {**common, "time": "out", "event": "HOSPITAL//DISCHARGE", "kind": "outcome"},
    ]
    store = read(tmp_path, {"v.csv": VISITS}, tables=tables)
    assert [row[1:] for row in rows(store, "HOSPITAL//ADMISSION")] == [
        (datetime(2020, 5, 1), None, "planned"),
        (datetime(2020, 6, 1), None, "urgent"),
    ]
    assert [row[1] for row in rows(store, "HOSPITAL//DISCHARGE")] == [datetime(2020, 5, 3)]
    assert kinds(store) == {"HOSPITAL//ADMISSION": "event", "HOSPITAL//DISCHARGE": "outcome"}
    assert store.flow.notes == {"rows without a time in the column 'out': no HOSPITAL//DISCHARGE": 1}


def test_an_event_without_a_text_is_still_one(tmp_path: Path) -> None:
    options = {"subject": "id", "time": "in", "timezone": "UTC", "event": "A", "text": "kind"}
    assert len(rows(read(tmp_path, {"v.csv": VISITS.replace("urgent", "")}, **options), "A")) == 2


def test_a_system_stands_before_its_codes(tmp_path: Path) -> None:
    options = {"subject": "id", "time": "t", "timezone": "UTC", "code": "dx", "kind": "event", "system": "ICD10CM"}
    assert kinds(read(tmp_path, {"d.csv": "id,t,dx\n1,2020-05-01,E11.9\n"}, **options)) == {"ICD10CM//E11.9": "event"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"subject": "?", "values": ["x"]}, r"\*.csv\* leaves open: subject"),
        ({"subject": "id", "event": "A"}, "an event beside a code, or without a time"),
        ({"subject": "id", "time": "x", "event": "A", "code": "x"}, "an event beside a code, or without a time"),
    ],
)
def test_open_questions_and_events_that_are_none_are_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(tmp_path, {"l.csv": "id,x\n1,2\n"}, **options)
