"""Who and what the resources of a source speak of: its patients, encounters, medications and binaries, in whichever file.

Two passes: the first fills this index, the second makes events. Of several versions of a patient or an encounter the latest
stands. What is kept in memory is a few numbers a patient and an encounter, the texts of Binary resources, compressed, and eight
bytes for any other resource.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np

from sequela.errors import DataError
from sequela.readers._fhir_attachments import Kept
from sequela.readers._fhir_files import Record
from sequela.readers._fhir_time import Moment, moment
from sequela.readers._fhir_types import Binary, Concept, Encounter, Medicated, Medication, Meta, Patient, Reference, Resource

HAPPENED = frozenset({"", "arrived", "triaged", "in-progress", "onleave", "finished", "unknown"})
EXPIRED = frozenset({"exp", "20", "40", "41", "42"})  # discharge dispositions of HL7 and of the NUBC that mean death


class Person(NamedTuple):
    """A patient: birth and death where they are known."""

    birth: Moment | None
    death: Moment | None


class Stay(NamedTuple):
    """An encounter that took place."""

    subject: str
    start: datetime
    end: datetime | None
    known_end: datetime | None  # its end, known where it is a date
    hospital: bool
    part_of: str  # the id of the encounter that it is a part of
    expired: bool


@dataclass
class Index:
    """Filled by `add`, then closed by `finish`; asked by the others."""

    hospital_classes: frozenset[str]
    timezone: str
    people: dict[str, Person] = field(default_factory=dict)
    stays: dict[str, Stay] = field(default_factory=dict)
    medications: dict[str, Concept] = field(default_factory=dict)
    binaries: dict[str, Kept] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)  # encounter id -> the number of its visit within the subject
    died_in: dict[str, datetime] = field(default_factory=dict)  # encounter id -> when its patient died in it
    repeated: frozenset[int] = frozenset()  # hashes of resources that occur several times
    _latest: dict[tuple[str, str], tuple[datetime, int]] = field(default_factory=dict)
    _urls: dict[str, str] = field(default_factory=dict)  # fullUrl -> id, where the one does not show the other
    _servers: dict[str, str] = field(default_factory=dict)
    _hashes: array[int] = field(default_factory=lambda: array("q"))

    def add(self, record: Record, resource: Resource | None) -> None:
        """Takes note of a resource; decoded for patients, encounters, medications and binaries, None for all others.

        Raises DataError where two servers' patients have one id.
        """
        self._hashes.append(hash(key(record)))
        if resource is None:
            return
        self._place(record)
        if not self._is_latest(record, resource.meta):
            return
        if isinstance(resource, Patient):
            self.people[identity(record)] = self._person(resource)
        elif isinstance(resource, Encounter):
            self.stays.pop(identity(record), None)
            if (stay := self._stay(resource)) is not None:
                self.stays[identity(record)] = stay
        elif isinstance(resource, Medication) and resource.code:
            self.medications[identity(record)] = resource.code
        elif isinstance(resource, Binary):
            self.binaries[identity(record)] = Kept.of(resource)

    def _place(self, record: Record) -> None:
        url, name = record.url, identity(record)
        if url and not url.endswith(f"{record.kind}/{name}"):
            if self._urls.setdefault(url, name) != name:
                raise DataError(f"{record.where}: one fullUrl names two resources", hint="import the bundles each by itself")
        elif url.startswith("http") and record.kind == "Patient":
            server = url.removesuffix(f"Patient/{name}")
            if self._servers.setdefault(name, server) != server:
                raise DataError(
                    f"{record.where}: patients of two servers have one id ({server}, {self._servers[name]})",
                    hint="import the data of each server by itself",
                )

    def _is_latest(self, record: Record, meta: Meta) -> bool:
        name = (record.kind, identity(record))
        order = version_order(meta)
        if name in self._latest and order < self._latest[name]:
            return False
        self._latest[name] = order
        return True

    def _person(self, patient: Patient) -> Person:
        return Person(self._read(patient.birth_date), self._read(patient.deceased_date_time))

    def _stay(self, encounter: Encounter) -> Stay | None:
        """None for one that did not take place, and one that the second pass refuses."""
        start, end = self._read(encounter.period.start), self._read(encounter.period.end)
        if start is None or encounter.status not in HAPPENED:
            return None
        disposition = encounter.hospitalization.discharge_disposition if encounter.hospitalization else None
        try:
            subject, part_of = self.find("Patient", encounter.subject), self.find("Encounter", encounter.part_of)
        except DataError:
            return None
        return Stay(
            subject,
            start.start,
            end.start if end else None,
            end.end if end else None,
            encounter.class_.code in self.hospital_classes,
            part_of,
            any(coding.code in EXPIRED for coding in disposition.coding) if disposition else False,
        )

    def _read(self, text: str) -> Moment | None:
        """A time, or None: one that cannot be read is refused with its resource in the second pass."""
        try:
            return moment(text, self.timezone) if text else None
        except DataError:
            return None

    def finish(self) -> None:
        """Numbers the visits, places the deaths, and tells which resources occur several times."""
        self.stays = {name: self._resolved(stay) for name, stay in self.stays.items()}
        own: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
        for name, stay in self.stays.items():
            if self.root(name) == name:
                own[stay.subject].append((stay.start, name))
        for subject, visits in own.items():
            ordered = [name for _, name in sorted(visits)]
            self.visits.update({name: number for number, name in enumerate(ordered, start=1)})
            self._place_death(subject, [name for name in ordered if self.stays[name].hospital])
        hashes, counts = np.unique(np.frombuffer(self._hashes, dtype=np.int64), return_counts=True)
        self.repeated = frozenset(hashes[counts > 1].tolist())
        self._hashes, self._latest, self._servers = array("q"), {}, {}

    def _resolved(self, stay: Stay) -> Stay:
        """With the ids that a fullUrl stood for which came later than the reference to it."""
        return stay._replace(
            subject=self._urls.get(stay.subject, stay.subject), part_of=self._urls.get(stay.part_of, stay.part_of)
        )

    def _place_death(self, subject: str, admissions: list[str]) -> None:
        """Puts a death into the last of the admissions during which it was, or that ended with it."""
        death = self.people[subject].death if subject in self.people else None
        for name in reversed(admissions):
            stay = self.stays[name]
            during = death and death.end >= stay.start and (stay.known_end is None or death.start <= stay.known_end)
            if death and during:
                latest = max(death.start, stay.start)
                self.died_in[name] = min(latest, stay.end) if stay.end else latest
                return
            if stay.expired and stay.end:
                self.died_in[name] = stay.end
                return

    def root(self, name: str) -> str:
        """The encounter that this one is a part of, directly or not; itself where it is none's part."""
        seen = {name}
        while (above := self.stays[name].part_of) in self.stays:
            if above in seen:  # parts of each other: the first of them stands for all
                return min(seen)
            seen.add(above)
            name = above
        return name

    def find(self, kind: str, reference: Reference | None) -> str:
        """The id that a reference names, "" for none; `kind` is the type that it should be of.

        Raises DataError for a reference to another type.
        """
        if reference is None or not reference.reference:
            return ""
        text = reference.reference
        if text in self._urls:
            return self._urls[text]
        if text.startswith(("urn:", "#")):
            return text  # of an entry that is still to come, or of none
        parts = text.partition("/_history/")[0].split("/")
        if len(parts) < 2:
            return text
        if parts[-2] != kind:
            raise DataError(f"it refers to {parts[-2]}, where {kind} is expected")
        return parts[-1]

    def medication(self, resource: Medicated) -> Concept | None:
        """The medication of a request or an administration: its own code, or that of the Medication it refers to.

        Raises DataError for a Medication that is not in the data.
        """
        given = resource.medication_codeable_concept
        if given is not None or resource.medication_reference is None:
            return given
        inside = {f"#{each.id}": each.code for each in resource.contained if each.resource_type == "Medication"}
        text = resource.medication_reference.reference
        found = inside.get(text) or self.medications.get(self.find("Medication", resource.medication_reference))
        if found is None:
            raise DataError("the Medication that it refers to is not in the data")
        return found


def identity(record: Record) -> str:
    """The id of a resource; of one that has none, as in a transaction, the uuid of its entry."""
    return record.id or record.url.removeprefix("urn:uuid:")


def key(record: Record) -> tuple[str, str]:
    """What tells a resource from all others; its place where it has no id."""
    return record.kind, identity(record) or record.where


def version_order(meta: Meta) -> tuple[datetime, int]:
    """By which versions of one resource are sorted; the first possible moment where nothing is told."""
    try:
        updated = moment(meta.last_updated).start if meta.last_updated else datetime.min
    except DataError:
        updated = datetime.min
    return updated, int(meta.version_id) if meta.version_id.isdecimal() else 0


def by_key(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records of one resource together, in the order of their first."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    yield from groups.values()
