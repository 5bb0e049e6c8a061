"""MIMIC-III 1.4, whole or in part: CSV, .csv.gz or Parquet, in capitals or small letters; PATIENTS and ADMISSIONS must be there.

Dates are shifted by subject: differences mean something, dates do not. What each table gives, when it stands in time, and from
when on it is known (only where that is later than its time):

    table               events                                       time                  known from
    PATIENTS            MEDS_BIRTH (1), SEX, MEDS_DEATH (2)          birth, none, death    end of the day, of a date alone
    ADMISSIONS          HOSPITAL//ADMISSION, ED//ADMISSION, AGE,     admittime, edregtime
                        ETHNICITY, INSURANCE, LANGUAGE, RELIGION,
                        MARITAL_STATUS, MIMIC3//REASON
                        HOSPITAL//DISCHARGE (3), ED//DISCHARGE       dischtime, edouttime
                        DEATH//IN_HOSPITAL (3)                       deathtime
    ICUSTAYS            ICU//ADMISSION, ICU//DISCHARGE               intime, outtime
                        ICU//TRANSFER (a stay of several units)      outtime
    TRANSFERS           MIMIC3//TRANSFER//admit …                    intime
    SERVICES            MIMIC3//SERVICE//MED …                       transfertime
    CALLOUT             MIMIC3//CALLOUT, MIMIC3//CALLOUT//OUTCOME    createtime, outcometime
    DIAGNOSES_ICD       ICD9CM//038.9                                discharge
    PROCEDURES_ICD      ICD9PROC//96.71                              discharge
    DRGCODES            DRG//HCFA//148                               discharge
    CPTEVENTS           CPT//99254                                   chartdate, or discharge   discharge
    PRESCRIPTIONS       NDC//00409672924, or MIMIC3//DRUG//name      startdate             end of the day, or discharge if sooner
    LABEVENTS           LOINC//2160-0, or MIMIC3//LAB//50912         charttime (4)
    MICROBIOLOGYEVENTS  MIMIC3//MICRO//specimen//organism, or        charttime, chartdate  discharge (5)
                        MIMIC3//MICRO//organism//antibiotic
    CHARTEVENTS         MIMIC3//ITEM//220045                         charttime             storetime
    DATETIMEEVENTS      MIMIC3//ITEM//225755, the date as text       charttime             storetime
    OUTPUTEVENTS        MIMIC3//ITEM//40055                          charttime             storetime
    INPUTEVENTS_CV      MIMIC3//ITEM//30056, …//RATE                 charttime             storetime
    INPUTEVENTS_MV      MIMIC3//ITEM//225799 (6), …//RATE            starttime             endtime, storetime; a rate: storetime
    PROCEDUREEVENTS_MV  MIMIC3//ITEM//224263 (6), minutes            starttime             endtime, storetime
    NOTEEVENTS          NOTE//Nursing, its text, kind "text"         charttime, or the end storetime; of a discharge summary:
                                                                     of chartdate (7)      discharge

(1) Births of those over 89 are hidden as 300 years before: taken as 91.4 years before the first admission, with AGE 91.4.
(2) The death in hospital where there was one, else dod. Outcomes, never inputs unless named; expire_flag is not read: it says
    that a patient died at some time, not when.
(3) A discharge dated before the death in hospital ends with the death.
(4) When the specimen was drawn. MIMIC-III does not say when a result was known: it stands at the draw, up to hours too soon.
(5) Nor when a culture's was, which takes days: at discharge at the soonest. A row without an admission is ignored.
(6) The amount, or the duration, of the whole. Rows that were rewritten or cancelled are ignored.
(7) Only by then was it surely there: see _mimic_notes.py.

Rows that the source itself flags as errors are ignored. A number is in the unit of its code (see _items.py); a text stands where
there is no number. Source: Johnson et al., MIMIC-III, a freely accessible critical care database, Sci Data 2016,
https://physionet.org/content/mimiciii/1.4/
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
from sequela.readers._tables import Code, Event, Files, Table, chosen, find, read

VERSION = 2

col = pl.col
_WITHDRAWN = {"rewritten": col("statusdescription") == "Rewritten", "cancelled": col("cancelreason") > 0}
_ITEM, _LAB = "MIMIC3//ITEM//{}", "MIMIC3//LAB//{}"
_DEMOGRAPHICS = ("ethnicity", "insurance", "language", "religion", "marital_status")
_DICTIONARIES = {
    "D_CPT": "category",
    "D_ICD_DIAGNOSES": "icd9_code",
    "D_ICD_PROCEDURES": "icd9_code",
    "D_ITEMS": "itemid",
    "D_LABITEMS": "itemid",
    "CAREGIVERS": "cgid",
}


class Config(Strict, frozen=True):
    """Which tables are read."""

    tables: tuple[str, ...] = ()  # by name, as "LABEVENTS"; left out: all that are there


@dataclass(frozen=True)
class Mimic3:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Raises DataError where PATIENTS or ADMISSIONS is not there, or a table cannot be read."""
        wanted = chosen(tuple(_TABLES), self.config.tables)
        files = find(source, _TABLES, ("PATIENTS", "ADMISSIONS"), sink)
        sink.relative_times()
        known = _Known.of(files)
        read([_TABLES[name](files, known) for name in wanted if name in files], files, sink)


def build(config: Config) -> Reader:
    return Mimic3(config)


@dataclass(frozen=True)
class _Known:
    """What rows of other tables are looked up in."""

    admissions: Admissions
    births: pl.DataFrame  # subject_id, birth, of_age (whether the source hides the birth)
    firsts: pl.DataFrame  # subject_id, first (admission), died (in hospital)

    @classmethod
    def of(cls, files: Files) -> _Known:
        admissions = _mimic.admissions(files, _ADMISSIONS)
        firsts = admissions.frame.group_by(col("owner").alias("subject_id")).agg(
            col("admitted").min().alias("first"), col("died").max()
        )
        births = files.whole(_PATIENTS).select("subject_id", "dob").join(firsts, on="subject_id", how="left")
        return cls(admissions, births.select("subject_id", _birth(), _hidden().alias("hidden")), firsts)


def _hidden() -> pl.Expr:
    """Whether the birth is moved back by centuries: of those over 89 at their first admission."""
    return (col("first") - col("dob")) > pl.duration(days=200 * 365)


def _birth() -> pl.Expr:
    oldest = col("first") - pl.duration(days=_mimic.OLDEST * 365.25)
    return pl.when(_hidden()).then(oldest).otherwise(col("dob")).alias("birth")


# ------------------------------------------------------------------------------------------------------ patients and their stays

_PATIENTS = Table(
    "PATIENTS", {"subject_id": "whole", "gender": "text", "dob": "time"}, optional={"dod": "time"}, key=("subject_id",)
)
_ADMISSIONS = Table(
    "ADMISSIONS",
    {"subject_id": "whole", "hadm_id": "whole", "admittime": "time", "dischtime": "time"},
    optional={"deathtime": "time", "hospital_expire_flag": "whole"},
    key=("hadm_id",),
    needs=("subject_id", "hadm_id", "admittime"),
)


def _patients(files: Files, known: _Known) -> Table:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        told = frame.join(known.births, on="subject_id", how="left", maintain_order="left")
        return told.join(known.firsts, on="subject_id", how="left", maintain_order="left")

    dated = pl.when(col("died").is_null() & (col("dod") == col("dod").dt.truncate("1d"))).then(col("dod") + _mimic.DAY)
    return replace(
        _PATIENTS,
        visit="",
        prepare=prepare,
        noted={"births hidden by the source, taken as 91.4 years before the first admission": col("hidden")},
        events=(
            Event(Code("MEDS_BIRTH"), col("birth")),
            Event(Code("SEX", "static"), None, text=col("gender"), where=col("gender").is_not_null()),
            Event(Code("MEDS_DEATH", "outcome"), pl.coalesce("died", "dod"), available=dated),
        ),
    )


def _admissions(files: Files, known: _Known) -> Table:
    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        told = frame.join(known.births, on="subject_id", how="left", maintain_order="left")
        return told.with_columns(_mimic.ended().alias("ended"), _mimic.died().alias("died"))

    admitted = col("admittime")
    years = (admitted - col("birth")).dt.total_seconds() / (365.25 * 86400)
    age = pl.when(col("hidden")).then(_mimic.OLDEST).otherwise(years)
    texts = ("admission_type", "discharge_location", "diagnosis", *_DEMOGRAPHICS)
    return replace(
        _ADMISSIONS,
        optional={**_ADMISSIONS.optional, "edregtime": "time", "edouttime": "time", **dict.fromkeys(texts, "text")},
        prepare=prepare,
        refused={
            "no such subject in PATIENTS": col("birth").is_null() & col("hidden").is_null(),
            "a discharge before the admission": col("ended") < admitted,
        },
        noted={
            "ages over 89, hidden by the source, taken as 91.4": col("hidden"),
            "discharges dated before the death in hospital, moved to it": col("deathtime") > col("dischtime"),
        },
        events=(
            Event(Code("ED//ADMISSION"), col("edregtime")),
            Event(Code("HOSPITAL//ADMISSION"), admitted, text=col("admission_type")),
            Event(Code("AGE", "static", unit="years"), admitted, value=age, where=age.is_not_null()),
            *(
                Event(Code(name.upper(), "static"), admitted, text=col(name), where=col(name).is_not_null())
                for name in _DEMOGRAPHICS
            ),
            Event(Code("MIMIC3//REASON"), admitted, text=col("diagnosis"), where=col("diagnosis").is_not_null()),
            Event(Code("ED//DISCHARGE"), col("edouttime")),
            Event(Code("DEATH//IN_HOSPITAL", "outcome"), col("died")),
            Event(Code("HOSPITAL//DISCHARGE"), col("ended"), text=col("discharge_location")),
        ),
    )


def _icustays(files: Files, known: _Known) -> Table:
    return _mimic.stays("ICUSTAYS", "icustay_id", known.admissions)


def _transfers(files: Files, known: _Known) -> Table:
    return _mimic.transfers("TRANSFERS", "curr_careunit", known.admissions, "MIMIC3//TRANSFER//{}")


def _services(files: Files, known: _Known) -> Table:
    return _mimic.services("SERVICES", known.admissions, "MIMIC3//SERVICE//{}")


def _callout(files: Files, known: _Known) -> Table:
    return Table(
        "CALLOUT",
        {**VISIT, "createtime": "time"},
        optional={"callout_service": "text", "callout_outcome": "text", "outcometime": "time"},
        needs=("createtime",),
        prepare=known.admissions.told,
        refused=STRANGERS,
        events=(
            Event(Code("MIMIC3//CALLOUT"), col("createtime"), text=col("callout_service")),
            Event(Code("MIMIC3//CALLOUT//OUTCOME"), col("outcometime"), text=col("callout_outcome")),
        ),
    )


# --------------------------------------------------------------------------------------------------- codes given at discharge


def _diagnoses(files: Files, known: _Known) -> Table:
    return _coded(files, known, "DIAGNOSES_ICD", "D_ICD_DIAGNOSES", _mimic.icd9_diagnosis, "an ICD-9-CM diagnosis")


def _procedures(files: Files, known: _Known) -> Table:
    return _coded(files, known, "PROCEDURES_ICD", "D_ICD_PROCEDURES", _mimic.icd9_procedure, "an ICD-9-CM procedure")


def _coded(files: Files, known: _Known, name: str, titles: str, named: Callable[[str], str | None], what: str) -> Table:
    code = Code(
        col("icd9_code").map_elements(named, return_dtype=pl.String),
        columns=("icd9_code",),
        description=col("long_title"),
        parents=_mimic.broader,
        known=_mimic.looked_up(files, titles, {"icd9_code": "code", "long_title": "text"}, {}, key=("icd9_code",)),
        refusal=f"icd9_code is not {what}",
    )
    return Table(
        name,
        {**VISIT, "icd9_code": "code"},
        needs=("hadm_id", "icd9_code"),
        prepare=known.admissions.told,
        refused=UNDISCHARGED,
        events=(Event(code, col("discharged")),),
    )


def _drgcodes(files: Files, known: _Known) -> Table:
    return _mimic.drgs("DRGCODES", known.admissions)


def _cptevents(files: Files, known: _Known) -> Table:
    return Table(
        "CPTEVENTS",
        {**VISIT, "cpt_cd": "code"},
        optional={"chartdate": "time"},
        needs=("hadm_id", "cpt_cd"),
        prepare=known.admissions.told,
        refused=UNDISCHARGED,
        events=(Event(form("CPT//{}", "cpt_cd"), pl.coalesce("chartdate", "discharged"), available=col("discharged")),),
    )


# ------------------------------------------------------------------------------------------------------- drugs, cultures, notes


def _prescriptions(files: Files, known: _Known) -> Table:
    return _mimic.prescriptions("PRESCRIPTIONS", "startdate", known.admissions, "MIMIC3")


def _microbiology(files: Files, known: _Known) -> Table:
    code = _mimic.culture("MIMIC3", "spec_itemid")
    return Table(
        "MICROBIOLOGYEVENTS",
        {**VISIT, "chartdate": "time"},
        optional={
            "charttime": "time", "spec_itemid": "whole", "org_itemid": "whole", "ab_itemid": "whole", "interpretation": "text",
        },
        needs=("chartdate",),
        prepare=known.admissions.told,
        refused=STRANGERS,
        ignored={"no discharge says when the result was known": col("discharged").is_null()},
        events=(Event(code, pl.coalesce("charttime", "chartdate"), available=col("discharged"), text=col("interpretation")),),
    )  # fmt: skip


def _notes(files: Files, known: _Known) -> Table:
    return _mimic_notes.noteevents(known.admissions)


# --------------------------------------------------------------------------------------------------- measurements and doses


def _labevents(files: Files, known: _Known) -> Table:
    scale = Scale("valuenum", "valueuom")
    table = Table(
        "LABEVENTS",
        {**VISIT, "itemid": "whole", "charttime": "time", "value": "text", "valuenum": "number", "valueuom": "text"},
        needs=("itemid", "charttime"),
    )
    found = _mimic.scaled(files, table, scale, _mimic.laboratory(files, "D_LABITEMS", _LAB), _LAB)
    return _mimic.measured(table, found, scale, known.admissions, col("charttime"), available=None, text="value")


def _chartevents(files: Files, known: _Known) -> Table:
    scale = Scale("valuenum", "valueuom")
    table = Table(
        "CHARTEVENTS",
        {**VISIT, "itemid": "whole", "charttime": "time", "value": "text", "valuenum": "number", "valueuom": "text"},
        optional={"storetime": "time", "error": "whole"},
        needs=("itemid", "charttime"),
        ignored={"flagged as an error": col("error") == 1},
    )
    found = _scaled(files, table, scale)
    return _mimic.measured(table, found, scale, known.admissions, col("charttime"), available=col("storetime"), text="value")


def _outputevents(files: Files, known: _Known) -> Table:
    scale = Scale("value", "valueuom")
    table = Table(
        "OUTPUTEVENTS",
        {**VISIT, "itemid": "whole", "charttime": "time", "value": "number", "valueuom": "text"},
        optional={"storetime": "time", "iserror": "whole"},
        needs=("itemid", "charttime"),
        ignored={"flagged as an error": col("iserror") == 1},
    )
    found = _scaled(files, table, scale)
    return _mimic.measured(table, found, scale, known.admissions, col("charttime"), available=col("storetime"))


def _datetimeevents(files: Files, known: _Known) -> Table:
    return _mimic.dated("DATETIMEEVENTS", files, "D_ITEMS", known.admissions, _ITEM)


def _inputevents_cv(files: Files, known: _Known) -> Table:
    table = Table(
        "INPUTEVENTS_CV",
        {**VISIT, "itemid": "whole", "charttime": "time", "amount": "number", "amountuom": "text"},
        optional={"rate": "number", "rateuom": "text", "storetime": "time"},
        needs=("itemid", "charttime"),
    )
    return _given(files, known, table, Scale("amount", "amountuom"), col("charttime"), available=col("storetime"))


def _inputevents_mv(files: Files, known: _Known) -> Table:
    table = Table(
        "INPUTEVENTS_MV",
        {**VISIT, "itemid": "whole", "starttime": "time", "endtime": "time", "amount": "number", "amountuom": "text"},
        optional={"rate": "number", "rateuom": "text", "storetime": "time", "statusdescription": "text", "cancelreason": "whole"},
        needs=("itemid", "starttime"),
        ignored=_WITHDRAWN,
    )
    known_from = pl.max_horizontal("endtime", "storetime")
    return _given(files, known, table, Scale("amount", "amountuom"), col("starttime"), available=known_from)


def _procedureevents_mv(files: Files, known: _Known) -> Table:
    table = Table(
        "PROCEDUREEVENTS_MV",
        {**VISIT, "itemid": "whole", "starttime": "time", "endtime": "time", "value": "number", "valueuom": "text"},
        optional={"storetime": "time", "statusdescription": "text", "cancelreason": "whole"},
        needs=("itemid", "starttime"),
        ignored=_WITHDRAWN,
    )
    known_from = pl.max_horizontal("endtime", "storetime")
    return _given(files, known, table, Scale("value", "valueuom"), col("starttime"), available=known_from)


def _scaled(files: Files, table: Table, scale: Scale) -> Items:
    return _mimic.scaled(files, table, scale, _mimic.charted(files, "D_ITEMS", _ITEM), _ITEM)


def _given(files: Files, known: _Known, table: Table, scale: Scale, time: pl.Expr, *, available: pl.Expr) -> Table:
    found = _scaled(files, table, scale)
    return _mimic.given(table, found, scale, known.admissions, time, available=available, form=_ITEM)


def _looked_up(name: str, column: str, files: Files, known: _Known) -> Table:
    return _mimic.dictionary(name, column)


_TABLES: Mapping[str, Callable[[Files, _Known], Table]] = {
    "PATIENTS": _patients,
    "ADMISSIONS": _admissions,
    "ICUSTAYS": _icustays,
    "TRANSFERS": _transfers,
    "SERVICES": _services,
    "CALLOUT": _callout,
    "DIAGNOSES_ICD": _diagnoses,
    "PROCEDURES_ICD": _procedures,
    "DRGCODES": _drgcodes,
    "CPTEVENTS": _cptevents,
    "PRESCRIPTIONS": _prescriptions,
    "LABEVENTS": _labevents,
    "MICROBIOLOGYEVENTS": _microbiology,
    "CHARTEVENTS": _chartevents,
    "DATETIMEEVENTS": _datetimeevents,
    "OUTPUTEVENTS": _outputevents,
    "INPUTEVENTS_CV": _inputevents_cv,
    "INPUTEVENTS_MV": _inputevents_mv,
    "PROCEDUREEVENTS_MV": _procedureevents_mv,
    "NOTEEVENTS": _notes,
    **{name: partial(_looked_up, name, column) for name, column in _DICTIONARIES.items()},
}
