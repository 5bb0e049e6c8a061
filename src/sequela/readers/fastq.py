"""FASTQ: reads of a sequencer, each letter with its quality.

Each read is a subject, called by its id, or FILE-ID where several files are read. Written, without time:

    SEQUENCE//dna     the letters, as they stand
    MEAN_QUALITY      static: the mean of the qualities, Phred
    EXPECTED_ERRORS   static: how many letters are wrong by their qualities, the sum of 10^(-Q/10)

`min_quality` leaves out, and counts, reads of a lower mean; `labels`, `static` and `pattern` read headers as the reader `fasta`
does. Records have four lines. One whose qualities are not as many as its letters, or are none of the encoding (`offset` 33; 64
of Illumina before 1.8), is refused by file and line.
Source: Cock et al. 2010, The Sanger FASTQ file format; Edgar and Flyvbjerg 2015 (expected errors).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from sequela.config import Name
from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.readers import _corpus, _sequence_events, _sequence_headers, _sequence_lines, fasta
from sequela.readers._sequence_columns import Origin, origins, sample
from sequela.readers._sequence_events import Sample
from sequela.readers._sequence_headers import Headed
from sequela.readers._sequence_lines import Progress
from sequela.types import Array

VERSION = 1
LABELS = ("labels",)  # options that new records need not bear out
ENDINGS = (".fastq", ".fq", ".fastq.gz", ".fq.gz")
HIGHEST = 126  # the last printable character of ASCII
_NO_READ = "not four lines: @ and an id, letters, +, qualities"


class Config(Headed, frozen=True):
    sequence: Name = "dna"
    min_quality: Annotated[float, Meta(ge=0)] = 0.0  # the least mean quality, Phred
    offset: Literal[33, 64] = 33  # of the characters that qualities are written as


@dataclass(frozen=True, slots=True)
class FastqReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every read; one that cannot be used is refused by its file and line.

        Raises DataError where there is no such file, or one that is not FASTQ.
        """
        files = origins(_corpus.listed(source, self.config, ENDINGS, sink), self.config)
        _sequence_events.write(self._samples(source, files, sink), sink, self.config.labels)

    def _samples(self, source: Source, files: list[Origin], sink: Sink) -> Iterator[Sample]:
        progress = Progress.over(source, [origin.file for origin in files], sink)
        for origin in files:
            for read in _reads(source, origin.file, progress, sink):
                try:
                    yield from self._sample(read, origin, sink)
                except DataError as error:
                    sink.refuse(f"{origin.file} line {read.line}", error.message)

    def _sample(self, read: _Read, origin: Origin, sink: Sink) -> Iterator[Sample]:
        """Raises DataError for a read that cannot be used."""
        quality = _qualities(read, self.config.offset)
        mean = float(quality.mean())
        if mean < self.config.min_quality:
            sink.note(f"reads of a mean quality below {self.config.min_quality:g}, left out", 1)
            return
        told = _sequence_headers.told(read.header, origin, read.line, self.config)
        found = sample(self.config, told, origin, {self.config.sequence: fasta.letters(read.letters)})
        wrong = float((10 ** (-quality / 10)).sum())
        yield replace(found, static={**found.static, "mean_quality": f"{mean:.6g}", "expected_errors": f"{wrong:.6g}"})


@dataclass(frozen=True, slots=True)
class _Read:
    line: int
    header: str
    letters: str
    quality: str


def _reads(source: Source, file: str, progress: Progress, sink: Sink) -> Iterator[_Read]:
    """The reads of a file, one at a time; lines that make none are refused, together up to the next that begin one.

    Raises DataError where the first line is no header.
    """
    held: list[str] = []
    lost = False  # after lines that were refused
    for number, text in enumerate(_sequence_lines.lines(source, file, progress), 1):
        if not held and not text.startswith("@"):
            if number == 1:
                raise DataError(f"{file} is not FASTQ: it does not begin with @", hint="the reader fasta takes sequences alone")
            if text.strip() and not lost:
                sink.refuse(f"{file} line {number}", _NO_READ)
                lost = True
            continue
        held.append(text)
        if len(held) == 3 and not text.startswith("+"):
            sink.refuse(f"{file} line {number - 2}", _NO_READ)
            held, lost = ([text] if text.startswith("@") else []), True
        elif len(held) == 4:
            yield _Read(number - 3, held[0][1:].strip(), held[1].strip(), held[3].rstrip())
            held, lost = [], False
    if held:
        sink.refuse(f"{file} line {number - len(held) + 1}", _NO_READ)


def _qualities(read: _Read, offset: int) -> Array:
    """Phred of each letter, float64. Raises DataError where they are none."""
    if not read.letters:
        raise DataError("an empty sequence")
    if len(read.quality) != len(read.letters):
        raise DataError("more or fewer qualities than letters")
    found = np.array([ord(sign) for sign in read.quality], float)
    if found.min() < offset or found.max() > HIGHEST:
        raise DataError(f"qualities that are none with the offset {offset}")
    return found - offset


def build(config: Config) -> Reader:
    """Raises ConfigError for a pattern that is none."""
    _sequence_headers.check(config)
    return FastqReader(config)
