"""OMOP databases: a small one with the columns of CDM 5.4, read whole, and what is wrong with one refused by row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.readers import omop
from sequela.store.cache import ingest
from sequela.store.store import Store

COLUMNS = {  # OHDSI/CommonDataModel, inst/ddl/5.4
    "person": "person_id gender_concept_id year_of_birth month_of_birth day_of_birth birth_datetime race_concept_id"
    " ethnicity_concept_id location_id provider_id care_site_id person_source_value gender_source_value gender_source_concept_id"
    " race_source_value race_source_concept_id ethnicity_source_value ethnicity_source_concept_id",
    "observation_period": "observation_period_id person_id observation_period_start_date observation_period_end_date"
    " period_type_concept_id",
    "visit_occurrence": "visit_occurrence_id person_id visit_concept_id visit_start_date visit_start_datetime visit_end_date"
    " visit_end_datetime visit_type_concept_id provider_id care_site_id visit_source_value visit_source_concept_id"
    " admitted_from_concept_id admitted_from_source_value discharged_to_concept_id discharged_to_source_value"
    " preceding_visit_occurrence_id",
    "visit_detail": "visit_detail_id person_id visit_detail_concept_id visit_detail_start_date visit_detail_start_datetime"
    " visit_detail_end_date visit_detail_end_datetime visit_detail_type_concept_id provider_id care_site_id"
    " visit_detail_source_value visit_detail_source_concept_id admitted_from_concept_id admitted_from_source_value"
    " discharged_to_source_value discharged_to_concept_id preceding_visit_detail_id parent_visit_detail_id visit_occurrence_id",
    "condition_occurrence": "condition_occurrence_id person_id condition_concept_id condition_start_date condition_start_datetime"
    " condition_end_date condition_end_datetime condition_type_concept_id condition_status_concept_id stop_reason provider_id"
    " visit_occurrence_id visit_detail_id condition_source_value condition_source_concept_id condition_status_source_value",
    "drug_exposure": "drug_exposure_id person_id drug_concept_id drug_exposure_start_date drug_exposure_start_datetime"
    " drug_exposure_end_date drug_exposure_end_datetime verbatim_end_date drug_type_concept_id stop_reason refills quantity"
    " days_supply sig route_concept_id lot_number provider_id visit_occurrence_id visit_detail_id drug_source_value"
    " drug_source_concept_id route_source_value dose_unit_source_value",
    "procedure_occurrence": "procedure_occurrence_id person_id procedure_concept_id procedure_date procedure_datetime"
    " procedure_end_date procedure_end_datetime procedure_type_concept_id modifier_concept_id quantity provider_id"
    " visit_occurrence_id visit_detail_id procedure_source_value procedure_source_concept_id modifier_source_value",
    "device_exposure": "device_exposure_id person_id device_concept_id device_exposure_start_date device_exposure_start_datetime"
    " device_exposure_end_date device_exposure_end_datetime device_type_concept_id unique_device_id production_id quantity"
    " provider_id visit_occurrence_id visit_detail_id device_source_value device_source_concept_id unit_concept_id"
    " unit_source_value unit_source_concept_id",
    "measurement": "measurement_id person_id measurement_concept_id measurement_date measurement_datetime measurement_time"
    " measurement_type_concept_id operator_concept_id value_as_number value_as_concept_id unit_concept_id range_low range_high"
    " provider_id visit_occurrence_id visit_detail_id measurement_source_value measurement_source_concept_id unit_source_value"
    " unit_source_concept_id value_source_value measurement_event_id meas_event_field_concept_id",
    "observation": "observation_id person_id observation_concept_id observation_date observation_datetime"
    " observation_type_concept_id value_as_number value_as_string value_as_concept_id qualifier_concept_id unit_concept_id"
    " provider_id visit_occurrence_id visit_detail_id observation_source_value observation_source_concept_id unit_source_value"
    " qualifier_source_value value_source_value observation_event_id obs_event_field_concept_id",
    "death": "person_id death_date death_datetime death_type_concept_id cause_concept_id cause_source_value"
    " cause_source_concept_id",
    "note": "note_id person_id note_date note_datetime note_type_concept_id note_class_concept_id note_title note_text"
    " encoding_concept_id language_concept_id provider_id visit_occurrence_id visit_detail_id note_source_value note_event_id"
    " note_event_field_concept_id",
    "concept": "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code valid_start_date"
    " valid_end_date invalid_reason",
    "concept_ancestor": "ancestor_concept_id descendant_concept_id min_levels_of_separation max_levels_of_separation",
}
EHR, CLAIM = 32817, 32810  # type concepts
CONCEPTS = [
    (EHR, "EHR", "Type Concept", "OMOP4976890"),
    (CLAIM, "Claim", "Type Concept", "OMOP4976883"),
    (32896, "Discharge diagnosis", "Condition Status", "OMOP4977001"),
    (9201, "Inpatient Visit", "Visit", "IP"),
    (9202, "Outpatient Visit", "Visit", "OP"),
    (32037, "Intensive Care", "Visit", "OMOP4822460"),
    (44836913, "Unspecified septicemia", "ICD9CM", "038.9"),
    (132797, "Sepsis", "SNOMED", "91302008"),
    (40484102, "Systemic infection", "SNOMED", "1"),
    (432250, "Disorder due to infection", "SNOMED", "40733004"),
    (3016723, "Creatinine [Mass/volume] in Serum or Plasma", "LOINC", "2160-0"),
    (3019550, "Sodium", "LOINC", "29511-1"),
    (8840, "milligram per deciliter", "UCUM", "mg/dL"),
    (8749, "micromole per liter", "UCUM", "umol/L"),
    (8753, "millimole per liter", "UCUM", "mmol/L"),
    (4171756, "<", "SNOMED", "276139006"),
    (956874, "furosemide", "RxNorm", "4603"),
    (4132161, "Oral", "SNOMED", "26643006"),
    (8527, "White", "Race", "5"),
    (706531, "Discharge summary", "LOINC", "18842-5"),
    (2008191, "Continuous invasive mechanical ventilation for less than 96 hours", "ICD9Proc", "96.71"),
]
ADMITTED, LEFT = "2020-03-01 10:00:00", "2020-03-05 15:30:00"
ROWS: dict[str, list[dict[str, Any]]] = {
    "person": [
        {"person_id": 1, "gender_concept_id": 8532, "year_of_birth": 1950, "month_of_birth": 3, "day_of_birth": 1}
        | {"race_concept_id": 8527, "ethnicity_concept_id": 0},
        {"person_id": 2, "gender_concept_id": 0, "gender_source_value": "X", "year_of_birth": 1980}
        | {"race_concept_id": 0, "ethnicity_concept_id": 0},
    ],
    "observation_period": [
        {"observation_period_id": 1, "person_id": 1, "observation_period_start_date": "2020-01-01"}
        | {"observation_period_end_date": "2020-12-31", "period_type_concept_id": EHR}
    ],
    "visit_occurrence": [
        {"visit_occurrence_id": 10, "person_id": 1, "visit_concept_id": 9201, "visit_start_date": "2020-03-01"}
        | {"visit_start_datetime": ADMITTED, "visit_end_date": "2020-03-05", "visit_end_datetime": LEFT},
        {"visit_occurrence_id": 11, "person_id": 2, "visit_concept_id": 9202, "visit_start_date": "2020-06-01"}
        | {"visit_end_date": "2020-06-01"},
    ],
    "visit_detail": [
        {"visit_detail_id": 100 + k, "person_id": 1, "visit_detail_concept_id": concept, "visit_occurrence_id": 10}
        | {"visit_detail_start_date": "2020-03-02", "visit_detail_start_datetime": "2020-03-02 08:00:00"}
        | {"visit_detail_end_date": "2020-03-03", "visit_detail_end_datetime": "2020-03-03 12:00:00"}
        for k, concept in enumerate((32037, 9201))
    ],
    "condition_occurrence": [
        {"condition_occurrence_id": k, "person_id": 1, "visit_occurrence_id": 10, "condition_type_concept_id": type_, **more}
        | {"condition_start_date": "2020-03-01", "condition_start_datetime": ADMITTED}
        for k, (type_, more) in enumerate(
            [
                (CLAIM, {"condition_concept_id": 132797, "condition_source_concept_id": 44836913}),
                (EHR, {"condition_concept_id": 132797, "condition_source_concept_id": 0}),
                (EHR, {"condition_concept_id": 132797, "condition_status_concept_id": 32896}),
                (EHR, {"condition_concept_id": 0, "condition_source_value": "sepsis?"}),
                (EHR, {"condition_concept_id": 999}),
                (0, {"condition_concept_id": 132797}),
            ]
        )
    ],
    "drug_exposure": [
        {"drug_exposure_id": 1, "person_id": 1, "drug_concept_id": 956874, "drug_exposure_start_date": "2020-03-05"}
        | {"drug_exposure_start_datetime": "2020-03-05 00:00:00", "drug_exposure_end_date": "2020-03-05", "quantity": 2}
        | {"drug_type_concept_id": EHR, "route_concept_id": 4132161, "visit_occurrence_id": 10}
    ],
    "procedure_occurrence": [
        {"procedure_occurrence_id": 1, "person_id": 1, "procedure_concept_id": 0, "procedure_source_concept_id": 2008191}
        | {"procedure_date": "2020-03-02", "procedure_type_concept_id": CLAIM, "visit_occurrence_id": 10}
    ],
    "device_exposure": [
        {"device_exposure_id": 1, "person_id": 1, "device_concept_id": 0, "device_source_value": "ventilator"}
        | {"device_exposure_start_date": "2020-03-02", "device_exposure_start_datetime": "2020-03-02 09:00:00"}
        | {"device_type_concept_id": EHR, "visit_occurrence_id": 10}
    ],
    "measurement": [
        {"measurement_id": k, "person_id": 1, "measurement_date": "2020-03-02", "measurement_datetime": "2020-03-02 06:00:00"}
        | {"measurement_type_concept_id": EHR, "visit_occurrence_id": 10, **more}
        for k, more in enumerate(
            [
                {"measurement_concept_id": 3016723, "value_as_number": 1.5, "unit_concept_id": 8840},
                {"measurement_concept_id": 3016723, "value_as_number": 113.12, "unit_concept_id": 8749},
                {"measurement_concept_id": 3016723, "value_as_number": 3, "unit_source_value": "pints"},
                {"measurement_concept_id": 3019550, "value_as_number": 140, "unit_source_value": "mmol/L", "unit_concept_id": 0},
                {"measurement_concept_id": 3019550, "value_as_number": 139, "unit_concept_id": 8753},
                {"measurement_concept_id": 3019550, "value_as_number": 3.2, "unit_source_value": "g/L"},
                {
                    "measurement_concept_id": 3019550,
                    "value_as_number": 120,
                    "unit_concept_id": 8753,
                    "operator_concept_id": 4171756,
                },
                {"measurement_concept_id": 3019550, "value_source_value": "haemolysed", "unit_concept_id": 8753},
            ]
        )
    ],
    "observation": [
        {"observation_id": 1, "person_id": 2, "observation_concept_id": 3019550, "observation_date": "2020-06-01"}
        | {"observation_type_concept_id": EHR, "value_as_number": 141, "unit_concept_id": 8753, "visit_occurrence_id": 11},
        {"observation_id": 2, "person_id": 2, "observation_concept_id": 432250, "observation_date": "2020-06-01"}
        | {"observation_type_concept_id": EHR, "value_as_string": "told by phone", "visit_occurrence_id": 99},
    ],
    "note": [
        {"note_id": 1, "person_id": 1, "note_date": "2020-03-05", "note_datetime": "2020-03-05 14:00:00", "note_text": "well"}
        | {"note_type_concept_id": EHR, "note_class_concept_id": 706531, "encoding_concept_id": 0, "language_concept_id": 0}
    ],
    "death": [{"person_id": 1, "death_date": "2020-03-05"}],
    "concept": [
        dict(zip(("concept_id", "concept_name", "vocabulary_id", "concept_code"), concept, strict=True)) for concept in CONCEPTS
    ],
    "concept_ancestor": [
        {"ancestor_concept_id": wide, "descendant_concept_id": 132797, "min_levels_of_separation": levels}
        for wide, levels in ((432250, 2), (132797, 0), (40484102, 1))
    ],
}


def database(folder: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]] = ROWS, *, tabbed: bool = False) -> Path:
    folder.mkdir()
    for name, table in rows.items():
        apart = "\t" if tabbed and name.startswith("concept") else ","
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[name].split(), restval="", delimiter=apart)
            writer.writeheader()
            writer.writerows(table)
    return folder


def read(folder: Path, target: Path, **options: Any) -> Store:
    options = {"timezone": "UTC", **options}
    return ingest(
        omop.build(config.convert(options, omop.Config)), "omop", omop.VERSION, folder, target, options=options, max_refused=1.0
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return read(database(tmp_path / "cdm"), tmp_path / "a.store")


def seen(store: Store, code: str, *columns: str) -> list[Any]:
    frame = store.events([code]).select(columns or ("time",))
    return frame.to_series().to_list() if len(frame.columns) == 1 else frame.rows()


def test_every_row_is_accounted_for(store: Store) -> None:
    total = sum(len(table) for name, table in ROWS.items() if not name.startswith("concept"))
    assert store.flow.refused == [] and store.flow.accepted == total - 1
    assert store.flow.notes["visit_detail: rows ignored: no intensive care"] == 1
    assert all(store.flow.notes[f"{name}: rows read"] == len(ROWS[name]) for name in ROWS if not name.startswith("concept"))
    assert store.flow.notes["records whose visit is not there or another person's, taken as of no visit"] == 1
    assert store.flow.notes["records of a concept that the vocabulary has not, as OMOP//ID"] == 1


def test_a_person_has_birth_sex_and_an_age_at_each_admission(store: Store) -> None:
    assert seen(store, "MEDS_BIRTH") == [datetime(1950, 3, 1), datetime(1980, 7, 1)]
    assert seen(store, "SEX", "subject_id", "text_value") == [(1, "F"), (2, "X")]
    assert seen(store, "RACE", "text_value") == ["White"]
    (age,) = store.events(["AGE"]).iter_rows(named=True)
    assert age["numeric_value"] == pytest.approx(70.0, abs=0.01) and age["visit"] == 10


def test_visits_are_admissions_where_the_patient_stays(store: Store) -> None:
    assert seen(store, "HOSPITAL//ADMISSION", "time", "visit", "text_value") == [
        (datetime(2020, 3, 1, 10), 10, "Inpatient Visit")
    ]
    assert seen(store, "HOSPITAL//DISCHARGE") == [datetime(2020, 3, 5, 15, 30)]
    assert seen(store, "VISIT//START", "time", "visit") == [(datetime(2020, 6, 1), 11)]
    assert seen(store, "VISIT//END") == [datetime(2020, 6, 2)]
    assert seen(store, "ICU//ADMISSION", "time", "visit") == [(datetime(2020, 3, 2, 8), 10)]
    assert seen(store, "ICU//DISCHARGE") == [datetime(2020, 3, 3, 12)]


def test_what_is_billed_is_known_from_the_end_of_the_visit(store: Store) -> None:
    left = datetime(2020, 3, 5, 15, 30)
    assert seen(store, "ICD9CM//038.9", "time", "available") == [(datetime(2020, 3, 1, 10), left)]
    assert seen(store, "SNOMED//91302008", "available") == [None, left, left]


def test_nothing_that_was_billed_reaches_an_input_before_the_visit_is_over(
    store: Store, known_at: Callable[[Store, int, datetime], set[str]]
) -> None:
    during, after = datetime(2020, 3, 5, 15, 29), datetime(2020, 3, 5, 15, 30)
    billed = {"ICD9CM//038.9", "ICD9PROC//96.71"}
    assert not billed & known_at(store, 1, during) and billed <= known_at(store, 1, after)
    assert "RXNORM//4603" not in known_at(store, 1, during) and "SNOMED//91302008" in known_at(store, 1, during)
    assert not {"MEDS_DEATH", "DEATH//IN_HOSPITAL"} & known_at(store, 1, after)


@pytest.mark.parametrize(("hold", "known"), [("all", 6), ("none", 0), ("billing", 3)])
def test_holding_back_can_be_set(tmp_path: Path, hold: str, known: int) -> None:
    store = read(database(tmp_path / "cdm"), tmp_path / "a.store", hold=hold, tables=["condition_occurrence", "visit_occurrence"])
    events = store.events().filter(~pl.col("code").str.contains("^(HOSPITAL|VISIT|AGE)"))
    assert len(events) == 6 and events["available"].drop_nulls().len() == known


def test_codes_are_those_of_the_concepts_with_what_is_broader(store: Store) -> None:
    codes = {row["code"]: row for row in store.codes.iter_rows(named=True)}
    assert codes["SNOMED//91302008"]["parent_codes"] == ["SNOMED//1", "SNOMED//40733004"]
    assert codes["ICD9CM//038.9"]["parent_codes"][0] == "ICD9CM//038"
    assert codes["ICD9CM//038.9"]["description"] == "Unspecified septicemia"
    assert codes["ICD9PROC//96.71"]["parent_codes"][-1] == "ICD9PROC//CHAPTER//87-99"
    assert {
        "OMOP//999",
        "OMOP//device_exposure//ventilator",
        "OMOP//condition_occurrence//sepsis?",
        "RXNORM//4603",
        "NOTE//Discharge summary",
    } <= codes.keys()


def test_the_standard_concept_may_name_a_record(tmp_path: Path) -> None:
    store = read(database(tmp_path / "cdm"), tmp_path / "a.store", concepts="standard")
    assert "ICD9CM//038.9" not in store.codes["code"].to_list()
    assert len(seen(store, "SNOMED//91302008")) == 4


def test_no_two_units_mix_under_one_code(store: Store) -> None:
    kept = dict(store.codes.select("code", "unit").iter_rows())
    assert (
        seen(store, "LOINC//2160-0", "numeric_value") == pytest.approx([1.5, 1.2796], abs=1e-3)
        and kept["LOINC//2160-0"] == "mg/dL"
    )
    assert seen(store, "LOINC//2160-0//UNIT//pints", "numeric_value") == [3.0]
    assert seen(store, "LOINC//29511-1", "numeric_value") == [140.0, 139.0, 120.0, None, 141.0]
    assert kept["LOINC//29511-1"] == "mmol/L" and kept["LOINC//29511-1//UNIT//g/L"] == "g/L"
    assert seen(store, "LOINC//29511-1", "text_value") == [None, None, "<", "haemolysed", None]


def test_a_date_alone_is_known_when_its_day_or_its_visit_is_over(store: Store) -> None:
    assert seen(store, "RXNORM//4603", "time", "available", "numeric_value", "text_value") == [
        (datetime(2020, 3, 5), datetime(2020, 3, 5, 15, 30), 2.0, "Oral")
    ]
    assert seen(store, "SNOMED//40733004", "time", "available", "visit") == [(datetime(2020, 6, 1), datetime(2020, 6, 2), None)]


def test_a_death_on_the_last_day_of_a_stay_is_at_its_end_and_in_hospital(store: Store) -> None:
    for code in ("MEDS_DEATH", "DEATH//IN_HOSPITAL"):
        assert seen(store, code, "time", "available", "visit") == [(datetime(2020, 3, 5, 15, 30), None, 10)]
    assert dict(store.codes.select("code", "kind").iter_rows())["MEDS_DEATH"] == "outcome"


def test_a_death_after_the_stay_is_in_no_hospital(tmp_path: Path) -> None:
    folder = database(tmp_path / "cdm", ROWS | {"death": [{"person_id": 1, "death_date": "2020-03-06"}]})
    store = read(folder, tmp_path / "a.store")
    assert seen(store, "MEDS_DEATH", "time", "available", "visit") == [(datetime(2020, 3, 6), datetime(2020, 3, 7), None)]
    assert seen(store, "DEATH//IN_HOSPITAL") == []


def test_local_times_become_utc(tmp_path: Path) -> None:
    store = read(database(tmp_path / "cdm"), tmp_path / "a.store", timezone="America/New_York")
    assert seen(store, "HOSPITAL//ADMISSION") == [datetime(2020, 3, 1, 15)]
    assert seen(store, "VISIT//END") == [datetime(2020, 6, 2, 4)]


def test_a_vocabulary_with_tabs_and_parquet_tables_give_the_same(tmp_path: Path, store: Store) -> None:
    tabbed = read(database(tmp_path / "athena", tabbed=True), tmp_path / "b.store")
    assert tabbed.content_hash == store.content_hash
    folder = database(tmp_path / "parquet")
    for name, header in COLUMNS.items():
        file = folder / f"{name}.csv"
        times = [column for column in header.split() if column.endswith("datetime")]
        texts = {column: pl.String for column in header.split() if column.endswith(("_value", "_code", "_text", "string"))}
        frame = pl.read_csv(file, schema_overrides=texts, try_parse_dates=True, infer_schema_length=None)
        frame.with_columns(pl.col(times).cast(pl.Datetime("us"))).write_parquet(folder / f"{name}.parquet")
        file.unlink()
    assert read(folder, tmp_path / "c.store").content_hash == store.content_hash


def test_without_a_vocabulary_concepts_are_numbers(tmp_path: Path) -> None:
    rows = {name: table for name, table in ROWS.items() if not name.startswith("concept")}
    store = read(database(tmp_path / "cdm", rows), tmp_path / "a.store")
    assert {"OMOP//44836913", "OMOP//3016723"} <= set(store.codes["code"])
    assert seen(store, "SEX", "text_value") == ["F", "X"]


def test_without_visits_records_belong_to_none(tmp_path: Path) -> None:
    rows = {name: table for name, table in ROWS.items() if not name.startswith("visit")}
    store = read(database(tmp_path / "cdm", rows), tmp_path / "a.store")
    assert store.events()["visit"].null_count() == len(store.events()) and store.flow.refused == []
    assert seen(store, "MEDS_DEATH", "time", "available") == [(datetime(2020, 3, 5), datetime(2020, 3, 6))]
    assert "tables that are not there: visit_occurrence, visit_detail" in store.flow.notes


def test_only_the_tables_that_are_named_are_read(tmp_path: Path) -> None:
    store = read(database(tmp_path / "cdm"), tmp_path / "a.store", tables=["measurement"])
    assert all(code.startswith("LOINC//") for code in store.codes["code"])
    with pytest.raises(ConfigError, match="tables names 'measurements'"):
        read(tmp_path / "cdm", tmp_path / "b.store", tables=["measurements"])


def changed(name: str, at: int, **entries: Any) -> dict[str, list[dict[str, Any]]]:
    rows = {table: [dict(row) for row in content] for table, content in ROWS.items()}
    rows[name][at] |= entries
    return rows


@pytest.mark.parametrize(
    ("rows", "file", "reason"),
    [
        (changed("measurement", 0, person_id=7), "measurement.csv row 2", "measurement: the person is not in the table person"),
        (changed("measurement", 1, measurement_date=""), "measurement.csv row 3", "measurement: no measurement_date"),
        (
            changed("condition_occurrence", 0, person_id=""),
            "condition_occurrence.csv row 2",
            "condition_occurrence: no person_id",
        ),
        (
            changed("visit_detail", 0, visit_detail_end_datetime="2020-03-01 00:00:00"),
            "visit_detail.csv row 2",
            "an end before the start",
        ),
    ],
)
def test_a_record_that_cannot_be_used_is_refused_by_row(tmp_path: Path, rows: Any, file: str, reason: str) -> None:
    store = read(database(tmp_path / "cdm", rows), tmp_path / "a.store")
    (refusal,) = store.flow.refused
    assert refusal.count == 1 and refusal.first == [file] and reason in refusal.reason


def test_rows_with_one_key_are_all_refused(tmp_path: Path) -> None:
    rows = ROWS | {"visit_occurrence": [*ROWS["visit_occurrence"], ROWS["visit_occurrence"][0]]}
    store = read(database(tmp_path / "cdm", rows), tmp_path / "a.store")
    (refusal,) = store.flow.refused
    assert (refusal.count, refusal.reason) == (2, "visit_occurrence: other rows have the same visit_occurrence_id")
    assert seen(store, "HOSPITAL//ADMISSION") == []


def test_an_hour_that_the_zone_has_not_is_refused(tmp_path: Path) -> None:
    rows = changed("measurement", 0, measurement_date="2020-03-29", measurement_datetime="2020-03-29 02:30:00")
    store = read(database(tmp_path / "cdm", rows), tmp_path / "a.store", timezone="Europe/Berlin")
    assert [refusal.reason for refusal in store.flow.refused] == [
        "measurement: a local time that the time zone has not, or has twice"
    ]


def test_a_missing_column_a_doubled_concept_and_no_zone_stop_the_import(tmp_path: Path) -> None:
    folder = database(tmp_path / "cdm")
    with pytest.raises(ConfigError, match="'' is not a time zone"):
        read(folder, tmp_path / "a.store", timezone="")
    frame = pl.read_csv(folder / "measurement.csv", infer_schema=False)
    frame.drop("measurement_date").write_csv(folder / "measurement.csv")
    with pytest.raises(DataError, match=r"measurement\.csv has no column 'measurement_date'"):
        read(folder, tmp_path / "a.store")
    twice = database(tmp_path / "twice", ROWS | {"concept": [*ROWS["concept"], ROWS["concept"][0]]})
    with pytest.raises(DataError, match="has a concept_id twice"):
        read(twice, tmp_path / "a.store")
    with pytest.raises(DataError, match="has no table person"):
        read(database(tmp_path / "none", {"concept": ROWS["concept"]}), tmp_path / "a.store")
