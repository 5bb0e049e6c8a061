"""Tables of health records as events: each is described once, in columns and polars expressions, and one loop reads them all.

A reader says, table by table, which columns it needs, which rows are refused or ignored and why, and which events a row gives:

    Table(
        name="ICUSTAYS",                                              # its file: icustays.csv, .csv.gz or .parquet, in any case
        columns={"subject_id": "whole", "hadm_id": "whole", "intime": "time", "outtime": "time", "first_careunit": "text"},
        needs=("hadm_id", "intime"),                                  # a row without one of these is refused
        ignored={"a stay of no length": pl.col("intime") == pl.col("outtime")},
        events=(
            Event(Code("ICU//ADMISSION"), time=pl.col("intime"), text=pl.col("first_careunit")),
            Event(Code("ICU//DISCHARGE"), time=pl.col("outtime")),    # no event where its time is null
        ),
    )

A code that depends on the row is made once for each distinct value of the columns it is made of, and declared then:

    Code(pl.format("ICD9CM//{}", "icd9_code"), columns=("icd9_code",), description=pl.col("long_title"), known=titles)

`known` is a frame with one row for each value of those columns, which brings further columns to the expressions. `prepare` gets
each chunk of a table and may add columns to it (look up the discharge of an admission, convert a unit); it keeps every row.

What becomes of each row is counted and adds up: read = refused + ignored + used. A refused row is named by file and number
(see `_rows.py`), an ignored one is noted by its reason; a row that gives no event at all is ignored. Rows keep their order, and
memory does not grow with a table, but for tables with a `key`, whose keys are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers._row_types import TYPES, Account, ColumnType
from sequela.readers._rows import chunks
from sequela.registry import nearest
from sequela.store.schema import CodeKind

_ENDINGS = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True)
class Code:
    """The code of an event: one for all, or an expression (String, null: no event) over `columns` and what `known` brings."""

    name: str | pl.Expr
    kind: CodeKind = "event"
    columns: tuple[str, ...] = ()
    unit: str | pl.Expr = ""
    description: str | pl.Expr = ""
    parents: Callable[[str], Sequence[str]] | None = None  # of a code: the next broader ones
    known: pl.DataFrame | None = None
    refusal: str = ""  # why rows without a code are refused (in a table of one event); left out: they give no event


@dataclass(frozen=True)
class Event:
    """An event that a row gives, where `where` holds and its time is not null; `time` None: an event without time."""

    code: Code
    time: pl.Expr | None
    available: pl.Expr | None = None
    value: pl.Expr | None = None
    text: pl.Expr | None = None
    where: pl.Expr | None = None


@dataclass(frozen=True)
class Table:
    """A table: its columns, the rows that are left out and why, and the events of the others."""

    name: str
    columns: Mapping[str, ColumnType]
    events: tuple[Event, ...] = ()  # none: a dictionary, whose rows are counted and give no event
    optional: Mapping[str, ColumnType] = field(default_factory=dict)
    key: tuple[str, ...] = ()  # rows that share it are all refused: none can be told to be the right one
    needs: tuple[str, ...] = ()
    refused: Mapping[str, pl.Expr] = field(default_factory=dict)  # reason -> the rows (after `prepare`)
    ignored: Mapping[str, pl.Expr] = field(default_factory=dict)
    noted: Mapping[str, pl.Expr] = field(default_factory=dict)  # what was done to rows that are used
    subject: str = "subject_id"
    visit: str = "hadm_id"  # the column, whole numbers, that tells the visits of a subject apart; "": none
    prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None


# ---------------------------------------------------------------------------------------------------------------------- files


@dataclass(frozen=True)
class Files:
    """The files of a source by the table that each holds, as `find` gives them."""

    source: Source
    file_of: Mapping[str, str]
    _repeated: dict[str, pl.DataFrame] = field(default_factory=dict)

    def __contains__(self, table: str) -> bool:
        return table in self.file_of

    def whole(self, table: Table) -> pl.DataFrame:
        """All rows of a table that it does not refuse, at once: for what others are looked up in. Nothing is counted."""
        account = Account(table.name, self.file_of[table.name], None)
        types = {name: TYPES[type_] for name, type_ in {**table.columns, **table.optional}.items()}
        frame = pl.concat([pl.DataFrame(schema={"row": pl.Int64(), **types}), *self.chunks(table, account)])
        self._repeated.setdefault(table.name, _repeated(frame, table.key))
        return _kept(table, frame, self.repeated(table), account)

    def repeated(self, table: Table) -> pl.DataFrame:
        """The keys that stand in several rows of the table, from a pass over their columns alone."""
        if table.key and table.name not in self._repeated:
            types = {**table.columns, **table.optional}
            keys = Table(table.name, {name: types[name] for name in table.key})
            frames = [frame.drop("row") for frame in self.chunks(keys, Account(table.name, self.file_of[table.name], None))]
            self._repeated[table.name] = _repeated(pl.concat(frames), table.key) if frames else pl.DataFrame()
        return self._repeated.get(table.name, pl.DataFrame())

    def chunks(self, table: Table, account: Account) -> Iterator[pl.DataFrame]:
        """The table's rows as `_rows.chunks` gives them."""
        return chunks(self.source.path(self.file_of[table.name]), table.columns, table.optional, account)


def find(source: Source, names: Iterable[str], required: Iterable[str], sink: Sink) -> Files:
    """The files of the tables of these names; missing tables, and files that are none of them, are noted.

    Raises DataError where a required table is missing, or a table has two files.
    """
    wanted = {name.lower(): name for name in names}
    found: dict[str, str] = {}
    others = 0
    for file in source.files():
        table = wanted.get(_stem(file))
        if table is None:
            others += 1
        elif table in found:
            raise DataError(f"the table {table} has two files: {found[table]} and {file}", hint="leave one of them")
        else:
            found[table] = file
    _check_required(required, found, source)
    if missing := [name for name in wanted.values() if name not in found]:
        sink.note(f"tables that are not there: {', '.join(missing)}", len(missing))
    if others:
        sink.note("files that are no table to be read", others)
    return Files(source, found)


def chosen(tables: Sequence[str], names: Sequence[str]) -> list[str]:
    """The tables that an option names, in any case; all where it names none. Raises ConfigError, with the nearest, for others."""
    named = {name.lower(): name for name in tables}
    for name in names:
        if name.lower() not in named:
            raise ConfigError(f"tables names {name!r}, which is none of this reader's", hint=nearest(name.lower(), list(named)))
    wanted = {name.lower() for name in names} or named.keys()
    return [table for name, table in named.items() if name in wanted]


def _stem(file: str) -> str:
    """The table that a file's name says, in small letters; empty where it is no table."""
    name = file.rpartition("/")[2].lower()
    return next((name.removesuffix(ending) for ending in _ENDINGS if name.endswith(ending)), "")


def _check_required(required: Iterable[str], found: Mapping[str, str], source: Source) -> None:
    for name in required:
        if name not in found:
            there = ", ".join(sorted(found.values()) or list(source.files())[:10]) or "nothing: it is empty"
            raise DataError(f"{source.name} has no table {name} (.csv, .csv.gz or .parquet)", hint=f"what is there: {there}")


# --------------------------------------------------------------------------------------------------------------------- reading


def read(tables: Sequence[Table], files: Files, sink: Sink) -> None:
    """Reads the tables that are there, in this order, and emits their events."""
    there = [table for table in tables if table.name in files]
    for number, table in enumerate(there):
        sink.progress(number, len(there))
        _read(table, files, sink)
    sink.progress(len(there), len(there))


def _read(table: Table, files: Files, sink: Sink) -> None:
    account = Account(table.name, files.file_of[table.name], sink)
    coders = [_Coder(event.code, sink) for event in table.events]
    repeated = files.repeated(table)
    for frame in files.chunks(table, account):
        kept = _kept(table, frame, repeated, account)
        refused = account.refused
        used = _emitted(table, kept, coders, sink, account) if len(kept) else 0
        sink.accept(used)
        left = len(kept) - used - (account.refused - refused)
        account.ignore(left, "they tell no event" if table.events else "read as a dictionary")
    account.close()


def _repeated(rows: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The keys, none of them null, that stand in several of the rows."""
    if not key:
        return pl.DataFrame()
    keys = rows.select(key).drop_nulls()
    return keys.filter(keys.is_duplicated()).unique()


def _kept(table: Table, frame: pl.DataFrame, repeated: pl.DataFrame, account: Account) -> pl.DataFrame:
    """The rows that are neither refused nor ignored, with the columns that `prepare` adds."""
    if len(repeated):
        again = frame.join(repeated, on=table.key, how="semi")
        account.refuse(again["row"], f"other rows have the same {', '.join(table.key)}")
        frame = frame.join(repeated, on=table.key, how="anti", maintain_order="left")
    named = dict.fromkeys([table.subject, *table.needs] if table.subject else table.needs)
    frame = _without(frame, {f"no {name}": pl.col(name).is_null() for name in named}, account, refuse=True)
    if table.prepare is not None:
        frame = table.prepare(frame)
    frame = _without(frame, table.ignored, account, refuse=False)
    return _without(frame, table.refused, account, refuse=True)


def _without(frame: pl.DataFrame, reasons: Mapping[str, pl.Expr], account: Account, *, refuse: bool) -> pl.DataFrame:
    """The rows for which none of the reasons holds; each other row is counted under the first that does."""
    if not reasons:
        return frame
    holds = frame.select(rule.fill_null(False).alias(reason) for reason, rule in reasons.items())
    if not holds.select(pl.any_horizontal(pl.all().any())).item():
        return frame
    left = pl.repeat(True, len(frame), eager=True)
    for found in holds:
        now = found & left
        if refuse:
            account.refuse(frame["row"].filter(now), found.name)
        else:
            account.ignore(int(now.sum()), found.name)
        left &= ~found
    return frame.filter(left)


def _emitted(table: Table, frame: pl.DataFrame, coders: Sequence[_Coder], sink: Sink, account: Account) -> int:
    """Emits the events of these rows; comes back with how many of the rows gave one."""
    _note(table, frame, sink)
    used: list[pl.Series] = []
    for event, coder in zip(table.events, coders, strict=True):
        if not len(rows := _where(frame, event)):
            continue
        codes = coder.of(rows)
        if codes.null_count():
            if event.code.refusal:
                account.refuse(rows["row"].filter(codes.is_null()), event.code.refusal)
            rows, codes = rows.filter(codes.is_not_null()), codes.drop_nulls()
        if len(rows):
            sink.events(rows.select(*_columns(table, event), codes.alias("code")))
            used.append(rows["row"])
    longest = max(map(len, used), default=0)
    return longest if longest in (0, len(frame)) else pl.concat(used).n_unique()


def _note(table: Table, frame: pl.DataFrame, sink: Sink) -> None:
    for text, rule in table.noted.items():
        if count := frame.select(rule.fill_null(False).sum()).item():
            sink.note(f"{table.name}: {text}", count)


def _where(frame: pl.DataFrame, event: Event) -> pl.DataFrame:
    """The rows that give this event (if they have a code)."""
    holds = [] if event.where is None else [event.where]
    if event.time is not None:
        holds.append(event.time.is_not_null())
    given = frame.select(pl.all_horizontal(holds).fill_null(False)).to_series() if holds else None
    return frame if given is None or given.all() else frame.filter(given)


def _columns(table: Table, event: Event) -> Iterator[pl.Expr]:
    """The columns of Sink.events but for the code."""
    yield pl.col(table.subject).alias("source_id")
    yield (pl.lit(None, pl.Datetime("us")) if event.time is None else event.time.cast(pl.Datetime("us"))).alias("time")
    if table.visit:
        yield pl.col(table.visit).cast(pl.Int64).alias("visit")
    if event.available is not None:
        yield event.available.cast(pl.Datetime("us")).alias("available")
    if event.value is not None:
        yield event.value.cast(pl.Float32).alias("numeric_value")
    if event.text is not None:
        yield event.text.cast(pl.String).alias("text_value")


# ----------------------------------------------------------------------------------------------------------------------- codes


class _Coder:
    """Makes the codes of one event, and declares each once."""

    def __init__(self, code: Code, sink: Sink) -> None:
        self._code = code
        self._sink = sink
        self._made: pl.DataFrame | None = None  # the columns of the code, _code, _made
        self._texts = pl.Categories.random()
        self._numbering = pl.Series([], dtype=pl.Categorical(self._texts))
        self._of_number = pl.Series("_code", [], pl.Categorical)  # the code of each text, by its number

    def of(self, rows: pl.DataFrame) -> pl.Series:
        """The code of each row, Categorical; null where it has none."""
        columns = self._code.columns
        if not columns:
            self._made = self._make(pl.DataFrame({"": [None]})) if self._made is None else self._made
            return self._made["_code"].new_from_index(0, len(rows))
        if len(columns) == 1 and rows[columns[0]].dtype == pl.String and not rows[columns[0]].null_count():
            return self._of_texts(rows[columns[0]])
        return self._of_keys(rows.select(columns))

    def _of_texts(self, texts: pl.Series) -> pl.Series:
        """Of one column of text without nulls: its values are numbered as they appear, and the numbers looked up."""
        numbered = texts.cast(pl.Categorical(self._texts))
        self._numbering = numbered.head(1)  # the numbers are forgotten with the last column that has them
        numbers = numbered.to_physical().to_numpy()
        known, seen = len(self._of_number), int(numbers.max()) + 1
        if seen > known:
            place = np.empty(seen, np.int64)
            place[numbers] = np.arange(len(numbers))
            made = self._make(texts.gather(place[known:]).to_frame())
            self._of_number = pl.concat([self._of_number, made["_code"]])
        return self._of_number.gather(numbers)

    def _of_keys(self, keys: pl.DataFrame) -> pl.Series:
        if self._made is None:
            self._made = self._make(keys.unique(maintain_order=True))
        found = self._looked_up(keys)
        if found["_made"].null_count():
            new = self._make(found.filter(pl.col("_made").is_null()).select(self._code.columns).unique(maintain_order=True))
            self._made = pl.concat([self._made, new])
            found = self._looked_up(keys)
        return found["_code"]

    def _looked_up(self, keys: pl.DataFrame) -> pl.DataFrame:
        made = self._made
        assert made is not None
        return keys.join(made, on=self._code.columns, how="left", nulls_equal=True, maintain_order="left")

    def _make(self, keys: pl.DataFrame) -> pl.DataFrame:
        """Declares the codes of these distinct keys."""
        code = self._code
        told = (
            keys
            if code.known is None
            else keys.join(code.known, on=code.columns, how="left", nulls_equal=True, maintain_order="left")
        )
        texts = {"code": code.name, "unit": code.unit, "description": code.description}
        made = told.select(*code.columns, *(_text(given).alias(f"_{name}") for name, given in texts.items()))
        for name, unit, description in (
            made.select("_code", "_unit", "_description").unique("_code").drop_nulls("_code").iter_rows()
        ):
            parents = tuple(code.parents(name)) if code.parents is not None else ()
            self._sink.code(name, code.kind, unit=unit or "", description=description or "", parents=parents)
        return made.select(*code.columns, pl.col("_code").cast(pl.Categorical), pl.lit(True).alias("_made"))


def _text(given: str | pl.Expr) -> pl.Expr:
    return pl.lit(given) if isinstance(given, str) else given
