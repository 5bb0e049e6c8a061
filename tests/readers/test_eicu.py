"""eICU: a small database with the columns of version 2.0, on one time line, and what is wrong with one refused by row."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.readers import eicu
from sequela.store.cache import ingest
from sequela.store.store import Store

COLUMNS = {  # MIT-LCP/eicu-code, build-db, create tables
    "patient": "patientunitstayid patienthealthsystemstayid gender age ethnicity hospitalid wardid apacheadmissiondx"
    " admissionheight hospitaladmittime24 hospitaladmitoffset hospitaladmitsource hospitaldischargeyear hospitaldischargetime24"
    " hospitaldischargeoffset hospitaldischargelocation hospitaldischargestatus unittype unitadmittime24 unitadmitsource"
    " unitvisitnumber unitstaytype admissionweight dischargeweight unitdischargetime24 unitdischargeoffset unitdischargelocation"
    " unitdischargestatus uniquepid",
    "diagnosis": "diagnosisid patientunitstayid activeupondischarge diagnosisoffset diagnosisstring icd9code diagnosispriority",
    "treatment": "treatmentid patientunitstayid treatmentoffset treatmentstring activeupondischarge",
    "admissiondx": "admissiondxid patientunitstayid admitdxenteredoffset admitdxpath admitdxname admitdxtext",
    "pasthistory": "pasthistoryid patientunitstayid pasthistoryoffset pasthistoryenteredoffset pasthistorynotetype"
    " pasthistorypath pasthistoryvalue pasthistoryvaluetext",
    "allergy": "allergyid patientunitstayid allergyoffset allergyenteredoffset allergynotetype specialtytype usertype rxincluded"
    " writtenineicu drugname allergytype allergyname drughiclseqno",
    "medication": "medicationid patientunitstayid drugorderoffset drugstartoffset drugivadmixture drugordercancelled drugname"
    " drughiclseqno dosage routeadmin frequency loadingdose prn drugstopoffset gtc",
    "infusiondrug": "infusiondrugid patientunitstayid infusionoffset drugname drugrate infusionrate drugamount volumeoffluid"
    " patientweight",
    "lab": "labid patientunitstayid labresultoffset labtypeid labname labresult labresulttext labmeasurenamesystem"
    " labmeasurenameinterface labresultrevisedoffset",
    "vitalperiodic": "vitalperiodicid patientunitstayid observationoffset temperature sao2 heartrate respiration cvp etco2"
    " systemicsystolic systemicdiastolic systemicmean pasystolic padiastolic pamean st1 st2 st3 icp",
    "vitalaperiodic": "vitalaperiodicid patientunitstayid observationoffset noninvasivesystolic noninvasivediastolic"
    " noninvasivemean paop cardiacoutput cardiacinput svr svri pvr pvri",
    "nursecharting": "nursingchartid patientunitstayid nursingchartoffset nursingchartentryoffset nursingchartcelltypecat"
    " nursingchartcelltypevallabel nursingchartcelltypevalname nursingchartvalue",
    "intakeoutput": "intakeoutputid patientunitstayid intakeoutputoffset intaketotal outputtotal dialysistotal nettotal"
    " intakeoutputentryoffset cellpath celllabel cellvaluenumeric cellvaluetext",
    "respiratorycare": "respcareid patientunitstayid respcarestatusoffset currenthistoryseqnum airwaytype airwaysize"
    " airwayposition cuffpressure ventstartoffset ventendoffset priorventstartoffset priorventendoffset",
    "apacheapsvar": "apacheapsvarid patientunitstayid intubated vent dialysis eyes motor verbal meds urine wbc temperature"
    " respiratoryrate sodium heartrate meanbp ph hematocrit creatinine albumin pao2 pco2 bun glucose bilirubin fio2",
    "apachepatientresult": "apachepatientresultsid patientunitstayid physicianspeciality physicianinterventioncategory"
    " acutephysiologyscore apachescore apacheversion predictedicumortality actualicumortality predictediculos actualiculos"
    " predictedhospitalmortality actualhospitalmortality predictedhospitallos actualhospitallos preopmi preopcardiaccath"
    " ptcawithin24h unabridgedunitlos unabridgedhosplos actualventdays predventdays unabridgedactualventdays",
}
ZERO = datetime(2000, 1, 1)


def stay(unit: int, hospital: int, admit: int, year: int, patient: str = "002-1", **more: Any) -> dict[str, Any]:
    """A unit stay that begins `admit` minutes after the admission to the hospital; both end three days and four days after."""
    known = {
        "patientunitstayid": unit,
        "patienthealthsystemstayid": hospital,
        "uniquepid": patient,
        "hospitaladmitoffset": -admit,
    }
    ends = {"hospitaldischargeoffset": 5760 - admit, "unitdischargeoffset": 1440, "hospitaldischargeyear": year}
    said = {
        "gender": "Female",
        "age": "61",
        "ethnicity": "Caucasian",
        "hospitalid": 73,
        "unittype": "MICU",
        "unitstaytype": "admit",
    }
    return known | ends | said | {"hospitaldischargestatus": "Alive"} | more


ROWS: dict[str, list[dict[str, Any]]] = {
    "patient": [
        stay(2, 800, 2000, 2014, unitstaytype="stepdown/other"),  # the second unit of the first hospital stay
        stay(10, 800, 120, 2014, admissionheight=160, admissionweight=0),
        stay(5, 700, 60, 2015, hospitaldischargestatus="Expired"),
        stay(6, 900, 0, 2014, "003-7", age="> 89", gender="Male"),
    ],
    "diagnosis": [
        {
            "diagnosisoffset": 30,
            "diagnosisstring": "pulmonary|respiratory failure",
            "icd9code": "518.81, J96.00",
            "patientunitstayid": 10,
        },
        {"diagnosisoffset": 31, "diagnosisstring": "burns|fall", "icd9code": "E885.9, W01.0", "patientunitstayid": 10},
        {"diagnosisoffset": 40, "diagnosisstring": "endocrine|fluids", "icd9code": "", "patientunitstayid": 10},
    ],
    "treatment": [{"treatmentoffset": 20, "treatmentstring": "pulmonary|ventilation", "patientunitstayid": 10}],
    "admissiondx": [{"admitdxenteredoffset": 15, "admitdxpath": "admission diagnosis|Sepsis", "patientunitstayid": 10}],
    "pasthistory": [
        {"pasthistoryoffset": -10, "pasthistoryenteredoffset": 90, "pasthistorypath": "notes|COPD", "pasthistoryvalue": "severe"}
        | {"patientunitstayid": 10}
    ],
    "allergy": [
        {
            "allergyoffset": 5,
            "allergyenteredoffset": 5,
            "allergyname": "penicillin",
            "allergytype": "Drug",
            "patientunitstayid": 10,
        }
    ],
    "medication": [
        {"drugorderoffset": 60, "drugstartoffset": 30, "drugname": "Furosemide", "dosage": "20 mg", "routeadmin": "IV"}
        | {"drugordercancelled": "No", "patientunitstayid": 10},
        {
            "drugorderoffset": 10,
            "drugstartoffset": 30,
            "drugname": "heparin",
            "drugordercancelled": "Yes",
            "patientunitstayid": 10,
        },
    ],
    "infusiondrug": [
        {"infusionoffset": 50, "drugname": "Norepinephrine (mcg/min)", "drugrate": "4.5", "patientunitstayid": 10},
        {"infusionoffset": 55, "drugname": "Norepinephrine (mcg/min)", "drugrate": "OFF", "patientunitstayid": 10},
    ],
    "lab": [
        {
            "labresultoffset": 100,
            "labname": "potassium",
            "labresult": 4.1,
            "labmeasurenamesystem": "mmol/L",
            "labresultrevisedoffset": 130,
        },
        {
            "labresultoffset": 200,
            "labname": "potassium",
            "labresult": 4.0,
            "labmeasurenamesystem": "mEq/L",
            "labresultrevisedoffset": 150,
        },
        {"labresultoffset": 300, "labname": "urinary casts", "labresult": 2, "labmeasurenamesystem": "/hpf"},
        {"labresultoffset": 310, "labname": "urinary casts", "labresult": 3, "labmeasurenamesystem": "/hpf"},
        {"labresultoffset": 320, "labname": "urinary casts", "labresult": 9, "labmeasurenamesystem": "/lpf"},
        {"labresultoffset": 330, "labname": "urinary casts", "labresulttext": "many", "labmeasurenamesystem": "/hpf"},
    ],
    "vitalperiodic": [{"observationoffset": 5, "heartrate": 90, "sao2": 97, "patientunitstayid": 10}],
    "vitalaperiodic": [{"observationoffset": 6, "noninvasivemean": 70, "patientunitstayid": 10}],
    "nursecharting": [
        {"nursingchartoffset": 7, "nursingchartentryoffset": 9, "nursingchartcelltypevallabel": "GCS", "nursingchartvalue": "15"}
        | {"nursingchartcelltypevalname": "Total", "patientunitstayid": 10}
    ],
    "intakeoutput": [
        {
            "intakeoutputoffset": 60,
            "intakeoutputentryoffset": 75,
            "cellpath": "flowsheet|Output (ml)|Urine",
            "cellvaluenumeric": 200,
        }
        | {"patientunitstayid": 10}
    ],
    "respiratorycare": [
        {"respcarestatusoffset": 70, "airwaytype": "Oral ETT", "airwayposition": "22 cm", "patientunitstayid": 10}
    ],
    "apacheapsvar": [dict.fromkeys(COLUMNS["apacheapsvar"].split()[2:], -1) | {"heartrate": 110, "patientunitstayid": 10}],
    "apachepatientresult": [
        {"apachescore": 66, "apacheversion": version, "predictedhospitalmortality": ".21", "actualhospitalmortality": "ALIVE"}
        | {"patientunitstayid": 10}
        for version in ("IV", "IVa")
    ],
}
for number, row in enumerate(ROWS["lab"]):
    row |= {"labid": number, "patientunitstayid": 10}


def database(folder: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]] = ROWS) -> Path:
    folder.mkdir()
    for name, table in rows.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS[name].split(), restval="")
            writer.writeheader()
            writer.writerows(table)
    return folder


def read(folder: Path, target: Path, **options: Any) -> Store:
    built = eicu.build(config.convert(options, eicu.Config))
    return ingest(built, "eicu", eicu.VERSION, folder, target, options=options, max_refused=1.0)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return read(database(tmp_path / "eicu"), tmp_path / "a.store")


def seen(store: Store, code: str, *columns: str) -> list[Any]:
    frame = store.events([code]).select(columns or ("time",))
    return frame.to_series().to_list() if len(frame.columns) == 1 else frame.rows()


def after(minutes: int) -> datetime:
    """This long after the first admission to a hospital."""
    return ZERO + timedelta(minutes=minutes)


def test_every_row_is_accounted_for(store: Store) -> None:
    total = sum(len(table) for name, table in ROWS.items() if name != "nursecharting")
    assert store.flow.refused == [] and store.flow.accepted == total - 1
    assert store.flow.notes["medication: rows ignored: an order that was cancelled"] == 1
    assert store.flow.notes["patient: ages above 89, which the source hides, taken as 90"] == 1
    assert store.dataset.relative_times


def test_units_of_a_hospital_stay_lie_as_their_offsets_say(store: Store) -> None:
    assert seen(store, "ICU//ADMISSION", "time", "visit") == [(after(120), 800), (after(366 * 1440 + 60), 700), (after(0), 900)]
    assert seen(store, "EICU//STEPDOWN//ADMISSION", "time", "visit") == [(after(2000), 800)]
    assert seen(store, "HOSPITAL//ADMISSION", "time", "visit") == [(after(0), 800), (after(366 * 1440), 700), (after(0), 900)]
    assert seen(store, "HOSPITAL//DISCHARGE")[0] == after(5760)


def test_a_patient_is_described_once_and_aged_at_each_hospital_stay(store: Store) -> None:
    assert seen(store, "SEX", "text_value") == ["F", "M"] and seen(store, "SITE", "text_value") == ["73", "73"]
    assert seen(store, "AGE", "numeric_value") == [61.0, 61.0, 90.0]
    assert seen(store, "EICU//HEIGHT", "numeric_value") == [160.0] and seen(store, "EICU//WEIGHT") == []


def test_who_died_in_hospital_died_at_its_discharge(store: Store) -> None:
    left = after(366 * 1440 + 5760)
    assert seen(store, "DEATH//IN_HOSPITAL", "time", "visit") == seen(store, "MEDS_DEATH", "time", "visit") == [(left, 700)]
    assert dict(store.codes.select("code", "kind").iter_rows())["DEATH//IN_HOSPITAL"] == "outcome"


def test_stays_of_one_year_follow_one_another_and_are_counted(tmp_path: Path) -> None:
    rows = ROWS | {"patient": [*ROWS["patient"], stay(7, 650, 0, 2014, age="60")]}
    store = read(database(tmp_path / "eicu", rows), tmp_path / "a.store")
    assert seen(store, "HOSPITAL//ADMISSION", "time", "visit")[:2] == [(after(0), 650), (after(5760 + 1440), 800)]
    (count,) = (count for note, count in store.flow.notes.items() if "an order that the source does not tell" in note)
    assert count == 3


def test_diagnoses_are_told_apart_by_the_form_of_their_code(store: Store) -> None:
    codes = {row["code"]: row["parent_codes"] for row in store.codes.iter_rows(named=True)}
    assert {
        "ICD9CM//518.81",
        "ICD10CM//J96.00",
        "ICD9CM//E885.9",
        "ICD10CM//W01.0",
        "EICU//DIAGNOSIS//endocrine|fluids",
    } <= codes.keys()
    assert codes["ICD10CM//J96.00"][-1] == "ICD10CM//CHAPTER//J00-J99"
    assert seen(store, "ICD9CM//518.81", "time", "text_value") == [(after(150), "pulmonary|respiratory failure")]


def test_what_is_entered_later_is_known_later(store: Store) -> None:
    assert seen(store, "EICU//HISTORY//notes|COPD", "time", "available", "text_value") == [(after(110), after(210), "severe")]
    assert seen(store, "EICU//DRUG//FUROSEMIDE", "time", "available", "text_value") == [(after(150), after(180), "20 mg IV")]
    assert seen(store, "EICU//IO//flowsheet|Output (ml)|Urine", "time", "available", "numeric_value") == [
        (after(180), after(195), 200.0)
    ]
    assert seen(store, "EICU//LAB//potassium", "time", "available") == [(after(220), after(250)), (after(320), after(320))]


def test_a_revised_lab_reaches_no_input_before_its_revision(
    store: Store, known_at: Callable[[Store, int, datetime], set[str]]
) -> None:
    numbers = pl.read_parquet(store.path / "metadata" / "subjects.parquet")
    patient = dict(numbers.select("source_id", "subject_id").iter_rows())["002-1"]
    before, then = known_at(store, patient, after(249)), known_at(store, patient, after(250))
    assert "EICU//LAB//potassium" in then - before and "EICU//HISTORY//notes|COPD" in before


def test_no_two_units_mix_under_one_lab(store: Store) -> None:
    kept = dict(store.codes.select("code", "unit").iter_rows())
    assert seen(store, "EICU//LAB//potassium", "numeric_value") == pytest.approx([4.1, 4.0])
    assert kept["EICU//LAB//potassium"] == "mmol/L" and kept["EICU//LAB//urinary casts"] == "/hpf"
    assert seen(store, "EICU//LAB//urinary casts", "numeric_value", "text_value") == [(2.0, None), (3.0, None), (None, "many")]
    assert seen(store, "EICU//LAB//urinary casts//UNIT///lpf", "numeric_value") == [9.0]


def test_columns_of_vitals_and_rates_of_infusions_are_measurements(store: Store) -> None:
    assert seen(store, "EICU//VITAL//heartrate", "time", "numeric_value") == [(after(125), 90.0)]
    assert seen(store, "EICU//VITAL//noninvasivemean", "numeric_value") == [70.0]
    assert seen(store, "EICU//VITAL//cvp") == []
    assert seen(store, "EICU//INFUSION//Norepinephrine (mcg/min)", "numeric_value", "text_value") == [(4.5, None), (None, "OFF")]


def test_scores_stand_where_their_day_is_over(store: Store) -> None:
    assert seen(store, "SCORE//APACHE_IV", "time", "numeric_value") == [(after(120 + 1440), 66.0)]
    assert seen(store, "SCORE//APACHE_IVA//HOSPITAL_MORTALITY", "numeric_value") == pytest.approx([0.21])
    assert seen(store, "EICU//APS//heartrate", "numeric_value") == [110.0] and seen(store, "EICU//APS//ph") == []
    assert not store.codes["code"].str.contains("(?i)actual").any()


def test_nurse_charting_is_read_where_it_is_asked_for(tmp_path: Path, store: Store) -> None:
    assert seen(store, "EICU//NURSE//GCS//Total") == []
    for name, options in {"b": {"nurse_charting": True}, "c": {"tables": ["patient", "nurseCharting"]}}.items():
        asked = read(tmp_path / "eicu", tmp_path / f"{name}.store", **options)
        assert seen(asked, "EICU//NURSE//GCS//Total", "time", "available", "numeric_value") == [(after(127), after(129), 15.0)]


def changed(name: str, at: int, **entries: Any) -> dict[str, list[dict[str, Any]]]:
    rows = {table: [dict(row) for row in content] for table, content in ROWS.items()}
    rows[name][at] |= entries
    return rows


@pytest.mark.parametrize(
    ("rows", "file", "reason"),
    [
        (changed("lab", 0, patientunitstayid=99), "lab.csv row 2", "lab: the unit stay is not in the table patient"),
        (changed("lab", 1, labresultoffset=""), "lab.csv row 3", "lab: no labresultoffset"),
        (changed("treatment", 0, patientunitstayid=""), "treatment.csv row 2", "treatment: no patientunitstayid"),
        (changed("patient", 3, hospitaldischargeoffset=-1), "patient.csv row 5", "patient: a stay that ends before it begins"),
        (changed("vitalperiodic", 0, heartrate="fast"), "vitalperiodic.csv row 2", "vitalperiodic: not a number in heartrate"),
    ],
)
def test_a_record_that_cannot_be_used_is_refused_by_row(tmp_path: Path, rows: Any, file: str, reason: str) -> None:
    store = read(database(tmp_path / "eicu", rows), tmp_path / "a.store")
    (refusal,) = store.flow.refused
    assert refusal.count == 1 and refusal.first == [file] and reason in refusal.reason


def test_a_unit_stay_that_stands_twice_is_refused_with_all_that_hangs_on_it(tmp_path: Path) -> None:
    rows = {"patient": [*ROWS["patient"], ROWS["patient"][1]], "treatment": ROWS["treatment"]}
    store = read(database(tmp_path / "eicu", rows), tmp_path / "a.store")
    assert {refusal.reason: refusal.count for refusal in store.flow.refused} == {
        "patient: other rows have the same patientunitstayid": 2,
        "treatment: the unit stay is not in the table patient": 1,
    }


def test_missing_tables_columns_and_unknown_tables_are_said(tmp_path: Path) -> None:
    folder = database(tmp_path / "eicu", {name: ROWS[name] for name in ("patient", "lab")})
    store = read(folder, tmp_path / "a.store")
    assert any(note.startswith("tables that are not there: diagnosis") for note in store.flow.notes)
    with pytest.raises(ConfigError, match="tables names 'labs'"):
        read(folder, tmp_path / "b.store", tables=["labs"])
    pl.read_csv(folder / "patient.csv", infer_schema=False).drop("uniquepid").write_csv(folder / "patient.csv")
    with pytest.raises(DataError, match=r"patient\.csv has no column 'uniquepid'"):
        read(folder, tmp_path / "b.store")
    (folder / "patient.csv").unlink()
    with pytest.raises(DataError, match="has no table patient"):
        read(folder, tmp_path / "b.store")
