"""Texts (.txt) with what was marked in them beside (.ann): the standoff files of brat.

    T1	Disease 15 26	skin tumour
    T2	Disease 30 34;45 51	skin … tumour
    N1	Reference T1 MESH:D012878	Skin Neoplasms

Each pair is a document, and a subject: the path without ending. A text is taken character by character. The normalisations (N) of
a mark are its concepts, several joined by |. A mark of several pieces is refused, or taken from its first to its last character
(`pieces = "hull"`), unless blanks alone lie between them. Relations, events, attributes and remarks are left out and counted. A
text without .ann is a document that nobody marked; one whose .ann is empty was read, and nothing was found.
Source: Stenetorp et al. 2012, brat: a web-based tool for NLP-assisted text annotation; https://brat.nlplab.org/standoff.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.readers import _corpus, _documents
from sequela.readers._corpus import File, Marked, Types
from sequela.readers._documents import Document
from sequela.text.documents import Mark
from sequela.text.encoding import decoded

VERSION = 1
TEXT, MARKS = ".txt", ".ann"
_MARK = re.compile(r"(\S+) (\d{1,9} \d{1,9}(?:;\d{1,9} \d{1,9})*)")
_OTHERS = {"R": "relations", "E": "events", "A": "attributes", "M": "attributes", "#": "remarks", "*": "relations"}


class Config(Marked, frozen=True):
    pieces: Literal["refuse", "hull"] = "refuse"  # marks of several pieces


@dataclass(frozen=True, slots=True)
class BratReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every document; a mark that cannot be used is refused by its file and line, a text by its file.

        Raises DataError where there is no text, or there are no marks.
        """
        files = [file for file in _corpus.listed(source, self.config, (TEXT,), sink) if file.name.lower().endswith(TEXT)]
        if not any(name.lower().endswith(MARKS) for name in source.files()):
            raise DataError(f"{source.name} has no marks ({MARKS})", hint="texts without marks are for the reader text")
        _documents.write(self._documents(source, files, sink), sink)
        texts = {_stem(file.name) for file in files}
        for name in source.files():
            if name.lower().endswith(MARKS) and not self.config.parts and _stem(name) not in texts:
                sink.refuse(name, "marks without the text that they are in")

    def _documents(self, source: Source, files: Sequence[File], sink: Sink) -> Iterator[Document]:
        types, there = Types.gathered(self.config.types, sink), frozenset(source.files())
        for done, file in enumerate(files, 1):
            beside = _stem(file.name) + MARKS
            try:
                text = decoded(source.read(file.name), self.config.encoding)
                lines = decoded(source.read(beside), self.config.encoding) if beside in there else None
            except DataError as error:
                _corpus.refuse_bytes(file.name, error, sink)
                continue
            if lines is None:
                sink.note("texts without marks of anyone beside them", 1)
            marks = {} if lines is None else {self.config.spans: types.kept(_marks(lines, beside, text, self.config, sink))}
            yield Document(_stem(file.name), text, file.name, marks=marks, part=file.part)
            sink.progress(done, len(files))


def _stem(name: str) -> str:
    return name[: -len(TEXT)]


@dataclass(slots=True)
class _Found:
    """The marks of a document by their ids, and the concepts that are told of them."""

    marks: dict[str, Mark] = field(default_factory=dict)
    concepts: dict[str, list[str]] = field(default_factory=dict)


def _marks(lines: str, file: str, text: str, config: Config, sink: Sink) -> list[Mark]:
    """Those that can be used; the others are refused by their line."""
    found = _Found()
    for number, line in enumerate(lines.split("\n"), 1):
        if line.strip():
            try:
                _take(line.removesuffix("\r"), text, config, found, sink)
            except DataError as error:
                sink.refuse(f"{file} line {number}", error.message)
    if lost := sum(len(told) for name, told in found.concepts.items() if name not in found.marks):
        sink.note("normalisations of what is no mark, left out", lost)
    sink.accept(len(found.marks))
    told = {name: "|".join(found.concepts.get(name, ())) for name in found.marks}
    return [Mark(one.begin, one.end, one.type, told[name]) for name, one in found.marks.items()]


def _take(line: str, text: str, config: Config, found: _Found, sink: Sink) -> None:
    """Adds a line. Raises DataError where it cannot be used."""
    name, *entries = line.split("\t")
    if line[0] in _OTHERS:
        sink.note(f"{_OTHERS[line[0]]}, left out", 1)
    elif line[0] == "T" and len(entries) >= 2 and name not in found.marks:
        found.marks[name] = _mark(entries[0], "\t".join(entries[1:]), text, config, sink)
    elif line[0] == "N" and entries:
        _, mark, concept = _three(entries[0])
        found.concepts.setdefault(mark, []).append(concept)
    else:
        raise DataError(
            "a line that is neither a mark (T), a normalisation (N) nor of another kind that brat has, or an id twice"
        )


def _three(told: str) -> Sequence[str]:
    words = told.split()
    if len(words) != 3:
        raise DataError("a normalisation that does not say which mark is which concept")
    return words


def _mark(told: str, said: str, text: str, config: Config, sink: Sink) -> Mark:
    """Raises DataError where it does not stand in the text, or in pieces."""
    form = _MARK.fullmatch(told)
    if form is None:
        raise DataError("a mark without a type, or without whole numbers for its place")
    pieces = [(int(begin), int(end)) for begin, end in (piece.split() for piece in form[2].split(";"))]
    if " ".join(" ".join(text[begin:end] for begin, end in pieces).split()) != " ".join(said.split()) or not said.strip():
        raise DataError("the text of a mark is not what stands at its place")
    if any(text[one[1] : other[0]].strip() or other[0] < one[1] for one, other in pairwise(pieces)):
        if config.pieces == "refuse":
            raise DataError('a mark of several pieces; pieces = "hull" takes all from its first to its last character')
        sink.note("marks of several pieces, taken from the first to the last character", 1)
    begin, end = min(begin for begin, _ in pieces), max(end for _, end in pieces)
    if end > len(text):
        raise DataError("the text of a mark is not what stands at its place")
    return Mark(begin, end, form[1])


def build(config: Config) -> Reader:
    return BratReader(config)
