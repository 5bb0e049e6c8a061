"""Corpora: files of many marked documents, which of them are of which part, and the types that their marks have."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from sequela.config import Name, Strict
from sequela.contracts import Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.text.documents import Mark
from sequela.text.encoding import decoded
from sequela.types import Part

_ABOUT = re.compile(r"(readme|licen[cs]e)([._-].*)?", re.IGNORECASE)  # what a folder says of itself


class Files(Strict, frozen=True):
    """Which files are read, and how."""

    file: str = ""  # a pattern of file names, as "*.txt"
    parts: Mapping[Part, Name] = {}  # files of each part, by name or pattern; where given, no other file is read
    encoding: str = ""  # of the files; left out: UTF-8, or UTF-16 that says so


class Marked(Files, frozen=True):
    """What was marked in them."""

    spans: Name = "entities"  # what the marks are called: SPANS//entities, for outcome.spans = "entities"
    types: Mapping[str, tuple[str, ...]] = {}  # type -> those of the files that it gathers; others are left out


@dataclass(frozen=True, slots=True)
class File:
    """A file to be read."""

    name: str
    part: str  # "" where nothing assigns it


def listed(source: Source, given: Files, endings: tuple[str, ...], sink: Sink) -> list[File]:
    """The files that are read, by name: those that the options name, or else those with one of these endings.

    Raises DataError where there is none (of a part), ConfigError where one is of two parts.
    """
    if not given.parts:
        return [File(name, "") for name in _matching(source, given.file or "**", endings)]
    found: dict[str, str] = {}
    for part, wanted in given.parts.items():
        for name in _matching(source, wanted, endings):
            if name in found:
                raise ConfigError(f"the file {name} is of two parts, {found[name]} and {part}", hint="see the option parts")
            found[name] = part
    if rest := len({name for name in source.files(given.file or "**") if name.lower().endswith(endings)} - found.keys()):
        sink.note("files of no part, left out", rest)
    return [File(name, found[name]) for name in sorted(found)]


def matching(source: Source, pattern: str, endings: tuple[str, ...]) -> list[str]:
    """Names of files by a pattern; with one of these endings, where it says none itself.

    A README or a LICENSE is none of a corpus, unless it is called by its full name.
    """
    free = PurePosixPath(pattern).suffix in ("", ".*")
    names = [name for name in source.files(pattern) if not free or name.lower().endswith(endings)]
    return [name for name in names if name == pattern or not _ABOUT.fullmatch(PurePosixPath(name).name)]


def _matching(source: Source, pattern: str, endings: tuple[str, ...]) -> Sequence[str]:
    """The same. Raises DataError where there is none."""
    names = matching(source, pattern, endings)
    if not names:
        there = ", ".join(list(source.files())[:5]) or "no file: it is empty"
        wanted = f"with the ending {' or '.join(endings)}" if pattern == "**" else f"named {pattern!r}"
        raise DataError(f"{source.name} has no file {wanted}", hint=f"it has {there}")
    return names


def text_of(source: Source, file: str, encoding: str) -> str:
    """The text of a file of many records, gzipped or not.

    Raises DataError, with its name, where it is empty, damaged or no text in that encoding.
    """
    try:
        text = decoded(_unzipped(source.read(file)), encoding)
    except DataError as error:
        raise DataError(f"{file}: {error.message}", hint=error.hint) from error
    if not text.strip():
        raise DataError(f"{file} is empty")
    return text


def _unzipped(content: bytes) -> bytes:
    try:
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError("a damaged gzip file", hint="copy or download it again") from error


def refuse_bytes(file: str, error: DataError, sink: Sink) -> None:
    """Refuses a document whose bytes are no text: the place is its name's, so that all of one kind are one reason."""
    remedy = f": {error.hint}" if error.hint else ""
    sink.refuse(f"{file}: {error.message}", f"no text in its encoding{remedy}")


@dataclass(frozen=True)
class Types:
    """Gathers the types of marks."""

    sink: Sink
    _of: Mapping[str, str] = field(default_factory=dict)  # type of the files -> the one that gathers it; none: as they are

    @classmethod
    def gathered(cls, types: Mapping[str, Sequence[str]], sink: Sink) -> Types:
        """Raises ConfigError where two gather the same type."""
        pairs = [(raw, name) for name, raws in types.items() for raw in raws]
        if twice := sorted({raw for raw, _ in pairs if sum(raw == other for other, _ in pairs) > 1}):
            raise ConfigError(f"the option types gathers {twice[0]!r} twice")
        return cls(sink, dict(pairs))

    def kept(self, marks: Sequence[Mark]) -> list[Mark]:
        """The marks by the types that gather theirs; those that none gathers are counted."""
        if not self._of:
            return list(marks)
        kept = [Mark(one.begin, one.end, self._of[one.type], one.concept) for one in marks if one.type in self._of]
        if len(kept) < len(marks):
            self.sink.note("marks of a type that the option types does not gather, left out", len(marks) - len(kept))
        return kept
