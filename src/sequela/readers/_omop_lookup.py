"""What the records of an OMOP database are looked up in: persons, visits, concepts, and the units that measurements come in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import polars as pl

from sequela.readers import _omop_concepts
from sequela.readers._fhir_units import QUANTITY_OF
from sequela.readers._omop_concepts import Concepts
from sequela.readers._omop_schema import BIRTH, CONCEPTS, INPATIENT, PERSON, RECORDS, VISITS, Config, Record, only
from sequela.readers._one_unit import settled
from sequela.readers._row_types import Account, ColumnType
from sequela.readers._tables import Files

_SEX = {8507: "M", 8532: "F"}
_BILLED = "(?i)claim|billing|discharge"  # in the names of type and status concepts
_YEAR = pl.duration(days=365.2425)


@dataclass(frozen=True)
class Lookup:
    """What records are looked up in, and (`notes`) what was found wanting."""

    config: Config
    concepts: Concepts
    persons: pl.DataFrame = field(default_factory=pl.DataFrame)  # person_id, born
    visits: pl.DataFrame = field(default_factory=pl.DataFrame)  # person_id, visit_occurrence_id, started, visit_end, inpatient
    pairs: pl.DataFrame = field(default_factory=pl.DataFrame)  # of measurements, see _one_unit.py; concept and named too
    notes: Counter[str] = field(default_factory=Counter)

    @staticmethod
    def load(files: Files, config: Config) -> Lookup:
        """Everything that the tables of the files need; what they name is gathered first, then those concepts are read."""
        named = _gathered(files)
        lookup = Lookup(config, _omop_concepts.load(files, named.ids))
        lookup = replace(lookup, persons=_persons(files, lookup), pairs=_pairs(named, lookup))
        return replace(lookup, visits=_visits(files, lookup))

    @cached_property
    def names(self) -> Mapping[int, str]:
        """Concept -> its name."""
        return self.concepts.names()

    @cached_property
    def sexes(self) -> Mapping[int, str]:
        """The names, but for the sexes that have a letter."""
        return {**self.names, **_SEX}

    def named(self, what: str) -> pl.Expr:
        """What a person is: SEX as F and M, else the concept's name, else the source's word."""
        known = self.sexes if what == "gender" else self.names
        concept = pl.col(f"{what}_concept_id").replace_strict(known, default=None, return_dtype=pl.String)
        return (
            pl.when(pl.col(f"{what}_concept_id") != 0)
            .then(concept)
            .otherwise(pl.lit(None))
            .fill_null(pl.col(f"{what}_source_value"))
        )

    def refused(self) -> dict[str, pl.Expr]:
        """Why any record is refused."""
        return {
            "the person is not in the table person": ~pl.col("known_person"),
            "a local time that the time zone has not, or has twice": pl.col("at").is_null(),
        }

    def utc(self, local: pl.Expr) -> pl.Expr:
        """The time in UTC; null for an hour that the zone has not, or has twice."""
        zoned = local.dt.replace_time_zone(self.config.timezone, ambiguous="null", non_existent="null")
        return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)

    def dated(self, frame: pl.DataFrame, at: str) -> pl.DataFrame:
        """With known_person, at, known_from, visit_end; a visit that is not there, or another person's, is taken off."""
        frame = self._with_visit(self._with_person(frame))
        date = pl.col(f"{at}_date").dt.truncate("1d")
        local = pl.coalesce(f"{at}_datetime", date)
        day_end = self.utc(local.dt.truncate("1d").dt.offset_by("1d"))
        alone = local == local.dt.truncate("1d")
        sooner = pl.min_horizontal(day_end, pl.when(pl.col("visit_end") >= self.utc(local)).then(pl.col("visit_end")))
        return frame.with_columns(self.utc(local).alias("at"), pl.when(alone).then(sooner).alias("known_from"))

    def recorded(self, frame: pl.DataFrame, record: Record) -> pl.DataFrame:
        """With what `dated` adds, the concept that names the record, and its number in the unit of its code."""
        frame = self.dated(frame, record.at).with_columns(self.concept(record.stem))
        if record.billed and self.config.hold != "none":
            held = self._held(record) if self.config.hold == "billing" else pl.lit(True)
            later = pl.max_horizontal("known_from", "visit_end")
            frame = frame.with_columns(pl.when(held).then(later).otherwise("known_from").alias("known_from"))
        unknown = frame["concept"].is_not_null() & ~frame["concept"].is_in(self.concepts.frame["concept"].implode())
        self.notes["records of a concept that the vocabulary has not, as OMOP//ID"] += int(unknown.sum())
        return self._measured(frame, record)

    def concept(self, stem: str) -> pl.Expr:
        """The concept that names a record, as `concept`: null where it has none but 0."""
        standard, source = f"{stem}_concept_id", f"{stem}_source_concept_id"
        order = (source, standard) if self.config.concepts == "source" else (standard, source)
        vocabulary = self.concepts.frame["concept"].implode()
        some = [pl.when(pl.col(name) != 0).then(pl.col(name)) for name in order]
        listed = [pl.when(pl.col(name).is_in(vocabulary)).then(one) for name, one in zip(order, some, strict=True)]
        return pl.coalesce(*listed, *some).alias("concept")

    def visits_prepared(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The table of visits with at, ended and age."""
        frame = self.spanned(frame, "visit", with_visit=False)
        return frame.with_columns(((pl.col("at") - pl.col("born")) / _YEAR).alias("age"))

    def spanned(self, frame: pl.DataFrame, stem: str, *, with_visit: bool = True) -> pl.DataFrame:
        """With known_person, born, at and ended: an end that is a date is the end of that day."""
        frame = self._with_person(frame)
        if with_visit and "visit_occurrence_id" in frame.columns:
            frame = self._with_visit(frame)
        for edge in ("start", "end"):
            if f"{stem}_{edge}_datetime" not in frame.columns:
                frame = frame.with_columns(pl.lit(None, pl.Datetime("us")).alias(f"{stem}_{edge}_datetime"))
        return frame.with_columns(self.utc(_start(stem)).alias("at"), self.utc(_end(stem)).alias("ended"))

    def died(self, frame: pl.DataFrame) -> pl.DataFrame:
        """With at, known_from and the inpatient visit in which the death falls, null where it falls in none.

        A date alone that is the day on which the visit ended is the end of the visit.
        """
        frame = self._with_person(frame.with_columns(pl.lit(None, pl.Int64).alias("visit_occurrence_id")))
        frame = self.dated(frame, "death")
        stays = self.visits.filter("inpatient").select("person_id", "visit_occurrence_id", "started", "visit_end")
        found = frame.select("row", "person_id", "at", "known_from").join(stays, on="person_id")
        last = pl.coalesce("known_from", "at")
        inside = found.filter((pl.col("started") <= last) & (pl.col("at") <= pl.col("visit_end")))
        inside = inside.sort("row", "started").unique("row", keep="last", maintain_order=True)
        joined = frame.drop("visit_occurrence_id", "visit_end").join(
            inside.select("row", "visit_occurrence_id", "visit_end"), on="row", how="left", maintain_order="left"
        )
        ends = pl.col("known_from").is_not_null() & (pl.col("visit_end") <= pl.col("known_from"))
        return joined.with_columns(
            pl.when(ends).then("visit_end").otherwise("at").alias("at"),
            pl.when(~ends.fill_null(False)).then("known_from").alias("known_from"),
        )

    def _with_person(self, frame: pl.DataFrame) -> pl.DataFrame:
        known = self.persons.with_columns(known_person=pl.lit(True))
        joined = frame.join(known, on="person_id", how="left", maintain_order="left")
        return joined.with_columns(pl.col("known_person").fill_null(False))

    def _with_visit(self, frame: pl.DataFrame) -> pl.DataFrame:
        named = frame["visit_occurrence_id"].is_not_null()
        ends = self.visits.select("person_id", "visit_occurrence_id", "visit_end", known_visit=pl.lit(True))
        joined = frame.join(ends, on=["person_id", "visit_occurrence_id"], how="left", maintain_order="left")
        dangling = named & joined["known_visit"].is_null()
        self.notes["records whose visit is not there or another person's, taken as of no visit"] += int(dangling.sum())
        kept = pl.when("known_visit").then(pl.col("visit_occurrence_id"))
        return joined.with_columns(kept.alias("visit_occurrence_id")).drop("known_visit")

    def _held(self, record: Record) -> pl.Expr:
        """Whether type or status say that the record was made at the end, or the type says nothing."""
        type_ = pl.col(f"{record.stem}_type_concept_id").replace_strict(self.names, default=None, return_dtype=pl.String)
        held = type_.str.contains(_BILLED).fill_null(True)
        if record.table != "condition_occurrence":
            return held
        status = pl.col("condition_status_concept_id").replace_strict(self.names, default=None, return_dtype=pl.String)
        return held | status.str.contains(_BILLED).fill_null(False)

    def _measured(self, frame: pl.DataFrame, record: Record) -> pl.DataFrame:
        frame = frame.with_columns(pl.col("concept").is_in(self.pairs["concept"].implode()).fill_null(False).alias("measured"))
        if not record.valued:
            main = self.pairs.filter("main").select("concept", "unit").unique("concept")
            return frame.join(main, on="concept", how="left", maintain_order="left")
        frame = frame.with_columns(self.unit())
        way = self.pairs.select("concept", "unit", "factor", "offset")
        frame = frame.join(way, on=["concept", "unit"], how="left", maintain_order="left")
        number = pl.col("value_as_number") * pl.col("factor").fill_null(1.0) + pl.col("offset").fill_null(0.0)
        return frame.with_columns(number.alias("number"))

    def unit(self) -> pl.Expr:
        """The unit of a record as UCUM where the vocabulary has its concept, else as the source writes it, else ""."""
        told = dict(self.concepts.frame.select("concept", "told").iter_rows())
        ucum = pl.col("unit_concept_id").replace_strict(told, default=None, return_dtype=pl.String)
        some = pl.when(pl.col("unit_concept_id") != 0).then(ucum)
        return pl.coalesce(some, pl.col("unit_source_value").str.strip_chars(), pl.lit("")).alias("unit")


def born() -> pl.Expr:
    """The local time of birth; without day or month the middle of the month or year."""
    month, day = pl.col("month_of_birth").fill_null(7), pl.col("day_of_birth")
    guessed = pl.when(pl.col("month_of_birth").is_null()).then(1).otherwise(15)
    return pl.coalesce("birth_datetime", pl.datetime("year_of_birth", month, day.fill_null(guessed)))


def _start(stem: str) -> pl.Expr:
    return pl.coalesce(f"{stem}_start_datetime", pl.col(f"{stem}_start_date").dt.truncate("1d"))


def _end(stem: str) -> pl.Expr:
    local = pl.coalesce(f"{stem}_end_datetime", pl.col(f"{stem}_end_date").dt.truncate("1d"))
    return pl.when(local == local.dt.truncate("1d")).then(local.dt.offset_by("1d")).otherwise(local)


def _persons(files: Files, lookup: Lookup) -> pl.DataFrame:
    table = replace(PERSON, optional=BIRTH, needs=("year_of_birth",))
    return files.whole(table).select("person_id", lookup.utc(born()).alias("born"))


def _visits(files: Files, lookup: Lookup) -> pl.DataFrame:
    """Every visit with its person, start, end and whether it is inpatient."""
    if VISITS.name not in files:
        schema = {
            "person_id": pl.Int64(),
            "visit_occurrence_id": pl.Int64(),
            "started": pl.Datetime("us"),
            "visit_end": pl.Datetime("us"),
        }
        return pl.DataFrame(schema={**schema, "inpatient": pl.Boolean()})
    frame = lookup.visits_prepared(files.whole(VISITS))
    inpatient = pl.col("visit_concept_id").is_in(INPATIENT)
    return frame.select(
        "person_id",
        "visit_occurrence_id",
        pl.col("at").alias("started"),
        pl.col("ended").alias("visit_end"),
        inpatient.alias("inpatient"),
    )


@dataclass(frozen=True)
class _Named:
    """What records name: every concept, and how often which concepts and unit stand together in the tables of values."""

    ids: set[int] = field(default_factory=set)
    together: dict[str, list[pl.DataFrame]] = field(default_factory=dict)  # table -> the columns of _unit_columns, and count


def _gathered(files: Files) -> _Named:
    """One pass over the columns of all tables that name concepts."""
    named = _Named()
    names = {record.table: (*record.columns, *record.optional) for record in RECORDS}
    for table, columns in {**CONCEPTS, **names}.items():
        ids = [name for name in columns if name.endswith("_concept_id")]
        units = next((_unit_columns(record) for record in RECORDS if record.valued and record.table == table), ())
        texts: dict[str, ColumnType] = {name: "text" for name in units if name.endswith("_value")}
        for frame in _columns(files, table, {**dict.fromkeys(ids, "whole"), **texts}):
            named.ids.update(one for name in ids for one in frame[name].unique().drop_nulls())
            if units:
                counted = frame.group_by(units).agg(pl.len().cast(pl.Int64).alias("count"))
                named.together.setdefault(table, []).append(counted)
    named.ids.discard(0)
    return named


def _unit_columns(record: Record) -> tuple[str, ...]:
    return (f"{record.stem}_concept_id", f"{record.stem}_source_concept_id", "unit_concept_id", "unit_source_value")


def _columns(files: Files, table: str, columns: Mapping[str, ColumnType]) -> Iterator[pl.DataFrame]:
    """Just these columns of a table, nulls where it has them not; nothing where it is not there."""
    if table in files:
        yield from files.chunks(only(table, columns), Account(table, files.file_of[table], None))


def _pairs(named: _Named, lookup: Lookup) -> pl.DataFrame:
    """The pairs of concept and unit that measurements come in, and observations of the same concepts, settled."""
    measured, observed = (_counted(named, record, lookup) for record in RECORDS if record.valued)
    observed = observed.join(measured.select("concept").unique(), on="concept", how="semi")
    both = pl.concat([measured, observed]).group_by("concept", "unit").agg(pl.col("count").sum()).sort("concept", "unit")
    told = both.join(lookup.concepts.frame.select("concept", "coded", "named"), on="concept", how="left")
    told = told.with_columns(pl.coalesce("coded", pl.format("OMOP//{}", "concept")))
    return settled(told, QUANTITY_OF.get)


def _counted(named: _Named, record: Record, lookup: Lookup) -> pl.DataFrame:
    """How many rows of a table have which concept in which unit."""
    frames = named.together.get(record.table, [])
    told = [frame.select(lookup.concept(record.stem), lookup.unit(), "count").drop_nulls("concept") for frame in frames]
    return pl.concat([pl.DataFrame(schema={"concept": pl.Int64(), "unit": pl.String(), "count": pl.Int64()}), *told])
