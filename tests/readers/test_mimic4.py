"""MIMIC-IV: a small database with known contents, in both layouts, the real demo counted, and when each record is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sequela import config
from sequela.errors import DataError
from sequela.readers import mimic4
from sequela.store.cache import ingest
from sequela.store.store import Store

HOSP: Mapping[str, tuple[str, ...]] = {
    "patients": ("subject_id,gender,anchor_age,anchor_year,group,dod", "10,F,40,2100,2011 - 2013,", "11,M,91,2099,,"),
    "admissions": (
        "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,discharge_location,race,edregtime,hospital_expire_flag",
        "10,100,2101-05-01 10:00:00,2101-05-04 16:00:00,,URGENT,HOME,WHITE,2101-05-01 07:00:00,0",
        "11,110,2101-01-01 08:00:00,2101-01-02 00:00:00,2101-01-02 12:00:00,EW EMER.,DIED,OTHER,,1",
    ),
    "diagnoses_icd": ("subject_id,hadm_id,seq_num,icd_code,icd_version", "10,100,1,0389,9", "10,100,2,A419,10"),
    "procedures_icd": (
        "subject_id,hadm_id,seq_num,chartdate,icd_code,icd_version",
        "10,100,1,2101-05-02,9671,9",
        "10,100,2,2101-05-02,0BH17EZ,10",
    ),
    "d_icd_diagnoses": ("icd_code,icd_version,long_title", "A419,10,\"Sepsis, unspecified organism\""),
    "hcpcsevents": ("subject_id,hadm_id,chartdate,hcpcs_cd,seq_num", "10,100,2101-05-02,G0378,1", "10,100,2101-05-02,27235,2"),
    "prescriptions": (
        "subject_id,hadm_id,starttime,drug,ndc",
        "10,100,2101-05-02 12:00:00,Heparin,00409672924",
        "10,100,2101-05-03 00:00:00,Placebo,",
    ),
    "pharmacy": ("subject_id,hadm_id,starttime,entertime,medication", "10,100,2101-05-02 12:00:00,2101-05-02 12:30:00,Heparin"),
    "emar": (
        "subject_id,hadm_id,emar_id,charttime,medication,event_txt,storetime",
        "10,100,10-1,2101-05-02 13:00:00,Heparin,Administered,2101-05-02 13:05:00",
    ),
    "poe": ("poe_id,subject_id,hadm_id,ordertime,order_type,order_subtype", "10-1,10,100,2101-05-02 11:00:00,Lab,"),
    "d_labitems": ("itemid,label,fluid,category", "50912,Creatinine,Blood,Chemistry"),
    "labevents": (
        "labevent_id,subject_id,hadm_id,itemid,charttime,storetime,value,valuenum,valueuom",
        "1,10,100,50912,2101-05-01 11:00:00,2101-05-01 12:10:00,1.2,1.2,mg/dL",
        "2,10,100,51143,2101-05-01 11:00:00,2101-05-01 12:10:00,NEG,,",
    ),
    "microbiologyevents": (
        "subject_id,hadm_id,chartdate,charttime,storetime,test_itemid,org_itemid,ab_itemid,interpretation,comments",
        "10,100,2101-05-01 00:00:00,2101-05-01 12:00:00,2101-05-03 09:00:00,90201,80155,,,",
        "10,,2101-04-01 00:00:00,,,90201,,,,NO GROWTH.",
    ),
    "omr": (
        "subject_id,chartdate,seq_num,result_name,result_value",
        "10,2101-04-01,1,Blood Pressure,110/70",
        "10,2101-04-01,1,Weight (Lbs),127",
    ),
}  # fmt: skip
ICU: Mapping[str, tuple[str, ...]] = {
    "icustays": (
        "subject_id,hadm_id,stay_id,first_careunit,last_careunit,intime,outtime",
        "10,100,1000,MICU,SICU,2101-05-01 12:00:00,2101-05-02 12:00:00",
    ),
    "d_items": ("itemid,label,unitname", "220045,Heart Rate,bpm"),
    "chartevents": (
        "subject_id,hadm_id,stay_id,charttime,storetime,itemid,value,valuenum,valueuom,warning",
        "10,100,1000,2101-05-01 13:00:00,2101-05-01 14:30:00,220045,80,80,bpm,0",
    ),
    "inputevents": (
        "subject_id,hadm_id,stay_id,starttime,endtime,storetime,itemid,amount,amountuom,rate,rateuom,statusdescription",
        "10,100,1000,2101-05-01 13:00:00,2101-05-01 15:00:00,2101-05-01 13:10:00,221906,6,mg,0.05,mcg/kg/min,FinishedRunning",
    ),
}


def database(folder: Path, *, flat: bool = False) -> Path:
    for module, tables in {"hosp": HOSP, "icu": ICU}.items():
        place = folder if flat else folder / module
        place.mkdir(parents=True, exist_ok=True)
        for name, lines in tables.items():
            (place / f"{name}.csv").write_text("\n".join([*lines, ""]))
    return folder


def read(source: Path, target: Path, **options: Any) -> Store:
    reader = mimic4.build(config.convert(options, mimic4.Config))
    return ingest(reader, "mimic4", mimic4.VERSION, source, target, options=options)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("mimic4")
    return read(database(folder / "raw"), folder / "it.store")


def of(store: Store, code: str) -> list[dict[str, Any]]:
    return store.events([code]).drop("payload", "superseded").rows(named=True)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2101-{text}")


def test_both_versions_of_icd_are_told_apart(store: Store) -> None:
    codes = {row["code"]: row for row in store.codes.iter_rows(named=True)}
    assert {
        "ICD9CM//038.9",
        "ICD10CM//A41.9",
        "ICD9PROC//96.71",
        "ICD10PCS//0BH17EZ",
        "HCPCS//G0378",
        "CPT//27235",
    } <= codes.keys()
    assert codes["ICD10CM//A41.9"]["description"] == "Sepsis, unspecified organism"
    assert codes["ICD10CM//A41.9"]["parent_codes"] == ["ICD10CM//A41"]


def test_ages_count_from_the_anchor(store: Store) -> None:
    assert {row["subject_id"]: row["numeric_value"] for row in of(store, "AGE")} == {10: 41, 11: 93}
    assert [row["time"].year for row in of(store, "MEDS_BIRTH")] == [2060, 2008]
    assert store.flow.notes["admissions: ages over 89, hidden by the source, counted from 91"] == 1


def test_a_death_in_hospital_ends_the_admission(store: Store) -> None:
    moment = at("01-02 12:00")
    for code in ("DEATH//IN_HOSPITAL", "MEDS_DEATH"):
        assert [(row["subject_id"], row["time"]) for row in of(store, code)] == [(11, moment)]
    assert [row["time"] for row in of(store, "HOSPITAL//DISCHARGE") if row["subject_id"] == 11] == [moment]


def test_blood_pressures_are_two_numbers(store: Store) -> None:
    sides = [of(store, f"MIMIC4//OMR//Blood Pressure//{side}")[0]["numeric_value"] for side in ("SYSTOLIC", "DIASTOLIC")]
    assert sides == [110, 70]
    assert of(store, "MIMIC4//OMR//Weight (Lbs)")[0]["numeric_value"] == 127
    assert store.flow.notes["omr: rows read"] == 2 and store.flow.refused_count == 0


def test_nothing_is_known_before_it_was(store: Store, known_at: Callable[[Store, int, datetime], set[str]]) -> None:
    moments = {
        "ICD10CM//A41.9": "05-04 16:00",
        "ICD10PCS//0BH17EZ": "05-04 16:00",  # has a date of its own, and is coded at discharge all the same
        "HCPCS//G0378": "05-04 16:00",
        "NDC//00409672924": "05-02 12:00",
        "MIMIC4//DRUG//Placebo": "05-04 00:00",
        "MIMIC4//PHARMACY//Heparin": "05-02 12:30",
        "MIMIC4//EMAR//Heparin": "05-02 13:05",
        "MIMIC4//ORDER//Lab": "05-02 11:00",
        "MIMIC4//LAB//50912": "05-01 12:10",
        "MIMIC4//MICRO//90201//80155": "05-03 09:00",
        "MIMIC4//OMR//Weight (Lbs)": "04-02 00:00",
        "MIMIC4//ITEM//220045": "05-01 14:30",
        "MIMIC4//ITEM//221906": "05-01 15:00",
        "MIMIC4//ITEM//221906//RATE//mcg/kg/min": "05-01 13:10",
        "ICU//DISCHARGE": "05-02 12:00",
    }
    for code, moment in moments.items():
        assert code not in known_at(store, 10, at(moment) - timedelta(microseconds=1)), f"{code} before {moment}"
        assert code in known_at(store, 10, at(moment)), f"{code} at {moment}"


def test_a_culture_whose_report_has_no_time_is_ignored(store: Store) -> None:
    assert store.flow.notes["microbiologyevents: rows ignored: no time says when the result was known"] == 1


def test_folders_or_files_side_by_side_are_the_same(store: Store, tmp_path: Path) -> None:
    flat = read(database(tmp_path / "raw", flat=True), tmp_path / "it.store")
    assert flat.content_hash == store.content_hash


def test_a_code_of_another_version_is_refused(tmp_path: Path) -> None:
    folder = database(tmp_path / "raw")
    with (folder / "hosp" / "diagnoses_icd.csv").open("a") as file:
        file.write("10,100,3,A419,9\n")
    (refusal,) = read(folder, tmp_path / "it.store").flow.refused
    assert refusal.reason == "diagnoses_icd: icd_code is not a code of its icd_version"
    assert refusal.first == ["hosp/diagnoses_icd.csv row 4"]


def test_without_patients_nothing_is_read(tmp_path: Path) -> None:
    folder = database(tmp_path / "raw")
    (folder / "hosp" / "patients.csv").unlink()
    with pytest.raises(DataError, match=r"no table patients(?s:.)*hosp/admissions\.csv"):
        read(folder, tmp_path / "it.store")


def test_parquet_is_read_as_the_same_events(store: Store, tmp_path: Path) -> None:
    folder = database(tmp_path / "raw")
    for file in folder.glob("*/*.csv"):
        text = {"icd_code": pl.String, "ndc": pl.String, "hcpcs_cd": pl.String}
        pl.read_csv(file, schema_overrides={}, infer_schema_length=None, try_parse_dates=True).with_columns(
            pl.read_csv(file, columns=[name for name in text if name in pl.read_csv(file, n_rows=0).columns], infer_schema=False)
            if set(text) & set(pl.read_csv(file, n_rows=0).columns)
            else []
        ).write_parquet(file.with_suffix(".parquet"))
        file.unlink()
    again = read(folder, tmp_path / "it.store")
    assert again.events().sort(pl.all()).equals(store.events().sort(pl.all()))


def test_the_demo_is_read_whole(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    store = read(real_data("mimic4_demo"), tmp_path / "it.store")
    counts = dict(store.events().group_by("code").len().rows())
    assert len(store.subjects) == 100
    assert counts["HOSPITAL//ADMISSION"] == 275 and counts["DEATH//IN_HOSPITAL"] == 15 and counts["MEDS_DEATH"] == 31
    assert counts["ICU//ADMISSION"] == 140
    assert sum(count for code, count in counts.items() if code.startswith("ICD9CM//")) == 2193
    assert sum(count for code, count in counts.items() if code.startswith("ICD10CM//")) == 2313
    assert {refusal.reason: refusal.count for refusal in store.flow.refused} == {
        "procedureevents: not a time as YYYY-MM-DD HH:MM:SS in storetime": 242
    }
