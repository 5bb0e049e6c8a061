"""The unit stays of eICU on one time line for each patient.

The source has no dates: every time counts in minutes from the admission to a unit. Within a hospital stay the units' offsets to
the hospital's admission put them in place. Hospital stays of one patient follow one another by the year of discharge, in the
distance of those years, but not until a day after the stay before has ended. Within one year the source does not tell their order
("there is no systematic method", eICU documentation, table patient): they follow by age, then by number, which may be wrong; they
are counted.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from sequela.readers._tables import Files, Table

ANCHOR = datetime(2000, 1, 1)  # admission to the hospital in a patient's first stay
_YEAR_MINUTES = 366 * 24 * 60
_DAY_MINUTES = 24 * 60

PATIENT = Table(
    "patient",
    columns={
        "patientunitstayid": "whole",
        "patienthealthsystemstayid": "whole",
        "uniquepid": "text",
        "hospitaladmitoffset": "whole",
        "hospitaldischargeoffset": "whole",
        "unitdischargeoffset": "whole",
    },
    optional={
        "hospitaldischargeyear": "whole",
        "age": "text",
        "gender": "text",
        "ethnicity": "text",
        "hospitalid": "whole",
        "hospitaladmitsource": "text",
        "hospitaldischargelocation": "text",
        "hospitaldischargestatus": "text",
        "unittype": "text",
        "unitstaytype": "text",
        "unitdischargelocation": "text",
        "admissionheight": "number",
        "admissionweight": "number",
    },
    key=("patientunitstayid",),
    needs=("patienthealthsystemstayid", "uniquepid", "hospitaladmitoffset", "hospitaldischargeoffset", "unitdischargeoffset"),
    subject="patientunitstayid",
    visit="",
)


def stays(files: Files) -> pl.DataFrame:
    """A row for each unit stay.

    patientunitstayid, subject (str), visit (the hospital stay), admitted, left (of the unit), entered, discharged (of the
    hospital) as Datetime("us"), first_of_visit, first_of_patient, and doubtful: its place among the patient's stays is not told.
    """
    frame = files.whole(PATIENT).filter(~backwards())
    hospital = _placed(_hospital_stays(frame))
    joined = frame.join(hospital, on=["uniquepid", "patienthealthsystemstayid"])
    unit_at = pl.col("start") - pl.col("hospitaladmitoffset")
    placed = joined.select(
        "patientunitstayid",
        pl.col("uniquepid").alias("subject"),
        pl.col("patienthealthsystemstayid").alias("visit"),
        _moment(unit_at).alias("admitted"),
        _moment(unit_at + pl.col("unitdischargeoffset")).alias("left"),
        _moment(pl.col("start")).alias("entered"),
        _moment(unit_at + pl.col("hospitaldischargeoffset")).alias("discharged"),
        "doubtful",
    ).sort("subject", "admitted", "patientunitstayid")
    return placed.with_columns(
        pl.struct("subject", "visit").is_first_distinct().alias("first_of_visit"),
        pl.col("subject").is_first_distinct().alias("first_of_patient"),
    )


def backwards() -> pl.Expr:
    """Whether a unit or hospital stay ends before it begins."""
    hospital = pl.col("hospitaldischargeoffset") < pl.col("hospitaladmitoffset")
    return hospital | (pl.col("unitdischargeoffset") < 0)


def years(age: str = "age") -> pl.Expr:
    """The age in years; "> 89", as the source hides the oldest, is 90.

    >>> pl.DataFrame({"age": ["61", "> 89", ""]}).select(years()).to_series().to_list()
    [61.0, 90.0, None]
    """
    text = pl.col(age).str.strip_chars()
    return pl.when(text.str.starts_with(">")).then(90.0).otherwise(text.cast(pl.Float64, strict=False))


def _hospital_stays(frame: pl.DataFrame) -> pl.DataFrame:
    """A row for each hospital stay: its patient, length in minutes, year and age."""
    grouped = frame.group_by("uniquepid", "patienthealthsystemstayid")
    length = (pl.col("hospitaldischargeoffset") - pl.col("hospitaladmitoffset")).max()
    stays = grouped.agg(
        length.alias("length"), pl.col("hospitaldischargeyear").max().fill_null(0).alias("year"), years().max().alias("age")
    )
    stays = stays.sort("uniquepid", "year", "age", "patienthealthsystemstayid", nulls_last=True)
    return stays.with_columns((pl.len().over("uniquepid", "year") > 1).alias("doubtful"))


def _placed(stays: pl.DataFrame) -> pl.DataFrame:
    """With `start`: minutes from the anchor to the admission, after the stay before."""
    starts: list[int] = []
    patient, first, free = None, 0, 0
    for uniquepid, year, length in stays.select("uniquepid", "year", "length").iter_rows():
        if uniquepid != patient:
            patient, first, free = uniquepid, year, 0
        starts.append(max((year - first) * _YEAR_MINUTES, free))
        free = starts[-1] + length + _DAY_MINUTES
    return stays.select("uniquepid", "patienthealthsystemstayid", "doubtful", pl.Series("start", starts, dtype=pl.Int64))


def _moment(minutes: pl.Expr) -> pl.Expr:
    return pl.lit(ANCHOR, pl.Datetime("us")) + pl.duration(minutes=minutes)
