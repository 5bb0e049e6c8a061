"""FHIR R4: bundles in JSON (files, folders, archives) and bulk export in NDJSON, gzipped or not.

Read are Patient, Encounter, Condition, Procedure, MedicationRequest, MedicationAdministration, MedicationStatement, Observation
with its components, Immunization, AllergyIntolerance, DiagnosticReport, DocumentReference and Composition; Medication and Binary,
where one of these refers to it. Every other resource is counted by type. What became of each type adds up: read = refused +
ignored + used. References are urn:uuid:… of a bundle's entries, Patient/ID, or urls that end so.

Codes are SYSTEM//code (SNOMED//…, LOINC//…, RXNORM//…, see `_fhir_codes.SYSTEMS`); an unknown system has the end of its url and
four letters of its hash for a name, and is counted. An allergy is ALLERGY//SYSTEM//code. Numbers are in one unit for each code.

    resource             time of its event                   known from
    Patient              birth; death                        its day's end, where it has no time of day
    Encounter            period.start; period.end            the same
    Condition            onset, else recordedDate, else      recordedDate; where there is none, the onset's end and the
                         the encounter's end                 encounter's start (of an encounter-diagnosis: its end)
    Procedure            performed                           the end of performed
    MedicationRequest    authoredOn                          the same
    Med.Administration   effective; number: dose             the end of effective
    Med.Statement        effective, else dateAsserted        dateAsserted
    Observation          effective, else issued              issued
    DiagnosticReport     effective, else issued              issued; text: conclusion; its conclusionCodes are events too
    DocumentReference    context.period, else date           date; a document: its text
    Composition          date                                date; a document: its sections
    Immunization         occurrence                          recorded
    AllergyIntolerance   onset, else recordedDate            recordedDate; text: criticality

A document is NOTE//<the code of its type>, kind "text", as is what a DiagnosticReport presents: plain text as it stands, HTML and
narratives without their markup (see _fhir_documents.py). A document of other content (PDF, RTF) is refused.

Where the second is not told, or is before the first, it is known from its time on. A date, a month or a year alone begins where
it begins and is known when it is over; a time of day without an offset is refused. Of several versions of one resource each is
known from when it was given out (issued, else meta.lastUpdated) until the next; one that is entered-in-error ends the one before
it and is itself left out. What was cancelled, refuted or not done is left out and counted.

An Encounter gives VISIT//<class> at its start and VISIT//END at its end, AGE, and for inpatient and emergency classes
HOSPITAL//ADMISSION (text: class) and HOSPITAL//DISCHARGE (text: disposition). `visit` is the rank of the encounter among its
subject's; an encounter that is part of another has that one's. A death during such an encounter, or a disposition that says so,
gives DEATH//IN_HOSPITAL beside MEDS_DEATH. Statics are SEX (F, M, O), RACE and ETHNICITY (of US Core).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import available_timezones

import msgspec
import polars as pl

from sequela.config import Strict
from sequela.contracts import Reader, Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _fhir_documents, _fhir_events
from sequela.readers import _fhir_files as files
from sequela.readers._fhir_codes import Codes
from sequela.readers._fhir_files import Record
from sequela.readers._fhir_index import Index, by_key, identity, key
from sequela.readers._fhir_teller import LeftOut, Teller, Told
from sequela.readers._fhir_types import TYPES, Binary, Encounter, Medication, Patient, Resource
from sequela.readers._fhir_units import Units
from sequela.readers._fhir_versions import Version, ordered
from sequela.text import documents

VERSION = 2
BATCH = 50_000  # events handed over at once
NOT_READ = "not read by this reader"
INDEXED = ("Patient", "Encounter", "Medication", "Binary")
FIXED = {
    "MEDS_BIRTH": "event", "MEDS_DEATH": "outcome", "DEATH//IN_HOSPITAL": "outcome", "HOSPITAL//ADMISSION": "event",
    "HOSPITAL//DISCHARGE": "event", "VISIT//END": "event", "SEX": "static", "RACE": "static", "ETHNICITY": "static",
    "AGE": "static",
}  # fmt: skip
_DECODERS = {name: msgspec.json.Decoder(kind) for name, kind in TYPES.items()}
_EVENTS: dict[str, type[pl.DataType] | pl.DataType] = {
    "source_id": pl.String, "code": pl.String, "time": pl.Datetime("us"), "numeric_value": pl.Float64, "text_value": pl.String,
    "visit": pl.Int64, "available": pl.Datetime("us"), "superseded": pl.Datetime("us"),
}  # fmt: skip


class Config(Strict, frozen=True):
    """What a source may need to be told."""

    timezone: str = "UTC"  # where dates without a time of day were written, as "Europe/Berlin"
    hospital_classes: tuple[str, ...] = ("IMP", "ACUTE", "NONAC", "OBSENC", "SS", "EMER")  # of Encounter.class: admissions
    prefer: tuple[str, ...] = ()  # of several codings of one concept, those of these systems first, as ["ICD10CM"]
    systems: dict[str, str] = {}  # noqa: RUF012  (msgspec copies it) url of a code system -> its name, beside the known ones
    units: dict[str, str] = {}  # noqa: RUF012  (likewise) code -> the unit it is kept in, where it comes in several
    leave_out: tuple[str, ...] = ()  # types of resources that are not read


@dataclass(frozen=True)
class Fhir:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Raises DataError where there is no FHIR, for another version of it, and for a damaged file."""
        names = files.names(source)
        if not names:
            raise DataError(f"{source.name} has no FHIR: files {', '.join(files.PATTERNS)}")
        index = _indexed(self.config, source, names, sink)
        codes = Codes(self.config.systems, self.config.prefer)
        tells = {**_fhir_events.TELLS, **_fhir_documents.TELLS}
        teller = Teller(index, codes, Units(dict(self.config.units)), self.config.timezone, tells=tells)
        taken = _Taken(sink, teller)
        wanted = TYPES.keys() - set(self.config.leave_out)
        held: list[Record] = []
        for record in files.records(source, names, sink, len(names), 2 * len(names)):
            taken.seen[record.kind] += not record.broken
            if record.broken:
                sink.refuse(record.where, record.broken)
            elif record.kind not in wanted:
                taken.leave(record.kind, NOT_READ, 1)
            elif hash(key(record)) in index.repeated:
                held.append(record._replace(content=bytes(record.content)))  # not a view of the whole file
            else:
                taken.one(record)
        for versions in by_key(held):
            taken.several(versions)
        taken.close()


def build(config: Config) -> Reader:
    """Raises ConfigError for a time zone that there is not, or a resource that is none."""
    if config.timezone not in available_timezones():
        raise ConfigError(f"{config.timezone!r} is not a time zone", hint='write it as "Europe/Berlin" or "UTC"')
    if wrong := sorted(set(config.leave_out) - TYPES.keys()):
        raise ConfigError(f"leave_out names {wrong[0]!r}, which is not read", hint=f"read are {', '.join(TYPES)}")
    return Fhir(config)


def _indexed(config: Config, source: Source, names: list[str], sink: Sink) -> Index:
    """Who and what there is; what cannot be decoded is refused in the second pass."""
    index = Index(frozenset(config.hospital_classes), config.timezone)
    for record in files.records(source, names, sink, 0, 2 * len(names)):
        if record.kind not in TYPES:
            continue
        try:
            resource = _DECODERS[record.kind].decode(record.content) if record.kind in INDEXED else None
        except files.BROKEN:
            continue
        index.add(record, resource)
    index.finish()
    return index


@dataclass
class _Taken:
    """Takes resources one by one, refuses and counts, and hands their events over in batches."""

    sink: Sink
    teller: Teller
    seen: Counter[str] = field(default_factory=Counter)  # resources of each type
    ignored: Counter[str] = field(default_factory=Counter)
    codes: set[str] = field(default_factory=set)
    rows: list[tuple[object, ...]] = field(default_factory=list)

    def one(self, record: Record) -> None:
        resource = self._decoded(record)
        if resource is not None:
            self._tell(Version(record, resource))

    def several(self, records: list[Record]) -> None:
        """Resources of one type and id: copies, or versions of one."""
        found = [(record, resource) for record in records if (resource := self._decoded(record)) is not None]
        if not found:
            return
        try:
            versions, copies = ordered(found)
        except DataError as error:
            for record, _ in found:
                self.sink.refuse(record.where, f"{record.kind}: {error.message}")
            return
        self.leave(found[0][0].kind, "copies of another", copies)
        if isinstance(found[0][1], Patient | Encounter | Medication | Binary):
            self.leave(found[0][0].kind, "earlier versions", len(versions) - 1)
            versions = [Version(versions[-1].record, versions[-1].resource)]
        for version in versions:
            self._tell(version)

    def _decoded(self, record: Record) -> Resource | None:
        try:
            return _DECODERS[record.kind].decode(record.content)
        except files.BROKEN as error:
            self.sink.refuse(record.where, f"{record.kind}: not as in R4: {error}")
            return None

    def _tell(self, version: Version) -> None:
        record, resource = version.record, version.resource
        if isinstance(resource, Medication | Binary):
            self.sink.accept()
            return
        try:
            told = self.teller.told(identity(record), resource)
        except DataError as error:
            self.sink.refuse(record.where, f"{record.kind}: {error.message}")
        except LeftOut as reason:
            self.leave(record.kind, str(reason), 1)
        else:
            self._add(told, version)

    def leave(self, kind: str, reason: str, count: int) -> None:
        """Counts resources that are rightly no events."""
        self.ignored[f"{kind}: rows ignored: {reason}"] += count

    def _add(self, told: Told, version: Version) -> None:
        self.sink.accept()
        for event in told.events:
            self.codes.add(event.code)
            available = _later(event.available, version.since)
            self.rows.append(
                (told.subject, event.code, event.time, event.number, event.text, event.visit, available, version.until)
            )
        if len(self.rows) >= BATCH:
            self._flush()

    def _flush(self) -> None:
        if self.rows:
            self.sink.events(pl.DataFrame(self.rows, schema=_EVENTS, orient="row"))
            self.rows.clear()

    def close(self) -> None:
        """Declares the codes, and hands over what is left with all that was counted."""
        for code, kind, unit in self._declared():
            self.sink.code(code, kind, unit=unit, description=self.teller.codes.descriptions.get(code, ""))
        self._flush()
        read = Counter({f"{kind}: rows read": count for kind, count in self.seen.items()})
        for text, count in (read + self.ignored + self.teller.remarks + self.teller.codes.unknown).items():
            self.sink.note(text, count)

    def _declared(self) -> Iterator[tuple[str, str, str]]:
        """A code that ever came with a number of an observation is a measurement."""
        for code in sorted(self.codes):
            if code in self.teller.measured:
                yield code, "measurement", self.teller.units.unit(code)
            elif code.partition("//")[0] == documents.NOTE:
                yield code, "text", ""
            else:
                yield code, FIXED.get(code, "event"), "years" if code == "AGE" else ""


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other
