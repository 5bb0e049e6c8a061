"""MIMIC-IV (2 and 3), modules hosp, icu and note, whole or in part: CSV, .csv.gz or Parquet, in their folders or side by side.

patients and admissions must be there. Dates are shifted by subject: differences mean something, dates do not. What each table
gives, when it stands in time, and from when on it is known (only where that is later than its time):

    table               events                                       time                  known from
    patients            MEDS_BIRTH (1), SEX, MEDS_DEATH (2)          birth, none, death    end of the day, of a date alone
    admissions          HOSPITAL//ADMISSION, ED//ADMISSION, AGE,     admittime, edregtime
                        ETHNICITY, INSURANCE, LANGUAGE,
                        MARITAL_STATUS
                        HOSPITAL//DISCHARGE (3), ED//DISCHARGE       dischtime, edouttime
                        DEATH//IN_HOSPITAL (3)                       deathtime
    icustays            ICU//ADMISSION, ICU//DISCHARGE               intime, outtime
                        ICU//TRANSFER (a stay of several units)      outtime
    transfers           MIMIC4//TRANSFER//admit …                    intime
    services            MIMIC4//SERVICE//MED …                       transfertime
    diagnoses_icd       ICD9CM//038.9, ICD10CM//A41.9                discharge
    procedures_icd      ICD9PROC//96.71, ICD10PCS//0BH17EZ           chartdate             discharge
    drgcodes            DRG//HCFA//148                               discharge
    hcpcsevents         HCPCS//G0378, CPT//27235                     chartdate             discharge
    prescriptions       NDC//00409672924, or MIMIC4//DRUG//name      starttime             end of the day, of a date alone
    pharmacy            MIMIC4//PHARMACY//name                       starttime             entertime
    emar                MIMIC4//EMAR//name, what was done as text    charttime             storetime
    poe                 MIMIC4//ORDER//Lab …                         ordertime
    labevents           MIMIC4//LAB//50912, or LOINC//2160-0 (4)     charttime             storetime
    microbiologyevents  MIMIC4//MICRO//test//organism, or            charttime, chartdate  storetime, else discharge
                        MIMIC4//MICRO//organism//antibiotic
    omr                 MIMIC4//OMR//Weight (Lbs) …                  chartdate             end of the day
    chartevents         MIMIC4//ITEM//220045                         charttime             storetime
    datetimeevents      MIMIC4//ITEM//225755, the date as text       charttime             storetime
    outputevents        MIMIC4//ITEM//226559                         charttime             storetime
    inputevents         MIMIC4//ITEM//225799 (5), …//RATE            starttime             endtime, storetime; a rate: storetime
    ingredientevents    the same                                     starttime             the same
    procedureevents     MIMIC4//ITEM//224263 (5), minutes            starttime             endtime, storetime
    discharge           NOTE//Discharge summary, its text            the end of charttime  storetime, discharge
    radiology           NOTE//Radiology, its text                    charttime             storetime

(1) The first of January of anchor_year less anchor_age: the source hides births. AGE is anchor_age and the years since; of those
    over 89 it is 91, their common anchor_age, and the years since.
(2) The death in hospital where there was one, else dod. Outcomes, never inputs unless named.
(3) A discharge dated before the death in hospital ends with the death.
(4) Where d_labitems says one, as it did until version 2.
(5) The amount, or the duration, of the whole. Rows that were rewritten are ignored.

A number is in the unit of its code (see _items.py); a text stands where there is no number. Details without a time of their own
(emar_detail, poe_detail) are read as dictionaries. Source: Johnson et al., MIMIC-IV, a freely accessible electronic health record
dataset, Sci Data 2023, https://physionet.org/content/mimiciv/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from sequela.config import Strict
from sequela.contracts import Reader, Sink, Source
from sequela.readers import _mimic, _mimic_notes
from sequela.readers._items import Items
from sequela.readers._mimic import STRANGERS, UNDISCHARGED, VISIT, Admissions, Scale, form
from sequela.readers._row_types import ColumnType
from sequela.readers._tables import Code, Event, Files, Table, chosen, find, read

VERSION = 2

col = pl.col
_ITEM, _LAB = "MIMIC4//ITEM//{}", "MIMIC4//LAB//{}"
_HIDDEN_AGE = 91  # anchor_age of all who are over 89
_DEMOGRAPHICS = {"ethnicity": "race", "insurance": "insurance", "language": "language", "marital_status": "marital_status"}
_REWRITTEN = {"rewritten": col("statusdescription") == "Rewritten"}
_DICTIONARIES = {
    "d_hcpcs": "code",
    "d_icd_diagnoses": "icd_code",
    "d_icd_procedures": "icd_code",
    "d_items": "itemid",
    "d_labitems": "itemid",
    "provider": "provider_id",
    "caregiver": "caregiver_id",
    "emar_detail": "emar_id",
    "poe_detail": "poe_id",
}


class Config(Strict, frozen=True):
    """Which tables are read."""

    tables: tuple[str, ...] = ()  # by name, as "labevents"; left out: all that are there


@dataclass(frozen=True)
class Mimic4:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Raises DataError where patients or admissions is not there, or a table cannot be read."""
        wanted = chosen(tuple(_TABLES), self.config.tables)
        files = find(source, _TABLES, ("patients", "admissions"), sink)
        sink.relative_times()
        known = _Known.of(files)
        read([_TABLES[name](files, known) for name in wanted if name in files], files, sink)


def build(config: Config) -> Reader:
    return Mimic4(config)


@dataclass(frozen=True)
class _Known:
    """What rows of other tables are looked up in."""

    admissions: Admissions
    patients: pl.DataFrame  # subject_id, born (year), hidden (whether the age is)
    deaths: pl.DataFrame  # subject_id, died (in hospital)

    @classmethod
    def of(cls, files: Files) -> _Known:
        admissions = _mimic.admissions(files, _ADMISSIONS)
        deaths = admissions.frame.group_by(col("owner").alias("subject_id")).agg(col("died").max())
        born = (col("anchor_year") - col("anchor_age")).alias("born")
        hidden = (col("anchor_age") >= _HIDDEN_AGE).alias("hidden")
        return cls(admissions, files.whole(_PATIENTS).select("subject_id", born, hidden), deaths)


# ------------------------------------------------------------------------------------------------------ patients and their stays

_PATIENTS = Table(
    "patients",
    {"subject_id": "whole", "gender": "text", "anchor_age": "whole", "anchor_year": "whole"},
    optional={"dod": "time"},
    key=("subject_id",),
    needs=("anchor_age", "anchor_year"),
)
_ADMISSIONS = Table(
    "admissions",
    {**VISIT, "admittime": "time", "dischtime": "time"},
    optional={"deathtime": "time", "hospital_expire_flag": "whole"},
    key=("hadm_id",),
    needs=("subject_id", "hadm_id", "admittime"),
)


def _patients(files: Files, known: _Known) -> Table:
    dated = pl.when(col("died").is_null() & (col("dod") == col("dod").dt.truncate("1d"))).then(col("dod") + _mimic.DAY)
    return replace(
        _PATIENTS,
        visit="",
        prepare=lambda frame: frame.join(known.deaths, on="subject_id", how="left", maintain_order="left"),
        noted={"births hidden by the source, taken from the common age of those over 89": col("anchor_age") >= _HIDDEN_AGE},
        events=(
            Event(Code("MEDS_BIRTH"), pl.datetime(col("anchor_year") - col("anchor_age"), 1, 1, time_unit="us")),
            Event(Code("SEX", "static"), None, text=col("gender"), where=col("gender").is_not_null()),
            Event(Code("MEDS_DEATH", "outcome"), pl.coalesce("died", "dod"), available=dated),
        ),
    )


def _admissions(files: Files, known: _Known) -> Table:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        told = frame.join(known.patients, on="subject_id", how="left", maintain_order="left")
        return told.with_columns(_mimic.ended().alias("ended"), _mimic.died().alias("died"))

    admitted = col("admittime")
    texts = ("admission_type", "discharge_location", *_DEMOGRAPHICS.values())
    return replace(
        _ADMISSIONS,
        optional={**_ADMISSIONS.optional, "edregtime": "time", "edouttime": "time", **dict.fromkeys(texts, "text")},
        prepare=prepare,
        refused={
            "no such subject in patients": col("born").is_null(),
            "a discharge before the admission": col("ended") < admitted,
        },
        noted={
            "ages over 89, hidden by the source, counted from 91": col("hidden"),
            "discharges dated before the death in hospital, moved to it": col("deathtime") > col("dischtime"),
        },
        events=(
            Event(Code("ED//ADMISSION"), col("edregtime")),
            Event(Code("HOSPITAL//ADMISSION"), admitted, text=col("admission_type")),
            Event(Code("AGE", "static", unit="years"), admitted, value=admitted.dt.year() - col("born")),
            *(
                Event(Code(name.upper(), "static"), admitted, text=col(column), where=col(column).is_not_null())
                for name, column in _DEMOGRAPHICS.items()
            ),
            Event(Code("ED//DISCHARGE"), col("edouttime")),
            Event(Code("DEATH//IN_HOSPITAL", "outcome"), col("died")),
            Event(Code("HOSPITAL//DISCHARGE"), col("ended"), text=col("discharge_location")),
        ),
    )


def _icustays(files: Files, known: _Known) -> Table:
    return _mimic.stays("icustays", "stay_id", known.admissions)


def _transfers(files: Files, known: _Known) -> Table:
    return _mimic.transfers("transfers", "careunit", known.admissions, "MIMIC4//TRANSFER//{}")


def _services(files: Files, known: _Known) -> Table:
    return _mimic.services("services", known.admissions, "MIMIC4//SERVICE//{}")


# --------------------------------------------------------------------------------------------------- codes given at discharge


def _diagnoses(files: Files, known: _Known) -> Table:
    return Table(
        "diagnoses_icd",
        {**VISIT, "icd_code": "code", "icd_version": "whole"},
        needs=("hadm_id", "icd_code", "icd_version"),
        prepare=known.admissions.told,
        refused=UNDISCHARGED,
        events=(Event(_icd(files, "d_icd_diagnoses", _mimic.icd9_diagnosis, _mimic.icd10_diagnosis), col("discharged")),),
    )


def _procedures(files: Files, known: _Known) -> Table:
    code = _icd(files, "d_icd_procedures", _mimic.icd9_procedure, _mimic.icd10_procedure)
    return Table(
        "procedures_icd",
        {**VISIT, "icd_code": "code", "icd_version": "whole"},
        optional={"chartdate": "time"},
        needs=("hadm_id", "icd_code", "icd_version"),
        prepare=known.admissions.told,
        refused=UNDISCHARGED,
        events=(Event(code, pl.coalesce("chartdate", "discharged"), available=col("discharged")),),
    )


def _icd(files: Files, titles: str, nine: Callable[[str], str | None], ten: Callable[[str], str | None]) -> Code:
    """ICD codes of both versions, with their titles where the dictionary is there."""
    code, version = col("icd_code"), col("icd_version")
    columns: dict[str, ColumnType] = {"icd_code": "code", "icd_version": "whole", "long_title": "text"}
    return Code(
        pl.coalesce(
            pl.when(version == 9).then(code).map_elements(nine, return_dtype=pl.String),
            pl.when(version == 10).then(code).map_elements(ten, return_dtype=pl.String),
        ),
        columns=("icd_code", "icd_version"),
        description=col("long_title"),
        parents=_mimic.broader,
        known=_mimic.looked_up(files, titles, columns, {}, key=("icd_code", "icd_version")),
        refusal="icd_code is not a code of its icd_version",
    )


def _drgcodes(files: Files, known: _Known) -> Table:
    return _mimic.drgs("drgcodes", known.admissions)


def _hcpcsevents(files: Files, known: _Known) -> Table:
    lettered = col("hcpcs_cd").str.contains("^[A-Z]")
    name = pl.when(lettered).then(pl.format("HCPCS//{}", "hcpcs_cd")).otherwise(pl.format("CPT//{}", "hcpcs_cd"))
    return Table(
        "hcpcsevents",
        {**VISIT, "hcpcs_cd": "code"},
        optional={"chartdate": "time"},
        needs=("hadm_id", "hcpcs_cd"),
        prepare=known.admissions.told,
        refused=UNDISCHARGED,
        events=(Event(Code(name, columns=("hcpcs_cd",)), pl.coalesce("chartdate", "discharged"), available=col("discharged")),),
    )


# ------------------------------------------------------------------------------------------------------------ drugs and orders


def _prescriptions(files: Files, known: _Known) -> Table:
    return _mimic.prescriptions("prescriptions", "starttime", known.admissions, "MIMIC4")


def _pharmacy(files: Files, known: _Known) -> Table:
    return Table(
        "pharmacy",
        {**VISIT, "starttime": "time", "medication": "text"},
        optional={"entertime": "time"},
        needs=("starttime",),
        prepare=known.admissions.told,
        refused=STRANGERS,
        ignored={"no medication": col("medication").is_null()},
        events=(Event(form("MIMIC4//PHARMACY//{}", "medication"), col("starttime"), available=col("entertime")),),
    )


def _emar(files: Files, known: _Known) -> Table:
    return Table(
        "emar",
        {**VISIT, "charttime": "time", "medication": "text"},
        optional={"event_txt": "text", "storetime": "time"},
        needs=("charttime",),
        prepare=known.admissions.told,
        refused=STRANGERS,
        ignored={"no medication": col("medication").is_null()},
        events=(
            Event(form("MIMIC4//EMAR//{}", "medication"), col("charttime"), available=col("storetime"), text=col("event_txt")),
        ),
    )


def _poe(files: Files, known: _Known) -> Table:
    return Table(
        "poe",
        {**VISIT, "ordertime": "time", "order_type": "text"},
        optional={"order_subtype": "text"},
        needs=("ordertime", "order_type"),
        prepare=known.admissions.told,
        refused=STRANGERS,
        events=(Event(form("MIMIC4//ORDER//{}", "order_type"), col("ordertime"), text=col("order_subtype")),),
    )


# --------------------------------------------------------------------------------------------------- measurements and doses


def _microbiology(files: Files, known: _Known) -> Table:
    reported = pl.coalesce("storetime", "discharged")
    text = pl.coalesce("interpretation", pl.when(col("org_itemid").is_null() & (col("comments") != "___")).then(col("comments")))
    return Table(
        "microbiologyevents",
        {**VISIT, "chartdate": "time", "test_itemid": "whole", "org_itemid": "whole", "ab_itemid": "whole"},
        optional={"charttime": "time", "storetime": "time", "interpretation": "text", "comments": "text"},
        needs=("chartdate", "test_itemid"),
        prepare=known.admissions.told,
        refused=STRANGERS,
        ignored={"no time says when the result was known": reported.is_null()},
        events=(
            Event(_mimic.culture("MIMIC4", "test_itemid"), pl.coalesce("charttime", "chartdate"), available=reported, text=text),
        ),
    )


def _omr(files: Files, known: _Known) -> Table:
    """Numbers, and blood pressures as two: 110/70."""
    two = col("result_value").str.contains("/")
    upper, lower = (col("result_value").str.split("/").list.get(i, null_on_oob=True) for i in (0, 1))
    end = col("chartdate") + _mimic.DAY
    unit = col("result_name").str.extract(r"\(([^()]+)\)$")
    number = col("result_value").str.strip_chars().cast(pl.Float64, strict=False)
    one = Code(pl.format("MIMIC4//OMR//{}", "result_name"), "measurement", ("result_name",), unit=unit)
    return Table(
        "omr",
        {"subject_id": "whole", "chartdate": "time", "result_name": "text", "result_value": "text"},
        visit="",
        needs=("chartdate", "result_name", "result_value"),
        events=(
            Event(one, col("chartdate"), end, number, pl.when(number.is_null()).then(col("result_value")), ~two),
            *(
                Event(
                    Code(pl.format(f"MIMIC4//OMR//{{}}//{side}", "result_name"), "measurement", ("result_name",), unit="mmHg"),
                    col("chartdate"),
                    available=end,
                    value=part.str.strip_chars().cast(pl.Float64, strict=False),
                    where=two,
                )
                for side, part in {"SYSTOLIC": upper, "DIASTOLIC": lower}.items()
            ),
        ),
    )


def _labevents(files: Files, known: _Known) -> Table:
    scale = Scale("valuenum", "valueuom")
    table = replace(_timed("labevents", "value"), optional={"storetime": "time"})
    found = _mimic.scaled(files, table, scale, _mimic.laboratory(files, "d_labitems", _LAB), _LAB)
    return _mimic.measured(table, found, scale, known.admissions, col("charttime"), available=col("storetime"), text="value")


def _chartevents(files: Files, known: _Known) -> Table:
    scale = Scale("valuenum", "valueuom")
    table = replace(_timed("chartevents", "value"), optional={"storetime": "time"})
    found = _scaled(files, table, scale)
    return _mimic.measured(table, found, scale, known.admissions, col("charttime"), available=col("storetime"), text="value")


def _timed(name: str, text: str) -> Table:
    columns: dict[str, ColumnType] = {
        **VISIT, "itemid": "whole", "charttime": "time", text: "text", "valuenum": "number", "valueuom": "text",
    }  # fmt: skip
    return Table(name, columns, needs=("itemid", "charttime"))


def _outputevents(files: Files, known: _Known) -> Table:
    scale = Scale("value", "valueuom")
    table = Table(
        "outputevents",
        {**VISIT, "itemid": "whole", "charttime": "time", "value": "number", "valueuom": "text"},
        optional={"storetime": "time"},
        needs=("itemid", "charttime"),
    )
    found = _scaled(files, table, scale)
    return _mimic.measured(table, found, scale, known.admissions, col("charttime"), available=col("storetime"))


def _datetimeevents(files: Files, known: _Known) -> Table:
    return _mimic.dated("datetimeevents", files, "d_items", known.admissions, _ITEM)


def _inputevents(files: Files, known: _Known) -> Table:
    return _infused("inputevents", files, known)


def _ingredientevents(files: Files, known: _Known) -> Table:
    return _infused("ingredientevents", files, known)


def _infused(name: str, files: Files, known: _Known) -> Table:
    table = Table(
        name,
        {**VISIT, "itemid": "whole", "starttime": "time", "endtime": "time", "amount": "number", "amountuom": "text"},
        optional={"rate": "number", "rateuom": "text", "storetime": "time", "statusdescription": "text"},
        needs=("itemid", "starttime"),
        ignored=_REWRITTEN,
    )
    return _given(files, known, table, Scale("amount", "amountuom"))


def _procedureevents(files: Files, known: _Known) -> Table:
    table = Table(
        "procedureevents",
        {**VISIT, "itemid": "whole", "starttime": "time", "endtime": "time", "value": "number", "valueuom": "text"},
        optional={"storetime": "time", "statusdescription": "text"},
        needs=("itemid", "starttime"),
        ignored=_REWRITTEN,
    )
    return _given(files, known, table, Scale("value", "valueuom"))


def _scaled(files: Files, table: Table, scale: Scale) -> Items:
    return _mimic.scaled(files, table, scale, _mimic.charted(files, "d_items", _ITEM), _ITEM)


def _given(files: Files, known: _Known, table: Table, scale: Scale) -> Table:
    found, known_from = _scaled(files, table, scale), pl.max_horizontal("endtime", "storetime")
    return _mimic.given(table, found, scale, known.admissions, col("starttime"), available=known_from, form=_ITEM)


def _notes(name: str, files: Files, known: _Known) -> Table:
    return _mimic_notes.notes(name, known.admissions)


def _dictionary(name: str, column: str, files: Files, known: _Known) -> Table:
    return _mimic.dictionary(name, column)


_TABLES: Mapping[str, Callable[[Files, _Known], Table]] = {
    "patients": _patients,
    "admissions": _admissions,
    "icustays": _icustays,
    "transfers": _transfers,
    "services": _services,
    "diagnoses_icd": _diagnoses,
    "procedures_icd": _procedures,
    "drgcodes": _drgcodes,
    "hcpcsevents": _hcpcsevents,
    "prescriptions": _prescriptions,
    "pharmacy": _pharmacy,
    "emar": _emar,
    "poe": _poe,
    "labevents": _labevents,
    "microbiologyevents": _microbiology,
    "omr": _omr,
    "chartevents": _chartevents,
    "datetimeevents": _datetimeevents,
    "outputevents": _outputevents,
    "inputevents": _inputevents,
    "ingredientevents": _ingredientevents,
    "procedureevents": _procedureevents,
    "discharge": partial(_notes, "discharge"),
    "radiology": partial(_notes, "radiology"),
    **{name: partial(_dictionary, name, column) for name, column in _DICTIONARIES.items()},
}
