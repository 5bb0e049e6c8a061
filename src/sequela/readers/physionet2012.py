"""PhysioNet/CinC Challenge 2012: 12,000 adult ICU stays, 37 vitals and labs over the first 48 hours, and what became of them.

The source is the challenge's folder (set-a, set-b, set-c as folders or .tar.xz, Outcomes-*.txt), one set, or one archive. A
stay is a file `132539.txt` of lines `HH:MM,Parameter,Value`. Times are relative: a stay starts at ANCHOR. -1 means missing.

Emitted: AGE, SEX, HEIGHT, ICU_TYPE without time; ICU//ADMISSION; one code a parameter, by its name in the files (but WEIGHT for
Weight); with the outcomes SCORE//SAPS-I, SCORE//SOFA, HOSPITAL//DISCHARGE and, where the patient died in hospital,
DEATH//IN_HOSPITAL at the time of discharge. A stay with a malformed line is refused whole.
Source: https://physionet.org/content/challenge-2012/1.0.0/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from sequela.config import Strict
from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.types import Array

VERSION = 1
ANCHOR = datetime(2000, 1, 1)
SERIES_MINUTES = 48 * 60
BATCH = 2000  # files parsed at once

UNITS = {
    "ALP": "IU/L", "ALT": "IU/L", "AST": "IU/L", "Albumin": "g/dL", "BUN": "mg/dL", "Bilirubin": "mg/dL",
    "Cholesterol": "mg/dL", "Creatinine": "mg/dL", "DiasABP": "mmHg", "FiO2": "fraction", "GCS": "points",
    "Glucose": "mg/dL", "HCO3": "mmol/L", "HCT": "%", "HR": "beats/min", "K": "mmol/L", "Lactate": "mmol/L", "MAP": "mmHg",
    "MechVent": "", "Mg": "mmol/L", "NIDiasABP": "mmHg", "NIMAP": "mmHg", "NISysABP": "mmHg", "Na": "mmol/L",
    "PaCO2": "mmHg", "PaO2": "mmHg", "Platelets": "10^3/uL", "RespRate": "breaths/min", "SaO2": "%", "SysABP": "mmHg",
    "Temp": "degC", "TroponinI": "ug/L", "TroponinT": "ug/L", "Urine": "mL", "WBC": "10^3/uL", "Weight": "kg", "pH": "",
}  # fmt: skip
STATICS = {"Age": ("AGE", "years"), "Height": ("HEIGHT", "cm"), "Gender": ("SEX", ""), "ICUType": ("ICU_TYPE", "")}
SEXES = {0.0: "female", 1.0: "male"}
ICU_TYPES = {1.0: "coronary care", 2.0: "cardiac surgery recovery", 3.0: "medical", 4.0: "surgical"}

# What no living adult has: such numbers are slips of the pen (pH 735), a line that is being zeroed, or a probe in the air. Kept
# minimal on purpose: an extreme value may be the patient's. Lowest and highest possible value of each parameter.
POSSIBLE = {
    "Temp": (20.0, 45.0), "pH": (6.0, 8.5), "FiO2": (0.21, 1.0), "GCS": (3.0, 15.0), "SaO2": (1.0, 100.0),
    "SysABP": (1.0, 400.0), "DiasABP": (1.0, 400.0), "MAP": (1.0, 400.0), "NISysABP": (1.0, 400.0), "NIDiasABP": (1.0, 400.0),
    "NIMAP": (1.0, 400.0), "PaO2": (1.0, 800.0), "PaCO2": (1.0, 300.0), "Weight": (20.0, 500.0), "Height": (50.0, 250.0),
    "WBC": (0.0, 1000.0),
}  # fmt: skip

_HEADER = b"Time,Parameter,Value\n"
_OUTCOMES = ["RecordID", "SAPS-I", "SOFA", "Length_of_stay", "Survival", "In-hospital_death"]
_MINUTE = pl.duration(minutes=1)


class Config(Strict, frozen=True):
    """No options."""


@dataclass(frozen=True)
class Physionet2012:
    """Reads the challenge's files in batches, all lines of a batch at once."""

    def read(self, source: Source, sink: Sink) -> None:
        """Raises DataError where the source has no stays."""
        names = [name for name in source.files("*.txt") if re.fullmatch(r"(.*/)?\d+\.txt", name)]
        if not names:
            raise DataError(
                f"{source.name} has no stays: files named by number, as 132539.txt", hint="give the folder that holds set-a"
            )
        _declare(sink)
        names = _once(names, sink)
        ends = [_read_batch(source, sink, batch) for batch in _batches(names, sink)]
        _read_outcomes(source, sink, pl.concat(ends))


def build(config: Config) -> Reader:
    return Physionet2012()


def _declare(sink: Sink) -> None:
    sink.relative_times()
    for parameter, unit in UNITS.items():
        sink.code(_code(parameter), "measurement", unit=unit)
    for code, unit in STATICS.values():
        sink.code(code, "static", unit=unit)
    sink.code("ICU//ADMISSION", "event")
    sink.code("HOSPITAL//DISCHARGE", "event")
    sink.code("DEATH//IN_HOSPITAL", "outcome")
    sink.code("SCORE//SAPS-I", "score", description="Simplified Acute Physiology Score of the first 24 hours")
    sink.code("SCORE//SOFA", "score", description="Sequential Organ Failure Assessment score of the first 24 hours")


def _code(parameter: str) -> str:
    return "WEIGHT" if parameter == "Weight" else parameter


def _once(names: Sequence[str], sink: Sink) -> list[str]:
    """The names without those whose record came before."""
    first: dict[str, str] = {}
    for name in names:
        if first.setdefault(_record(name), name) != name:
            sink.refuse(name, "the same record came before, in another folder")
    return list(first.values())


def _record(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".txt")


def _batches(names: Sequence[str], sink: Sink) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), BATCH):
        sink.progress(start, len(names))
        yield names[start : start + BATCH]
    sink.progress(len(names), len(names))


# ---------------------------------------------------------------------------------------------------------------------- stays


def _read_batch(source: Source, sink: Sink, names: Sequence[str]) -> pl.DataFrame:
    """Emits the stays of these files; comes back with source_id and the minute of each one's last line."""
    texts = {name: text for name in names if (text := _text(name, source.read(name), sink))}
    lines = _parsed(texts, sink)
    kept = lines.select("source_id").unique(maintain_order=True)
    sink.accept(len(kept))
    sink.events(_admissions(kept))
    sink.events(_statics(lines, sink))
    sink.events(_measurements(lines, sink))
    return lines.group_by("source_id", maintain_order=True).agg(last=pl.col("minute").max())


def _text(name: str, text: bytes, sink: Sink) -> bytes:
    """The lines below the header, each ended; empty where the file is refused."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    if not text.strip():
        sink.refuse(name, "the file is empty")
    elif not text.startswith(_HEADER):
        sink.refuse(name, "line 1 is not Time,Parameter,Value")
    elif not text.isascii():
        sink.refuse(name, "the file holds bytes that are not text")
    else:
        return text[len(_HEADER) :] if text.endswith(b"\n") else text[len(_HEADER) :] + b"\n"
    return b""


def _parsed(texts: dict[str, bytes], sink: Sink) -> pl.DataFrame:
    """source_id, minute, parameter, value of each line of the files that are well formed."""
    shaped = _without(texts, _misshapen(texts), "is not Time,Parameter,Value", sink)
    lines = _columns(shaped)
    for reason, wrong in _wrong(lines):
        bad = lines.filter(wrong).unique("file", keep="first", maintain_order=True)
        shaped = _without(shaped, dict(zip(bad["file"], bad["line"], strict=True)), reason, sink)
        lines = lines.filter(pl.col("file").is_in(list(shaped)))
    return lines.drop("line", "file")


def _without(texts: dict[str, bytes], lines: dict[str, int], reason: str, sink: Sink) -> dict[str, bytes]:
    for name, line in lines.items():
        sink.refuse(f"{name} line {line}", f"a line {reason}")
    return {name: text for name, text in texts.items() if name not in lines}


def _misshapen(texts: dict[str, bytes]) -> dict[str, int]:
    """File -> first line that has not the form HH:MM,…,…"""
    if not texts:
        return {}
    text = np.frombuffer(b"".join(texts.values()) + b"      ", dtype=np.uint8)
    ends = np.flatnonzero(text == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    commas = np.diff(np.searchsorted(np.flatnonzero(text == ord(",")), ends), prepend=0)
    good = (commas == 2) & (text[starts + 2] == ord(":")) & (text[starts + 5] == ord(","))
    for place in (0, 1, 3, 4):
        good &= (text[starts + place] >= ord("0")) & (text[starts + place] <= ord("5" if place == 3 else "9"))
    files, lines = _where(texts)
    bad = np.flatnonzero(~good)[::-1]
    names = list(texts)
    return {names[files[row]]: int(lines[row]) for row in bad}


def _where(texts: dict[str, bytes]) -> tuple[Array, Array]:
    """The file (its place in texts) and the line number of every line."""
    counts = np.array([text.count(b"\n") for text in texts.values()], dtype=np.int64)
    files = np.repeat(np.arange(len(counts)), counts)
    return files, np.arange(len(files)) - np.repeat(np.cumsum(counts) - counts, counts) + 2


def _columns(texts: dict[str, bytes]) -> pl.DataFrame:
    """source_id, file, line, minute, parameter, value: one row a line."""
    schema = {"time": pl.String(), "parameter": pl.String(), "value": pl.Float64()}
    files, lines = _where(texts)
    names = pl.Series("file", list(texts), dtype=pl.String)
    frame = pl.DataFrame(schema=schema)
    if texts:
        frame = pl.read_csv(b"".join(texts.values()), has_header=False, schema=schema, quote_char=None, ignore_errors=True)
    hours, minutes = (pl.col("time").str.slice(at, 2).cast(pl.Int32) for at in (0, 3))
    return frame.with_columns(
        names.gather(files),
        pl.Series("source_id", [_record(name) for name in texts], dtype=pl.String).gather(files),
        pl.Series("line", lines),
        (hours * 60 + minutes).alias("minute"),
    ).drop("time")


def _wrong(lines: pl.DataFrame) -> Iterator[tuple[str, pl.Expr]]:
    """Reasons to refuse a stay, with the lines that each holds for."""
    known = ["", "RecordID", *STATICS, *UNITS]
    yield "has no number as its value", pl.col("value").is_null() | ~pl.col("value").is_finite()
    yield "has a time after 48:59", pl.col("minute") >= SERIES_MINUTES + 60
    yield "has an unknown parameter", ~pl.col("parameter").fill_null("").is_in(known)
    yield (
        "has another RecordID than the file's name",
        (pl.col("parameter") == "RecordID") & (pl.col("value") != pl.col("source_id").cast(pl.Float64)),
    )


def _admissions(stays: pl.DataFrame) -> pl.DataFrame:
    return stays.with_columns(time=pl.lit(ANCHOR, pl.Datetime("us")), code=pl.lit("ICU//ADMISSION"))


def _statics(lines: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    found = _possible(lines.filter(pl.col("parameter").is_in(list(STATICS)), pl.col("value") != -1), sink)
    texts = pl.coalesce(_named("Gender", SEXES), _named("ICUType", ICU_TYPES))
    numbers = pl.when(pl.col("parameter").is_in(["Age", "Height"])).then(pl.col("value"))
    codes = {parameter: code for parameter, (code, _) in STATICS.items()}
    frame = found.select(
        "source_id",
        time=pl.lit(None, pl.Datetime("us")),
        code=pl.col("parameter").replace_strict(codes, return_dtype=pl.String),
        numeric_value=numbers,
        text_value=texts,
    )
    return frame.filter(pl.col("numeric_value").is_not_null() | pl.col("text_value").is_not_null())


def _named(parameter: str, names: dict[float, str]) -> pl.Expr:
    chosen = pl.col("value").replace_strict(names, default=None, return_dtype=pl.String)
    return pl.when(pl.col("parameter") == parameter).then(chosen)


def _measurements(lines: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    nameless = int((lines["parameter"].fill_null("") == "").sum())
    if nameless:
        sink.note("lines without a parameter, left out", nameless)
    found = lines.filter(pl.col("parameter").is_in(list(UNITS)), (pl.col("parameter") != "Weight") | (pl.col("value") != -1))
    return _possible(_series(found, sink), sink).select(
        "source_id",
        time=pl.lit(ANCHOR, pl.Datetime("us")) + pl.col("minute") * _MINUTE,
        code=pl.when(pl.col("parameter") == "Weight").then(pl.lit("WEIGHT")).otherwise(pl.col("parameter")),
        numeric_value=pl.col("value"),
    )


def _series(found: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """Without the stays whose only number is a weight at admission: that describes the patient and is no series."""
    alone = (pl.col("parameter") == "Weight").all().over("source_id") & (pl.col("minute") == 0).all().over("source_id")
    kept = found.filter(~alone)
    if len(kept) < len(found):
        sink.note("weights at admission of stays without a series, left out", len(found) - len(kept))
    return kept


def _possible(lines: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """The lines whose value a living adult can have; the others are counted."""
    low = pl.col("parameter").replace_strict(
        {p: low for p, (low, _) in POSSIBLE.items()}, default=-np.inf, return_dtype=pl.Float64
    )
    high = pl.col("parameter").replace_strict(
        {p: high for p, (_, high) in POSSIBLE.items()}, default=np.inf, return_dtype=pl.Float64
    )
    within = lines.select(pl.col("value").is_between(low, high)).to_series()
    for parameter, count in lines.filter(~within).group_by("parameter").len().sort("parameter").iter_rows():
        sink.note(f"values of {parameter} that are impossible, left out", count)
    return lines.filter(within)


# ------------------------------------------------------------------------------------------------------------------- outcomes


def _read_outcomes(source: Source, sink: Sink, stays: pl.DataFrame) -> None:
    """Emits scores, discharge and death of the stays that the outcome files name."""
    files = source.files("Outcomes-*.txt")
    if not files:
        return
    rows = pl.concat([_outcomes(name, source.read(name), sink) for name in files])
    known = stays.join(rows, left_on="source_id", right_on="RecordID", how="left", maintain_order="left")
    _note_unmatched(known, rows, sink)
    known = known.filter(pl.col("In-hospital_death").is_not_null())
    for score in ("SAPS-I", "SOFA"):
        sink.events(_scores(known.filter(pl.col(score) != -1), score))
    leaving = _leaving(known, sink)
    sink.events(leaving.select("source_id", "time", code=pl.lit("HOSPITAL//DISCHARGE")))
    died = leaving.filter(pl.col("In-hospital_death") == 1)
    sink.events(died.select("source_id", "time", code=pl.lit("DEATH//IN_HOSPITAL")))


def _outcomes(name: str, text: bytes, sink: Sink) -> pl.DataFrame:
    """The rows of one outcome file that are whole numbers throughout; the others are refused."""
    try:
        frame = pl.read_csv(text, infer_schema=False, truncate_ragged_lines=True)
    except (pl.exceptions.ComputeError, pl.exceptions.NoDataError) as error:
        raise DataError(f"{name} is not a table: {error}") from error
    if frame.columns != _OUTCOMES:
        raise DataError(f"{name} has the columns {frame.columns}, expected {_OUTCOMES}")
    numbers = frame.with_columns(pl.all().exclude("RecordID").str.strip_chars().cast(pl.Int64, strict=False))
    whole = pl.all_horizontal(pl.all().is_not_null()) & pl.col("In-hospital_death").is_in([0, 1])
    for line in numbers.with_row_index(offset=2).filter(~whole)["index"]:
        sink.refuse(f"{name} line {line}", "an outcome is not a whole number")
    return numbers.filter(whole)


def _note_unmatched(known: pl.DataFrame, rows: pl.DataFrame, sink: Sink) -> None:
    if without := known["In-hospital_death"].null_count():
        sink.note("stays without a row in the outcomes", without)
    if extra := len(rows) - (len(known) - without):
        sink.note("rows of the outcomes without a stay, left out", extra)


def _scores(known: pl.DataFrame, score: str) -> pl.DataFrame:
    return known.select(
        "source_id", time=pl.lit(None, pl.Datetime("us")), code=pl.lit(f"SCORE//{score}"), numeric_value=pl.col(score)
    )


def _leaving(known: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """Adds the time of discharge: after the length of stay, but never before the series has ended."""
    earliest = pl.max_horizontal(pl.col("last"), pl.lit(SERIES_MINUTES)) + 1
    stated = pl.col("Length_of_stay") * 24 * 60
    moved = known.select((stated < earliest).sum()).item()
    if moved:
        sink.note("discharges without a length of stay, or within the series: put one minute after its end", moved)
    minute = pl.max_horizontal(stated, earliest)
    return known.with_columns(time=pl.lit(ANCHOR, pl.Datetime("us")) + minute * _MINUTE)
