"""Elements that R4 does not have, and the release of FHIR that has them: data of another one is told by them."""

from __future__ import annotations

from collections.abc import Mapping

from sequela.readers._fhir_types import (
    ABSENT,
    TYPES,
    Binary,
    Condition,
    DiagnosticReport,
    Immunization,
    MedicationRequest,
    Observation,
    Procedure,
    Resource,
)

# Elements that R4 does not have, by the version that has them. `context`, `content` and `date` are R4's own in other resources.
_OTHERS = {
    "animal": "STU3", "asserted_date": "STU3", "comment": "STU3", "coded_diagnosis": "STU3", "not_given": "STU3",
    "substance": "DSTU2", "taken": "STU3", "actual_period": "R5", "admission": "R5", "medication": "R5", "participant": "R5",
    "occurrence_period": "R5", "occurence_date_time": "R5", "occurence_period": "R5", "triggered_by": "R5",
    "value_attachment": "R5", "indexed": "STU3",
}  # fmt: skip
_MARKS: Mapping[type[Resource], tuple[tuple[str, str], ...]] = {
    kind: (
        *((name, _OTHERS[name]) for name in kind.__struct_fields__ if name in _OTHERS),
        *((("occurrence_date_time", "R5"),) if kind is Procedure else ()),
        *((("content", "STU3"),) if kind is Binary else ()),
        *((("date", "STU3"),) if kind is Immunization else ()),
        *((("context", "STU3"),) if kind in (Condition, Procedure, MedicationRequest, Observation, DiagnosticReport) else ()),
    )
    for kind in TYPES.values()
}


def other_version(resource: Resource) -> tuple[str, str] | None:
    """The element that R4 does not have, and the FHIR version that has it; None where all is as in R4."""
    for name, version in _MARKS[type(resource)]:
        if getattr(resource, name) != ABSENT:
            return _written(resource, name), version
    return None


def _written(resource: Resource, field: str) -> str:
    return dict(zip(resource.__struct_fields__, resource.__struct_encode_fields__, strict=True))[field]
