"""FHIR R4: a patient's statics, birth and death, and the visits that encounters are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from tests.readers.fhir_files import (
    ADMITTED,
    CREATININE,
    HOUR,
    NOON,
    PATIENT,
    Json,
    coded,
    codes,
    notes,
    observed,
    read,
    reasons,
    rows,
    told,
    visit,
)


def test_a_patient_s_birth_death_and_statics(tmp_path: Path) -> None:
    def extension(name: str, *inner: Json) -> Json:
        return {"url": f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{name}", "extension": list(inner)}

    race = [{"url": "ombCategory", "valueCoding": {"display": name}} for name in ("White", "Asian")]
    ethnicity = [{"url": "text", "valueString": "Not Hispanic or Latino"}]
    extensions = [extension("race", *race), extension("ethnicity", *ethnicity)]
    store = read(tmp_path, {"p.json": {**PATIENT, "extension": extensions, "deceasedDateTime": "2020-05-01T14:00:00+02:00"}})
    assert rows(store, "MEDS_BIRTH") == [(datetime(1950, 5, 1), None, None)]
    assert rows(store, "MEDS_DEATH") == [(NOON, None, None)]
    assert [rows(store, code) for code in ("SEX", "RACE", "ETHNICITY")] == [
        [(None, None, "F")],
        [(None, None, "Asian; White")],
        [(None, None, "Not Hispanic or Latino")],
    ]
    kinds = dict(store.codes.select("code", "kind").iter_rows())
    assert (kinds["MEDS_BIRTH"], kinds["MEDS_DEATH"], kinds["SEX"]) == ("event", "outcome", "static")


def test_a_death_without_a_time_is_counted(tmp_path: Path) -> None:
    store = read(tmp_path, {"p.json": {**PATIENT, "deceasedBoolean": True}})
    assert list(notes(store)) == ["Patient: deceased, and no time tells when; no event"] and "MEDS_DEATH" not in codes(store)


def test_visits_are_numbered_by_their_start_whatever_their_ids(tmp_path: Path) -> None:
    given = [
        visit("a", "2020-05-03T00:00:00Z", "2020-05-04T00:00:00Z", "EMER"),
        visit("b", "2020-05-01T00:00:00Z", "2020-05-02T00:00:00Z"),
        visit("c", "2020-05-01T00:00:00Z", "2020-05-02T00:00:00Z"),
    ]
    store = told(tmp_path, *given)
    starts = store.events(codes=["VISIT//AMB", "VISIT//EMER"]).sort("visit").select("visit", "code").rows()
    assert starts == [(1, "VISIT//AMB"), (2, "VISIT//AMB"), (3, "VISIT//EMER")]
    assert store.events(codes=["VISIT//END"]).sort("visit")["visit"].to_list() == [1, 2, 3]
    assert store.events(codes=["HOSPITAL//ADMISSION"])["visit"].to_list() == [3]


def test_an_inpatient_encounter_is_an_admission_with_age_and_discharge(tmp_path: Path) -> None:
    home = {"dischargeDisposition": coded("http://terminology.hl7.org/CodeSystem/discharge-disposition", "home", "Home")}
    store = told(tmp_path, {**ADMITTED, "hospitalization": home})
    assert rows(store, "HOSPITAL//ADMISSION") == [(datetime(2020, 5, 1, 8), None, "IMP")]
    assert rows(store, "HOSPITAL//DISCHARGE") == [(datetime(2020, 5, 3, 10), None, "Home")]
    ((_, age, _),) = rows(store, "AGE")
    assert age == pytest.approx(70.0, abs=0.002)


def test_which_classes_are_admissions_is_an_option(tmp_path: Path) -> None:
    store = told(tmp_path, ADMITTED, visit("F", "2020-06-01", "2020-06-02", "EMER"), hospital_classes=["IMP"])
    assert store.events(codes=["HOSPITAL//ADMISSION"])["visit"].to_list() == [1]


def test_the_class_that_a_visit_became_is_not_known_at_its_start(tmp_path: Path) -> None:
    history = [
        {"class": {"code": "EMER"}, "period": {"start": "2020-05-01T08:00:00Z"}},
        {"class": {"code": "IMP"}, "period": {"start": "2020-05-01T12:00:00Z"}},
    ]
    store = told(tmp_path, {**ADMITTED, "classHistory": history})
    assert [rows(store, f"VISIT//{code}")[0][0] for code in ("EMER", "IMP")] == [NOON - 4 * HOUR, NOON]


def test_what_is_in_a_part_of_an_encounter_belongs_to_the_visit_that_it_is_a_part_of(tmp_path: Path) -> None:
    part = visit("ICU", "2020-05-01T10:00:00Z", "2020-05-02T10:00:00Z", "ACUTE", partOf={"reference": "Encounter/E"})
    store = told(tmp_path, part, ADMITTED, observed(encounter={"reference": "Encounter/ICU"}))
    assert store.events(codes=[CREATININE, "VISIT//ACUTE"])["visit"].to_list() == [1, 1]
    assert len(rows(store, "HOSPITAL//ADMISSION")) == len(rows(store, "AGE")) == 1


@pytest.mark.parametrize("status", ["planned", "cancelled", "entered-in-error"])
def test_an_encounter_that_did_not_take_place_is_left_out_and_counted(tmp_path: Path, status: str) -> None:
    store = told(tmp_path, {**ADMITTED, "status": status})
    assert notes(store) == {f"Encounter: rows ignored: {status}": 1} and "VISIT//IMP" not in codes(store)


def test_an_encounter_without_a_start_is_refused(tmp_path: Path) -> None:
    store = told(tmp_path, {**ADMITTED, "period": {"end": "2020-05-01"}}, max_refused=0.5)
    assert list(reasons(store)) == ["Encounter: no time"]


@pytest.mark.parametrize(
    ("death", "disposition", "expected"),
    [
        ("2020-05-02T00:00:00Z", "", datetime(2020, 5, 2)),
        ("2020-05-03", "", datetime(2020, 5, 3)),
        ("", "exp", datetime(2020, 5, 3, 10)),
        ("2020-07-01", "", None),
        ("", "home", None),
    ],
)
def test_a_death_in_hospital_is_told_from_one_after_it(
    tmp_path: Path, death: str, disposition: str, expected: datetime | None
) -> None:
    stay = {**ADMITTED, "hospitalization": {"dischargeDisposition": coded("http://a.example", disposition)}}
    store = read(tmp_path, {"a.ndjson": [{**PATIENT, "deceasedDateTime": death}, stay]})
    found = rows(store, "DEATH//IN_HOSPITAL")
    assert [row[0] for row in found] == ([expected] if expected else [])
