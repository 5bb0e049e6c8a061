"""FHIR R4: bundles and bulk export; references and files that do not fit; nothing lost, in whatever order it comes."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.readers.fhir_files import (
    ADMITTED,
    CREATININE,
    PATIENT,
    SNOMED,
    Json,
    bundle,
    coded,
    codes,
    lab,
    notes,
    observed,
    read,
    reasons,
    resource,
    rows,
    told,
    visit,
)

from sequela.errors import ConfigError, DataError
from sequela.readers import fhir
from sequela.store.cache import ingest


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
