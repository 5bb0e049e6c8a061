"""Survival tables as they are: CSV, TSV and Parquet, and HDF5 as DeepSurv lays it out.

Each comes back as one frame: `#where` (file and row), `#subject`, `#part` (null where nothing says it), and its columns, text or
numbers (float64), missing entries null. HDF5 has the groups train and test (and valid, tune), each with x, t and e.
Source of that layout: Katzman et al. 2018, DeepSurv.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sequela import extras
from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers import _csv_rows, _subjects
from sequela.readers._csv_mapping import PARTS
from sequela.registry import nearest

TABLES, ARRAYS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet"), (".h5", ".hdf5")
TIME, EVENT = "t", "e"  # what HDF5 calls the time and the event
_DATASETS = ("x", TIME, EVENT)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which files and columns are read."""

    file: str  # a pattern
    named: Sequence[str]  # columns that must be there
    exclude: Sequence[str]
    subject: str  # "": each row is a subject
    part: str
    names: Sequence[str]  # of the columns of x; none: x1, x2, …
    separator: str


def read(source: Source, wanted: Wanted, sink: Sink) -> pl.DataFrame:
    """All rows of all files, those refused that are no rows or have no subject.

    Raises DataError where there is no such file, where files have other columns than the first, or one cannot be read.
    """
    files = [name for name in source.files(wanted.file) if name.lower().endswith((*TABLES, *ARRAYS))]
    if not files:
        raise DataError(
            f"{source.name} has no table {'' if wanted.file == '**' else repr(wanted.file) + ' '}of survival times",
            hint=f"it is one of {', '.join((*TABLES, *ARRAYS))}",
        )
    frames = list(_frames(source, files, wanted, sink))
    for name, frame in zip(files[1:], frames[1:], strict=True):
        if set(frame.columns) != set(frames[0].columns):
            raise DataError(f"{name} has other columns than {files[0]}", hint='file = "…" says which files are read')
    whole = pl.concat(frames, how="diagonal_relaxed")
    if not len(whole):
        raise DataError(
            f"{source.name} has no row of survival times", hint="a table has a header and a row for each subject or visit"
        )
    return _parted(wanted, whole, sink)


def _frames(source: Source, files: Sequence[str], wanted: Wanted, sink: Sink) -> Iterator[pl.DataFrame]:
    names = _subjects.names(files)
    for done, name in enumerate(files, 1):
        frame = _arrays(source.path(name), name, wanted) if name.lower().endswith(ARRAYS) else _table(source, name, wanted, sink)
        yield _owned(frame, name, f"{names[name]}-" if len(files) > 1 else "", wanted, sink)
        sink.progress(done, len(files))


def _owned(frame: pl.DataFrame, name: str, before: str, wanted: Wanted, sink: Sink) -> pl.DataFrame:
    """With `#subject`: what its column says, else the file and row."""
    if not wanted.subject:
        number = frame["#where"].str.extract(r"(\d+)$").str.zfill(6)
        part = frame["#part"] + "-" if "#part" in frame.columns else pl.Series([""])
        return frame.with_columns((pl.lit(before) + part + number).alias("#subject"))
    subject = frame[wanted.subject]
    if subject.dtype.is_float():
        whole = subject.cast(pl.Int64, strict=False)
        subject = (whole if (whole == subject).all() else subject).cast(pl.String)
    _csv_rows.refuse(frame.filter(subject.is_null()), f"no subject in the column {wanted.subject!r}", sink)
    return frame.with_columns(subject.alias("#subject")).filter(subject.is_not_null())


def _parted(wanted: Wanted, frame: pl.DataFrame, sink: Sink) -> pl.DataFrame:
    """With `#part`: what its column says, what HDF5 said, or null."""
    if not wanted.part:
        return frame if "#part" in frame.columns else frame.with_columns(pl.lit(None, pl.String).alias("#part"))
    parts = frame[wanted.part].cast(pl.String).replace_strict(PARTS, default=None, return_dtype=pl.String)
    _csv_rows.refuse(frame.filter(parts.is_null()), f"the part is none of {', '.join(PARTS)}", sink)
    return frame.with_columns(parts.alias("#part")).filter(parts.is_not_null())


def _kept(name: str, found: Sequence[str], wanted: Wanted) -> list[str]:
    """The columns that are read. Raises DataError where one is missing, or stands there twice."""
    for column in (*wanted.named, *wanted.exclude):
        if column not in found:
            raise DataError(f"{name} has no column {column!r}", hint=nearest(column, list(found)))
    if twice := [column for column, count in Counter(found).items() if count > 1]:
        raise DataError(f"{name} has {found.count(twice[0])} columns {twice[0]!r}")
    return [column for column in found if column not in wanted.exclude or column in wanted.named]


# ---------------------------------------------------------------------------------------------------------------------- tables


def _table(source: Source, name: str, wanted: Wanted, sink: Sink) -> pl.DataFrame:
    if name.lower().endswith(".parquet"):
        return _parquet(source.path(name), name, wanted)
    text = _csv_rows.text_of(name, source.read(name))
    if not text.strip():
        raise DataError(f"{name} is empty")
    separator, found = _csv_rows.header(text, wanted.separator)
    return _csv_rows.rows(name, text, separator, _kept(name, found, wanted), sink)


def _parquet(path: Path, name: str, wanted: Wanted) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"{name} is a damaged Parquet file", hint="copy or download it again") from error
    where = pl.format("{} row {}", pl.lit(name), pl.int_range(1, len(frame) + 1))
    kept = [_plain(name, frame[column]) for column in _kept(name, frame.columns, wanted)]
    return pl.DataFrame(kept).with_columns(where.alias("#where"))


def _plain(name: str, column: pl.Series) -> pl.Series:
    """Numbers as float64, words as text. Raises DataError for what is neither: a date, a list."""
    kind = column.dtype
    if kind.is_numeric() or kind == pl.Null:
        return column.cast(pl.Float64).fill_nan(None)
    if kind in (pl.String, pl.Categorical, pl.Enum, pl.Boolean):
        return column.cast(pl.String)
    raise DataError(
        f"{name} has {kind} in {column.name!r}, expected numbers or words", hint=f'exclude = ["{column.name}"] leaves it out'
    )


# ---------------------------------------------------------------------------------------------------------------------- arrays


def _arrays(path: Path, name: str, wanted: Wanted) -> pl.DataFrame:
    h5py = extras.need("h5py", "hdf5")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{name} is no HDF5 file, or a damaged one") from error
    with file:
        groups = [key for key in file if key in PARTS and isinstance(file[key], h5py.Group)]
        if not groups:
            raise DataError(f"{name} has no group train or test", hint="each holds x (numbers), t (times) and e (events)")
        return pl.concat([_group(file[key], f"{name} {key}", PARTS[key], wanted) for key in groups])


def _group(group: Any, name: str, part: str, wanted: Wanted) -> pl.DataFrame:
    values, time, event = (_array(group, key, name) for key in _DATASETS)
    if values.ndim != 2 or time.shape != (len(values),) or event.shape != time.shape:
        raise DataError(f"{name} has x {values.shape}, t {time.shape} and e {event.shape}, expected (n, columns), (n,) and (n,)")
    names = list(wanted.names) or [f"x{number}" for number in range(1, values.shape[1] + 1)]
    if len(names) != values.shape[1]:
        raise DataError(f"{name} has {values.shape[1]} columns in x, and names says {len(names)}")
    columns = _kept(name, [*names, TIME, EVENT], wanted)
    held = dict(zip([*names, TIME, EVENT], [*values.T, time, event], strict=True))
    frame = pl.DataFrame({column: held[column].astype(np.float64) for column in columns}).fill_nan(None)
    where = pl.format("{} row {}", pl.lit(name), pl.int_range(1, len(frame) + 1))
    return frame.with_columns(where.alias("#where"), pl.lit(part).alias("#part"))


def _array(group: Any, key: str, name: str) -> Any:
    """Raises DataError where it is not there, is no array of numbers, or lies in another file."""
    held = group.get(key)
    if held is None or not hasattr(held, "shape"):
        raise DataError(f"{name} has no dataset {key!r}", hint="a group holds x (numbers), t (times) and e (events)")
    if held.external or held.is_virtual:
        raise DataError(f"{name}/{key} lies in another file, which is not followed")
    if held.dtype.kind not in "iuf":
        what = (
            "a boolean is not taken for a cause: 0 is censored, causes names the others"
            if held.dtype.kind == "b"
            else "expected numbers"
        )
        raise DataError(f"{name}/{key} holds {held.dtype}", hint=what)
    return np.asarray(held[()])
