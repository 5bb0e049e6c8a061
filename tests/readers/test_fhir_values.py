"""FHIR R4: values and their units, codes of known and unknown systems, medications and what else is read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from tests.readers.fhir_files import (
    HOUR,
    LOINC,
    NOON,
    SNOMED,
    UCUM,
    Json,
    coded,
    codes,
    notes,
    observed,
    reasons,
    resource,
    rows,
    span,
    told,
)

from sequela import config
from sequela.readers import _fhir_codes
from sequela.readers._fhir_types import Concept


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
