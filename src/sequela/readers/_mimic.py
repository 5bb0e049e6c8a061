"""What MIMIC-III and MIMIC-IV share: admissions looked up by their id, times of records that have a date only, codes, items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from sequela.codes import hierarchy, icd9, icd10
from sequela.errors import DataError
from sequela.readers._items import NO_UNIT, Items, counted, items
from sequela.readers._row_types import TYPES, Account, ColumnType
from sequela.readers._tables import Code, Event, Files, Table
from sequela.store.schema import CodeKind
from sequela.types import Array

VISIT: Mapping[str, ColumnType] = {"subject_id": "whole", "hadm_id": "whole"}
DAY = timedelta(days=1)
OLDEST = 91.4  # years: the median age of those over 89, whose births the source hides

STRANGERS: Mapping[str, pl.Expr] = {
    "no such admission in ADMISSIONS": pl.col("hadm_id").is_not_null() & pl.col("owner").is_null(),
    "an admission of another subject": pl.col("owner") != pl.col("subject_id"),
}
UNDISCHARGED: Mapping[str, pl.Expr] = {**STRANGERS, "an admission without a discharge": pl.col("discharged").is_null()}


@dataclass(frozen=True)
class Admissions:
    """The admissions by id: whose each is, when it began and ended, when its patient died in it."""

    frame: pl.DataFrame  # hadm_id (rising), owner, admitted, discharged, died
    _ids: Array

    def told(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with owner, admitted and discharged of its column hadm_id; null where it names none."""
        wanted = frame["hadm_id"].fill_null(-1).to_numpy()
        place = np.minimum(np.searchsorted(self._ids, wanted), max(len(self._ids) - 1, 0))
        found = pl.Series(self._ids[place] == wanted) if len(self._ids) else pl.repeat(False, len(frame), eager=True)
        rows = pl.select(pl.when(found).then(pl.Series(place, dtype=pl.UInt32))).to_series()
        return frame.hstack(self.frame.select(pl.col("owner", "admitted", "discharged").gather(rows)))


def admissions(files: Files, table: Table) -> Admissions:
    """Of the table ADMISSIONS. An admission ends at its discharge, or with the death that its record puts later."""
    frame = files.whole(table).select(
        "hadm_id",
        pl.col("subject_id").alias("owner"),
        pl.col("admittime").alias("admitted"),
        ended().alias("discharged"),
        died().alias("died"),
    )
    frame = frame.sort("hadm_id")
    return Admissions(frame, frame["hadm_id"].to_numpy())


def ended() -> pl.Expr:
    """When an admission ended: dischtime, or deathtime where that is later (a discharge may be dated by its day)."""
    return pl.when(pl.col("dischtime").is_not_null()).then(pl.max_horizontal("dischtime", "deathtime"))


def died() -> pl.Expr:
    """When the patient died in the admission; null where the patient left alive. expire_flag of PATIENTS says nothing of it."""
    flagged = pl.when(pl.col("hospital_expire_flag") == 1).then(pl.col("dischtime"))
    return pl.coalesce("deathtime", flagged)


def end_of_day(time: pl.Expr) -> pl.Expr:
    """When a record that has only this date is known: the end of that day, or the discharge if that is sooner."""
    return pl.min_horizontal(time.dt.truncate("1d") + DAY, "discharged")


def day_or_time(time: pl.Expr) -> pl.Expr:
    """The same for times among which dates alone stand as midnight; null, its own time, for the others."""
    return pl.when(time == time.dt.truncate("1d")).then(end_of_day(time))


# ----------------------------------------------------------------------------------------------------------------------- codes


def icd9_diagnosis(code: str) -> str | None:
    """ICD9CM//038.9 of 0389; None where it is no such code."""
    return _named("ICD9CM", icd9.dotted, code)


def icd9_procedure(code: str) -> str | None:
    return _named("ICD9PROC", icd9.dotted_procedure, code)


def icd10_diagnosis(code: str) -> str | None:
    return _named("ICD10CM", icd10.dotted, code)


def icd10_procedure(code: str) -> str | None:
    return _named("ICD10PCS", icd10.procedure, code)


def _named(system: str, dotted: Callable[[str], str], code: str) -> str | None:
    try:
        return f"{system}//{dotted(code)}"
    except DataError:
        return None


def broader(code: str) -> tuple[str, ...]:
    """The next broader code in its own system."""
    if code.startswith("ICD9") and "." in code:
        return (code[:-1].removesuffix("."),)
    return hierarchy.parents(code)[:1]


def has_ndc() -> pl.Expr:
    """Whether ndc may be a National Drug Code: of eleven characters, not all of them 0."""
    return ((pl.col("ndc").str.len_bytes() == 11) & (pl.col("ndc") != "0" * 11)).fill_null(False)


# ----------------------------------------------------------------------------------------------------------------------- items


@dataclass(frozen=True)
class Scale:
    """The columns of a table of items that say how much of what: the number and its unit."""

    number: str
    unit: str
    item: str = "itemid"


def scaled(files: Files, table: Table, scale: Scale, named: pl.DataFrame, fallback: str) -> Items:
    """The items of a table, from a first pass over three of its columns; `fallback` is the form of codes that `named` has not."""
    types: dict[str, ColumnType] = {scale.item: "whole", scale.number: "number", scale.unit: "text"}
    columns = {name: type_ for name, type_ in types.items() if name in table.columns}
    optional = {name: type_ for name, type_ in types.items() if name not in columns}
    account = Account(table.name, files.file_of[table.name], None)
    frames = files.chunks(Table(table.name, columns, optional=optional), account)
    counts = counted(frames, scale.item, scale.unit, scale.number).drop_nulls("item")
    seen = counts.select("item").unique().join(named, on="item", how="left")
    return items(counts, seen.with_columns(pl.coalesce("code", pl.format(fallback, "item")).alias("code")))


def measured(
    table: Table, found: Items, scale: Scale, admissions: Admissions, time: pl.Expr, *, available: pl.Expr | None, text: str = ""
) -> Table:
    """The table with one measurement a row: its number in the unit of its code, or its text where it has no number."""
    number = pl.col(scale.number)
    words = pl.when(number.is_null() & ~pl.col(text).is_in(NO_UNIT)).then(pl.col(text)) if text else pl.lit(None, pl.String)
    event = Event(
        _code(found, scale, "measurement"),
        time,
        available=available,
        value=number * pl.col("factor") + pl.col("offset"),
        text=words if text else None,
    )
    return replace(
        table,
        prepare=lambda frame: found.scaled(admissions.told(frame), scale.item, scale.unit),
        refused={
            **table.refused,
            **STRANGERS,
            "a number whose unit cannot be converted to that of its code": number.is_not_null() & pl.col("factor").is_null(),
        },
        ignored={**table.ignored, "no value": number.is_null() & words.is_null()},
        events=(event,),
    )


def given(
    table: Table, found: Items, scale: Scale, admissions: Admissions, time: pl.Expr, *, available: pl.Expr | None, form: str
) -> Table:
    """The table with an event a row: its amount in the unit of its code; and one for its rate, where it has one.

    Rates are known from when they were stored. Each unit of a rate has a code of its own, as {form}//RATE//mcg/kg/min.
    """
    number = pl.col(scale.number)
    amount = Event(_code(found, scale, "event"), time, available=available, value=number * pl.col("factor") + pl.col("offset"))
    unit = pl.coalesce(pl.col("rateuom").str.strip_chars(), pl.lit("NONE"))
    rate = Code(pl.format(f"{form}//RATE//{{}}", scale.item, unit), columns=(scale.item, "rateuom"), unit=pl.col("rateuom"))
    rates = (Event(rate, time, available=pl.col("storetime"), value=pl.col("rate"), where=pl.col("rate").is_not_null()),)
    lost = number.is_not_null() & pl.col("factor").is_null()
    return replace(
        table,
        prepare=lambda frame: found.scaled(admissions.told(frame), scale.item, scale.unit),
        refused={**table.refused, **STRANGERS},
        noted={**table.noted, "amounts left out: their unit cannot be converted to that of their code": lost},
        events=(amount, *(rates if "rate" in table.optional else ())),
    )


def _code(found: Items, scale: Scale, kind: CodeKind) -> Code:
    known = found.known.rename({"item": scale.item})
    return Code(pl.col("code"), kind, (scale.item,), unit=pl.col("unit"), description=pl.col("description"), known=known)


# ------------------------------------------------------------------------------------------------- what tables have in common


def dictionary(name: str, column: str) -> Table:
    """A table that is looked things up in, and tells no event."""
    return Table(name, {column: "text"}, subject="", visit="")


def form(text: str, column: str, kind: CodeKind = "event") -> Code:
    """Codes made of one column: form("CPT//{}", "cpt_cd")."""
    return Code(pl.format(text, pl.col(column).str.strip_chars()), kind, columns=(column,))


def looked_up(
    files: Files, name: str, columns: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], *, key: Sequence[str]
) -> pl.DataFrame:
    """A dictionary as it is looked things up in: the first row of each key; no rows where it is not there."""
    if name not in files:
        return pl.DataFrame(schema={column: TYPES[type_] for column, type_ in {**columns, **optional}.items()})
    found = files.whole(Table(name, columns, optional=optional, subject="")).drop("row")
    return found.unique(key, keep="first", maintain_order=True)


def charted(files: Files, name: str, form: str) -> pl.DataFrame:
    """item, code, description of the dictionary of charted items; no rows where it is not there."""
    found = looked_up(files, name, {"itemid": "whole", "label": "text"}, {}, key=("itemid",))
    return found.select(
        pl.col("itemid").alias("item"), pl.format(form, "itemid").alias("code"), pl.col("label").alias("description")
    )


def laboratory(files: Files, name: str, form: str) -> pl.DataFrame:
    """The same of laboratory items, by LOINC where it says their codes; items that share one go by the name of the first."""
    found = looked_up(files, name, {"itemid": "whole", "label": "text"}, {"loinc_code": "code"}, key=("itemid",)).sort("itemid")
    code = pl.coalesce(pl.format("LOINC//{}", pl.col("loinc_code").str.strip_chars()), pl.format(form, "itemid")).alias("code")
    return found.select(pl.col("itemid").alias("item"), code, pl.col("label").first().over(code).alias("description"))


def stays(name: str, key: str, admissions: Admissions) -> Table:
    """The stays in intensive care; ICU//TRANSFER stands at the end of one that did not end in the unit and ward it began in."""
    moved = [pl.col(f"first_{place}").ne_missing(pl.col(f"last_{place}")) for place in ("careunit", "wardid")]
    return Table(
        name,
        {**VISIT, key: "whole", "intime": "time", "outtime": "time"},
        optional=dict.fromkeys(("first_careunit", "last_careunit", "first_wardid", "last_wardid"), "text"),
        key=(key,),
        needs=("hadm_id", "intime"),
        prepare=admissions.told,
        refused={**STRANGERS, "an end before the beginning": pl.col("outtime") < pl.col("intime")},
        events=(
            Event(Code("ICU//ADMISSION"), pl.col("intime"), text=pl.col("first_careunit")),
            Event(Code("ICU//DISCHARGE"), pl.col("outtime"), text=pl.col("last_careunit")),
            Event(Code("ICU//TRANSFER"), pl.col("outtime"), text=pl.col("last_careunit"), where=pl.any_horizontal(moved)),
        ),
    )


def transfers(name: str, unit: str, admissions: Admissions, text: str) -> Table:
    return Table(
        name,
        {**VISIT, "eventtype": "text", "intime": "time"},
        optional={unit: "text"},
        needs=("eventtype", "intime"),
        prepare=admissions.told,
        refused=STRANGERS,
        events=(Event(form(text, "eventtype"), pl.col("intime"), text=pl.col(unit)),),
    )


def services(name: str, admissions: Admissions, text: str) -> Table:
    return Table(
        name,
        {**VISIT, "transfertime": "time", "curr_service": "text"},
        needs=("transfertime", "curr_service"),
        prepare=admissions.told,
        refused=STRANGERS,
        events=(Event(form(text, "curr_service"), pl.col("transfertime")),),
    )


def drgs(name: str, admissions: Admissions) -> Table:
    code = Code(pl.format("DRG//{}//{}", "drg_type", "drg_code"), columns=("drg_type", "drg_code"))
    return Table(
        name,
        {**VISIT, "drg_type": "text", "drg_code": "code"},
        needs=("hadm_id", "drg_type", "drg_code"),
        prepare=admissions.told,
        refused=UNDISCHARGED,
        events=(Event(code, pl.col("discharged")),),
    )


def prescriptions(name: str, start: str, admissions: Admissions, own: str) -> Table:
    """By National Drug Code where there is one, else by the name of the drug."""
    digits = pl.col("ndc").str.contains(r"^\d+$")
    ndc = pl.when(digits).then(pl.format("NDC//{}", "ndc")).otherwise(pl.format(f"{own}//NDC//{{}}", "ndc"))
    time, coded = pl.col(start), pl.col("coded")
    return Table(
        name,
        {**VISIT, start: "time", "ndc": "code", "drug": "text"},
        needs=("hadm_id", start),
        prepare=lambda frame: admissions.told(frame).with_columns(has_ndc().alias("coded")),
        refused=STRANGERS,
        events=(
            Event(Code(ndc, columns=("ndc",)), time, available=day_or_time(time), where=coded),
            Event(form(f"{own}//DRUG//{{}}", "drug"), time, available=day_or_time(time), where=~coded),
        ),
    )


def culture(own: str, about: str) -> Code:
    """What grew (organism NONE: nothing) in a specimen or test, or how an organism answers to an antibiotic."""
    organism = pl.format(f"{own}//MICRO//{{}}//{{}}", about, pl.col("org_itemid").cast(pl.String).fill_null("NONE"))
    answer = pl.format(f"{own}//MICRO//{{}}//{{}}", "org_itemid", "ab_itemid")
    return Code(
        pl.when(pl.col("ab_itemid").is_not_null()).then(answer).otherwise(organism), columns=(about, "org_itemid", "ab_itemid")
    )


def dated(name: str, files: Files, items_name: str, admissions: Admissions, text: str) -> Table:
    """Items whose value is a date, given as text."""
    code = Code(
        pl.coalesce("code", pl.format(text, "itemid")),
        columns=("itemid",),
        description=pl.col("description"),
        known=charted(files, items_name, text).rename({"item": "itemid"}),
    )
    return Table(
        name,
        {**VISIT, "itemid": "whole", "charttime": "time", "value": "text"},
        optional={"storetime": "time", "error": "whole"},
        needs=("itemid", "charttime"),
        prepare=admissions.told,
        refused=STRANGERS,
        ignored={"flagged as an error": pl.col("error") == 1, "no value": pl.col("value").is_null()},
        events=(Event(code, pl.col("charttime"), available=pl.col("storetime"), text=pl.col("value")),),
    )
