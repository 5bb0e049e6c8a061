"""What makes events of FHIR resources, and what the resources share: subjects, encounters, moments, versions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sequela.errors import DataError
from sequela.readers import _fhir_release
from sequela.readers._fhir_codes import Codes
from sequela.readers._fhir_index import Index, Stay
from sequela.readers._fhir_time import Moment, moment
from sequela.readers._fhir_types import Period, Reference, Resource
from sequela.readers._fhir_units import Units

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
    tells: Mapping[str, Callable[[Teller, str, Any], Told]]  # by the type of resource
    measured: set[str] = field(default_factory=set)  # codes that came with a number of an observation
    remarks: Counter[str] = field(default_factory=Counter)

    def told(self, identity: str, resource: Resource) -> Told:
        """The events of a resource. Raises DataError where it cannot be used, LeftOut where it did not happen."""
        kind = type(resource).__name__
        if (found := _fhir_release.other_version(resource)) is not None:
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
