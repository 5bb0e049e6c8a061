"""FHIR R4 resources as frozen types: the elements that the reader uses, and those that only another FHIR version has.

Source: HL7 FHIR R4 (4.0.1), https://hl7.org/fhir/R4/. What is not named here is not decoded. `Raw` marks an element that is only
looked for: a kind of value that is not read, or an element of DSTU2, STU3 or R5 that shows the data to be of that version (see
`_fhir_release.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

ABSENT = Raw()
SUPPORTED = "4."  # 4.0 is R4, 4.3 is R4B; the resources read here are alike in both


class Element(Struct, frozen=True, rename="camel", kw_only=True):
    """The base of all types: names are camelCase in JSON."""


class Coding(Element, frozen=True):
    system: str = ""
    code: str = ""
    display: str = ""
    user_selected: bool = False


class Concept(Element, frozen=True):
    """CodeableConcept."""

    coding: list[Coding] = []
    text: str = ""


class Reference(Element, frozen=True):
    reference: str = ""


class Period(Element, frozen=True):
    start: str = ""
    end: str = ""


class Quantity(Element, frozen=True):
    value: float | None = None
    comparator: str = ""
    unit: str = ""
    system: str = ""
    code: str = ""


class Attachment(Element, frozen=True):
    content_type: str = ""
    data: str = ""  # base64
    url: str = ""
    creation: str = ""


class Meta(Element, frozen=True):
    version_id: str = ""
    last_updated: str = ""


class Extension(Element, frozen=True):
    url: str = ""
    extension: list[Extension] = []
    value_string: str = ""
    value_coding: Coding | None = None


class Contained(Element, frozen=True):
    """A resource inside another one; only medications are looked for."""

    resource_type: str = ""
    id: str = ""
    code: Concept | None = None


class Resource(Element, frozen=True):
    """What the resources share."""

    resource_type: str = ""
    id: str = ""
    meta: Meta = Meta()
    status: str = ""
    subject: Reference | None = None
    encounter: Reference | None = None
    modifier_extension: list[Raw] = []


class Patient(Resource, frozen=True):
    extension: list[Extension] = []
    gender: str = ""
    birth_date: str = ""
    deceased_date_time: str = ""
    deceased_boolean: bool = False
    animal: Raw = ABSENT  # until STU3


class Hospitalization(Element, frozen=True):
    discharge_disposition: Concept | None = None


class ClassThen(Element, frozen=True):
    """An entry of Encounter.classHistory."""

    class_: Coding = msgspec.field(name="class", default_factory=Coding)
    period: Period = Period()


class Encounter(Resource, frozen=True):
    class_: Coding = msgspec.field(name="class", default_factory=Coding)
    class_history: list[ClassThen] = []
    period: Period = Period()
    part_of: Reference | None = None
    hospitalization: Hospitalization | None = None
    actual_period: Raw = ABSENT  # R5
    admission: Raw = ABSENT  # R5


class Condition(Resource, frozen=True):
    verification_status: Concept | None = None
    category: list[Concept] = []
    code: Concept | None = None
    onset_date_time: str = ""
    onset_period: Period | None = None
    recorded_date: str = ""
    context: Raw = ABSENT  # STU3
    asserted_date: Raw = ABSENT  # STU3
    participant: Raw = ABSENT  # R5


class Procedure(Resource, frozen=True):
    code: Concept | None = None
    performed_date_time: str = ""
    performed_period: Period | None = None
    context: Raw = ABSENT  # STU3
    occurrence_date_time: Raw = ABSENT  # R5
    occurrence_period: Raw = ABSENT  # R5


class Medication(Resource, frozen=True):
    code: Concept | None = None


class Medicated(Resource, frozen=True):
    """What speaks of a medication: by a code, or by reference to a Medication."""

    medication_codeable_concept: Concept | None = None
    medication_reference: Reference | None = None
    contained: list[Contained] = []
    medication: Raw = ABSENT  # R5


class MedicationRequest(Medicated, frozen=True):
    intent: str = ""
    do_not_perform: bool = False
    authored_on: str = ""
    context: Raw = ABSENT  # STU3


class Dosage(Element, frozen=True):
    dose: Quantity | None = None


class MedicationAdministration(Medicated, frozen=True):
    context: Reference | None = None
    effective_date_time: str = ""
    effective_period: Period | None = None
    dosage: Dosage | None = None
    occurence_date_time: Raw = ABSENT  # R5, which spells it so
    occurence_period: Raw = ABSENT  # R5
    not_given: Raw = ABSENT  # STU3


class MedicationStatement(Medicated, frozen=True):
    context: Reference | None = None
    effective_date_time: str = ""
    effective_period: Period | None = None
    date_asserted: str = ""
    taken: Raw = ABSENT  # STU3


class Value(Resource, frozen=True):
    """The value of an Observation, or (without what else a resource has) of one of its components."""

    code: Concept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: Concept | None = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Raw = ABSENT
    value_ratio: Raw = ABSENT
    value_sampled_data: Raw = ABSENT
    value_time: Raw = ABSENT
    value_date_time: Raw = ABSENT
    value_period: Raw = ABSENT
    value_attachment: Raw = ABSENT  # R5


class Observation(Value, frozen=True):
    effective_date_time: str = ""
    effective_period: Period | None = None
    effective_instant: str = ""
    issued: str = ""
    component: list[Value] = []
    context: Raw = ABSENT  # STU3
    comment: Raw = ABSENT  # STU3
    triggered_by: Raw = ABSENT  # R5


class Immunization(Resource, frozen=True):
    patient: Reference | None = None
    vaccine_code: Concept | None = None
    occurrence_date_time: str = ""
    recorded: str = ""
    date: Raw = ABSENT  # STU3
    not_given: Raw = ABSENT  # STU3


class AllergyIntolerance(Resource, frozen=True):
    patient: Reference | None = None
    verification_status: Concept | None = None
    code: Concept | None = None
    criticality: str = ""
    onset_date_time: str = ""
    onset_period: Period | None = None
    recorded_date: str = ""
    asserted_date: Raw = ABSENT  # STU3
    substance: Raw = ABSENT  # DSTU2


class DiagnosticReport(Resource, frozen=True):
    code: Concept | None = None
    effective_date_time: str = ""
    effective_period: Period | None = None
    issued: str = ""
    conclusion: str = ""
    conclusion_code: list[Concept] = []
    presented_form: list[Attachment] = []
    context: Raw = ABSENT  # STU3
    coded_diagnosis: Raw = ABSENT  # STU3


class Content(Element, frozen=True):
    """An entry of DocumentReference.content."""

    attachment: Attachment = Attachment()


class DocumentContext(Element, frozen=True):
    encounter: list[Reference] = []
    period: Period | None = None


class DocumentReference(Resource, frozen=True):
    doc_status: str = ""
    type: Concept | None = None
    date: str = ""
    content: list[Content] = []
    context: DocumentContext = DocumentContext()
    indexed: Raw = ABSENT  # STU3


class Binary(Resource, frozen=True):
    content_type: str = ""
    data: str = ""
    content: Raw = ABSENT  # STU3


class Narrative(Element, frozen=True):
    div: str = ""


class Section(Element, frozen=True):
    title: str = ""
    text: Narrative = Narrative()
    section: list[Section] = []


class Composition(Resource, frozen=True):
    type: Concept | None = None
    date: str = ""
    title: str = ""
    section: list[Section] = []


TYPES: Mapping[str, type[Resource]] = {
    kind.__name__: kind
    for kind in (
        Patient, Encounter, Condition, Procedure, Medication, MedicationRequest, MedicationAdministration, MedicationStatement,
        Observation, Immunization, AllergyIntolerance, DiagnosticReport, DocumentReference, Binary, Composition,
    )
}  # fmt: skip
