"""Files of a word a line with its tag, as of the CoNLL tasks: what is marked in them is read from the tags.

    Identification	O
    of	O
    adenomatous	B-Disease
    polyposis	I-Disease

An empty line ends a sentence, a line -DOCSTART- begins a document; without one each sentence is a document, or so many are. Each
document is a subject: <file>-<number>. Files do not say which blanks stood between words: the text is the words with a blank
between, and a line feed between sentences. The scheme of the tags (BIO, IOB1, IOBES) is found in each file. A sentence that
cannot be used is refused by the file and line of the fault; so is one with illegal tags, unless `illegal` says that it is
read as conlleval reads it.
Source: Tjong Kim Sang and De Meulder 2003, CoNLL-2003 shared task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Literal

from msgspec import Meta

from sequela.contracts import Reader, Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _corpus, _documents, _subjects, _tags
from sequela.readers._corpus import File, Marked, Types
from sequela.readers._documents import Document
from sequela.readers._tags import Scheme, Tag
from sequela.text.documents import Mark

VERSION = 1
START = "-DOCSTART-"
_SHORT = "a line of too few columns"
ENDINGS = (".conll", ".tsv", ".txt", ".bio", ".iob", ".iob2", ".bmes", ".bioes")


class Config(Marked, frozen=True):
    columns: tuple[int, int] = (0, -1)  # of the word and of its tag, the first being 0 and the last -1
    separator: Literal["", "tab", "blanks"] = ""  # between columns; left out: tabs, in a file that has any
    scheme: Literal["", "BIO", "IOB1", "IOBES"] = ""  # left out: the one that a file calls for
    illegal: Literal["refuse", "repair"] = "refuse"  # sentences whose tags may not follow one another; repair: as conlleval reads
    sentences: Annotated[int, Meta(ge=1)] | None = None  # of a document; left out: up to the next -DOCSTART-, or one


@dataclass(frozen=True, slots=True)
class ConllReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every document; a sentence that cannot be used is refused by its file and line.

        Raises DataError where there is no such file, or one without any word that is tagged.
        """
        files = _corpus.listed(source, self.config, ENDINGS, sink)
        _documents.write(self._documents(source, files, sink), sink)

    def _documents(self, source: Source, files: Sequence[File], sink: Sink) -> Iterator[Document]:
        types = Types.gathered(self.config.types, sink)
        names = _subjects.names([file.name for file in files])
        for done, file in enumerate(files, 1):
            sentences = _sentences(source, file.name, self.config, sink)
            for number, some in enumerate(_together(sentences, self.config.sentences), 1):
                text, marks = _joined(some)
                sink.accept(len(some) - 1)  # the document itself is counted as it is written
                yield Document(
                    subject=f"{names[file.name]}-{number:05d}",
                    text=text,
                    name=f"{file.name} line {some[0].line}",
                    marks={self.config.spans: types.kept(marks)},
                    part=file.part,
                )
            sink.progress(done, len(files))


@dataclass(frozen=True, slots=True)
class _Sentence:
    """Words and their tags."""

    line: int  # of its first word
    document: int  # how many documents begin before it or with it
    words: tuple[str, ...]
    tags: tuple[Tag, ...]


def _sentences(source: Source, file: str, config: Config, sink: Sink) -> list[_Sentence]:
    """Those of a file that can be used. Raises DataError where it has none."""
    found = list(_read(_corpus.text_of(source, file, config.encoding), file, config, sink))
    form: Scheme = config.scheme or _tags.detected(sentence.tags for sentence in found)
    kept = [sentence for sentence in found if _is_legal(sentence, file, form, config, sink)]
    if not kept:
        raise DataError(
            f"{file} has no sentence of words and tags", hint="a line is a word and its tag: columns and separator say where"
        )
    return kept


def _is_legal(sentence: _Sentence, file: str, form: Scheme, config: Config, sink: Sink) -> bool:
    place = _tags.illegal(sentence.tags, form)
    if place is None:
        return True
    if config.illegal == "refuse":
        sink.refuse(f"{file} line {sentence.line + place}", f"a tag that may not stand there in {form}")
        return False
    sink.note(f"sentences with tags that may not follow one another in {form}, read as by conlleval", 1)
    return True


def _read(text: str, file: str, config: Config, sink: Sink) -> Iterator[_Sentence]:
    """The sentences of a file; one with a line that is no word and tag is refused."""
    separator = {"": "\t" if "\t" in text else None, "tab": "\t", "blanks": None}[config.separator]
    for document, first, lines in _blocks(text):
        try:
            words, tags = zip(*_pairs(lines, separator, config), strict=True)
            yield _Sentence(first, document, words, tags)
        except _Unusable as error:
            sink.refuse(f"{file} line {first + error.place}", error.message)


def _blocks(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """The lines of each sentence, with the number of its document and of its first line."""
    document, lines = 0, list[str]()
    for number, line in enumerate([*text.split("\n"), ""], 1):
        starts = line.startswith(START)
        if line.strip(" \t\r") and not starts:
            lines.append(line.removesuffix("\r"))
        elif lines:
            yield document, number - len(lines), lines
            lines = []
        document += starts


class _Unusable(DataError):
    """A line of a sentence is no word and tag."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place


def _pairs(lines: Sequence[str], separator: str | None, config: Config) -> Iterator[tuple[str, Tag]]:
    """Raises _Unusable, which says which line it was."""
    for place, line in enumerate(lines):
        entries = line.split(separator)
        if len(entries) < 2:
            raise _Unusable(place, _SHORT)
        try:
            word, tag = (entries[column] for column in config.columns)
            yield _word(word), _tags.tag(tag.strip(), config.spans)
        except IndexError as error:
            raise _Unusable(place, _SHORT) from error
        except DataError as error:
            raise _Unusable(place, error.message) from error


def _word(text: str) -> str:
    if not text or text.isspace():
        raise DataError("a line without a word")
    return text


def _together(sentences: Sequence[_Sentence], count: int | None) -> Iterator[list[_Sentence]]:
    """The sentences of each document."""
    most = count or (len(sentences) if sentences[-1].document else 1)
    for _, own in groupby(sentences, key=lambda sentence: sentence.document):
        held = list(own)
        yield from (held[begin : begin + most] for begin in range(0, len(held), most))


def _joined(sentences: Sequence[_Sentence]) -> tuple[str, list[Mark]]:
    """The text of a document, and what its tags mark in it."""
    text, marks = "", list[Mark]()
    for sentence in sentences:
        text += "\n" if text else ""
        places: list[tuple[int, int]] = []
        for word in sentence.words:
            text += " " if places else ""
            places.append((len(text), len(text) + len(word)))
            text += word
        marks += [Mark(places[one.begin][0], places[one.end - 1][1], one.type) for one in _tags.stretches(sentence.tags)]
    return text, marks


def build(config: Config) -> Reader:
    """Raises ConfigError where word and tag are one column."""
    if config.columns[0] == config.columns[1]:
        raise ConfigError(f"columns names column {config.columns[0]} twice", hint="columns = [0, -1]: of the word and of its tag")
    return ConllReader(config)
