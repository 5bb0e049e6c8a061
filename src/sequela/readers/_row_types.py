"""The types that a wanted column of a table may be of (see `_rows.py`), and the account of its rows.

Rows that hold something else are refused by their number, and too many of them stop the import: the table is misread.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import polars as pl

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.registry import nearest

ColumnType: TypeAlias = Literal["whole", "number", "text", "code", "time"]
CHUNK_ROWS, CHUNK_BYTES = 2**17, 2**22  # handed on at once
FAULTY_SHARE, FAULTY_ROWS = 0.5, 10  # of a chunk: more than both and the column is misread, not a few rows
TYPES: Mapping[ColumnType, pl.DataType] = {
    "whole": pl.Int64(),
    "number": pl.Float64(),
    "text": pl.String(),
    "code": pl.String(),
    "time": pl.Datetime("us"),
}
_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
)
WORDS: Mapping[ColumnType, str] = {
    "whole": "a whole number",
    "number": "a number",
    "time": "a time as YYYY-MM-DD HH:MM:SS",
    "text": "text",
    "code": "text",
}


@dataclass
class Account:
    """What became of the rows of one table; `sink` is None for a table that is only looked things up in."""

    table: str
    file: str
    sink: Sink | None
    read: int = 0
    refused: int = 0
    ignored: Counter[str] = field(default_factory=Counter)

    def refuse(self, rows: Sequence[int] | pl.Series, reason: str) -> None:
        """Refuses the rows of these numbers."""
        self.refused += len(rows)
        if self.sink is not None:
            for row in rows:
                self.sink.refuse(f"{self.file} row {row}", f"{self.table}: {reason}")

    def ignore(self, count: int, reason: str) -> None:
        """Counts rows left out by rule."""
        if count:
            self.ignored[reason] += count

    def close(self) -> None:
        """Tells the sink what was read and what was ignored."""
        if self.sink is not None:
            self.sink.note(f"{self.table}: rows read", self.read)
            for reason, count in self.ignored.items():
                self.sink.note(f"{self.table}: rows ignored: {reason}", count)


@dataclass(frozen=True)
class Layout:
    """The columns of a CSV file in its order, and those that are wanted."""

    header: tuple[str, ...]
    wanted: Mapping[str, ColumnType]
    absent: Mapping[str, ColumnType]

    def finished(self, frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
        """With the columns that the file has not, and the row numbers."""
        absent = [pl.Series(name, [None], TYPES[type_]).new_from_index(0, len(frame)) for name, type_ in self.absent.items()]
        return pl.DataFrame([rows.alias("row"), *(frame[name] for name in self.wanted), *absent])


def wanted_columns(
    names: Sequence[str], required: Mapping[str, ColumnType], optional: Mapping[str, ColumnType], account: Account
) -> dict[str, ColumnType]:
    """The wanted columns that are there. Raises DataError where a required one is not."""
    for name in required:
        if name not in names:
            raise DataError(f"{account.file} has no column {name!r}", hint=nearest(name, tuple(names)))
    wanted = {name: type_ for name, type_ in {**required, **optional}.items() if name in names}
    if account.sink is not None and len(names) > len(wanted):
        account.sink.note(f"{account.table}: columns not read", len(names) - len(wanted))
    return wanted


def with_numbers(frame: pl.DataFrame, name: str, type_: ColumnType, account: Account) -> pl.DataFrame:
    """The column as numbers; rows that hold something else are refused. 142345.0 is a whole number."""
    text = frame[name]
    found = text.str.strip_chars().cast(pl.Float64, strict=False)
    if type_ == "whole":
        whole = text.str.strip_chars().cast(pl.Int64, strict=False)
        found = pl.select(
            pl.coalesce(whole, pl.when(found == found.round()).then(found.cast(pl.Int64, strict=False)))
        ).to_series()
    return _without_faults(frame.with_columns(found.alias(name)), text, name, type_, account)


def with_times(frame: pl.DataFrame, names: Sequence[str], account: Account) -> pl.DataFrame:
    """The columns of times parsed; rows that hold something else are refused."""
    for name in names:
        text = frame[name]
        if text.dtype == pl.String:
            frame = _without_faults(frame.with_columns(times(text).alias(name)), text, name, "time", account)
    return frame


def times(text: pl.Series) -> pl.Series:
    """Times from text in any of the forms above, null where it is none of them.

    >>> times(pl.Series(["2101-05-01 10:30:00", "2101-05-01", "May"])).dt.day().to_list()
    [1, 1, None]
    """
    first = text.item(first_at) if (first_at := text.is_not_null().arg_max()) is not None and len(text) else None
    formats = sorted(_FORMATS, key=lambda form: form != "%Y-%m-%d") if first is not None and len(first) == 10 else _FORMATS
    found = text.str.to_datetime(formats[0], time_unit="us", strict=False)
    for form in formats[1:]:
        if found.null_count() == text.null_count():
            break
        found = pl.select(pl.coalesce(found, text.str.to_datetime(form, time_unit="us", strict=False))).to_series()
    return found.alias(text.name)


def _without_faults(frame: pl.DataFrame, text: pl.Series, name: str, type_: ColumnType, account: Account) -> pl.DataFrame:
    """The rows where `name` was understood, or was empty to begin with."""
    if frame[name].null_count() == text.null_count():
        return frame
    faulty = frame[name].is_null() & text.is_not_null()
    check_share(int(faulty.sum()), len(frame), f"not {WORDS[type_]} in the column {name!r}", account, text.filter(faulty)[0])
    account.refuse(frame["row"].filter(faulty), f"not {WORDS[type_]} in {name}")
    return frame.filter(~faulty)


def check_share(bad: int, rows: int, what: str, account: Account, example: str = "") -> None:
    """Raises DataError where so many rows are at fault that the table is misread; it shows an entry's pattern, never one."""
    if bad > max(FAULTY_ROWS, FAULTY_SHARE * rows):
        pattern = "".join("9" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in example[:30])
        hint = f"the first has the pattern {pattern!r}" if example else "is it separated by commas, with quotation marks?"
        raise DataError(f"{account.file}: {bad} of {rows} rows have {what}", hint=hint)
