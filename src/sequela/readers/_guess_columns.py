"""What a sample of a column shows: whether its entries are numbers or times, in which form, and how many differ."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from sequela.readers._csv_rows import MISSING
from sequela.readers._csv_time import FORMATS, OFFSET

ENOUGH = 0.95  # share of the entries that must be numbers, or times, for a column to be taken so
FEW = 12  # different entries of a column that groups rows

_DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?:[ T](\d{1,2}):(\d\d)(:\d\d)?(?: ?([AaPp][Mm]))?)?")


@dataclass(frozen=True)
class TimeForm:
    """How the times of a column are written; `formats` are strptime's, two where day and month look alike."""

    offset: bool  # every one has its offset from UTC
    dates: bool  # none has a time of day
    formats: tuple[str, ...] = ()  # none: ISO 8601


@dataclass(frozen=True)
class Column:
    """What a sample shows of a column."""

    name: str
    filled: int  # entries that are not missing
    distinct: int
    numbers: float  # share of numbers among them
    time: TimeForm | None
    entries: frozenset[str]  # the different ones in small letters, where they are few

    @property
    def is_number(self) -> bool:
        return self.filled > 0 and self.numbers >= ENOUGH

    @property
    def is_yes_or_no(self) -> bool:
        return bool(self.entries) and any(
            self.entries <= pair for pair in ({"0", "1"}, {"yes", "no"}, {"true", "false"}, {"y", "n"}, {"t", "f"})
        )

    @property
    def is_unique(self) -> bool:
        return self.filled > 1 and self.distinct == self.filled


def column(entries: pl.Series) -> Column:
    """What a column of text shows; entries that stand for a missing one are left aside."""
    filled = entries.str.strip_chars()
    filled = filled.filter(filled.is_not_null() & ~filled.is_in(MISSING))
    distinct = filled.n_unique() if len(filled) else 0
    few = frozenset(filled.str.to_lowercase().unique().to_list()) if distinct <= FEW else frozenset()
    return Column(entries.name, len(filled), distinct, _share_of_numbers(filled), _time_form(filled), few)


def _share_of_numbers(filled: pl.Series) -> float:
    return float(filled.cast(pl.Float64, strict=False).is_not_null().mean() or 0.0) if len(filled) else 0.0  # type: ignore[arg-type]


def _time_form(filled: pl.Series) -> TimeForm | None:
    if not len(filled):
        return None
    offset = filled.str.contains(OFFSET) & filled.str.contains(":", literal=True)
    dates = not filled.str.contains(":", literal=True).any()
    local = filled.str.replace(OFFSET, "").str.replace("T", " ", literal=True) if offset.all() else filled
    if _read(local.str.replace("T", " ", literal=True), FORMATS) >= ENOUGH:
        return TimeForm(bool(offset.all()), dates)
    formats = _day_formats(local)
    return TimeForm(bool(offset.all()), dates, formats) if formats else None


def _read(texts: pl.Series, formats: tuple[str, ...]) -> float:
    """The share of texts that one of these formats reads."""
    read = [texts.str.to_datetime(form, time_unit="us", strict=False) for form in formats]
    return 1 - pl.select(pl.coalesce(read)).to_series().null_count() / len(texts)


def _day_formats(texts: pl.Series) -> tuple[str, ...]:
    """The formats, of those that begin with a day or a month, that read the entries; both where no entry tells them apart."""
    found = [match for text in texts if (match := _DAY.fullmatch(text))]
    if len(found) < ENOUGH * len(texts):
        return ()
    _, between, _, year, hour, _, second, half = found[0].groups()
    clock = "" if hour is None else f" {'%I' if half else '%H'}:%M{':%S' if second else ''}{' %p' if half else ''}"
    written = f"%y{clock}" if len(year) == 2 else f"%Y{clock}"
    formats = (f"%d{between}%m{between}{written}", f"%m{between}%d{between}{written}")
    return tuple(form for form in formats if _read(texts, (form,)) >= ENOUGH)
