"""Resources of FHIR R4 as few elements as they need, files of them, and what a store has of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from sequela import config
from sequela.readers import fhir
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


def bundle(*entries: tuple[str, Json], kind: str = "transaction") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"fullUrl": url, "resource": each} for url, each in entries]}


def visit(name: str, start: str, end: str, kind: str = "AMB", **more: Any) -> Json:
    return {**ADMITTED, "id": name, "class": {"code": kind}, "period": {"start": start, "end": end}, **more}


def lab(value: float, status: str, version: int, issued: str = "", updated: str = "") -> Json:
    meta = {"versionId": str(version), **({"lastUpdated": f"2020-05-01T{updated}Z"} if updated else {})}
    quantity = {"value": value, "unit": "mg/dL"}
    return observed(status=status, meta=meta, valueQuantity=quantity, **({"issued": f"2020-05-01T{issued}Z"} if issued else {}))
