"""Writes documents: the text as the source had it, what was marked in it, what it is labelled with.

NOTE, NOTE//<category>  text: the document, character by character
SPANS//<name>           label: what was marked in it (text/documents.py)
LABEL//<column>         label: of the document, as text
<NAME>                  static: what else the source says of the subject
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import NamedTuple

import polars as pl

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.readers._samples import PART_NAMES
from sequela.text import documents
from sequela.text.documents import Mark

TOGETHER = 2**24  # characters of documents that are written at once
EMPTY = "empty: a document without text"


@dataclass(frozen=True, slots=True)
class Document:
    """A text of one subject."""

    subject: str
    text: str  # exactly as the source has it
    name: str = ""  # what a refusal calls it (a file, a file and line); left out: the subject
    category: str = ""  # of document: "Radiology"
    time: datetime | None = None  # UTC, without a zone; None: of no time, always known
    available: datetime | None = None  # UTC: known only from then on; None: from its time on
    visit: int | None = None
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)  # what was marked -> where; empty where nothing was found
    labels: Mapping[str, str] = field(default_factory=dict)  # column -> label; "" is missing
    told: Mapping[str, str] = field(default_factory=dict)  # of the subject: name -> what it says, "" where it says nothing
    part: str = ""  # train, tune (val, dev) or test, where the source itself assigns the subject


class _Event(NamedTuple):
    """A line of what a sink takes."""

    source_id: str
    time: datetime | None
    code: str
    text_value: str
    visit: int | None
    available: datetime | None


SCHEMA = {
    "source_id": pl.String(), "time": pl.Datetime("us"), "code": pl.String(), "text_value": pl.String(), "visit": pl.Int64(),
    "available": pl.Datetime("us"),
}  # fmt: skip


def write(found: Iterable[Document], sink: Sink) -> None:
    """Writes every document; one that is empty, is no text, or has marks or a part that cannot be, is refused by its name."""
    told: dict[tuple[str, str], str] = {}
    for some in _batches(found):
        events: list[_Event] = []
        for document in some:
            try:
                events += _events(document, told)
            except DataError as error:
                sink.refuse(document.name or document.subject, error.message)
                continue
            if document.part:
                sink.part(document.subject, PART_NAMES[document.part.lower()])
            sink.accept()
        _give(events, sink)


def _batches(found: Iterable[Document]) -> Iterator[list[Document]]:
    """The documents in their order, at least one and about so many characters at once."""
    some: list[Document] = []
    size = 0
    for document in found:
        some.append(document)
        size += len(document.text)
        if size >= TOGETHER:
            yield some
            some, size = [], 0
    yield some


def _events(document: Document, told: dict[tuple[str, str], str]) -> list[_Event]:
    """Of one document, what its subject has been `told` to be noted. Raises DataError where it cannot be kept."""
    check(document.text)
    _check(document)
    code = documents.code(document.category)
    found = [_event(document, code, document.text)._replace(available=document.available)]
    found += [_event(document, f"{documents.SPANS}//{n}", documents.marked(document.text, m)) for n, m in document.marks.items()]
    found += [_event(document, f"LABEL//{column}", label) for column, label in document.labels.items() if label]
    return found + _statics(document, told)


def check(text: str) -> None:
    """Raises DataError for what is no text."""
    if not text.strip():
        raise DataError(EMPTY)
    if "\0" in text:
        raise DataError("a NUL character, which no text has", hint="is it a picture, or a text in UTF-16?")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError("half of a surrogate pair, which is no character") from error


def _check(document: Document) -> None:
    if not document.subject:
        raise DataError("a document without a subject")
    if document.part and document.part.lower() not in PART_NAMES:
        raise DataError("its part is none of train, tune (val, dev) and test")
    for mark in chain.from_iterable(document.marks.values()):
        if not mark.type:
            raise DataError("a mark without a type")
        if not 0 <= mark.begin < mark.end <= len(document.text):  # told without numbers, so that all of them are one reason
            raise DataError("a mark that is empty or reaches outside of its document; places count in characters, not in bytes")


def _event(document: Document, code: str, text: str) -> _Event:
    return _Event(document.subject, document.time, code, text, document.visit, None)


def _statics(document: Document, told: dict[tuple[str, str], str]) -> list[_Event]:
    """What is told of the subject for the first time. Raises DataError where it was told otherwise before."""
    said = {name.upper(): value for name, value in document.told.items() if value}
    for name, value in said.items():
        if told.get((document.subject, name), value) != value:
            raise DataError(f"its subject was told to be of another {name}")
    new = {name: value for name, value in said.items() if (document.subject, name) not in told}
    told.update({(document.subject, name): value for name, value in new.items()})
    return [_Event(document.subject, None, name, value, None, None) for name, value in new.items()]


def _give(events: Sequence[_Event], sink: Sink) -> None:
    for code in dict.fromkeys(event.code for event in events):
        sink.code(code, _kind(code))
    if events:
        sink.events(pl.DataFrame(events, schema=SCHEMA, orient="row"))


def _kind(code: str) -> str:
    if code == documents.NOTE or code.startswith(f"{documents.NOTE}//"):
        return "text"
    return "label" if code.startswith((f"{documents.SPANS}//", "LABEL//")) else "static"
