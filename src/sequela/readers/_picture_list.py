"""Which pictures a source has, and what their names, folders, a table and lists say of them, before any is opened."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import polars as pl

from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers._picture import ENDINGS
from sequela.readers._samples import PART_NAMES
from sequela.registry import nearest
from sequela.types import Part

PLACEHOLDER = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture to read."""

    file: str
    subject: str
    part: str = ""
    labels: tuple[str, ...] = ()  # one for each label column, "" where missing
    told: Mapping[str, str] = field(default_factory=dict)  # statics: what the named groups and columns say


def readable(names: Iterable[str], sink: Sink) -> frozenset[str]:
    """The names that are text; a file whose name is not in UTF-8 is refused."""
    kept = set()
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            sink.refuse(name.encode("utf-8", "backslashreplace").decode(), "a file name that is not in UTF-8")
        else:
            kept.add(name)
    return frozenset(kept)


def stem(name: str) -> str:
    """A picture's path without its ending."""
    return str(PurePosixPath(name).with_suffix(""))


# ----------------------------------------------------------------------------------------------------------------- files beside


def check_pattern(pattern: str, groups: Iterable[str]) -> None:
    """Raises ConfigError for a placeholder that is neither {stem} nor a named group."""
    known = ("stem", *groups)
    for name in PLACEHOLDER.findall(pattern):
        if name not in known:
            raise ConfigError(f"the pattern {pattern!r} has the placeholder {{{name}}}", hint=nearest(name, known))


def beside(pattern: str, entry: Entry) -> str:
    """The file that a pattern names for a picture, from the picture's folder; "" where a group of it is not known."""
    words = {"stem": PurePosixPath(entry.file).stem, **entry.told}
    if any(name not in words for name in PLACEHOLDER.findall(pattern)):
        return ""
    filled = PLACEHOLDER.sub(lambda found: words[found[1]], pattern)
    return posixpath.normpath(str(PurePosixPath(entry.file).parent / filled))


def without_marks(entries: Sequence[Entry], patterns: Iterable[str]) -> list[Entry]:
    """The entries that are no mask of another entry."""
    masks = {beside(pattern, entry) for pattern in patterns for entry in entries}
    return [entry for entry in entries if entry.file not in masks]


# ---------------------------------------------------------------------------------------------------------------------- listing


def folders(names: Iterable[str], endings: tuple[str, ...] = ENDINGS) -> list[Entry]:
    """Every picture (a file with one of the endings), labelled by its folder; folders that name a part are no labels."""
    entries = []
    for name in sorted(name for name in names if name.lower().endswith(endings)):
        above = PurePosixPath(name).parent.parts
        parts = [part for part in above if part.lower() in PART_NAMES]
        label = above[-1] if above and above[-1] not in parts else ""
        entries.append(Entry(name, stem(name), parts[0] if parts else "", (label,)))
    return entries


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table are called."""

    file: str
    subject: str
    part: str
    labels: tuple[str, ...]
    statics: tuple[str, ...]
    may_be_missing: bool  # the labels


def table(source: Source, files: frozenset[str], name: str, columns: Columns) -> tuple[tuple[str, ...], list[Entry]]:
    """The label columns that a CSV file has, and its pictures; paths are from its folder, or the source's.

    Raises DataError where it is not there, is not CSV, or has no such column.
    """
    found = cells(source, files, name)
    labels = tuple(label for label in columns.labels if label in found.columns)
    check_columns(name, found.columns, (columns.file, *columns.statics, *(() if columns.may_be_missing else columns.labels)))
    folder = PurePosixPath(name).parent
    entries = []
    for line in found.iter_rows(named=True):
        near = str(folder / line[columns.file])
        file = near if near in files else line[columns.file]
        told = {column: line[column] for column in columns.statics if line[column]}
        subject = line.get(columns.subject, "") or stem(file)
        entries.append(Entry(file, subject, line.get(columns.part, ""), tuple(line[label] for label in labels), told))
    return labels, entries


def check_columns(name: str, found: list[str], needed: Iterable[str]) -> None:
    """Raises DataError where a table lacks a column."""
    absent = next((column for column in needed if column not in found), None)
    if absent is not None:
        raise DataError(f"the table {name} has no column {absent!r}", hint=nearest(absent, found))


def cells(source: Source, files: frozenset[str], name: str) -> pl.DataFrame:
    """A CSV file, every cell as text, "" where empty."""
    if name not in files:
        csv = sorted(file for file in files if file.lower().endswith(".csv"))
        raise DataError(f"{source.name} has no table {name!r}", hint=nearest(name, csv))
    try:
        return pl.read_csv(source.path(name), infer_schema=False).fill_null("").select(pl.all().str.strip_chars())
    except pl.exceptions.PolarsError as error:
        raise DataError(f"the table {name} is not a CSV file with a line of column names") from error


# ------------------------------------------------------------------------------------------------------------- names and lists


def named(entries: Iterable[Entry], pattern: str) -> Iterator[Entry | tuple[str, str]]:
    """The entries with what the named groups of a regular expression find in their path without ending.

    The group `subject` names the subject; a picture that it does not find is given as (file, why) instead. The others become
    statics, and may be missing.
    """
    expression = re.compile(pattern)
    for entry in entries:
        found = expression.search(stem(entry.file))
        groups = {name: text for name, text in (found.groupdict() if found else {}).items() if text}
        if "subject" in expression.groupindex and "subject" not in groups:
            yield entry.file, "a name in which subject_pattern finds no subject"
            continue
        subject = groups.pop("subject", entry.subject)
        yield replace(entry, subject=subject, told={**entry.told, **groups})


def kept(entries: Iterable[Entry], pattern: str, sink: Sink) -> list[Entry]:
    """The entries as `named` gives them; those without a subject are refused."""
    found = []
    for one in named(entries, pattern):
        if isinstance(one, Entry):
            found.append(one)
        else:
            sink.refuse(*one)
    return found


def check_expression(pattern: str) -> None:
    """Raises ConfigError for what is not a regular expression."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"{pattern!r} is not a regular expression: {error}") from error


@dataclass(frozen=True, slots=True)
class Listed:
    """The parts of pictures, and what is wrong with the lists that tell them."""

    parts: Mapping[str, Part]  # file -> part
    refused: Mapping[str, str]  # what a list names -> why it is not used
    absent: tuple[str, ...]  # lists that are not there


def parts(source: Source, files: frozenset[str], entries: Sequence[Entry], given: Mapping[Part, str]) -> Listed:
    """The part of each picture that a list (a file that ends on .txt) names, or whose path a regular expression finds.

    A list has a picture a line, by path, file name or name without ending; what follows a space is not read.
    """
    index = _index(entries)
    found: dict[str, Part] = {}
    refused: dict[str, str] = {}
    for part, text in given.items():
        for name, pictures in _members(source, files, entries, index, text):
            if len(pictures) != 1:
                refused[name] = f"listed in {text}, " + ("but several pictures are called so" if pictures else "but not there")
            elif found.setdefault(pictures[0], part) != part:
                refused[pictures[0]] = f"of the parts {found[pictures[0]]} and {part} at once"
    return Listed(found, refused, tuple(text for text in given.values() if _is_list(text) and text not in files))


def _is_list(text: str) -> bool:
    return text.lower().endswith(".txt")


def _members(
    source: Source, files: frozenset[str], entries: Sequence[Entry], index: Mapping[str, list[str]], text: str
) -> Iterator[tuple[str, list[str]]]:
    if not _is_list(text):
        yield from ((entry.file, [entry.file]) for entry in entries if re.search(text, entry.file))
    elif text in files:
        lines = source.read(text).decode("utf-8", "replace").splitlines()
        yield from ((line.strip(), _lookup(index, line.strip())) for line in lines if line.strip())


def _index(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Path, file name, and both without ending -> pictures."""
    found: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        path = PurePosixPath(entry.file)
        for key in {entry.file, path.name, stem(entry.file), path.stem}:
            found[key].append(entry.file)
    return found


def _lookup(index: Mapping[str, list[str]], line: str) -> list[str]:
    return index.get(line) or index.get(line.split(maxsplit=1)[0], [])


def by_name(entries: Sequence[Entry], names: Iterable[str]) -> dict[str, str]:
    """Picture -> the one of these names (paths, or file names, whatever their folder) that means it, where just one is meant."""
    index = _index(entries)
    found = ((index.get(name) or index.get(PurePosixPath(name).name, []), name) for name in names)
    return {pictures[0]: name for pictures, name in found if len(pictures) == 1}
