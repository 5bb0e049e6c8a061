"""FASTA: sequences of DNA, RNA or proteins, with what their headers say.

    sequence = "protein"                       # SEQUENCE//protein
    labels   = ["class"]                       # class=… in a header; or a group of the pattern
    static   = ["organism"]
    parts    = { train = "train.fa.gz", test = "test.fa.gz" }

    pattern  = '\\|(?P<label>[01])\\|(?P<part>training|testing)'  # for headers such as >P1|1|training
    labels   = ["label"]
    part     = "part"

Each record is a subject, called by its id, or FILE-ID where several files are read. Letters and their case are kept; lines are
joined. Refused by file and line: a record without letters or an id, one with a character that FASTA has not (letters, `*` for a
stop, `-` and `.` for gaps are its own), and a second, other record of one id. Files may be larger than memory, records may not.
Source: Pearson and Lipman 1988, Improved tools for biological sequence comparison.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.readers import _corpus, _sequence_events, _sequence_headers, _sequence_lines
from sequela.readers._sequence_columns import Origin, origins, sample
from sequela.readers._sequence_events import Sample
from sequela.readers._sequence_headers import Headed
from sequela.readers._sequence_lines import Progress

VERSION = 1
LABELS = ("labels",)  # options that new records need not bear out
_NAMES = (".fasta", ".fa", ".fna", ".faa", ".ffn", ".frn", ".fas")
ENDINGS = (*_NAMES, *(f"{name}.gz" for name in _NAMES))
_LETTERS = re.compile(r"[A-Za-z*.-]*")


class Config(Headed, frozen=True):
    pass


@dataclass(frozen=True, slots=True)
class Record:
    """A header, without its mark, and the letters below it."""

    line: int
    header: str
    letters: str


@dataclass(frozen=True, slots=True)
class FastaReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every record; one that cannot be used is refused by its file and line.

        Raises DataError where there is no such file, or one that is not FASTA.
        """
        files = origins(_corpus.listed(source, self.config, ENDINGS, sink), self.config)
        _sequence_events.write(self._samples(source, files, sink), sink, self.config.labels)

    def _samples(self, source: Source, files: list[Origin], sink: Sink) -> Iterator[Sample]:
        progress = Progress.over(source, [origin.file for origin in files], sink)
        for origin in files:
            for record in records(source, origin.file, progress):
                try:
                    yield _sample(record, origin, self.config)
                except DataError as error:
                    sink.refuse(f"{origin.file} line {record.line}", error.message)


def _sample(record: Record, origin: Origin, config: Headed) -> Sample:
    """Raises DataError for a record that cannot be used."""
    found = _sequence_headers.told(record.header, origin, record.line, config)
    return sample(config, found, origin, {config.sequence: letters(record.letters)})


def letters(text: str) -> str:
    """The letters of a sequence, as they stand. Raises DataError for what FASTA has not."""
    if not _LETTERS.fullmatch(text):
        raise DataError("a sequence with a character that is none of FASTA's: letters, * (stop), - and . (gaps)")
    return text


def records(source: Source, file: str, progress: Progress | None = None) -> Iterator[Record]:
    """The records of a file, one at a time. Raises DataError where it is not FASTA; see _sequence_lines.lines."""
    line, header, held = 0, "", list[str]()
    for number, text in enumerate(_sequence_lines.lines(source, file, progress), 1):
        if text.startswith(">"):
            if line:
                yield Record(line, header, "".join(held))
            line, header, held = number, text[1:].strip(), []
        elif line:
            held.append(text.strip())
        elif text.strip() and not text.startswith(";"):  # a comment, of old files
            raise DataError(f"{file} is not FASTA: line {number} stands before any header", hint="a header begins with >")
    if not line:
        raise DataError(f"{file} is not FASTA: it has no header", hint="a header begins with >")
    yield Record(line, header, "".join(held))


def build(config: Config) -> Reader:
    """Raises ConfigError for a pattern that is none."""
    _sequence_headers.check(config)
    return FastaReader(config)
