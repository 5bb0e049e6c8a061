"""OMOP databases (Common Data Model 5.4, also 5.3): one file a table, CSV, gzipped CSV or Parquet.

Codes are the concepts' own: `concept` gives vocabulary and code (ICD9CM//038.9, LOINC//2160-0, SNOMED//…), by default of the
source concept, else of the standard one. A concept that the vocabulary has not is OMOP//ID; a record without any concept is
OMOP//TABLE//its source value. Broader codes are those of `concept_ancestor`, else of the code's system.

    person                birth: MEDS_BIRTH (without day or month the middle of the year or month); SEX, RACE, ETHNICITY
    visit_occurrence      inpatient (concepts 9201, 262, 8717): HOSPITAL//ADMISSION, HOSPITAL//DISCHARGE and AGE; the others
                          VISIT//START, VISIT//END; text: the kind of visit, where the patient went
    visit_detail          intensive care (32037): ICU//ADMISSION, ICU//DISCHARGE; the others are ignored
    condition_occurrence, procedure_occurrence, device_exposure     at their start
    drug_exposure         at its start; number: the quantity, text: the route
    measurement           number in one unit for each code (see _one_unit.py), text: the operator, else the value without number
    observation           number or text
    note                  NOTE//its class, with the text
    death                 MEDS_DEATH; DEATH//IN_HOSPITAL where it falls into an inpatient visit, with that visit
    observation_period    OBSERVATION_PERIOD//START, OBSERVATION_PERIOD//END

When things are known. A date without time, or with 00:00:00 (which the model writes where none is known), is the start of that
day, and is known from its end, or from the end of the visit if that is sooner; the end of a visit that is a date is the end of
that day. A condition or procedure whose type or status says claim, billing or discharge, or whose type the vocabulary does not
name, is known from the end of its visit on (`hold`). All other records are known from their own time.

Times are local and without zone: `timezone` says where. Parquet times that carry a zone are read as UTC; say "UTC" then.

Source: OHDSI, OMOP Common Data Model 5.4, DDL and conventions.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from sequela.contracts import Reader, Sink, Source
from sequela.errors import ConfigError
from sequela.readers import _omop_concepts
from sequela.readers._omop_concepts import Concepts
from sequela.readers._omop_lookup import Lookup, born
from sequela.readers._omop_schema import BIRTH, CONCEPTS, INPATIENT, INTENSIVE, PERSON, RECORDS, VISITS, Config, Record
from sequela.readers._row_types import ColumnType
from sequela.readers._tables import Code, Event, Table, chosen, find, read

__all__ = ["VERSION", "Config", "Omop", "build"]

VERSION = 2


@dataclass(frozen=True)
class Omop:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Raises ConfigError without a time zone, DataError for tables that are missing or cannot be read."""
        if self.config.timezone not in zoneinfo.available_timezones():
            raise ConfigError(
                f"{self.config.timezone!r} is not a time zone; the times of OMOP are local",
                hint='timezone = "Europe/Berlin" or "UTC"',
            )
        known = [table.name for table in _described(Lookup(self.config, Concepts.none()))]
        wanted = chosen(known, self.config.tables)
        looked_up = (PERSON.name, VISITS.name, _omop_concepts.CONCEPT.name, _omop_concepts.ANCESTOR.name)
        files = find(source, dict.fromkeys([*wanted, *looked_up]), [PERSON.name], sink)
        lookup = Lookup.load(files, self.config)
        read([table for table in _described(lookup) if table.name in wanted], files, sink)
        for text, count in sorted(lookup.notes.items()):
            sink.note(text, count)


def build(config: Config) -> Reader:
    return Omop(config)


def _described(lookup: Lookup) -> list[Table]:
    """The tables in the order in which they are read."""
    return [
        _person(lookup),
        _visit_occurrence(lookup),
        _visit_detail(lookup),
        *(_record(record, lookup) for record in RECORDS),
        _note(lookup),
        _death(lookup),
        _observation_period(lookup),
    ]


def _person(lookup: Lookup) -> Table:
    concepts: dict[str, ColumnType] = dict.fromkeys(CONCEPTS["person"], "whole")
    sources: dict[str, ColumnType] = {name.replace("concept_id", "source_value"): "text" for name in concepts}
    return Table(
        "person",
        columns=PERSON.columns,
        optional={**BIRTH, **concepts, **sources},
        key=("person_id",),
        needs=("year_of_birth",),
        subject="person_id",
        visit="",
        prepare=lambda frame: frame.with_columns(lookup.utc(born()).alias("at")),
        events=(
            Event(Code("MEDS_BIRTH"), time=pl.col("at")),
            *(
                Event(Code(code, "static"), time=None, text=lookup.named(name), where=lookup.named(name).is_not_null())
                for code, name in (("SEX", "gender"), ("RACE", "race"), ("ETHNICITY", "ethnicity"))
            ),
        ),
    )


def _visit_occurrence(lookup: Lookup) -> Table:
    inpatient = pl.col("visit_concept_id").is_in(INPATIENT)
    kind = pl.col("visit_concept_id").replace_strict(lookup.names, default=None, return_dtype=pl.String)
    left_for = pl.col("discharged_to_concept_id").replace_strict(lookup.names, default=None, return_dtype=pl.String)
    return Table(
        VISITS.name,
        columns=VISITS.columns,
        optional=VISITS.optional,
        key=VISITS.key,
        needs=VISITS.needs,
        refused={**lookup.refused(), "an end before the start": pl.col("ended") < pl.col("at")},
        subject="person_id",
        visit="visit_occurrence_id",
        prepare=lookup.visits_prepared,
        events=(
            Event(Code("HOSPITAL//ADMISSION"), time=pl.col("at"), text=kind, where=inpatient),
            Event(Code("HOSPITAL//DISCHARGE"), time=pl.col("ended"), text=left_for, where=inpatient),
            Event(
                Code("AGE", "static", unit="years"),
                time=pl.col("at"),
                value=pl.col("age"),
                where=inpatient & pl.col("age").is_not_null(),
            ),
            Event(Code("VISIT//START"), time=pl.col("at"), text=kind, where=~inpatient),
            Event(Code("VISIT//END"), time=pl.col("ended"), text=left_for, where=~inpatient),
        ),
    )


def _visit_detail(lookup: Lookup) -> Table:
    kind = pl.col("visit_detail_concept_id").replace_strict(lookup.names, default=None, return_dtype=pl.String)
    return Table(
        "visit_detail",
        columns={
            "visit_detail_id": "whole",
            "person_id": "whole",
            "visit_detail_concept_id": "whole",
            "visit_detail_start_date": "time",
            "visit_detail_end_date": "time",
            "visit_occurrence_id": "whole",
        },
        optional={"visit_detail_start_datetime": "time", "visit_detail_end_datetime": "time"},
        key=("visit_detail_id",),
        needs=("visit_detail_start_date",),
        refused={**lookup.refused(), "an end before the start": pl.col("ended") < pl.col("at")},
        ignored={"no intensive care": ~pl.col("visit_detail_concept_id").is_in(INTENSIVE)},
        subject="person_id",
        visit="visit_occurrence_id",
        prepare=lambda frame: lookup.spanned(frame, "visit_detail"),
        events=(
            Event(Code("ICU//ADMISSION"), time=pl.col("at"), text=kind),
            Event(Code("ICU//DISCHARGE"), time=pl.col("ended"), text=kind),
        ),
    )


def _record(record: Record, lookup: Lookup) -> Table:
    return Table(
        record.table,
        columns=record.columns,
        optional=record.optional,
        needs=(f"{record.at}_date",),
        refused=lookup.refused(),
        subject="person_id",
        visit="visit_occurrence_id",
        prepare=lambda frame: lookup.recorded(frame, record),
        events=tuple(_events(record, lookup)),
    )


def _events(record: Record, lookup: Lookup) -> Iterator[Event]:
    """The event of a record: as a measurement where the table measurement has its concept too, since a code is of one kind."""
    known = pl.col("concept").is_not_null()
    measured = pl.col("measured")
    coded = pl.coalesce("coded", pl.format("OMOP//{}", "concept"))
    parents = lookup.concepts.parents
    plain = lookup.concepts.frame
    shown: dict[str, pl.Expr | None] = {"value": _value(record), "text": _text(record, lookup)}
    pairs = ("concept", "unit")
    measurement = Code(
        pl.col("coded"),
        "measurement",
        pairs,
        unit=pl.col("kept"),
        description=pl.col("named"),
        parents=parents,
        known=lookup.pairs,
    )
    event = Code(coded, "event", ("concept",), description=pl.col("named"), parents=parents, known=plain)
    bare = Code(pl.format(f"OMOP//{record.table}//{{}}", f"{record.stem}_source_value"), columns=(f"{record.stem}_source_value",))
    for code, where in ((measurement, known & measured), (event, known & ~measured), (bare, ~known)):
        yield Event(code, time=pl.col("at"), available=pl.col("known_from"), where=where, **shown)


def _value(record: Record) -> pl.Expr | None:
    if record.valued:
        return pl.col("number")
    return pl.col("quantity") if record.table == "drug_exposure" else None


def _text(record: Record, lookup: Lookup) -> pl.Expr | None:
    def named(column: str) -> pl.Expr:
        return pl.col(column).replace_strict(lookup.names, default=None, return_dtype=pl.String)

    if record.table == "measurement":
        without = pl.when(pl.col("value_as_number").is_null()).then(
            pl.coalesce(named("value_as_concept_id"), "value_source_value")
        )
        return pl.coalesce(named("operator_concept_id"), without)
    if record.table == "observation":
        without = pl.when(pl.col("value_as_number").is_null()).then(pl.col("value_source_value"))
        return pl.coalesce("value_as_string", named("value_as_concept_id"), without)
    if record.table == "drug_exposure":
        return pl.coalesce(named("route_concept_id"), "route_source_value")
    return None


def _note(lookup: Lookup) -> Table:
    kind = pl.col("note_class_concept_id").replace_strict(lookup.names, default=None, return_dtype=pl.String)
    return Table(
        "note",
        columns={
            "note_id": "whole",
            "person_id": "whole",
            "note_date": "time",
            "note_class_concept_id": "whole",
            "note_text": "text",
        },
        optional={"note_datetime": "time", "visit_occurrence_id": "whole"},
        needs=("note_date",),
        refused=lookup.refused(),
        ignored={"no text": pl.col("note_text").is_null()},
        subject="person_id",
        visit="visit_occurrence_id",
        prepare=lambda frame: lookup.dated(frame, "note"),
        events=(
            Event(
                Code(
                    pl.format("NOTE//{}", pl.coalesce(kind, pl.col("note_class_concept_id").cast(pl.String))),
                    "text",
                    columns=("note_class_concept_id",),
                ),
                time=pl.col("at"),
                available=pl.col("known_from"),
                text=pl.col("note_text"),
            ),
        ),
    )


def _death(lookup: Lookup) -> Table:
    return Table(
        "death",
        columns={"person_id": "whole", "death_date": "time"},
        optional={"death_datetime": "time"},
        key=("person_id",),
        needs=("death_date",),
        refused=lookup.refused(),
        subject="person_id",
        visit="visit_occurrence_id",
        prepare=lookup.died,
        events=(
            Event(Code("MEDS_DEATH", "outcome"), time=pl.col("at"), available=pl.col("known_from")),
            Event(
                Code("DEATH//IN_HOSPITAL", "outcome"),
                time=pl.col("at"),
                available=pl.col("known_from"),
                where=pl.col("visit_occurrence_id").is_not_null(),
            ),
        ),
    )


def _observation_period(lookup: Lookup) -> Table:
    return Table(
        "observation_period",
        columns={
            "observation_period_id": "whole",
            "person_id": "whole",
            "observation_period_start_date": "time",
            "observation_period_end_date": "time",
        },
        needs=("observation_period_start_date",),
        refused={**lookup.refused(), "an end before the start": pl.col("ended") < pl.col("at")},
        subject="person_id",
        visit="",
        prepare=lambda frame: lookup.spanned(frame, "observation_period"),
        events=(
            Event(Code("OBSERVATION_PERIOD//START"), time=pl.col("at")),
            Event(Code("OBSERVATION_PERIOD//END"), time=pl.col("ended")),
        ),
    )
