"""The events that a FHIR patient and an encounter tell of."""

from __future__ import annotations

from collections.abc import Iterator

from sequela.errors import DataError
from sequela.readers import _fhir_types as fhir
from sequela.readers._fhir_index import HAPPENED
from sequela.readers._fhir_teller import Event, LeftOut, Teller, Told, when
from sequela.readers._fhir_time import Moment

CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
SEXES = {"female": "F", "male": "M", "other": "O"}
_YEAR_SECONDS = 365.2425 * 86_400


def patient_events(teller: Teller, identity: str, patient: fhir.Patient) -> Told:
    """Birth, death, sex, race and ethnicity."""
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


def encounter_events(teller: Teller, identity: str, encounter: fhir.Encounter) -> Told:
    """The visit with its classes and its end, age at its start, and of a hospital stay admission, discharge and death in it."""
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
