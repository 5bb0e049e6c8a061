"""Signals as text: a line a sample, a column a channel, with or without a first line of names."""

from __future__ import annotations

import csv
from itertools import takewhile
from pathlib import Path

import numpy as np
import polars as pl

from sequela.errors import DataError
from sequela.types import Array

COMMENTS = ("#", "%")
SEPARATORS = ("\t", ";", ",")  # sought in this order: a comma may be a decimal one where there is another
BEGIN = 2**16  # bytes in which the first line of numbers must lie


def read(path: Path, separator: str) -> tuple[tuple[str, ...], Array]:
    """The names of the columns, () where no line names them, and float64 "L C", NaN where a cell is empty.

    `separator` "" is found from the first line. Lines before the first that begin with # or % are comments. Raises DataError for
    what is no text, no number (by its line) or no table.
    """
    skipped, first = _first(path)
    apart = separator or next((one for one in SEPARATORS if one in first), "")
    cells = [cell.strip() for cell in next(csv.reader([first], delimiter=apart))] if apart else first.split()
    numbers = [_is_number(cell) for cell in cells if cell]
    named = not all(numbers)
    if named and any(numbers):
        raise DataError(
            f"line {skipped + 1} holds numbers and words", hint="the first line is of names alone, or of numbers alone"
        )
    skipped += named
    values = _separated(path, apart, skipped, len(cells)) if apart else _spaced(path, skipped, len(cells))
    return tuple(cells) if named else (), values


def _first(path: Path) -> tuple[int, str]:
    """How many lines come before the first that is no comment, and that line."""
    with path.open("rb") as file:
        begin = file.read(BEGIN)
    if b"\0" in begin:
        raise DataError("not a text file")
    lines = begin.decode("utf-8-sig", "replace").splitlines()
    skipped = len(list(takewhile(lambda line: not line.strip() or line.lstrip().startswith(COMMENTS), lines)))
    if skipped == len(lines):
        raise DataError("it holds no number")
    return skipped, lines[skipped]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _spaced(path: Path, skipped: int, count: int) -> Array:
    """Columns between blanks, each line with as many."""
    lines = path.read_bytes().rstrip().count(b"\n") + 1 - skipped
    if lines < 1:
        raise DataError("it holds no number")
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            values = np.loadtxt(file, np.float64, comments=None, skiprows=skipped, ndmin=2).reshape(-1, count)
    except ValueError as error:
        raise DataError(f"a line after line {skipped} does not hold {count} numbers") from error
    if len(values) != lines:  # NumPy leaves out empty lines, which would shift all that follows
        raise DataError(f"{lines - len(values)} of its lines are empty")
    return values


def _separated(path: Path, separator: str, skipped: int, count: int) -> Array:
    """Columns between separators; an empty cell is missing."""
    names = [str(number) for number in range(count)]
    try:
        text = pl.read_csv(
            path,
            has_header=False,
            skip_lines=skipped,
            separator=separator,
            new_columns=names,
            infer_schema=False,
            encoding="utf8-lossy",
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"a line after line {skipped} does not hold {count} cells") from error
    if text.width != count:
        raise DataError(f"a line after line {skipped} does not hold {count} cells")
    text = text.select(pl.all().str.strip_chars().replace("", None))
    values = text.select(pl.all().cast(pl.Float64, strict=False))
    wrong = text.select(pl.all().is_not_null()).to_numpy() & values.select(pl.all().is_null()).to_numpy()
    if wrong.any():
        raise DataError(f"line {skipped + 1 + int(np.argmax(wrong.any(axis=1)))} holds what is no number")
    return values.fill_null(np.nan).to_numpy()
