"""FHIR R4: bundles and bulk export; codes, units, times, versions, encounters; references and files that do not fit."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.readers import _fhir_codes, _fhir_time, fhir
from sequela.readers._fhir_types import Concept
from sequela.store.cache import ingest
from sequela.store.store import Store

Json = dict[str, Any]
NOON = datetime(2020, 5, 1, 12)
HOUR = timedelta(hours=1)
SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"


def read(tmp_path: Path, files: dict[str, str | bytes | Json | list[Json]], max_refused: float = 0.0, **options: Any) -> Store:
    """The store of files: text or bytes as they are, an object as JSON, a list as NDJSON."""
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(as_bytes(content))
    reader = fhir.build(config.convert(options, fhir.Config))
    return ingest(reader, "fhir", fhir.VERSION, folder, tmp_path / "a.store", options=options, max_refused=max_refused)


def as_bytes(content: str | bytes | Json | list[Json]) -> bytes:
    if isinstance(content, bytes):
        return content
    if isinstance(content, list):
        return "\n".join(json.dumps(each) for each in content).encode()
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def told(tmp_path: Path, *resources: Json, max_refused: float = 0.0, **options: Any) -> Store:
    """The store of one patient, P, with these resources, as bulk export."""
    return read(tmp_path, {"all.ndjson": [PATIENT, *resources]}, max_refused, **options)


def rows(store: Store, code: str) -> list[tuple[Any, ...]]:
    """Time, number and text of the events of a code."""
    frame = store.events(codes=[code]).sort("time", "available", nulls_last=False)
    return frame.select("time", pl.col("numeric_value").cast(pl.Float64).round(3), "text_value").rows()


def span(store: Store, code: str) -> list[tuple[Any, ...]]:
    """From when, and until when, the events of a code are known, beside their time."""
    return store.events(codes=[code]).sort("time", "available").select("time", "available", "superseded").rows()


def codes(store: Store) -> set[str]:
    return set(store.codes["code"])


def reasons(store: Store) -> dict[str, list[str]]:
    return {refusal.reason: refusal.first for refusal in store.flow.refused}


def notes(store: Store) -> dict[str, int]:
    """What was counted beside the refusals, but for how many resources there were."""
    return {text: count for text, count in store.flow.notes.items() if not text.endswith(": rows read")}


def coded(system: str, code: str, display: str = "") -> Json:
    return {"coding": [{"system": system, "code": code, "display": display}]}


PATIENT: Json = {"resourceType": "Patient", "id": "P", "gender": "female", "birthDate": "1950-05-01"}
ADMITTED: Json = {
    "resourceType": "Encounter", "id": "E", "status": "finished", "class": {"code": "IMP"}, "subject": {"reference": "Patient/P"},
    "period": {"start": "2020-05-01T08:00:00Z", "end": "2020-05-03T10:00:00Z"},
}  # fmt: skip


def resource(kind: str, name: str = "R", **elements: Any) -> Json:
    owner = "patient" if kind in ("Immunization", "AllergyIntolerance") else "subject"
    return {"resourceType": kind, "id": name, owner: {"reference": "Patient/P"}, **elements}


def observed(name: str = "O", code: str = "2160-0", **elements: Any) -> Json:
    """A creatinine of 1 mg/dL at noon, unless told otherwise."""
    value = {"value": 1.0, "unit": "mg/dL", "system": UCUM, "code": "mg/dL"}
    given = {"status": "final", "effectiveDateTime": "2020-05-01T12:00:00Z", "valueQuantity": value, **elements}
    return resource(
        "Observation", name, code=coded(LOINC, code), **{key: each for key, each in given.items() if each is not None}
    )


CREATININE = "LOINC//2160-0"


# ------------------------------------------------------------------------------------------------------------ files, references


def bundle(*entries: tuple[str, Json], kind: str = "transaction") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"fullUrl": url, "resource": each} for url, each in entries]}


def test_a_bundle_whose_entries_refer_to_each_other_by_uuid(tmp_path: Path) -> None:
    patient = {**PATIENT, "id": "7"}
    stay = {**ADMITTED, "subject": {"reference": "urn:uuid:a"}}
    lab = {**observed(), "subject": {"reference": "urn:uuid:a"}, "encounter": {"reference": "urn:uuid:b"}}
    given = bundle(("urn:uuid:c", lab), ("urn:uuid:b", stay), ("urn:uuid:a", patient))
    store = read(tmp_path, {"b.json": given})
    assert store.subjects["source_id"].to_list() == ["7"] and store.flow.accepted == 3
    assert store.events(codes=[CREATININE])["visit"].to_list() == [1]


def test_a_bundle_whose_resources_have_no_id_yet(tmp_path: Path) -> None:
    patient = {key: value for key, value in PATIENT.items() if key != "id"}
    lab = {**observed(), "subject": {"reference": "urn:uuid:a"}}
    store = read(tmp_path, {"b.json": bundle(("urn:uuid:a", patient), ("urn:uuid:o", lab))})
    assert store.subjects["source_id"].to_list() == ["a"] and len(rows(store, CREATININE)) == 1


def test_bulk_export_refers_from_file_to_file_and_may_be_gzipped(tmp_path: Path) -> None:
    labs = "\n\n".join(json.dumps(observed(str(number), encounter={"reference": "Encounter/E"})) for number in range(3))
    files = {"Patient.ndjson": [PATIENT], "Encounter.ndjson": [ADMITTED], "A.ndjson.gz": gzip.compress(labs.encode())}
    store = read(tmp_path, files)  # type: ignore[arg-type]
    assert store.events(codes=[CREATININE])["visit"].to_list() == [1, 1, 1]


@pytest.mark.parametrize("reference", ["Patient/P", "http://a.example/fhir/Patient/P", "Patient/P/_history/2"])
def test_references_relative_absolute_and_of_a_version(tmp_path: Path, reference: str) -> None:
    given = bundle(("http://a.example/fhir/Patient/P", PATIENT), ("", {**observed(), "subject": {"reference": reference}}))
    assert len(rows(read(tmp_path, {"b.json": given}), CREATININE)) == 1


def test_an_archive_is_read_like_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "one.json"
    file.write_text(json.dumps(bundle(("", PATIENT), ("", observed()))))
    with tarfile.open(tmp_path / "b.tar.xz", "w:xz") as archive:
        archive.add(file, "bundles/one.json")
    store = ingest(fhir.build(fhir.Config()), "fhir", 1, tmp_path / "b.tar.xz", tmp_path / "a.store")
    assert len(rows(store, CREATININE)) == 1


def test_two_servers_whose_patients_have_one_id_are_not_joined(tmp_path: Path) -> None:
    given = bundle(("http://a.example/Patient/P", PATIENT), ("http://b.example/Patient/P", PATIENT))
    with pytest.raises(DataError, match=r"two servers .*http://b.example/"):
        read(tmp_path, {"b.json": given})


def test_other_resources_are_counted_by_type(tmp_path: Path) -> None:
    store = told(tmp_path, observed(), {"resourceType": "Claim", "id": "1"}, {"resourceType": "Claim", "id": "2"})
    assert notes(store) == {"Claim: rows ignored: not read by this reader": 2}


def test_types_that_are_left_out_are_not_read(tmp_path: Path) -> None:
    store = told(tmp_path, observed(), leave_out=["Observation"])
    assert CREATININE not in codes(store) and notes(store) == {"Observation: rows ignored: not read by this reader": 1}


# ------------------------------------------------------------------------------------------------------------------- refusals


REFUSED: dict[str, tuple[Json, str]] = {
    "a subject that is not there": ({"subject": {"reference": "Patient/Q"}}, "its subject is not in the data"),
    "no subject": ({"subject": None}, "no subject"),
    "a group": ({"subject": {"reference": "Group/1"}}, "it refers to Group, where Patient is expected"),
    "no time": ({"effectiveDateTime": None}, "no time"),
    "no code": ({"code": {"text": "creatinine"}}, "no code"),
    "a time without an offset": ({"effectiveDateTime": "2020-05-01T12:00:00"}, "a time of day without an offset from UTC"),
    "no time at all": ({"effectiveDateTime": "yesterday"}, "a time that cannot be read"),
    "a month that is none": ({"effectiveDateTime": "2020-13"}, "a time that cannot be read"),
    "a type that R4 has not": ({"code": "2160-0"}, "not as in R4: Expected `object | null`, got `str` - at `$.code`"),
    "STU3": ({"context": {"reference": "Encounter/E"}}, "Observation.context is of FHIR STU3; this reader takes R4"),
    "R5": ({"triggeredBy": [{}]}, "Observation.triggeredBy is of FHIR R5; this reader takes R4"),
    "a modifier": ({"modifierExtension": [{"url": "http://a.example/not"}]}, "a modifierExtension, which may turn its meaning"),
    "amended at some time": ({"status": "amended"}, "it is amended, and nothing tells when"),
    "a wrong unit": ({"valueQuantity": {"value": 1, "unit": "furlong"}}, "LOINC//2160-0: 'furlong' is not a unit of creatinine"),
    "backwards": (
        {"effectiveDateTime": None, "effectivePeriod": {"start": "2020-05-02", "end": "2020-05-01"}},
        "it ends before it starts",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_by_file_and_line_with_its_reason(tmp_path: Path, case: str) -> None:
    changes, says = REFUSED[case]
    bad = {key: value for key, value in {**observed("bad"), **changes}.items() if value is not None}
    store = told(tmp_path, bad, observed("good"), max_refused=0.5)
    ((reason, where),) = reasons(store).items()
    assert says in reason and where == ["all.ndjson line 2"]
    assert len(rows(store, CREATININE)) == 1 and store.flow.accepted == 2


def test_an_encounter_that_is_not_there_leaves_no_visit_and_is_counted(tmp_path: Path) -> None:
    store = told(tmp_path, observed(encounter={"reference": "Encounter/nowhere"}))
    assert store.events(codes=[CREATININE])["visit"].to_list() == [None]
    assert list(notes(store).values()) == [1] and "encounter is not in the data" in next(iter(notes(store)))


def test_an_encounter_of_another_subject_is_refused(tmp_path: Path) -> None:
    other = {**ADMITTED, "id": "F", "subject": {"reference": "Patient/Q"}}
    given = [PATIENT, {**PATIENT, "id": "Q"}, other, observed(encounter={"reference": "Encounter/F"}), observed("good")]
    store = read(tmp_path, {"a.ndjson": given}, 0.5)
    assert reasons(store) == {"Observation: its encounter is of another subject": ["a.ndjson line 4"]}


def test_a_broken_line_is_refused_and_the_others_are_read(tmp_path: Path) -> None:
    lines = [json.dumps(PATIENT), json.dumps(observed())[:-9], "[]", "{}", json.dumps(observed("good"))]
    store = read(tmp_path, {"a.ndjson": "\n".join(lines)}, 0.9)
    assert sorted(name for names in reasons(store).values() for name in names) == [f"a.ndjson line {n}" for n in (2, 3, 4)]
    assert len(rows(store, CREATININE)) == 1


def test_bytes_that_are_no_text_are_refused_by_line(tmp_path: Path) -> None:
    bad = json.dumps(observed("bad", status="final")).encode().replace(b"final", b"fin\xc2l")
    content = b"\n".join([json.dumps(PATIENT).encode(), bad, json.dumps(observed()).encode()])
    store = read(tmp_path, {"a.ndjson": content}, 0.5)
    assert list(reasons(store).values()) == [["a.ndjson line 2"]] and len(rows(store, CREATININE)) == 1


def test_encounters_that_are_parts_of_each_other_are_one_visit(tmp_path: Path) -> None:
    one = {**ADMITTED, "partOf": {"reference": "Encounter/F"}}
    other = {**ADMITTED, "id": "F", "partOf": {"reference": "Encounter/E"}}
    assert told(tmp_path, one, other).events(codes=["VISIT//IMP"])["visit"].to_list() == [1, 1]


def test_a_part_of_something_that_is_no_encounter_is_refused(tmp_path: Path) -> None:
    store = told(tmp_path, {**ADMITTED, "partOf": {"reference": "Location/1"}}, max_refused=0.5)
    assert list(reasons(store)) == ["Encounter: it refers to Location, where Encounter is expected"]


def test_a_bundle_that_is_cut_short_is_refused_by_name(tmp_path: Path) -> None:
    whole = json.dumps(bundle(("", PATIENT), ("", observed())))
    store = read(tmp_path, {"a.json": whole, "b.json": whole[:-30]}, 0.5)
    assert list(reasons(store).values()) == [["b.json"]] and "cut short" in next(iter(reasons(store)))


def test_a_damaged_gzip_file_stops_the_import(tmp_path: Path) -> None:
    content = gzip.compress("\n".join(json.dumps(observed(str(n))) for n in range(500)).encode())
    with pytest.raises(DataError, match=r"b.ndjson.gz is a damaged gzip file"):
        read(tmp_path, {"a.ndjson": [PATIENT], "b.ndjson.gz": content[: len(content) // 2]})


def test_a_statement_of_another_version_stops_the_import(tmp_path: Path) -> None:
    statement = {"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}
    with pytest.raises(DataError, match=r"metadata.json says that the data are FHIR 5.0.0") as refused:
        read(tmp_path, {"metadata.json": statement, "a.ndjson": [PATIENT]})
    assert "R4" in refused.value.hint
    store = read(tmp_path, {"metadata.json": {**statement, "fhirVersion": "4.0.1"}, "a.ndjson": [PATIENT]})
    assert notes(store) == {"CapabilityStatement: rows ignored: not read by this reader": 1}


@pytest.mark.parametrize(
    ("options", "says"),
    [({"timezone": "Mars/Base"}, "is not a time zone"), ({"leave_out": ["Claim"]}, "which is not read")],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: Json, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        told(tmp_path, **options)


# ------------------------------------------------------------------------------------------------------------- subjects, visits


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


def visit(name: str, start: str, end: str, kind: str = "AMB", **more: Any) -> Json:
    return {**ADMITTED, "id": name, "class": {"code": kind}, "period": {"start": start, "end": end}, **more}


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


# ----------------------------------------------------------------------------------------------------------------- times, known


def test_a_date_without_time_of_day_is_known_when_the_day_is_over(tmp_path: Path) -> None:
    store = told(tmp_path, observed(effectiveDateTime="2020-05-01"))
    assert span(store, CREATININE) == [(datetime(2020, 5, 1), datetime(2020, 5, 2), None)]
    store = told(tmp_path, observed(effectiveDateTime="2020-05-01"), timezone="America/New_York")
    assert span(store, CREATININE) == [(datetime(2020, 5, 1, 4), datetime(2020, 5, 2, 4), None)]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2010", datetime(2010, 1, 1), datetime(2011, 1, 1)),
        ("2010-12", datetime(2010, 12, 1), datetime(2011, 1, 1)),
        ("2012-02-29", datetime(2012, 2, 29), datetime(2012, 3, 1)),
        ("2020-05-01T12:00:00.530-03:30", datetime(2020, 5, 1, 15, 30, 0, 530000), datetime(2020, 5, 1, 15, 30, 0, 530000)),
    ],
)
def test_a_partial_date_stands_for_the_whole_of_it(text: str, start: datetime, end: datetime) -> None:
    assert _fhir_time.moment(text) == (start, end)


def test_an_observation_is_known_when_it_is_issued(tmp_path: Path) -> None:
    store = told(tmp_path, observed(issued="2020-05-01T14:00:00Z"))
    assert span(store, CREATININE) == [(NOON, NOON + 2 * HOUR, None)]


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"onsetDateTime": "2020-04-01T12:00:00Z", "recordedDate": "2020-05-01T12:00:00Z"}, (datetime(2020, 4, 1, 12), NOON)),
        ({"onsetDateTime": "2015", "recordedDate": "2015-03-01T12:00:00Z"}, (datetime(2015, 1, 1), datetime(2015, 3, 1, 12))),
        ({"onsetDateTime": "2015"}, (datetime(2015, 1, 1), datetime(2016, 1, 1))),
        ({"recordedDate": "2020-05-01T12:00:00Z"}, (NOON, None)),
        (
            {"onsetDateTime": "2019-01-01", "encounter": {"reference": "Encounter/E"}},
            (datetime(2019, 1, 1), datetime(2020, 5, 1, 8)),
        ),
        (
            {
                "onsetDateTime": "2019-01-01",
                "encounter": {"reference": "Encounter/E"},
                "category": [coded("http://a.example", "encounter-diagnosis")],
            },
            (datetime(2019, 1, 1), datetime(2020, 5, 3, 10)),
        ),
        ({"encounter": {"reference": "Encounter/E"}}, (datetime(2020, 5, 3, 10), None)),
    ],
)
def test_a_condition_is_known_when_it_is_recorded(tmp_path: Path, elements: Json, expected: tuple[Any, ...]) -> None:
    store = told(tmp_path, ADMITTED, resource("Condition", code=coded(SNOMED, "44054006"), **elements))
    assert span(store, "SNOMED//44054006") == [(*expected, None)]


@pytest.mark.parametrize("verification", ["entered-in-error", "refuted"])
def test_a_condition_that_is_not_so_is_left_out_and_counted(tmp_path: Path, verification: str) -> None:
    given = resource(
        "Condition",
        code=coded(SNOMED, "1"),
        recordedDate="2020-05-01T12:00:00Z",
        verificationStatus=coded("http://terminology.hl7.org/CodeSystem/condition-ver-status", verification),
    )
    assert notes(told(tmp_path, given)) == {f"Condition: rows ignored: {verification}": 1}


def test_a_period_is_known_at_its_end(tmp_path: Path) -> None:
    period = {"start": "2020-05-01T12:00:00Z", "end": "2020-05-01T15:00:00Z"}
    given = [
        resource("Procedure", "1", status="completed", code=coded(SNOMED, "80146002"), performedPeriod=period),
        resource(
            "MedicationAdministration",
            "2",
            status="completed",
            medicationCodeableConcept=coded("http://www.nlm.nih.gov/research/umls/rxnorm", "7980"),
            effectivePeriod=period,
            dosage={"dose": {"value": 2.5, "unit": "g"}},
        ),
    ]
    store = told(tmp_path, *given)
    assert span(store, "SNOMED//80146002") == span(store, "RXNORM//7980") == [(NOON, NOON + 3 * HOUR, None)]
    assert rows(store, "RXNORM//7980") == [(NOON, 2.5, "g")]


# --------------------------------------------------------------------------------------------------------------------- versions


def lab(value: float, status: str, version: int, issued: str = "", updated: str = "") -> Json:
    meta = {"versionId": str(version), **({"lastUpdated": f"2020-05-01T{updated}Z"} if updated else {})}
    quantity = {"value": value, "unit": "mg/dL"}
    return observed(status=status, meta=meta, valueQuantity=quantity, **({"issued": f"2020-05-01T{issued}Z"} if issued else {}))


def known(store: Store) -> list[tuple[Any, ...]]:
    frame = store.events(codes=[CREATININE]).sort("available", nulls_last=False)
    return frame.select(pl.col("numeric_value").cast(pl.Float64), "available", "superseded").rows()


def test_a_preliminary_value_is_known_until_the_final_one_is_issued(tmp_path: Path) -> None:
    versions = [lab(2, "final", 2, "14:00:00"), lab(1, "preliminary", 1, "13:00:00"), lab(3, "corrected", 3, "15:00:00")]
    assert known(told(tmp_path, *versions)) == [
        (1.0, NOON + HOUR, NOON + 2 * HOUR),
        (2.0, NOON + 2 * HOUR, NOON + 3 * HOUR),
        (3.0, NOON + 3 * HOUR, None),
    ]


def test_without_issued_a_version_is_known_from_its_last_update(tmp_path: Path) -> None:
    versions = [lab(1, "final", 1, updated="12:10:00"), lab(2, "amended", 2, updated="16:00:00")]
    assert known(told(tmp_path, *versions)) == [(1.0, None, NOON + 4 * HOUR), (2.0, NOON + 4 * HOUR, None)]


def test_a_single_amended_value_is_known_from_its_last_update(tmp_path: Path) -> None:
    assert known(told(tmp_path, lab(2, "amended", 2, updated="16:00:00"))) == [(2.0, NOON + 4 * HOUR, None)]


def test_what_turned_out_to_be_an_error_was_known_until_then(tmp_path: Path) -> None:
    versions = [lab(1, "final", 1, "13:00:00"), lab(1, "entered-in-error", 2, updated="15:00:00")]
    store = told(tmp_path, *versions)
    assert known(store) == [(1.0, NOON + HOUR, NOON + 3 * HOUR)]
    assert notes(store) == {"Observation: rows ignored: entered-in-error": 1}


def test_an_error_alone_is_left_out(tmp_path: Path) -> None:
    assert CREATININE not in codes(told(tmp_path, lab(1, "entered-in-error", 1)))


def test_a_registered_observation_without_a_value_is_no_event(tmp_path: Path) -> None:
    store = told(tmp_path, observed(status="registered", valueQuantity=None))
    assert notes(store) == {"Observation: rows ignored: no value that is read": 1}


def test_versions_of_which_nothing_tells_the_time_are_all_refused(tmp_path: Path) -> None:
    store = told(tmp_path, lab(1, "final", 1), lab(2, "final", 2), max_refused=0.9)
    ((reason, where),) = reasons(store).items()
    assert "nothing tells when each became known" in reason and len(where) == 2


def test_copies_are_taken_once_whichever_file_they_are_in(tmp_path: Path) -> None:
    files = {"a.ndjson": [PATIENT, observed()], "b.ndjson": [PATIENT, observed(), observed()]}
    store = read(tmp_path, files)  # type: ignore[arg-type]
    assert len(rows(store, CREATININE)) == 1 and store.flow.accepted == 2
    assert notes(store) == {"Observation: rows ignored: copies of another": 2, "Patient: rows ignored: copies of another": 1}


def test_of_a_patient_and_an_encounter_the_latest_version_stands(tmp_path: Path) -> None:
    def version(given: Json, number: int, **changes: Any) -> Json:
        return {**given, "meta": {"versionId": str(number), "lastUpdated": f"2020-05-0{number}T00:00:00Z"}, **changes}

    given = [
        version(PATIENT, 2, gender="male"),
        version(PATIENT, 1),
        version(ADMITTED, 1, status="in-progress", period={"start": "2020-05-01T08:00:00Z"}),
        version(ADMITTED, 2),
    ]
    store = read(tmp_path, {"a.ndjson": given})
    assert rows(store, "SEX") == [(None, None, "M")] and len(rows(store, "HOSPITAL//DISCHARGE")) == 1
    assert notes(store) == {"Encounter: rows ignored: earlier versions": 1, "Patient: rows ignored: earlier versions": 1}


# ----------------------------------------------------------------------------------------------------------------- values, units


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected", "kept"),
    [
        ("2160-0", 88.42, "umol/L", 1.0, "mg/dL"),
        ("2345-7", 5.551, "mmol/L", 100.006, "mg/dL"),
        ("8310-5", 98.6, "[degF]", 37.0, "degC"),
        ("8480-6", 120, "mm[Hg]", 120.0, "mmHg"),
        ("6690-2", 7.5, "10*3/uL", 7.5, "10^3/uL"),
        ("8867-4", 70, "{beats}/min", 70.0, "beats/min"),
        ("72514-3", 4, "{score}", 4.0, ""),
    ],
)
def test_units_are_brought_to_that_of_the_quantity(
    tmp_path: Path, code: str, value: float, unit: str, expected: float, kept: str
) -> None:
    quantity = {"value": value, "unit": "as printed", "system": UCUM, "code": unit}
    store = told(tmp_path, observed(code=code, valueQuantity=quantity))
    ((_, number, _),) = rows(store, f"LOINC//{code}")
    assert number == pytest.approx(expected, abs=0.01)
    assert dict(store.codes.select("code", "unit").iter_rows())[f"LOINC//{code}"] == kept


def test_two_units_of_an_unknown_quantity_are_not_mixed_and_which_is_kept_may_be_said(tmp_path: Path) -> None:
    given = [observed(unit, "2276-4", valueQuantity={"value": 5, "unit": unit}) for unit in ("ng/mL", "pmol/L")]
    assert rows(told(tmp_path, *given, max_refused=0.5), "LOINC//2276-4") == [(NOON, 5.0, None)]
    store = told(tmp_path, *given, max_refused=0.5, units={"LOINC//2276-4": "pmol/L"})
    assert reasons(store) == {
        "Observation: LOINC//2276-4 comes in 'ng/mL' and in 'pmol/L', and no conversion is known": ["all.ndjson line 2"]
    }


def test_components_are_events_of_their_own_codes(tmp_path: Path) -> None:
    parts = [
        {"code": coded(LOINC, code), "valueQuantity": {"value": v, "unit": "mmHg"}}
        for code, v in (("8480-6", 120), ("8462-4", 80))
    ]
    store = told(tmp_path, observed(code="85354-9", valueQuantity=None, component=parts))
    assert [rows(store, f"LOINC//{code}")[0][1] for code in ("8480-6", "8462-4")] == [120.0, 80.0]
    assert "LOINC//85354-9" not in codes(store)


def test_values_that_are_no_quantity(tmp_path: Path) -> None:
    values = {
        "1-1": {"valueCodeableConcept": coded(SNOMED, "266919005", "Never smoker")},
        "1-2": {"valueString": "clear"},
        "1-3": {"valueBoolean": True},
        "1-4": {"valueInteger": 3},
        "1-5": {"valueQuantity": {"value": 0.01, "unit": "ng", "comparator": "<"}},
        "1-6": {"valueRatio": {"numerator": {"value": 1}}},
    }
    store = told(tmp_path, *(observed(code, code, **{"valueQuantity": None, **value}) for code, value in values.items()))
    assert {code: rows(store, f"LOINC//{code}")[0][1:] for code in values if code != "1-6"} == {
        "1-1": (None, "SNOMED//266919005"),
        "1-2": (None, "clear"),
        "1-3": (None, "true"),
        "1-4": (3.0, None),
        "1-5": (0.01, "<"),
    }
    assert notes(store) == {"Observation: rows ignored: no value that is read": 1}
    kinds = dict(store.codes.select("code", "kind").iter_rows())
    assert (kinds["LOINC//1-2"], kinds["LOINC//1-4"]) == ("event", "measurement")


# ------------------------------------------------------------------------------------------------------------------------ codes


def concept(*codings: tuple[str, str]) -> Concept:
    return config.convert({"coding": [{"system": system, "code": code} for system, code in codings]}, Concept)


@pytest.mark.parametrize(
    ("system", "code", "expected"),
    [
        (SNOMED, "44054006", "SNOMED//44054006"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "A41.9", "ICD10CM//A41.9"),
        ("http://hl7.org/fhir/sid/icd-9-cm", "038.9", "ICD9CM//038.9"),
        ("http://hl7.org/fhir/sid/ndc", "00409672924", "NDC//00409672924"),
        ("urn:oid:2.16.840.1.113883.6.88", "7980", "RXNORM//7980"),
        ("http://hl7.org/fhir/sid/cvx", "08", "CVX//08"),
        ("http://hospital.example/labs", "Na", "LABS-"),
        ("", "Na", "UNKNOWN//Na"),
    ],
)
def test_a_code_is_its_system_s_short_name_and_itself(system: str, code: str, expected: str) -> None:
    named = _fhir_codes.Codes().of(concept((system, code)))
    assert named == expected or (expected.endswith("-") and named.startswith(expected) and named.endswith("//Na"))


def test_unknown_systems_are_told_apart_and_counted_unless_they_are_named(tmp_path: Path) -> None:
    given = [
        observed(url, valueQuantity=None, valueInteger=1, code=None) for url in ("http://a.example/labs", "http://b.example/labs")
    ]
    given = [{**each, "code": coded(each["id"], "Na")} for each in given]
    store = told(tmp_path, *given)
    assert len([code for code in codes(store) if code.startswith("LABS-")]) == 2 and len(notes(store)) == 2
    store = told(tmp_path, *given, systems={"http://a.example/labs": "A", "http://b.example/labs": "B"})
    assert {"A//Na", "B//Na"} <= codes(store) and not notes(store)


def test_of_several_codings_one_is_taken() -> None:
    both = concept(("http://own.example/dx", "X1"), (SNOMED, "44054006"), ("http://hl7.org/fhir/sid/icd-10-cm", "E11.9"))
    assert _fhir_codes.Codes().of(both) == "SNOMED//44054006"
    assert _fhir_codes.Codes(prefer=("ICD10CM",)).of(both) == "ICD10CM//E11.9"


def test_a_procedure_of_icd_9_is_none_of_its_diagnoses(tmp_path: Path) -> None:
    given = resource(
        "Procedure", code=coded("http://hl7.org/fhir/sid/icd-9-cm", "96.71"), performedDateTime="2020-05-01T12:00:00Z"
    )
    assert "ICD9PROC//96.71" in codes(told(tmp_path, given))


def test_an_allergy_to_a_drug_is_not_the_drug(tmp_path: Path) -> None:
    rxnorm = coded("http://www.nlm.nih.gov/research/umls/rxnorm", "7980", "penicillin G")
    given = resource("AllergyIntolerance", code=rxnorm, criticality="high", recordedDate="2020-05-01T12:00:00Z")
    store = told(tmp_path, given)
    assert rows(store, "ALLERGY//RXNORM//7980") == [(NOON, None, "high")]
    assert dict(store.codes.select("code", "description").iter_rows())["ALLERGY//RXNORM//7980"] == "allergy: penicillin G"


# ------------------------------------------------------------------------------------------------------ medications, the others


def test_a_medication_is_found_by_code_by_reference_and_inside(tmp_path: Path) -> None:
    atc = coded("http://www.whocc.no/atc", "C03CA01")
    given = [
        {"resourceType": "Medication", "id": "M", "code": atc},
        resource("MedicationRequest", "1", authoredOn="2020-05-01T12:00:00Z", medicationReference={"reference": "Medication/M"}),
        resource("MedicationRequest", "2", authoredOn="2020-05-01T12:00:00Z", medicationCodeableConcept=atc),
        resource(
            "MedicationStatement",
            "3",
            effectiveDateTime="2020-05-01T12:00:00Z",
            medicationReference={"reference": "#m"},
            contained=[{"resourceType": "Medication", "id": "m", "code": atc}],
        ),
        resource("MedicationRequest", "4", authoredOn="2020-05-01", medicationReference={"reference": "Medication/nowhere"}),
    ]
    store = told(tmp_path, *given, max_refused=0.5)
    assert len(rows(store, "ATC//C03CA01")) == 3
    assert list(reasons(store)) == ["MedicationRequest: the Medication that it refers to is not in the data"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"status": "draft"}, "draft"), ({"intent": "proposal"}, "a proposal"), ({"doNotPerform": True}, "an order not to give")],
)
def test_a_request_that_is_no_order_is_left_out_and_counted(tmp_path: Path, changes: Json, reason: str) -> None:
    given = resource("MedicationRequest", authoredOn="2020-05-01", medicationCodeableConcept=coded(SNOMED, "1"), **changes)
    assert notes(told(tmp_path, given)) == {f"MedicationRequest: rows ignored: {reason}": 1}


def test_immunizations_and_reports(tmp_path: Path) -> None:
    given = [
        resource("Immunization", "1", vaccineCode=coded("http://hl7.org/fhir/sid/cvx", "08"), occurrenceDateTime="2020-05-01"),
        resource(
            "DiagnosticReport",
            "2",
            status="final",
            code=coded(LOINC, "36643-5"),
            effectiveDateTime="2020-05-01T12:00:00Z",
            issued="2020-05-01T13:00:00Z",
            conclusion="No pneumothorax.",
            conclusionCode=[coded(SNOMED, "17621005")],
        ),
    ]
    store = told(tmp_path, *given)
    assert span(store, "CVX//08") == [(datetime(2020, 5, 1), datetime(2020, 5, 2), None)]
    assert rows(store, "LOINC//36643-5") == [(NOON, None, "No pneumothorax.")]
    assert span(store, "LOINC//36643-5") == span(store, "SNOMED//17621005") == [(NOON, NOON + HOUR, None)]


# --------------------------------------------------------------------------------------------------------------------- real data


def test_synthea_is_read_whole_and_every_resource_is_accounted_for(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    archive = real_data("fhir_synthea") / "synthea_r4_95_bundles.tar.xz"
    counted: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    with tarfile.open(archive) as opened:
        for member in opened:
            if (file := opened.extractfile(member)) is not None and member.name.endswith(".json"):
                for entry in json.load(file)["entry"]:
                    each = entry["resource"]
                    counted[each["resourceType"]] += 1
                    if each["resourceType"] == "Observation":
                        values = [part for part in (each, *each.get("component", [])) if "valueQuantity" in part]
                        numbers.update(f"LOINC//{value['code']['coding'][0]['code']}" for value in values)
    store = ingest(fhir.build(fhir.Config()), "fhir", fhir.VERSION, archive, tmp_path / "a.store", max_refused=0.0)
    read_types = {"Patient", "Encounter", "Condition", "Procedure", "MedicationRequest", "Observation", "Immunization",
                  "AllergyIntolerance", "DiagnosticReport"}  # fmt: skip
    assert {kind: store.flow.notes[f"{kind}: rows read"] for kind in counted} == counted
    assert store.flow.accepted == sum(counted[kind] for kind in read_types) and not store.flow.refused
    assert notes(store) == {
        f"{kind}: rows ignored: not read by this reader": count for kind, count in counted.items() if kind not in read_types
    }
    frame = store.events()
    ours = dict(frame.filter(pl.col("numeric_value").is_not_null(), pl.col("code") != "AGE")["code"].value_counts().iter_rows())
    assert ours == numbers
    assert len(store.subjects) == counted["Patient"]
    assert len(frame.filter(pl.col("code").str.starts_with("VISIT//"), pl.col("code") != "VISIT//END")) == counted["Encounter"]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(8)), cut=st.integers(0, 8))
def test_neither_the_order_of_resources_nor_the_file_they_are_in_changes_the_store(
    tmp_path: Path, order: list[int], cut: int
) -> None:
    atc = coded("http://www.whocc.no/atc", "C03CA01")
    given = [
        PATIENT,
        ADMITTED,
        visit("F", "2020-04-01T00:00:00Z", "2020-04-02T00:00:00Z"),
        lab(1, "preliminary", 1, "13:00:00"),
        lab(2, "final", 2, "14:00:00"),
        observed("2", encounter={"reference": "Encounter/E"}),
        {"resourceType": "Medication", "id": "M", "code": atc},
        resource("MedicationRequest", "1", authoredOn="2020-05-01", medicationReference={"reference": "Medication/M"}),
    ]
    mixed = [given[place] for place in order]
    shutil.rmtree(tmp_path / "in", ignore_errors=True)
    plain = read(tmp_path, {"a.ndjson": given}).dataset.content_hash
    shutil.rmtree(tmp_path / "in")
    assert (
        read(tmp_path, {"a.ndjson": mixed[:cut], "b.json": bundle(*(("", each) for each in mixed[cut:]))}).dataset.content_hash
        == plain
    )


ODD: tuple[Any, ...] = (
    None, [], {}, "", 0, -1.5, True, "x", ["x"], [{}], "9999-12-31", "0001-01-01T00:00:00+14:00", "2020-05-01T10:00:00+99:99",
    {"reference": "/"}, {"reference": "Patient/"}, {"reference": "Encounter/E"},
)  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside an object."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in inside:
        yield (*path, name)
        yield from places(inner, (*path, name))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_stands_in_an_element_the_reader_refuses_and_never_crashes(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    condition = resource("Condition", code=coded(SNOMED, "1"), onsetDateTime="2015", encounter={"reference": "Encounter/E"})
    part = visit("F", "2020-05-01T10:00:00Z", "2020-05-02T10:00:00Z", partOf={"reference": "Encounter/E"})
    lines = json.loads(
        json.dumps([PATIENT, ADMITTED, part, lab(1, "final", 1, "13:00:00"), lab(2, "final", 2), observed("2"), condition])
    )
    for _ in range(3):
        *way, last = draw.choice([path for path in places(lines) if len(path) > 1])
        inner: Any = lines
        for step in way:
            inner = inner[step]
        inner[last] = draw.choice(ODD)
    try:
        store = read(tmp_path, {"a.ndjson": lines}, 1.0)
    except DataError:
        return
    ignored = sum(count for text, count in store.flow.notes.items() if ": rows ignored: " in text)
    assert store.flow.accepted + store.flow.refused_count + ignored == len(lines)
