"""PubTator: titles and abstracts with what was marked in them, as of the NCBI disease corpus.

    10192393|t|A common human skin tumour is caused by …
    10192393|a|WNT signalling orchestrates a number of …
    10192393	15	26	skin tumour	DiseaseClass	D012878

Each document is a subject, its PMID. Its text is the title, a line feed and the abstract, so that the places of the file hold. A
mark whose text is not what stands at its place is refused by its line. Several concepts of a mark are kept as the file joins
them, by | (several things at once) or + (one thing of several codes). A document that stands twice is written once.
Source: Wei, Kao and Lu 2013, PubTator: a web-based text mining tool; Doğan, Leaman and Lu 2014, NCBI disease corpus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.readers import _corpus, _documents
from sequela.readers._corpus import File, Marked, Types
from sequela.readers._documents import Document
from sequela.text.documents import Mark

VERSION = 1
ENDINGS = (".txt", ".pubtator")
_PASSAGE = re.compile(r"([^|\t]+)\|([ta])\|(.*)")
_WHOLE = re.compile(r"[0-9]{1,9}")
_RELATION = 4  # entries; a mark has six, or five without a concept


class Config(Marked, frozen=True):
    pass


@dataclass(frozen=True, slots=True)
class PubTatorReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every document; a line that cannot be used is refused by its file and number.

        Raises DataError where there is no such file, or one that is not of this format.
        """
        files = _corpus.listed(source, self.config, ENDINGS, sink)
        _documents.write(self._documents(source, files, sink), sink)

    def _documents(self, source: Source, files: list[File], sink: Sink) -> Iterator[Document]:
        types = Types.gathered(self.config.types, sink)
        once = _Once(sink)
        for done, file in enumerate(files, 1):
            text = _corpus.text_of(source, file.name, self.config.encoding)
            for found in _found(text, file.name, sink):
                marks = types.kept(found.marks)
                document = Document(
                    found.pmid, found.text, f"{file.name} {found.pmid}", marks={self.config.spans: marks}, part=file.part
                )
                if once.is_new(document):
                    sink.accept(len(found.marks))
                    yield document
            sink.progress(done, len(files))


@dataclass(slots=True)
class _Found:
    """A document as far as it was read."""

    pmid: str
    text: str  # the title, and the abstract once it is read
    whole: bool = False
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True)
class _Once:
    """Knows the documents that were read, so that none is written twice."""

    sink: Sink
    known: dict[str, Document] = field(default_factory=dict)

    def is_new(self, document: Document) -> bool:
        """Whether it is; one that stands twice, letter by letter, is counted, and another of the same PMID refused."""
        first = self.known.setdefault(document.subject, document)
        if first is document:
            return True
        if first.part != document.part:
            self.sink.refuse(document.name, f"its PMID stands in the part {first.part or '(none)'} too")
        elif (first.text, first.marks) != (document.text, document.marks):
            self.sink.refuse(document.name, "another document of this PMID, or other marks in it, came before")
        else:
            self.sink.note("documents that stand twice, with the same marks, kept once", 1)
        return False


def _found(text: str, file: str, sink: Sink) -> Iterator[_Found]:
    """The documents of a file. Raises DataError where it has none."""
    found: _Found | None = None
    for number, line in enumerate(text.split("\n"), 1):
        passage = _PASSAGE.fullmatch(line.removesuffix("\r"))
        if passage and passage[2] == "t":
            if found is not None:
                yield found
            found = _Found(passage[1], passage[3])
        elif line.strip():
            try:
                _take(found, line.removesuffix("\r"), passage, sink)
            except DataError as error:
                sink.refuse(f"{file} line {number}", error.message)
    if found is None:
        raise DataError(f"{file} is not of PubTator: it has no title", hint="a title is a line such as 10192393|t|A common …")
    yield found


def _take(found: _Found | None, line: str, passage: re.Match[str] | None, sink: Sink) -> None:
    """Adds a line to its document. Raises DataError where it cannot be used."""
    pmid = passage[1] if passage else line.partition("\t")[0]
    if found is None or pmid != found.pmid:
        raise DataError("neither a title nor of the document above it")
    if passage is None:
        _mark(found, line.split("\t"), sink)
    elif found.whole or found.marks:
        raise DataError("a second abstract, or one that comes after the marks in it")
    else:
        found.text, found.whole = f"{found.text}\n{passage[3]}", True


def _mark(found: _Found, entries: list[str], sink: Sink) -> None:
    if len(entries) <= _RELATION:
        sink.note("relations between concepts, left out", 1)
        return
    begin, end, told, type_ = entries[1:5]
    if not (_WHOLE.fullmatch(begin) and _WHOLE.fullmatch(end) and type_.strip()):
        raise DataError("a mark without whole numbers for its place, or without a type")
    place = slice(int(begin), int(end))
    there = found.text[place]
    if place.stop > len(found.text) or not there.strip() or there.strip() != told.strip():
        raise DataError("the text of a mark is not what stands at its place")
    if there != told:
        sink.note("marks whose text is told with other blanks around it than stand at its place", 1)
    concept = entries[5].strip() if len(entries) > 5 else ""
    found.marks.append(Mark(place.start, place.stop, type_.strip(), concept))


def build(config: Config) -> Reader:
    return PubTatorReader(config)
