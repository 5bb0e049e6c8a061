"""The events that each FHIR resource tells of.

One function a resource. Each raises DataError for a resource that cannot be used, and LeftOut for one that says of itself that
it did not happen. When something is known: see the docstring of `readers/fhir.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sequela.readers import _fhir_types as fhir
from sequela.readers._fhir_people import encounter_events, patient_events
from sequela.readers._fhir_teller import Event, LeftOut, Teller, Told, when
from sequela.readers._fhir_time import Moment
from sequela.readers._fhir_types import Concept, Quantity

ORDERS = frozenset({"", "order", "original-order", "reflex-order", "filler-order", "instance-order"})


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
    "Patient": patient_events,
    "Encounter": encounter_events,
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
