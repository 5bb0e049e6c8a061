"""The resources in files of FHIR: bundles and single resources in JSON, one resource a line in NDJSON, gzipped or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple, cast

import msgspec
from msgspec import Raw, Struct

from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers._fhir_types import ABSENT, SUPPORTED

PATTERNS = ("*.json", "*.json.gz", "*.ndjson", "*.ndjson.gz", "*.jsonl", "*.jsonl.gz")
BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # what decoding raises for content that is not as it should be
_DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error)
_LINES = (".ndjson", ".ndjson.gz", ".jsonl", ".jsonl.gz")


class Record(NamedTuple):
    """A resource as it lies in a file, or (with no kind) the reason why there is none."""

    where: str  # file and entry or line: never an id, which may tell who it is
    kind: str
    id: str
    url: str  # fullUrl of the entry
    content: bytes | Raw
    broken: str = ""


class _Head(Struct, rename="camel"):
    resource_type: str = ""
    id: str = ""
    fhir_version: str = ""


class _Entry(Struct, rename="camel"):
    full_url: str = ""
    resource: Raw = ABSENT


class _Bundle(Struct, rename="camel"):
    entry: list[_Entry] = []


_HEAD = msgspec.json.Decoder(_Head)
_BUNDLE = msgspec.json.Decoder(_Bundle)


def names(source: Source) -> list[str]:
    """The files of FHIR in a source, sorted."""
    return sorted({name for pattern in PATTERNS for name in source.files(pattern)})


def records(source: Source, files: list[str], sink: Sink, done: int, total: int) -> Iterator[Record]:
    """All resources, file by file: one file, and of NDJSON one line, is in memory at a time.

    Raises DataError for a damaged gzip file, and for data that say they are of another FHIR version.
    """
    for number, name in enumerate(files, start=done):
        sink.progress(number, total)
        yield from _lines(source, name) if name.lower().endswith(_LINES) else _whole(source, name)
    sink.progress(done + len(files), total)


def _lines(source: Source, name: str) -> Iterator[Record]:
    try:
        with _opened(source, name) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield from _found(f"{name} line {number}", "", line)
    except _DAMAGED as error:
        raise DataError(f"{name} is a damaged gzip file: {error}") from error


def _opened(source: Source, name: str) -> IO[bytes]:
    path = source.path(name)
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


def _whole(source: Source, name: str) -> Iterator[Record]:
    content = source.read(name)
    if content.startswith(b"\x1f\x8b"):
        try:
            content = gzip.decompress(content)
        except _DAMAGED as error:
            raise DataError(f"{name} is a damaged gzip file: {error}") from error
    yield from _found(name, "", content.removeprefix(b"\xef\xbb\xbf"))


def _found(where: str, url: str, content: bytes | Raw) -> Iterator[Record]:
    """The resource, or those of the bundle that it is."""
    try:
        head = _HEAD.decode(content)
    except BROKEN as error:
        yield Record(where, "", "", url, b"", f"not JSON, or cut short: {error}")
        return
    if head.fhir_version and not head.fhir_version.startswith(SUPPORTED):
        raise DataError(
            f"{where} says that the data are FHIR {head.fhir_version}; this reader takes R4 (4.0)",
            hint="export as R4, or convert the data",
        )
    if head.resource_type == "Bundle":
        yield from _entries(where, content)
    elif head.resource_type:
        yield Record(where, head.resource_type, head.id, url, content)
    else:
        yield Record(where, "", "", url, b"", "no resourceType: not a FHIR resource")


def _entries(where: str, content: bytes | Raw) -> Iterator[Record]:
    try:
        bundle = _BUNDLE.decode(content)
    except BROKEN as error:
        yield Record(where, "", "", "", b"", f"a bundle that is not R4: {error}")
        return
    for number, entry in enumerate(bundle.entry, start=1):
        if entry.resource == ABSENT:
            yield Record(f"{where} entry {number}", "(entry without a resource)", "", entry.full_url, b"")
        else:
            yield from _found(f"{where} entry {number}", entry.full_url, entry.resource)
