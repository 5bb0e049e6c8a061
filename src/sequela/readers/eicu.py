"""The eICU Collaborative Research Database 2.0: one file a table, CSV, gzipped CSV or Parquet.

A subject is a patient (uniquepid), a visit a hospital stay (patienthealthsystemstayid). Times are relative: `_eicu_stays.py` says
how stays are placed; between hospital stays of one year neither order nor distance means anything.

    patient               SEX, ETHNICITY, SITE (the hospital's number); AGE ("> 89" is 90), HOSPITAL//ADMISSION and
                          HOSPITAL//DISCHARGE once a hospital stay; ICU//ADMISSION, ICU//DISCHARGE (EICU//STEPDOWN//… where the
                          unit is none); EICU//HEIGHT, EICU//WEIGHT at admission to the unit; MEDS_DEATH and DEATH//IN_HOSPITAL at
                          discharge from the hospital of who died there
    diagnosis             ICD9CM//… and ICD10CM//… of its codes, else EICU//DIAGNOSIS//path
    treatment, admissiondx, pasthistory, allergy       EICU//TREATMENT//…, //ADMISSIONDX//…, //HISTORY//…, //ALLERGY//…
    medication            EICU//DRUG//name at its start; text: dose and route; cancelled orders are ignored
    infusiondrug          EICU//INFUSION//name, with its rate
    lab                   EICU//LAB//name, in one unit (see _one_unit.py)
    vitalperiodic, vitalaperiodic                      EICU//VITAL//column
    nursecharting         EICU//NURSE//label//name; left out unless `nurse_charting`: it has 150 million rows
    intakeoutput          EICU//IO//path
    respiratorycare       EICU//AIRWAY//type
    apacheapsvar          EICU//APS//column, the values of the first day, 24 hours after admission to the unit
    apachepatientresult   SCORE//APACHE_IV, SCORE//APACHE_IVA and, as …//HOSPITAL_MORTALITY, their predictions, at the same time

When things are known: where a table has the time of entry (or of a lab's revision) beside that of the observation, from the later
of the two; a drug from its order or its start, whichever is later; the rest from its own time. Actual outcomes of the APACHE
tables are not read. Source: Pollard et al. 2018, The eICU Collaborative Research Database, Scientific Data 5:180178, and
its schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import polars as pl

from sequela import units
from sequela.codes import hierarchy
from sequela.config import Strict
from sequela.contracts import Reader, Sink, Source
from sequela.readers._eicu_stays import PATIENT, stays, years
from sequela.readers._one_unit import settled
from sequela.readers._row_types import Account, ColumnType
from sequela.readers._tables import Code, Event, Files, Table, chosen, find, read

VERSION = 1

_STAY = "patientunitstayid"
_LAB = "EICU//LAB//"
_CODES_IN_ONE = 4  # of a diagnosis: at most two in each of ICD-9-CM and ICD-10-CM
_VITALS: Mapping[str, Mapping[str, str]] = {  # table -> column -> unit
    "vitalperiodic": {
        "temperature": "degC",
        "sao2": "%",
        "heartrate": "beats/min",
        "respiration": "breaths/min",
        "cvp": "mmHg",
        "etco2": "mmHg",
        "systemicsystolic": "mmHg",
        "systemicdiastolic": "mmHg",
        "systemicmean": "mmHg",
        "pasystolic": "mmHg",
        "padiastolic": "mmHg",
        "pamean": "mmHg",
        "st1": "",
        "st2": "",
        "st3": "",
        "icp": "mmHg",
    },
    "vitalaperiodic": {
        "noninvasivesystolic": "mmHg",
        "noninvasivediastolic": "mmHg",
        "noninvasivemean": "mmHg",
        "paop": "mmHg",
        "cardiacoutput": "L/min",
        "cardiacinput": "",
        "svr": "",
        "svri": "",
        "pvr": "",
        "pvri": "",
    },
}
_APS = (
    "intubated", "vent", "dialysis", "eyes", "motor", "verbal", "meds", "urine", "wbc", "temperature", "respiratoryrate",
    "sodium", "heartrate", "meanbp", "ph", "hematocrit", "creatinine", "albumin", "pao2", "pco2", "bun", "glucose", "bilirubin",
    "fio2",
)  # fmt: skip


class Config(Strict, frozen=True):
    """How eICU is read."""

    tables: tuple[str, ...] = ()  # left out: all but nursecharting
    nurse_charting: bool = False  # the table nursecharting too


@dataclass(frozen=True)
class Eicu:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Raises ConfigError for an unknown table, DataError for tables that are missing or cannot be read."""
        nothing = pl.DataFrame()
        known = [table.name for table in _described(nothing, nothing)]
        wanted = [name for name in chosen(known, self.config.tables) if name != "nursecharting" or self._charted()]
        files = find(source, dict.fromkeys([PATIENT.name, *wanted]), [PATIENT.name], sink)
        placed = stays(files)
        sink.relative_times()
        if doubtful := int(placed["doubtful"].sum()):
            sink.note(
                "unit stays whose hospital stay has another of the same year, in an order that the source does not tell", doubtful
            )
        read([table for table in _described(placed, _lab_units(files)) if table.name in wanted], files, sink)

    def _charted(self) -> bool:
        return self.config.nurse_charting or "nursecharting" in {name.lower() for name in self.config.tables}


def build(config: Config) -> Reader:
    return Eicu(config)


# ---------------------------------------------------------------------------------------------------------------------- tables


def _described(placed: pl.DataFrame, lab_units: pl.DataFrame) -> list[Table]:
    """The tables in the order in which they are read."""
    return [
        _patient(placed),
        _diagnosis(placed),
        _named("treatment", "treatmentoffset", "treatmentstring", "TREATMENT", placed),
        _named("admissiondx", "admitdxenteredoffset", "admitdxpath", "ADMISSIONDX", placed),
        _named(
            "pasthistory",
            "pasthistoryoffset",
            "pasthistorypath",
            "HISTORY",
            placed,
            entered="pasthistoryenteredoffset",
            text="pasthistoryvalue",
        ),
        _named("allergy", "allergyoffset", "allergyname", "ALLERGY", placed, entered="allergyenteredoffset", text="allergytype"),
        _medication(placed),
        _infusion(placed),
        _lab(placed, lab_units),
        *(_vitals(name, columns, placed) for name, columns in _VITALS.items()),
        _nurse_charting(placed),
        _intake_output(placed),
        _named("respiratorycare", "respcarestatusoffset", "airwaytype", "AIRWAY", placed, text="airwayposition"),
        _aps(placed),
        _apache(placed),
    ]


def _table(
    name: str,
    columns: Mapping[str, ColumnType],
    events: tuple[Event, ...],
    placed: pl.DataFrame,
    offset: str = "",
    *,
    optional: Mapping[str, ColumnType] | None = None,
    ignored: Mapping[str, pl.Expr] | None = None,
) -> Table:
    """A table of records of unit stays, whose offsets become `at` and, of those that end on "offset", moments of their own."""
    offsets = [column for column in (*columns, *(optional or {})) if column.endswith("offset")]
    return Table(
        name,
        columns={_STAY: "whole", **columns},
        optional=optional or {},
        events=events,
        needs=(offset,) if offset else (),
        refused={"the unit stay is not in the table patient": pl.col("admitted").is_null()},
        ignored=ignored or {},
        subject=_STAY,
        visit="visit",
        prepare=lambda frame: _on_line(frame, placed, offsets),
    )


def _on_line(frame: pl.DataFrame, placed: pl.DataFrame, offsets: list[str]) -> pl.DataFrame:
    """With the patient in place of the unit stay, the columns of `stays`, and each offset as a moment."""
    joined = frame.join(placed, on=_STAY, how="left", maintain_order="left")
    moments = [pl.col("admitted") + pl.duration(minutes=pl.col(offset)) for offset in offsets]
    named = [moment.alias(offset) for moment, offset in zip(moments, offsets, strict=True)]
    return joined.with_columns(pl.col("subject").alias(_STAY), *named)


def _patient(placed: pl.DataFrame) -> Table:
    new, first = pl.col("first_of_patient"), pl.col("first_of_visit")
    sex = pl.col("gender").replace({"Male": "M", "Female": "F", "": None})
    died = first & (pl.col("hospitaldischargestatus") == "Expired")
    intensive = pl.col("unitstaytype").fill_null("") != "stepdown/other"
    entered, discharged, admitted, left = (pl.col(name) for name in ("entered", "discharged", "admitted", "left"))
    kind, where = pl.col("unittype"), pl.col("unitdischargelocation")
    events = (
        Event(Code("SEX", "static"), time=None, text=sex, where=new & sex.is_not_null()),
        Event(Code("ETHNICITY", "static"), time=None, text=pl.col("ethnicity"), where=new & pl.col("ethnicity").is_not_null()),
        Event(Code("SITE", "static"), time=None, text=pl.col("hospitalid"), where=new & pl.col("hospitalid").is_not_null()),
        Event(
            Code("AGE", "static", unit="years"), time=entered, value=pl.col("years"), where=first & pl.col("years").is_not_null()
        ),
        Event(Code("HOSPITAL//ADMISSION"), time=entered, text=pl.col("hospitaladmitsource"), where=first),
        Event(Code("ICU//ADMISSION"), time=admitted, text=kind, where=intensive),
        Event(Code("EICU//STEPDOWN//ADMISSION"), time=admitted, text=kind, where=~intensive),
        Event(
            Code("EICU//HEIGHT", "measurement", unit="cm"),
            time=admitted,
            value=pl.col("admissionheight"),
            where=pl.col("admissionheight") > 0,
        ),
        Event(
            Code("EICU//WEIGHT", "measurement", unit="kg"),
            time=admitted,
            value=pl.col("admissionweight"),
            where=pl.col("admissionweight") > 0,
        ),
        Event(Code("ICU//DISCHARGE"), time=left, text=where, where=intensive),
        Event(Code("EICU//STEPDOWN//DISCHARGE"), time=left, text=where, where=~intensive),
        Event(Code("HOSPITAL//DISCHARGE"), time=discharged, text=pl.col("hospitaldischargelocation"), where=first),
        Event(Code("DEATH//IN_HOSPITAL", "outcome"), time=discharged, where=died),
        Event(Code("MEDS_DEATH", "outcome"), time=discharged, where=died),
    )
    return Table(
        PATIENT.name,
        columns=PATIENT.columns,
        optional=PATIENT.optional,
        events=events,
        key=PATIENT.key,
        needs=PATIENT.needs,
        refused={"a stay that ends before it begins": pl.col("admitted").is_null()},
        noted={"ages above 89, which the source hides, taken as 90": first & pl.col("age").str.starts_with(">")},
        subject=_STAY,
        visit="visit",
        prepare=lambda frame: _on_line(frame.with_columns(years().alias("years")), placed, []),
    )


def _diagnosis(placed: pl.DataFrame) -> Table:
    text = pl.col("diagnosisstring")
    parts = pl.col("icd9code").str.split(",")
    slots = [f"code {place}" for place in range(_CODES_IN_ONE)]

    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        split = [parts.list.get(place, null_on_oob=True).str.strip_chars().alias(slot) for place, slot in enumerate(slots)]
        named = frame.with_columns(split).with_columns(_icd(slot).alias(slot) for slot in slots)
        return _on_line(named, placed, ["diagnosisoffset"])

    coded = (
        Event(
            Code(pl.col(slot), columns=(slot,), parents=hierarchy.parents),
            time=pl.col("diagnosisoffset"),
            text=text,
            where=pl.col(slot).is_not_null(),
        )
        for slot in slots
    )
    bare = Event(
        Code(pl.format("EICU//DIAGNOSIS//{}", "diagnosisstring"), columns=("diagnosisstring",)),
        time=pl.col("diagnosisoffset"),
        where=pl.all_horizontal(pl.col(slot).is_null() for slot in slots),
    )
    return Table(
        "diagnosis",
        columns={_STAY: "whole", "diagnosisoffset": "whole", "diagnosisstring": "text"},
        optional={"icd9code": "code"},
        events=(*coded, bare),
        needs=("diagnosisoffset", "diagnosisstring"),
        refused={"the unit stay is not in the table patient": pl.col("admitted").is_null()},
        noted={"more codes than four in one row, the others left out": parts.list.len() > _CODES_IN_ONE},
        subject=_STAY,
        visit="visit",
        prepare=prepare,
    )


def _icd(column: str) -> pl.Expr:
    """The code with its system, told by its form: the source writes ICD-9-CM and ICD-10-CM into one column, both with dots."""
    code = pl.col(column)
    ninth = code.str.contains(r"^([0-9]{3}|V[0-9]{2})(\.[0-9]{1,2})?$|^E[0-9]{3}(\.[0-9])?$")
    tenth = code.str.contains(r"^[A-Z][0-9A][0-9A-Z](\.[0-9A-Z]{1,4})?$")
    return pl.when(ninth).then(pl.format("ICD9CM//{}", code)).when(tenth).then(pl.format("ICD10CM//{}", code))


def _named(table: str, offset: str, name: str, level: str, placed: pl.DataFrame, *, entered: str = "", text: str = "") -> Table:
    """A table whose rows are events of a name."""
    event = Event(
        Code(pl.format(f"EICU//{level}//{{}}", name), columns=(name,)),
        time=pl.col(offset),
        available=pl.max_horizontal(offset, entered) if entered else None,
        text=pl.col(text) if text else None,
        where=pl.col(name).is_not_null(),
    )
    optional: dict[str, ColumnType] = {**({entered: "whole"} if entered else {}), **({text: "text"} if text else {})}
    return _table(table, {offset: "whole", name: "text"}, (event,), placed, offset, optional=optional)


def _medication(placed: pl.DataFrame) -> Table:
    event = Event(
        Code(pl.format("EICU//DRUG//{}", pl.col("drugname").str.to_uppercase()), columns=("drugname",)),
        time=pl.col("drugstartoffset"),
        available=pl.max_horizontal("drugstartoffset", "drugorderoffset"),
        text=pl.concat_str("dosage", "routeadmin", separator=" ", ignore_nulls=True),
        where=pl.col("drugname").is_not_null(),
    )
    return _table(
        "medication",
        {"drugorderoffset": "whole", "drugstartoffset": "whole", "drugname": "text"},
        (event,),
        placed,
        "drugstartoffset",
        optional={"drugordercancelled": "text", "dosage": "text", "routeadmin": "text"},
        ignored={"an order that was cancelled": pl.col("drugordercancelled") == "Yes"},
    )


def _infusion(placed: pl.DataFrame) -> Table:
    event = Event(
        Code(pl.format("EICU//INFUSION//{}", "drugname"), columns=("drugname",)),
        time=pl.col("infusionoffset"),
        value=pl.col("drugrate").cast(pl.Float64, strict=False),
        text=pl.when(pl.col("drugrate").cast(pl.Float64, strict=False).is_null()).then("drugrate"),
        where=pl.col("drugname").is_not_null(),
    )
    return _table(
        "infusiondrug",
        {"infusionoffset": "whole", "drugname": "text"},
        (event,),
        placed,
        "infusionoffset",
        optional={"drugrate": "text"},
    )


def _lab(placed: pl.DataFrame, lab_units: pl.DataFrame) -> Table:
    code = Code(pl.col("coded"), "measurement", ("labname", "unit"), unit=pl.col("kept"), known=lab_units)
    event = Event(
        code,
        time=pl.col("labresultoffset"),
        available=pl.max_horizontal("labresultoffset", "labresultrevisedoffset"),
        value=pl.col("labresult") * pl.col("factor") + pl.col("offset"),
        text=pl.when(pl.col("labresult").is_null()).then("labresulttext"),
    )
    table = _table(
        "lab",
        {"labresultoffset": "whole", "labname": "text", "labresult": "number"},
        (event,),
        placed,
        "labresultoffset",
        optional={"labresultrevisedoffset": "whole", "labresulttext": "text", "labmeasurenamesystem": "text"},
        ignored={"no name of a lab": pl.col("labname").is_null()},
    )
    placing = table.prepare
    assert placing is not None

    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        way = lab_units.select("labname", "unit", "factor", "offset")
        return placing(frame.with_columns(_lab_unit())).join(way, on=["labname", "unit"], how="left", maintain_order="left")

    return replace(table, prepare=prepare)


def _lab_unit() -> pl.Expr:
    return pl.col("labmeasurenamesystem").str.strip_chars().fill_null("").alias("unit")


def _lab_units(files: Files) -> pl.DataFrame:
    """The pairs of lab and unit that occur, settled."""
    columns: dict[str, ColumnType] = {"labname": "text", "labmeasurenamesystem": "text"}
    looked_at = Table("lab", columns={}, optional=columns, subject="", visit="")
    frames = [pl.DataFrame(schema={"labname": pl.String(), "unit": pl.String(), "count": pl.Int64()})]
    if "lab" in files:
        for frame in files.chunks(looked_at, Account("lab", files.file_of["lab"], None)):
            frames.append(frame.group_by("labname", _lab_unit()).agg(pl.len().cast(pl.Int64).alias("count")))
    pairs = pl.concat(frames).drop_nulls("labname").group_by("labname", "unit").agg(pl.col("count").sum())
    coded = pairs.with_columns(pl.format(f"{_LAB}{{}}", "labname").alias("coded"))
    return settled(coded, lambda code: units.quantity(code.removeprefix(_LAB)))


def _vitals(name: str, columns: Mapping[str, str], placed: pl.DataFrame) -> Table:
    return _table(
        name,
        {"observationoffset": "whole"},
        tuple(_columns(columns, "VITAL", pl.col("observationoffset"))),
        placed,
        "observationoffset",
        optional=dict.fromkeys(columns, "number"),
    )


def _columns(unit_of: Mapping[str, str], level: str, time: pl.Expr) -> Iterator[Event]:
    """A measurement of each column that has a number."""
    for column, unit in unit_of.items():
        code = Code(f"EICU//{level}//{column}", "measurement", unit=unit)
        yield Event(code, time=time, value=pl.col(column), where=pl.col(column).is_not_null())


def _nurse_charting(placed: pl.DataFrame) -> Table:
    label, name, value = "nursingchartcelltypevallabel", "nursingchartcelltypevalname", "nursingchartvalue"
    number = pl.col(value).cast(pl.Float64, strict=False)
    event = Event(
        Code(pl.concat_str(pl.lit("EICU//NURSE"), label, name, separator="//", ignore_nulls=True), "measurement", (label, name)),
        time=pl.col("nursingchartoffset"),
        available=pl.max_horizontal("nursingchartoffset", "nursingchartentryoffset"),
        value=number,
        text=pl.when(number.is_null()).then(value),
        where=pl.col(label).is_not_null(),
    )
    columns: dict[str, ColumnType] = {"nursingchartoffset": "whole", label: "text", value: "text"}
    optional: dict[str, ColumnType] = {"nursingchartentryoffset": "whole", name: "text"}
    return _table("nursecharting", columns, (event,), placed, "nursingchartoffset", optional=optional)


def _intake_output(placed: pl.DataFrame) -> Table:
    event = Event(
        Code(pl.format("EICU//IO//{}", "cellpath"), "measurement", ("cellpath",), description=pl.col("cellpath")),
        time=pl.col("intakeoutputoffset"),
        available=pl.max_horizontal("intakeoutputoffset", "intakeoutputentryoffset"),
        value=pl.col("cellvaluenumeric"),
        where=pl.col("cellpath").is_not_null(),
    )
    columns: dict[str, ColumnType] = {"intakeoutputoffset": "whole", "cellpath": "text", "cellvaluenumeric": "number"}
    return _table("intakeoutput", columns, (event,), placed, "intakeoutputoffset", optional={"intakeoutputentryoffset": "whole"})


def _first_day_over() -> pl.Expr:
    return pl.col("admitted") + pl.duration(hours=24)


def _aps(placed: pl.DataFrame) -> Table:
    """The values of the first day; the source writes -1 where there is none."""
    events = tuple(
        replace(event, where=pl.col(column) >= 0)
        for column, event in zip(_APS, _columns(dict.fromkeys(_APS, ""), "APS", _first_day_over()), strict=True)
    )
    return _table("apacheapsvar", {}, events, placed, optional=dict.fromkeys(_APS, "number"))


def _apache(placed: pl.DataFrame) -> Table:
    score, risk = pl.col("apachescore"), pl.col("predictedhospitalmortality")
    name = pl.format("SCORE//APACHE_{}", pl.col("apacheversion").str.to_uppercase())
    code = Code(name, "score", ("apacheversion",))
    mortality = Code(pl.concat_str(name, pl.lit("//HOSPITAL_MORTALITY")), "score", ("apacheversion",))
    events = (
        Event(code, time=_first_day_over(), value=score, where=score >= 0),
        Event(mortality, time=_first_day_over(), value=risk, where=risk >= 0),
    )
    columns: dict[str, ColumnType] = {"apacheversion": "text", "apachescore": "number"}
    missing = {"no version": pl.col("apacheversion").is_null()}
    return _table(
        "apachepatientresult", columns, events, placed, optional={"predictedhospitalmortality": "number"}, ignored=missing
    )
