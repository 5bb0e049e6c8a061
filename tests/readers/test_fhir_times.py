"""FHIR R4: when what is told was known, and until when, where there are several versions of it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.readers.fhir_files import (
    ADMITTED,
    CREATININE,
    HOUR,
    NOON,
    PATIENT,
    SNOMED,
    Json,
    coded,
    codes,
    lab,
    notes,
    observed,
    read,
    reasons,
    resource,
    rows,
    span,
    told,
)

from sequela.readers import _fhir_time
from sequela.store.store import Store


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
