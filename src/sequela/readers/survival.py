"""Survival tables: how long each subject was followed, by what it ended, and what was known at the start or measured on the way.

    subject = "id"                                   # left out: each row is a subject
    time    = "years"                                # of follow-up, from the start
    event   = "status"
    causes  = { death = 1, transplant = 2 }          # 0 is always censored; any other code is refused, and so is a boolean
    unit    = "years"                                # of all times: hours, days, weeks, months (30.4375 d) or years (365.25 d)
    visit   = "measured"                             # a line a visit: when its columns were measured
    static  = ["age", "sex"]                         # columns that do not change; without `visit` all are such
    exclude = ["score"]                              # columns that are no input

CSV, TSV, Parquet, and HDF5 as DeepSurv has it (groups train and test with x, t, e; `names` are the columns of x). Written, from
an anchor on: START, VISIT where something was measured, a measurement or static for each column, and of what came EVENT//<cause>,
FOLLOW_UP//END, and ENTRY where observation began later (`entry`). A static is numbers, or words where most of its entries are.
With `intervals` a row is a stretch of the counting process: from `visit` to `time`, at which `event` came. Where times are whole
units completed (`whole_units`), what ended a follow-up of k came between k and k + 1: half a unit is added. What cannot be used
is refused by file and row; negative visits are taken as measured before the start. Of new subjects (`optional`) what became of
them is read where it is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

import polars as pl

from sequela.config import Strict
from sequela.contracts import Reader, Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _survival_rows, _survival_tables
from sequela.readers._csv_rows import refuse
from sequela.readers._survival_rows import LONGEST, Columns
from sequela.readers._survival_tables import EVENT, TIME, Wanted

VERSION = 1
UNLABELLED = {"optional": True}  # of new subjects: what became of them may be told, and need not
ANCHOR = datetime(2000, 1, 1)  # where every subject starts
MOSTLY = 0.5  # share of a column's entries that are numbers for it to be one of numbers

Unit: TypeAlias = Literal["hours", "days", "weeks", "months", "years"]
DAYS: Mapping[Unit, float] = {"hours": 1 / 24, "days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}


class Config(Strict, frozen=True):
    unit: Unit  # of time, entry and visit
    file: str = "**"  # a pattern of the files that are read
    subject: str = ""  # left out: each row is a subject
    time: str = ""  # how long a subject was followed; of HDF5 it is t
    event: str = ""  # by what it ended, as a whole number; of HDF5 it is e
    causes: Mapping[str, int | list[int]] = {}  # name -> its codes in `event`; 0 is censored
    entry: str = ""  # from when on a subject was observed, where that is later than the start
    visit: str = ""  # when a row was measured; left out: all that it says was known at the start
    intervals: bool = False  # a row holds from `visit` to `time`, at which its `event` came
    static: tuple[str, ...] = ()  # beside `visit`: columns that describe the subject
    exclude: tuple[str, ...] = ()  # columns that are no input
    names: tuple[str, ...] = ()  # of HDF5: the columns of x
    whole_units: bool = False  # times are whole units completed: half a unit is added to that of the end
    part: str = ""  # the column that says train, tune or test; of HDF5 the group does
    optional: bool = False  # time, event and entry need neither be there nor be filled in; what they say is read
    separator: str = ""  # of a table's columns; left out: the commonest of , ; tab | in its header

    @property
    def codes(self) -> dict[str, list[int]]:
        """Each cause with its codes."""
        return {name: [code] if isinstance(code, int) else list(code) for name, code in self.causes.items()}

    @property
    def named(self) -> list[str]:
        """The columns that are spoken of, and must be in any file."""
        outcome = () if self.optional else (self.time, self.event, self.entry)
        return list(dict.fromkeys(name for name in (self.subject, *outcome, self.visit, self.part, *self.static) if name))


@dataclass(frozen=True, slots=True)
class SurvivalReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every subject; a row that cannot be used is refused by its file and row.

        Raises DataError for a source without such a table, one that cannot be read or has no such column; MissingExtra for HDF5
        where h5py is not installed.
        """
        config = self.config
        wanted = Wanted(config.file, config.named, config.exclude, config.subject, config.part, config.names, config.separator)
        frame = _survival_tables.read(source, wanted, sink)
        columns = _columns(config, frame)
        frame = _survival_rows.timed(
            frame, columns, [code for codes in config.codes.values() for code in codes], self._longest, sink
        )
        inputs = [name for name in frame.columns if not name.startswith("#") and name not in _spoken(columns, config)]
        static = [name for name in inputs if not config.visit or name in config.static]
        frame = _numbers(frame, inputs, static, sink)
        frame = _constant(frame, static, sink)
        if len(frame):  # of rows that were all refused, the refusals tell
            _write(frame, inputs, static, config, sink)

    @property
    def _longest(self) -> float:
        return LONGEST / DAYS[self.config.unit]


def _columns(config: Config, frame: pl.DataFrame) -> Columns:
    """Raises DataError where causes are named and no column says the time or the event."""
    asked = bool(config.causes)
    time = config.time or (TIME if asked and TIME in frame.columns else "")
    event = config.event or (EVENT if asked and EVENT in frame.columns else "")
    if asked and not ((time and event) or config.optional):
        raise DataError("nothing says which columns are the time and the event", hint='time = "COLUMN", event = "COLUMN"')
    return Columns(time, event, config.entry, config.visit, config.subject, config.intervals, config.optional)


def _spoken(columns: Columns, config: Config) -> set[str]:
    """Columns that say who and when."""
    return {columns.time, columns.event, columns.entry, columns.visit, columns.subject, config.part, *config.exclude}


# ---------------------------------------------------------------------------------------------------------------------- inputs


def _numbers(frame: pl.DataFrame, inputs: list[str], static: list[str], sink: Sink) -> pl.DataFrame:
    """With each input as numbers, or, of a static whose entries are mostly words, as text; other entries are refused.

    Raises DataError for a column of words that is measured at visits.
    """
    for name in inputs:
        number = frame[name].cast(pl.Float64, strict=False)
        number = number.set(~number.is_finite().fill_null(True), None)
        given, read = frame[name].count(), number.count()
        if given and read < MOSTLY * given:
            if name not in static:
                raise DataError(
                    f"the column {name!r} holds words in {given - read} of {given} rows; what is measured at visits is numbers",
                    hint=f'static = ["{name}"] if it describes the subject, else exclude = ["{name}"]',
                )
            continue
        wrong = frame[name].is_not_null() & number.is_null()
        refuse(frame.filter(wrong), f"no number in the column {name!r}", sink)
        frame = frame.with_columns(number.alias(name)).filter(~wrong)
    return frame


def _constant(frame: pl.DataFrame, static: list[str], sink: Sink) -> pl.DataFrame:
    """Without the subjects of whom a static says two things."""
    for name in static:
        differs = frame.select(pl.col(name).drop_nulls().n_unique().over("#subject") > 1).to_series()
        refuse(frame.filter(differs), f"the column {name!r} differs between the rows of one subject", sink)
        frame = frame.filter(~differs)
    return frame


# ---------------------------------------------------------------------------------------------------------------------- events


def _write(frame: pl.DataFrame, inputs: list[str], static: list[str], config: Config, sink: Sink) -> None:
    sink.relative_times()
    once = frame.unique("#subject", keep="first", maintain_order=True)
    for subject, part in once.select("#subject", "#part").drop_nulls().iter_rows():
        sink.part(subject, part)
    sink.code("START", "event", description="From when on times are counted")
    sink.events(_at(once.with_columns(pl.lit(0.0).alias("#start")), "#start", "START", config))
    for name in static:
        sink.code(name, "static")
        sink.events(_told(frame.filter(pl.col(name).is_not_null()).unique("#subject", keep="first", maintain_order=True), name))
    if config.visit:
        sink.code("VISIT", "event", description="When something was measured")
        sink.events(_at(frame, "#visit", "VISIT", config))
        for name in inputs:
            if name not in static:
                sink.code(name, "measurement")
                sink.events(_at(frame.filter(pl.col(name).is_not_null()), "#visit", name, config, value=name))
    for events, code in _ends(once, config, sink):
        sink.code(code, "outcome")
        sink.events(events)
    sink.accept(len(frame))


def _ends(once: pl.DataFrame, config: Config, sink: Sink) -> Iterator[tuple[pl.DataFrame, str]]:
    """What became of each subject; causes that came to nobody are noted."""
    told = once.filter(pl.col("#end").is_not_null())
    if len(told) < len(once):
        why = "" if config.causes else ": no causes are named"
        sink.note(f"subjects of whom nobody says what became of them{why}", len(once) - len(told))
    if not config.causes or not len(told):
        return
    half = 0.5 if config.whole_units else 0.0
    once = told.with_columns(pl.col("#end") + half)
    for name, codes in config.codes.items():
        hit = once.filter(pl.col("#cause").is_in([float(code) for code in codes]))
        if not len(hit):
            sink.note(f"no subject had the event of {name}", 1)
        yield _at(hit, "#end", f"EVENT//{name}", config), f"EVENT//{name}"
    yield _at(once, "#end", "FOLLOW_UP//END", config), "FOLLOW_UP//END"
    entered = once.filter(pl.col("#entry").is_not_null())
    if len(entered):
        yield _at(entered, "#entry", "ENTRY", config), "ENTRY"


def _at(frame: pl.DataFrame, when: str, code: str, config: Config, value: str = "") -> pl.DataFrame:
    """An event of each row, so many units after the anchor."""
    since = (frame[when] * (DAYS[config.unit] * 86_400e6)).round().cast(pl.Int64).cast(pl.Duration("us"))
    moment = pl.select(pl.lit(ANCHOR, pl.Datetime("us")) + since).to_series().alias("time")
    number = frame[value] if value else pl.Series([None], dtype=pl.Float64).new_from_index(0, len(frame))
    return pl.DataFrame([frame["#subject"].alias("source_id"), moment, number.alias("numeric_value")]).with_columns(
        pl.lit(code).alias("code")
    )


def _told(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """A static of each row, as a number or as words."""
    words = frame[name].dtype == pl.String
    nothing = pl.lit(None, pl.Datetime("us")).alias("time")
    said = pl.col(name).alias("text_value" if words else "numeric_value")
    return frame.select(pl.col("#subject").alias("source_id"), nothing, pl.lit(name).alias("code"), said)


def build(config: Config) -> Reader:
    """Raises ConfigError for options that do not go together."""
    _check_causes(config)
    outcomes = {"time": config.time, "event": config.event, "entry": config.entry, "intervals": config.intervals}
    if not config.causes and (given := [name for name, value in outcomes.items() if value]):
        raise ConfigError(f"{given[0]} is given, and causes names no event", hint="causes = { death = 1 }; 0 is censored")
    if config.visit and not config.subject:
        raise ConfigError("visit says when rows were measured, and no column says whose they are", hint='subject = "COLUMN"')
    if config.intervals and (not config.visit or config.entry):
        raise ConfigError(
            "intervals go from visit to time, and entry is the first of them", hint='visit = "START", time = "STOP", no entry'
        )
    if both := set(config.exclude) & set(config.named):
        raise ConfigError(f"{sorted(both)[0]!r} is among exclude, and another option names it")
    return SurvivalReader(config)


def _check_causes(config: Config) -> None:
    codes = [code for some in config.codes.values() for code in some]
    if any(code <= 0 for code in codes):
        raise ConfigError("causes names a code that is not above 0", hint="0 is always censored")
    if len(set(codes)) < len(codes):
        raise ConfigError("causes names a code twice")
    if empty := [name for name, some in config.codes.items() if not some or not name.strip()]:
        raise ConfigError(f"causes has an entry without a name or a code ({empty[0]!r})", hint="causes = { death = 1 }")
