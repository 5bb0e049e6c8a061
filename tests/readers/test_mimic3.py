"""MIMIC-III: a small database with known contents, the real demo counted, and when each kind of record is known."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.readers import _rows, _rows_csv, mimic3
from sequela.store.cache import ingest
from sequela.store.store import Store

TABLES: Mapping[str, tuple[str, ...]] = {
    "PATIENTS": (
        "SUBJECT_ID,GENDER,DOB,DOD,EXPIRE_FLAG",
        "10,F,2064-03-01 00:00:00,2101-06-01 00:00:00,1",
        "11,M,1801-01-01 00:00:00,,0",
        "12,M,2040-01-01 00:00:00,2101-03-09 00:00:00,1",
    ),
    "ADMISSIONS": (
        "SUBJECT_ID,HADM_ID,ADMITTIME,DISCHTIME,DEATHTIME,ADMISSION_TYPE,DISCHARGE_LOCATION,ETHNICITY,DIAGNOSIS,HOSPITAL_EXPIRE_FLAG",
        "10,100,2101-05-01 10:00:00,2101-05-04 16:00:00,,EMERGENCY,HOME,WHITE,SEPSIS,0",
        "11,110,2101-01-01 08:00:00,2101-01-02 12:00:00,,ELECTIVE,SNF,ASIAN,\"FALL, HIP\",0",
        "12,120,2101-03-08 08:00:00,2101-03-09 00:00:00,2101-03-09 22:00:00,URGENT,DEAD/EXPIRED,WHITE,MI,1",
    ),
    "ICUSTAYS": (
        "SUBJECT_ID,HADM_ID,ICUSTAY_ID,FIRST_CAREUNIT,LAST_CAREUNIT,INTIME,OUTTIME",
        "10,100,1000,MICU,SICU,2101-05-01 12:00:00,2101-05-02 12:00:00",
    ),
    "DIAGNOSES_ICD": ("SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE", "10,100,1,0389", "10,100,2,V4581", "12,120,1,E8497"),
    "PROCEDURES_ICD": ("SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE", "10,100,1,9671"),
    "D_ICD_DIAGNOSES": ("ICD9_CODE,SHORT_TITLE,LONG_TITLE", "0389,Septicemia NOS,Unspecified septicemia"),
    "PRESCRIPTIONS": (
        "SUBJECT_ID,HADM_ID,STARTDATE,DRUG,NDC",
        "10,100,2101-05-02 00:00:00,Heparin,00409672924",
        "10,100,2101-05-04 00:00:00,Heparin,00409672924",
        "10,100,2101-05-02 00:00:00,Placebo,0",
    ),
    "D_LABITEMS": ("ITEMID,LABEL,LOINC_CODE", "50912,Creatinine,2160-0", "50931,Glucose,", "51143,Atypical Lymphocytes,"),
    "LABEVENTS": (
        "SUBJECT_ID,HADM_ID,ITEMID,CHARTTIME,VALUE,VALUENUM,VALUEUOM",
        "10,100,50912,2101-05-01 11:00:00,1.2,1.2,mg/dL",
        "10,,50912,2101-04-01 11:00:00,88.4,88.4,umol/L",
        "10,100,50912,2101-05-02 11:00:00,1.3,1.3,MG/DL",
        "10,100,50912,2101-05-03 11:00:00,1.3,1.3,stones",
        "10,100,51143,2101-05-01 11:00:00,NEG,,",
        "10,100,51143,2101-05-01 11:00:00,,,",
        "10,100,77777,2101-05-01 11:00:00,5,5,U",
    ),
    "D_ITEMS": ("ITEMID,LABEL", "211,Heart Rate", "30056,Po Intake"),
    "CHARTEVENTS": (
        "SUBJECT_ID,HADM_ID,ITEMID,CHARTTIME,STORETIME,VALUE,VALUENUM,VALUEUOM,ERROR",
        "10,100,211,2101-05-01 13:00:00,2101-05-01 14:30:00,80,80,BPM,0",
        "10,100,211,2101-05-01 14:00:00,2101-05-01 14:30:00,800,800,BPM,1",
    ),
    "INPUTEVENTS_MV": (
        "SUBJECT_ID,HADM_ID,ITEMID,STARTTIME,ENDTIME,STORETIME,AMOUNT,AMOUNTUOM,RATE,RATEUOM,STATUSDESCRIPTION,CANCELREASON",
        "10,100,221906,2101-05-01 13:00:00,2101-05-01 15:00:00,2101-05-01 13:10:00,6,mg,0.05,mcg/kg/min,FinishedRunning,0",
        "10,100,221906,2101-05-01 16:00:00,2101-05-01 17:00:00,2101-05-01 16:10:00,3,mg,0.05,mcg/kg/min,Rewritten,0",
    ),
    "MICROBIOLOGYEVENTS": (
        "SUBJECT_ID,HADM_ID,CHARTDATE,CHARTTIME,SPEC_ITEMID,ORG_ITEMID,AB_ITEMID,INTERPRETATION",
        "10,100,2101-05-01 00:00:00,2101-05-01 12:00:00,70012,80155,90015,R",
        "10,100,2101-05-01 00:00:00,,70012,,,",
    ),
    "NOTEEVENTS": (
        "SUBJECT_ID,HADM_ID,CHARTDATE,CHARTTIME,STORETIME,CATEGORY,ISERROR,TEXT",
        '10,100,2101-05-01,2101-05-01 20:00:00,2101-05-01 21:00:00,Nursing ,,"Slept well.\nNo ""pain""."',
        "10,100,2101-05-03,,,Discharge summary,,Sent home.",
        "10,100,2101-05-02,,,Radiology,,Clear.",
        "10,100,2101-05-02,2101-05-02 20:00:00,,Nursing,1,Another patient.",
    ),
}  # fmt: skip


def database(folder: Path, *, lower: bool = False, zipped: bool = False, **changes: tuple[str, ...] | None) -> Path:
    """The tables as files; `changes` replace some, None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in {**TABLES, **changes}.items():
        if lines is not None:
            head, *rest = lines
            text = "\n".join([head.lower() if lower else head, *rest, ""]).encode()
            file = folder / ((name.lower() if lower else name) + (".csv.gz" if zipped else ".csv"))
            file.write_bytes(gzip.compress(text) if zipped else text)
    return folder


def read(source: Path, target: Path, *, max_refused: float = 0.5, **options: Any) -> Store:
    reader = mimic3.build(config.convert(options, mimic3.Config))
    return ingest(reader, "mimic3", mimic3.VERSION, source, target, options=options, max_refused=max_refused)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("mimic3")
    return read(database(folder / "raw"), folder / "it.store")


def of(store: Store, code: str) -> list[dict[str, Any]]:
    return store.events([code]).drop("payload", "superseded").rows(named=True)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2101-{text}")


# -------------------------------------------------------------------------------------------------------------------- contents


def test_an_admission_tells_its_events(store: Store) -> None:
    (begin,) = [row for row in of(store, "HOSPITAL//ADMISSION") if row["subject_id"] == 10]
    (end,) = [row for row in of(store, "HOSPITAL//DISCHARGE") if row["subject_id"] == 10]
    assert (begin["time"], begin["text_value"], begin["visit"]) == (at("05-01 10:00"), "EMERGENCY", 100)
    assert (end["time"], end["text_value"], end["visit"]) == (at("05-04 16:00"), "HOME", 100)
    assert [row["text_value"] for row in of(store, "ICU//ADMISSION") + of(store, "ICU//DISCHARGE")] == ["MICU", "SICU"]
    assert [row["text_value"] for row in of(store, "MIMIC3//REASON")] == ["SEPSIS", "FALL, HIP", "MI"]
    assert store.dataset.relative_times


def test_ages_that_the_source_hides_are_capped(store: Store) -> None:
    ages = {row["subject_id"]: row["numeric_value"] for row in of(store, "AGE")}
    assert ages[10] == pytest.approx(37.17, abs=0.01) and ages[11] == pytest.approx(91.4)
    (birth,) = [row["time"] for row in of(store, "MEDS_BIRTH") if row["subject_id"] == 11]
    assert birth.year == 2009
    assert store.flow.notes["ADMISSIONS: ages over 89, hidden by the source, taken as 91.4"] == 1


def test_only_a_death_in_hospital_is_one(store: Store) -> None:
    (death,) = of(store, "DEATH//IN_HOSPITAL")
    assert (death["subject_id"], death["time"], death["visit"]) == (12, at("03-09 22:00"), 120)
    deaths = {row["subject_id"]: (row["time"], row["available"]) for row in of(store, "MEDS_DEATH")}
    assert deaths == {10: (at("06-01"), at("06-02")), 12: (at("03-09 22:00"), None)}
    kinds = dict(store.codes.select("code", "kind").iter_rows())
    assert kinds["DEATH//IN_HOSPITAL"] == kinds["MEDS_DEATH"] == "outcome"


def test_a_discharge_dated_by_its_day_does_not_come_before_the_death(store: Store) -> None:
    (end,) = [row["time"] for row in of(store, "HOSPITAL//DISCHARGE") if row["subject_id"] == 12]
    assert end == at("03-09 22:00")
    assert store.flow.notes["ADMISSIONS: discharges dated before the death in hospital, moved to it"] == 1


def test_codes_have_their_dots_names_titles_and_broader_codes(store: Store) -> None:
    codes = {row["code"]: row for row in store.codes.iter_rows(named=True)}
    assert {"ICD9CM//038.9", "ICD9CM//V45.81", "ICD9CM//E849.7", "ICD9PROC//96.71", "NDC//00409672924"} <= codes.keys()
    assert codes["ICD9CM//038.9"]["description"] == "Unspecified septicemia"
    assert codes["ICD9CM//038.9"]["parent_codes"] == ["ICD9CM//038"]
    assert "MIMIC3//DRUG//Placebo" in codes and "MIMIC3//LAB//77777" in codes


def test_numbers_are_in_the_unit_of_their_code_or_refused(store: Store) -> None:
    values = [row["numeric_value"] for row in of(store, "LOINC//2160-0")]
    assert values == pytest.approx([1.0, 1.2, 1.3], abs=0.01)
    unit = store.codes.filter(pl.col("code") == "LOINC//2160-0")["unit"].item()
    assert unit == "mg/dL"
    (refusal,) = store.flow.refused
    assert (refusal.count, refusal.first) == (1, ["LABEVENTS.csv row 5"]) and "unit" in refusal.reason
    assert [row["text_value"] for row in of(store, "MIMIC3//LAB//51143")] == ["NEG"]
    assert store.flow.notes["LABEVENTS: rows ignored: no value"] == 1


def test_rows_flagged_as_errors_or_rewritten_are_ignored_and_counted(store: Store) -> None:
    assert [row["numeric_value"] for row in of(store, "MIMIC3//ITEM//211")] == [80]
    assert store.flow.notes["CHARTEVENTS: rows ignored: flagged as an error"] == 1
    assert store.flow.notes["INPUTEVENTS_MV: rows ignored: rewritten"] == 1
    assert [row["text_value"] for row in of(store, "NOTE//Nursing")] == ['Slept well.\nNo "pain".']


def test_rows_add_up_table_by_table(store: Store) -> None:
    for name, lines in TABLES.items():
        told = store.flow.notes
        ignored = sum(count for text, count in told.items() if text.startswith(f"{name}: rows ignored"))
        refused = sum(refusal.count for refusal in store.flow.refused if refusal.reason.startswith(f"{name}: "))
        assert told[f"{name}: rows read"] == len(lines) - 1 >= ignored + refused


# ------------------------------------------------------------------------------------------------------------ when it is known


def test_nothing_is_known_before_it_was(store: Store, known_at: Callable[[Store, int, datetime], set[str]]) -> None:
    moments = {
        "ICD9CM//038.9": "05-04 16:00",  # coded at discharge
        "ICD9PROC//96.71": "05-04 16:00",
        "MIMIC3//DRUG//Placebo": "05-03 00:00",  # a date alone: at the end of the day
        "MIMIC3//ITEM//211": "05-01 14:30",  # when it was stored
        "MIMIC3//ITEM//221906": "05-01 15:00",  # the amount of an infusion, at its end
        "MIMIC3//ITEM//221906//RATE//mcg/kg/min": "05-01 13:10",
        "MIMIC3//MICRO//80155//90015": "05-04 16:00",  # a culture takes days
        "MIMIC3//MICRO//70012//NONE": "05-04 16:00",
        "NOTE//Nursing": "05-01 21:00",
        "NOTE//Discharge summary": "05-04 16:00",
        "NOTE//Radiology": "05-03 00:00",
        "HOSPITAL//ADMISSION": "05-01 10:00",
    }
    for code, moment in moments.items():
        assert code not in known_at(store, 10, at(moment) - timedelta(microseconds=1)), f"{code} before {moment}"
        assert code in known_at(store, 10, at(moment)), f"{code} at {moment}"


def test_a_prescription_is_known_at_the_discharge_of_its_day(store: Store) -> None:
    last = of(store, "NDC//00409672924")[-1]
    assert (last["time"], last["available"]) == (at("05-04 00:00"), at("05-04 16:00"))


# ------------------------------------------------------------------------------------------------------------- other shapes of it


def events(store: Store) -> pl.DataFrame:
    return store.events().sort(pl.all())


def test_small_letters_gzip_chunks_and_the_order_of_rows_change_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = events(store)
    assert events(read(database(tmp_path / "a", lower=True, zipped=True), tmp_path / "a.store")).equals(expected)
    draw = random.Random(0)
    shuffled = {name: (head, *draw.sample(rest, len(rest))) for name, (head, *rest) in TABLES.items()}
    monkeypatch.setattr(_rows_csv, "BLOCK_BYTES", 200)
    monkeypatch.setattr(_rows, "CHUNK_ROWS", 2)
    again = read(database(tmp_path / "b", **shuffled), tmp_path / "b.store")
    assert events(again).equals(expected)
    assert again.codes.equals(store.codes)


def test_a_few_tables_are_enough_and_those_missing_are_told(tmp_path: Path) -> None:
    few = ("PATIENTS", "ADMISSIONS", "DIAGNOSES_ICD", "PROCEDURES_ICD", "PRESCRIPTIONS")
    store = read(database(tmp_path / "raw", **{name: None for name in TABLES if name not in few}), tmp_path / "it.store")
    assert "ICD9CM//038.9" in set(store.codes["code"])
    (missing,) = [text for text in store.flow.notes if text.startswith("tables that are not there")]
    assert "LABEVENTS" in missing and "PATIENTS" not in missing


def test_tables_without_rows_are_read_as_such(store: Store, tmp_path: Path) -> None:
    bare = {name: TABLES[name][:1] for name in ("D_LABITEMS", "LABEVENTS", "NOTEEVENTS", "D_ICD_DIAGNOSES", "ICUSTAYS")}
    again = read(database(tmp_path / "raw", **bare), tmp_path / "it.store")
    assert again.flow.notes["NOTEEVENTS: rows read"] == 0
    assert set(store.codes["code"]) - set(again.codes["code"]) >= {"ICU//ADMISSION", "LOINC//2160-0"}


def test_tables_may_be_chosen(tmp_path: Path) -> None:
    store = read(database(tmp_path / "raw"), tmp_path / "it.store", tables=["diagnoses_icd"])
    assert set(store.codes["code"]) == {"ICD9CM//038.9", "ICD9CM//V45.81", "ICD9CM//E849.7"}
    with pytest.raises(ConfigError, match="'labs'"):
        read(tmp_path / "raw", tmp_path / "no.store", tables=["labs"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ADMISSIONS": None}, "no table ADMISSIONS"),
        ({"DIAGNOSES_ICD": ("SUBJECT_ID,HADM_ID,ICD_CODE", "10,100,0389")}, "no column 'icd9_code'(?s:.)*'icd_code'"),
        ({"PATIENTS": ("SUBJECT_ID;GENDER;DOB", "10;F;2064-03-01")}, "semicolons"),
        ({"LABEVENTS": ()}, "is empty"),
    ],
)
def test_a_database_that_cannot_be_read_says_why(changes: dict[str, Any], says: str, tmp_path: Path) -> None:
    if changes.get("LABEVENTS") == ():
        changes = {"LABEVENTS": ("",)}
    with pytest.raises(DataError, match=says):
        read(database(tmp_path / "raw", **changes), tmp_path / "it.store")


@pytest.mark.parametrize(
    ("table", "line", "reason"),
    [
        ("DIAGNOSES_ICD", "10,100,3,389X", "icd9_code is not an ICD-9-CM diagnosis"),
        ("DIAGNOSES_ICD", "10,999,3,0389", "no such admission in ADMISSIONS"),
        ("DIAGNOSES_ICD", "11,100,3,0389", "an admission of another subject"),
        ("PRESCRIPTIONS", "10,100,,Heparin,00409672924", "no startdate"),
        ("ICUSTAYS", "10,100,1001,MICU,MICU,2101-05-03 12:00:00,2101-05-02 12:00:00", "an end before the beginning"),
        (
            "ADMISSIONS",
            "99,990,2101-05-01 10:00:00,2101-05-04 16:00:00,,EMERGENCY,HOME,WHITE,MI,0",
            "no such subject in PATIENTS",
        ),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(table: str, line: str, reason: str, tmp_path: Path) -> None:
    lines = (*TABLES[table], line)
    store = read(database(tmp_path / "raw", **{table: lines}), tmp_path / "it.store")
    assert {refusal.reason: refusal.first for refusal in store.flow.refused}[f"{table}: {reason}"] == [
        f"{table}.csv row {len(lines)}"
    ]


def test_patients_that_stand_twice_are_refused_and_so_are_their_admissions(tmp_path: Path) -> None:
    again = (*TABLES["PATIENTS"], "12,F,2050-01-01 00:00:00,,0")
    store = read(database(tmp_path / "raw", PATIENTS=again), tmp_path / "it.store")
    refused = {refusal.reason: refusal.count for refusal in store.flow.refused}
    assert refused["PATIENTS: other rows have the same subject_id"] == 2
    assert refused["ADMISSIONS: no such subject in PATIENTS"] == 1


# ------------------------------------------------------------------------------------------------------------------- real data


@pytest.mark.slow
def test_the_demo_is_read_whole(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    store = read(real_data("mimic3_demo"), tmp_path / "it.store", max_refused=0.05)
    events = store.events().group_by("code").len().rows()
    counts = dict(events)
    assert len(store.subjects) == 100
    assert counts["HOSPITAL//ADMISSION"] == counts["HOSPITAL//DISCHARGE"] == 129
    assert counts["DEATH//IN_HOSPITAL"] == 40 and counts["MEDS_DEATH"] == 100
    assert counts["ICU//ADMISSION"] == 136
    assert sum(count for code, count in events if code.startswith("ICD9CM//")) == 1761
    assert sum(count for code, count in events if code.startswith("ICD9PROC//")) == 506
    assert sum(count for code, count in events if code.startswith(("NDC//", "MIMIC3//DRUG//"))) == 10398
    assert sum(count for code, count in events if code.startswith(("LOINC//", "MIMIC3//LAB//"))) == 76074 - 184 - 4
    assert store.flow.notes["CHARTEVENTS: rows ignored: flagged as an error"] == 648
