"""The events that each FHIR resource tells of.

One function a resource. Each raises DataError for a resource that cannot be used, and LeftOut for one that says of itself that
it did not happen. When something is known: see the docstring of `readers/fhir.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sequela.errors import DataError
from sequela.readers import _fhir_types as fhir
from sequela.readers._fhir_codes import Codes
from sequela.readers._fhir_index import HAPPENED, Index, Stay
from sequela.readers._fhir_time import Moment, moment
from sequela.readers._fhir_types import Concept, Period, Quantity, Reference, Resource
from sequela.readers._fhir_units import Units

CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SEXES = {"female": "F", "male": "M", "other": "O"}
LEFT_OUT: Mapping[str, frozenset[str]] = {  # statuses of what did not happen
    "Observation": frozenset({"cancelled"}),
    "DiagnosticReport": frozenset({"cancelled"}),
    "Procedure": frozenset({"not-done", "preparation"}),
    "MedicationRequest": frozenset({"draft", "cancelled"}),
    "MedicationAdministration": frozenset({"not-done"}),
    "MedicationStatement": frozenset({"not-taken", "intended"}),
    "Immunization": frozenset({"not-done"}),
}
CHANGED = frozenset({"amended", "corrected", "appended"})
ORDERS = frozenset({"", "order", "original-order", "reflex-order", "filler-order", "instance-order"})
_YEAR_SECONDS = 365.2425 * 86_400


class LeftOut(Exception):
    """A resource that is rightly no event; its text is the reason that is counted."""


class Event(NamedTuple):
    """One row of the store, its subject apart."""

    code: str
    time: datetime | None
    number: float | None = None
    text: str | None = None
    visit: int | None = None
    available: datetime | None = None


class Place(NamedTuple):
    """The encounter during which something was, and the number of its visit; None where that is not known."""

    stay: Stay | None = None
    visit: int | None = None


class Told(NamedTuple):
    """What a resource says of a subject."""

    subject: str
    events: list[Event]


@dataclass
class Teller:
    """Makes events of resources, by the index of the source and the names of codes."""

    index: Index
    codes: Codes
    units: Units
    timezone: str
    measured: set[str] = field(default_factory=set)  # codes that came with a number of an observation
    remarks: Counter[str] = field(default_factory=Counter)
    tells: Mapping[str, Callable[[Teller, str, Any], Told]] = field(default_factory=lambda: TELLS)  # by the type of resource

    def told(self, identity: str, resource: Resource) -> Told:
        """The events of a resource. Raises DataError or LeftOut (see above)."""
        kind = type(resource).__name__
        if (found := fhir.other_version(resource)) is not None:
            raise DataError(f"{kind}.{found[0]} is of FHIR {found[1]}; this reader takes R4")
        if resource.modifier_extension:
            raise DataError("a modifierExtension, which may turn its meaning about")
        if resource.status == "entered-in-error" or resource.status in LEFT_OUT.get(kind, ()):
            raise LeftOut(resource.status)
        return self.tells[kind](self, identity, resource)

    # What the resources share

    def subject(self, reference: Reference | None) -> str:
        """The patient that a reference names. Raises DataError where there is none, or none that is in the data."""
        found = self.index.find("Patient", reference)
        if not found:
            raise DataError("no subject")
        if found not in self.index.people:
            raise DataError("its subject is not in the data")
        return found

    def place(self, kind: str, reference: Reference | None, subject: str) -> Place:
        """The encounter that a reference names; none where it is not in the data. Raises DataError for another subject's."""
        if reference is None or "EpisodeOfCare/" in reference.reference:
            return Place()
        name = self.index.find("Encounter", reference)
        stay = self.index.stays.get(name)
        if stay is None:
            self.remarks[f"{kind}: the encounter is not in the data or did not take place; kept without a visit"] += bool(name)
            return Place()
        if stay.subject != subject:
            raise DataError("its encounter is of another subject")
        return Place(stay, self.index.visits[self.index.root(name)])

    def moment(self, text: str) -> Moment | None:
        return moment(text, self.timezone) if text else None

    def span(self, date_time: str, period: Period | None = None) -> Moment | None:
        """When something was: a moment, or from the start of a period to its end."""
        if date_time or period is None:
            return self.moment(date_time)
        start, end = self.moment(period.start), self.moment(period.end)
        if start and end:
            if end.start < start.start and end.end <= start.start:
                raise DataError("it ends before it starts")
            return Moment(start.start, end.end)
        return start or end

    def recorded(self, at: Moment, text: str) -> datetime | None:
        """From when on it is known: its record where that is told and later, else its end; None for from its time on."""
        record = self.moment(text)
        known = record.end if record else at.end
        return known if known > at.start else None

    def changed(self, resource: Resource, issued: str) -> str:
        """When this version was given out.

        Raises DataError for a change whose time nothing tells.
        """
        if issued or resource.status not in CHANGED:
            return issued
        if not resource.meta.last_updated:
            raise DataError(f"it is {resource.status}, and nothing tells when")
        return resource.meta.last_updated


def when(at: Moment | None) -> Moment:
    """Raises DataError where there is none."""
    if at is None:
        raise DataError("no time")
    return at


# ------------------------------------------------------------------------------------------------------- patients, encounters


def _patient(teller: Teller, identity: str, patient: fhir.Patient) -> Told:
    birth, death = teller.moment(patient.birth_date), teller.moment(patient.deceased_date_time)
    events = []
    if birth:
        events.append(Event("MEDS_BIRTH", birth.start))
    if death:
        events.append(Event("MEDS_DEATH", death.start, available=teller.recorded(death, "")))
    elif patient.deceased_boolean:
        teller.remarks["Patient: deceased, and no time tells when; no event"] += 1
    if patient.gender in SEXES:
        events.append(Event("SEX", None, text=SEXES[patient.gender]))
    for code, url in (("RACE", f"{CORE}race"), ("ETHNICITY", f"{CORE}ethnicity")):
        if text := _category(patient, url):
            events.append(Event(code, None, text=text))
    return Told(identity, events)


def _category(patient: fhir.Patient, url: str) -> str:
    """The categories of an extension of US Core, or its text."""
    inner = [each for extension in patient.extension if extension.url == url for each in extension.extension]
    named = [each.value_coding.display for each in inner if each.url == "ombCategory" and each.value_coding]
    return "; ".join(sorted(named)) or next((each.value_string for each in inner if each.url == "text"), "")


def _encounter(teller: Teller, identity: str, encounter: fhir.Encounter) -> Told:
    subject = teller.subject(encounter.subject)
    if encounter.status not in HAPPENED:
        raise LeftOut(encounter.status)
    start = when(teller.moment(encounter.period.start))
    teller.span("", encounter.period)
    teller.index.find("Encounter", encounter.part_of)
    if identity not in teller.index.stays:
        raise DataError("it has no id by which it can be told")
    root = teller.index.root(identity)
    visit = teller.index.visits[root]
    known = teller.recorded(start, "")
    events = list(_classes(teller, encounter, start, visit))
    if root == identity:
        events += _age(teller, subject, start, visit)
    if (end := teller.moment(encounter.period.end)) is not None:
        events.append(Event("VISIT//END", end.start, visit=visit, available=teller.recorded(end, "")))
    if teller.index.stays[identity].hospital and root == identity:
        events.append(Event("HOSPITAL//ADMISSION", start.start, text=encounter.class_.code, visit=visit, available=known))
        if end is not None:
            text = _discharge(encounter)
            events.append(Event("HOSPITAL//DISCHARGE", end.start, text=text, visit=visit, available=teller.recorded(end, "")))
    if identity in teller.index.died_in:
        events.append(Event("DEATH//IN_HOSPITAL", teller.index.died_in[identity], visit=visit))
    return Told(subject, events)


def _classes(teller: Teller, encounter: fhir.Encounter, start: Moment, visit: int) -> Iterator[Event]:
    """The class of a visit at its start, and each that it became."""
    history = [each for each in encounter.class_history if each.class_.code and each.period.start]
    for each in history:
        since = when(teller.moment(each.period.start))
        yield Event(f"VISIT//{each.class_.code}", since.start, visit=visit, available=teller.recorded(since, ""))
    if not history:
        code = f"VISIT//{encounter.class_.code or 'UNKNOWN'}"
        yield Event(code, start.start, visit=visit, available=teller.recorded(start, ""))


def _age(teller: Teller, subject: str, start: Moment, visit: int) -> list[Event]:
    birth = teller.index.people[subject].birth
    if birth is None:
        return []
    middle = birth.start + (birth.end - birth.start) / 2  # of the day, month or year of which the birth is known
    years = (start.start - middle).total_seconds() / _YEAR_SECONDS
    return [Event("AGE", start.start, max(years, 0.0), visit=visit)]


def _discharge(encounter: fhir.Encounter) -> str | None:
    disposition = encounter.hospitalization.discharge_disposition if encounter.hospitalization else None
    if disposition is None:
        return None
    names = [coding.display or coding.code for coding in disposition.coding]
    return next((name for name in [*names, disposition.text] if name), None)


# ------------------------------------------------------------------------------------------------- what was found and done


def _condition(teller: Teller, _: str, condition: fhir.Condition) -> Told:
    subject = teller.subject(condition.subject)
    _check_verified(condition.verification_status)
    stay, visit = teller.place("Condition", condition.encounter, subject)
    onset, recorded = teller.span(condition.onset_date_time, condition.onset_period), teller.moment(condition.recorded_date)
    billed = any(coding.code == "encounter-diagnosis" for category in condition.category for coding in category.coding)
    closed = Moment(stay.end, stay.known_end or stay.end) if stay and stay.end else None
    at = when(onset or recorded or closed)
    known = [recorded.end] if recorded else [at.end]
    if recorded is None and stay is not None:  # of an illness that is brought along, the hospital knows nothing before
        known.append(closed.end if billed and closed else stay.start)
    available = max(known) if max(known) > at.start else None
    return Told(subject, [Event(teller.codes.of(condition.code), at.start, visit=visit, available=available)])


def _check_verified(verification: Concept | None) -> None:
    for coding in verification.coding if verification else ():
        if coding.code in ("entered-in-error", "refuted"):
            raise LeftOut(coding.code)


def _procedure(teller: Teller, _: str, procedure: fhir.Procedure) -> Told:
    subject = teller.subject(procedure.subject)
    at = when(teller.span(procedure.performed_date_time, procedure.performed_period))
    visit = teller.place("Procedure", procedure.encounter, subject).visit
    plain = teller.codes.of(procedure.code)
    code = plain.replace("ICD9CM//", "ICD9PROC//")  # one url names both parts of ICD-9-CM
    teller.codes.descriptions.setdefault(code, teller.codes.descriptions[plain])
    return Told(subject, [Event(code, at.start, visit=visit, available=teller.recorded(at, ""))])


def _immunization(teller: Teller, _: str, immunization: fhir.Immunization) -> Told:
    subject = teller.subject(immunization.patient)
    at = when(teller.moment(immunization.occurrence_date_time))
    visit = teller.place("Immunization", immunization.encounter, subject).visit
    code = teller.codes.of(immunization.vaccine_code)
    return Told(subject, [Event(code, at.start, visit=visit, available=teller.recorded(at, immunization.recorded))])


def _allergy(teller: Teller, _: str, allergy: fhir.AllergyIntolerance) -> Told:
    subject = teller.subject(allergy.patient)
    _check_verified(allergy.verification_status)
    onset = teller.span(allergy.onset_date_time, allergy.onset_period)
    at = when(onset or teller.moment(allergy.recorded_date))
    visit = teller.place("AllergyIntolerance", allergy.encounter, subject).visit
    plain = teller.codes.of(allergy.code)
    code = f"ALLERGY//{plain}"  # the substance's own code would say that it was given
    teller.codes.descriptions.setdefault(code, f"allergy: {teller.codes.descriptions[plain]}")
    known = teller.recorded(at, allergy.recorded_date)
    return Told(subject, [Event(code, at.start, text=allergy.criticality or None, visit=visit, available=known)])


# ------------------------------------------------------------------------------------------------------------- medications


def _request(teller: Teller, _: str, request: fhir.MedicationRequest) -> Told:
    subject = teller.subject(request.subject)
    if request.do_not_perform:
        raise LeftOut("an order not to give")
    if request.intent not in ORDERS:
        raise LeftOut(f"a {request.intent}")
    at = when(teller.moment(request.authored_on))
    visit = teller.place("MedicationRequest", request.encounter, subject).visit
    code = teller.codes.of(teller.index.medication(request))
    return Told(subject, [Event(code, at.start, visit=visit, available=teller.recorded(at, ""))])


def _administration(teller: Teller, _: str, given: fhir.MedicationAdministration) -> Told:
    subject = teller.subject(given.subject)
    at = when(teller.span(given.effective_date_time, given.effective_period))
    visit = teller.place("MedicationAdministration", given.context, subject).visit
    code = teller.codes.of(teller.index.medication(given))
    dose = given.dosage.dose if given.dosage and given.dosage.dose else Quantity()
    unit = (dose.unit or dose.code or None) if dose.value is not None else None
    return Told(subject, [Event(code, at.start, dose.value, unit, visit, teller.recorded(at, ""))])


def _statement(teller: Teller, _: str, statement: fhir.MedicationStatement) -> Told:
    subject = teller.subject(statement.subject)
    at = when(teller.span(statement.effective_date_time, statement.effective_period) or teller.moment(statement.date_asserted))
    visit = teller.place("MedicationStatement", statement.context, subject).visit
    code = teller.codes.of(teller.index.medication(statement))
    return Told(subject, [Event(code, at.start, visit=visit, available=teller.recorded(at, statement.date_asserted))])


# --------------------------------------------------------------------------------------------------- observations, reports


def _observation(teller: Teller, _: str, observation: fhir.Observation) -> Told:
    subject = teller.subject(observation.subject)
    issued = teller.changed(observation, observation.issued)
    effective = teller.span(observation.effective_date_time or observation.effective_instant, observation.effective_period)
    at = when(effective or teller.moment(issued))
    visit = teller.place("Observation", observation.encounter, subject).visit
    known = teller.recorded(at, issued)
    values = [found for each in (observation, *observation.component) if (found := _value(teller, each)) is not None]
    if not values:
        raise LeftOut("no value that is read")
    return Told(subject, [Event(code, at.start, number, text, visit, known) for code, number, text in values])


def _value(teller: Teller, value: fhir.Value) -> tuple[str, float | None, str | None] | None:
    """Code, number and text of a value; None where there is none of a kind that is read."""
    quantity = value.value_quantity
    if quantity is not None and quantity.value is not None:
        code = teller.codes.of(value.code)
        teller.measured.add(code)
        return code, teller.units.standard(code, quantity), quantity.comparator or None
    if value.value_integer is not None:
        code = teller.codes.of(value.code)
        teller.measured.add(code)
        return code, float(value.value_integer), None
    text = _text(teller, value)
    return None if text is None else (teller.codes.of(value.code), None, text)


def _text(teller: Teller, value: fhir.Value) -> str | None:
    if value.value_codeable_concept is not None:
        concept = value.value_codeable_concept
        return teller.codes.of(concept) if any(coding.code for coding in concept.coding) else concept.text or None
    if value.value_boolean is not None:
        return str(value.value_boolean).lower()
    return value.value_string or None


def _report(teller: Teller, _: str, report: fhir.DiagnosticReport) -> Told:
    subject = teller.subject(report.subject)
    issued = teller.changed(report, report.issued)
    at = when(teller.span(report.effective_date_time, report.effective_period) or teller.moment(issued))
    visit = teller.place("DiagnosticReport", report.encounter, subject).visit
    known = teller.recorded(at, issued)
    events = [Event(teller.codes.of(report.code), at.start, None, report.conclusion or None, visit, known)]
    events += [Event(teller.codes.of(each), at.start, None, None, visit, known) for each in report.conclusion_code]
    return Told(subject, events)


TELLS: Mapping[str, Callable[[Teller, str, Any], Told]] = {
    "Patient": _patient,
    "Encounter": _encounter,
    "Condition": _condition,
    "Procedure": _procedure,
    "Immunization": _immunization,
    "AllergyIntolerance": _allergy,
    "MedicationRequest": _request,
    "MedicationAdministration": _administration,
    "MedicationStatement": _statement,
    "Observation": _observation,
    "DiagnosticReport": _report,
}
