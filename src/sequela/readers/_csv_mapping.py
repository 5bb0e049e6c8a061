"""The mapping of tables: which column is what, read from a reader's options or a TOML file that lies with the tables."""

from __future__ import annotations

import tomllib
import zoneinfo
from typing import Literal

from sequela import config
from sequela.config import Strict
from sequela.contracts import Source
from sequela.errors import ConfigError

MAPPING = "sequela.toml"

PARTS = {
    "train": "train", "training": "train", "tune": "tune", "tuning": "tune", "val": "tune", "valid": "tune", "validation": "tune",
    "dev": "tune", "test": "test", "held_out": "test",
}  # fmt: skip

TimeUnit = Literal["", "days", "hours", "minutes", "seconds", "milliseconds"]


class Table(Strict, frozen=True):
    """What the columns of one table are."""

    file: str = "*.csv*"  # a pattern of file names
    separator: str = ""  # left out: the commonest of , ; tab | in the header
    subject: str = ""
    time: str = ""  # left out: a table of samples (one row a subject), or of events without time
    time_unit: TimeUnit = ""  # for times that are numbers, counted from each subject's own start
    time_format: str = ""  # of timestamps that are not ISO 8601, as "%d.%m.%Y %H:%M"
    timezone: str = ""  # of timestamps without an offset, as "Europe/Berlin" or "UTC"
    known: str = ""  # the time, in the same form, from which on a row is known, where that is later
    visit: str = ""  # the column that tells the visits of one subject apart
    code: str = ""  # the column that says what a row is about
    system: str = ""  # put before each code: "ICD10CM" makes ICD10CM//E11.9 of E11.9
    event: str = ""  # the code of every row, in place of a code column: "HOSPITAL//ADMISSION"; a row without a time has none
    kind: Literal["measurement", "event", "outcome", "static", "score"] = "measurement"  # of the codes in the code column
    value: str = ""  # the number of a row
    text: str = ""  # the text of a row; may be the value column, whose entries that are not numbers are then text
    unit: str | dict[str, str] = ""  # the column with the unit; or column (or code) -> the unit its numbers are in
    values: tuple[str, ...] = ()  # columns that are a measurement each
    static: tuple[str, ...] = ()  # columns that describe the subject
    label: str | tuple[str, ...] = ()  # columns that are answers: LABEL//<column>
    part: str = ""  # the column that says train, tune or test


class Config(Table, frozen=True):
    """One table, or several, or the name of the mapping file among the source's files."""

    mapping: str = ""
    tables: tuple[Table, ...] = ()


def mapped(given: Config, source: Source) -> Config:
    """The mapping: the options, or the file that they name or that lies with the tables."""
    name = given.mapping or (MAPPING if not given.subject and not given.tables else "")
    mapped = _from_file(name, source) if name else given
    for table in mapped.tables or [mapped]:
        _check(table)
    return mapped


def _from_file(name: str, source: Source) -> Config:
    if name not in source.files():
        raise ConfigError(
            f"the mapping says no subject column, and {source.name} holds no {name}",
            hint="set subject, time, … in the reader's options, or give the folder that holds both the tables and the mapping",
        )
    try:
        return config.convert(tomllib.loads(source.read(name).decode()), Config, name)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the mapping {name} is not TOML: {error}") from error


def _check(table: Table) -> None:
    if open_keys := [key for key in table.__struct_fields__ if getattr(table, key) == "?"]:
        raise ConfigError(
            f"the mapping of {table.file} leaves open: {', '.join(open_keys)}", hint="put the answer in place of the ?"
        )
    if not table.subject:
        raise ConfigError(f"the mapping of {table.file} does not say which column is the subject")
    if not (table.code or table.event or table.values or table.static or labels(table) or table.part):
        raise ConfigError(
            f"the mapping of {table.file} takes nothing from it", hint="set code and value, or values, static, label"
        )
    if table.event and (table.code or table.system or not table.time):
        raise ConfigError(
            f"the mapping of {table.file} has an event beside a code, or without a time", hint="give it a [[tables]] of its own"
        )
    if table.value and not table.code and not table.event:
        raise ConfigError(f"the mapping of {table.file} has a value column and no code column", hint="use values for wide tables")
    if table.values and isinstance(table.unit, str) and table.unit:
        raise ConfigError(
            f"the mapping of {table.file} has one unit for several columns", hint='write unit = { glucose = "mmol/L" }'
        )
    check_timezone(table.timezone)
    if (table.time_unit or table.timezone or table.time_format) and not table.time:
        raise ConfigError(f"the mapping of {table.file} describes a time and names no time column")
    if (table.known or table.visit) and not table.time:
        raise ConfigError(f"the mapping of {table.file} says when rows are known, or their visit, and names no time column")


def check_timezone(timezone: str) -> None:
    """Raises ConfigError for one that there is not."""
    if timezone and timezone not in zoneinfo.available_timezones():
        raise ConfigError(f"{timezone!r} is not a time zone", hint='write it as "Europe/Berlin" or "UTC"')


def labels(table: Table) -> tuple[str, ...]:
    return (table.label,) if isinstance(table.label, str) else table.label


def columns(table: Table) -> list[str]:
    """Every column that the mapping names, once."""
    unit = [table.unit] if isinstance(table.unit, str) else []
    named = [table.subject, table.time, table.known, table.visit, table.code, table.value, table.text, *unit, table.part]
    return list(dict.fromkeys(name for name in [*named, *table.values, *table.static, *labels(table)] if name))
