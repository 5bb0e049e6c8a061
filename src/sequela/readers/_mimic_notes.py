"""The notes of MIMIC-III (NOTEEVENTS) and of MIMIC-IV-Note (discharge, radiology): NOTE//<category>, kind "text", each whole.

A note stands at its CHARTTIME. One of a date alone stands at the end of that day, or at the discharge where that is sooner: it
was written at some time of the day, and only by then was it surely there; its midnight would tell of hours to come. It is known
from when it was stored. A discharge summary, which tells of the whole stay, is known from the discharge at the soonest.
"""

from __future__ import annotations

import polars as pl

from sequela.readers import _mimic
from sequela.readers._mimic import STRANGERS, VISIT, Admissions
from sequela.readers._tables import Code, Event, Table
from sequela.text import documents

SUMMARY = "Discharge summary"
CATEGORIES = {"discharge": SUMMARY, "radiology": "Radiology"}  # of the tables of MIMIC-IV-Note, called as in MIMIC-III

col = pl.col
_NO_TEXT = {"no text": col("text").fill_null("").str.strip_chars() == ""}


def noteevents(admissions: Admissions) -> Table:
    """NOTEEVENTS; a category is taken without the blanks behind it."""
    category = col("category").str.strip_chars()
    stored = pl.when(category == SUMMARY).then(pl.max_horizontal("discharged", "storetime")).otherwise(col("storetime"))
    return Table(
        "NOTEEVENTS",
        {**VISIT, "chartdate": "time", "category": "text", "text": "text"},
        optional={"charttime": "time", "storetime": "time", "iserror": "text"},
        needs=("chartdate", "category"),
        prepare=admissions.told,
        refused=STRANGERS,
        ignored={"flagged as an error": col("iserror").str.strip_chars() == "1", **_NO_TEXT},
        events=(
            Event(
                _mimic.form(documents.code("{}"), "category", "text"),
                pl.coalesce("charttime", _by_its_end("chartdate")),
                available=stored,
                text=col("text"),
            ),
        ),
    )


def notes(name: str, admissions: Admissions) -> Table:
    """discharge or radiology; a discharge summary has a date alone, which stands as its midnight."""
    time = col("charttime")
    dated = (time == time.dt.truncate("1d")) if name == "discharge" else pl.lit(False)
    stored = pl.max_horizontal("discharged", "storetime") if name == "discharge" else col("storetime")
    return Table(
        name,
        {**VISIT, "note_id": "text", "charttime": "time", "text": "text"},
        optional={"storetime": "time"},
        key=("note_id",),
        needs=("charttime",),
        prepare=admissions.told,
        refused=STRANGERS,
        ignored=_NO_TEXT,
        events=(
            Event(
                Code(documents.code(CATEGORIES[name]), "text"),
                pl.when(dated).then(_by_its_end("charttime")).otherwise(time),
                available=stored,
                text=col("text"),
            ),
        ),
    )


def _by_its_end(date: str) -> pl.Expr:
    return pl.max_horizontal(date, _mimic.end_of_day(col(date)))
