"""The rows of tables of sequences: CSV, TSV and JSON lines, with a header or without, and Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _corpus, _text_rows
from sequela.readers._csv_rows import SEPARATORS
from sequela.readers._text_rows import Row
from sequela.registry import nearest

PARQUET = (".parquet", ".pq")
ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", *_text_rows.LINES, *PARQUET)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns to be read."""

    columns: Sequence[str]
    names: Sequence[str]  # of all columns of a file without a header, in their order; (): the first row names them
    separator: str
    encoding: str


def rows(source: Source, file: str, wanted: Wanted, sink: Sink) -> Iterator[Row]:
    """The rows of a file that can be read, the header being row 1; others are refused by their number.

    Raises DataError for a file that is empty, damaged, no table, or lacks a column.
    """
    if file.lower().endswith(PARQUET):
        return _parquet(source, file, wanted)
    text = _corpus.text_of(source, file, wanted.encoding)
    if wanted.names:
        return _bare(text, file, wanted, sink)
    return _text_rows.rows(text, file, _text_rows.Wanted(wanted.columns, (), (), wanted.separator, ";"), sink)


def _bare(text: str, file: str, wanted: Wanted, sink: Sink) -> Iterator[Row]:
    """Of a file without a header. Raises ConfigError for a column that is not among those named."""
    if other := [name for name in wanted.columns if name not in wanted.names]:
        raise ConfigError(f"the option columns has no {other[0]!r}", hint=nearest(other[0], list(wanted.names)))
    separator = wanted.separator or _parting(text.partition("\n")[0], len(wanted.names), file)
    for number, entries in enumerate(_text_rows.entries(text, file, separator), 1):
        where = f"{file} row {number}"
        if entries is None:
            sink.refuse(where, "quotation marks out of place")
        elif entries and len(entries) != len(wanted.names):
            sink.refuse(where, "more or fewer entries than the option columns names")
        elif entries:
            yield Row(number, where, dict(zip(wanted.names, entries, strict=True)))


def _parting(line: str, count: int, file: str) -> str:
    """The first separator that parts a line into so many. Raises DataError where none does."""
    for separator in SEPARATORS:
        if line.count(separator) == count - 1:
            return separator
    found = {separator: line.count(separator) + 1 for separator in SEPARATORS if separator in line}
    most = max(found.values(), default=1)
    raise DataError(f"the first row of {file} has {most} entries, where the option columns names {count}", hint="see separator")


def _parquet(source: Source, file: str, wanted: Wanted) -> Iterator[Row]:
    path = source.path(file)
    try:
        opened = pq.ParquetFile(path)
        found = opened.schema_arrow.names
        for name in wanted.columns:
            if name not in found:
                raise DataError(f"{file} has no column {name!r}", hint=nearest(name, found))
        frame = pl.DataFrame(pl.from_arrow(opened.read(columns=list(wanted.columns), use_threads=False)))
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file} is a damaged Parquet file, or none", hint="copy or download it again") from error
    if nested := [name for name, type_ in frame.schema.items() if type_.is_nested() or type_ == pl.Binary()]:
        raise DataError(f"{file} has {frame.schema[nested[0]]} in {nested[0]!r}, expected text or numbers")
    texts = frame.select(pl.all().cast(pl.String).fill_null(""))
    for number, row in enumerate(texts.iter_rows(named=True), 1):
        yield Row(number, f"{file} row {number}", row)
