"""Tables of medical knowledge that a user gives as CSV: every row with its source, the file named by its hash."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

from sequela.errors import DataError
from sequela.registry import nearest


def rows(path: Path, columns: Sequence[str]) -> tuple[list[tuple[int, dict[str, str]]], str]:
    """The rows of a table as text without blanks around it, each with its line (the header is line 1), and the file's SHA-256.

    Other columns are left aside. Raises DataError for a file that is no such table, and for a row in which one of these columns
    is empty.
    """
    content = _content(path)
    try:
        table = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), strict=True)
        _check_header(path, list(table.fieldnames or []), columns)
        found = [(table.line_num, _row(path, table.line_num, row, columns)) for row in table]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is not a table of text: {error}") from error
    if not found:
        raise DataError(f"{path.name} has a header and no rows")
    return found, hashlib.sha256(content).hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _check_header(path: Path, found: Sequence[str], columns: Sequence[str]) -> None:
    for column in columns:
        if column not in found:
            raise DataError(
                f"{path.name} has no column {column!r}: it has {', '.join(found) or 'none'}",
                hint=f"its header is {','.join(columns)}",
            )


def _row(path: Path, line: int, row: dict[str, str], columns: Sequence[str]) -> dict[str, str]:
    kept = {column: (row[column] or "").strip() for column in columns}
    empty = next((column for column in columns if not kept[column]), None)
    if empty:
        raise DataError(
            f"{path.name}, line {line}: the column {empty!r} is empty", hint="each row names its source, and says all"
        )
    return kept


def columns_of(pattern: str, names: Sequence[str]) -> list[int]:
    """Places of the names that are the pattern or, where it ends in *, begin so.

    >>> columns_of("ATC//C0*", ("ATC//C03CA01", "ATC//A10BA02", "ATC//C07AB07"))
    [0, 2]
    """
    if pattern.endswith("*"):
        return [place for place, name in enumerate(names) if name.startswith(pattern[:-1])]
    return [place for place, name in enumerate(names) if name == pattern]


def known_columns(pattern: str, names: Sequence[str], where: str, *, others: bool) -> list[int]:
    """The same; a pattern that fits none is let pass with `others`, else it raises DataError with the nearest name."""
    found = columns_of(pattern, names)
    if not found and not others:
        raise DataError(
            f"{where}: {pattern!r} is none of the {len(names)} drugs that the outcome names",
            hint=f'{nearest(pattern, list(names))}; for a table that covers more drugs, set others = "ignore"',
        )
    return found
