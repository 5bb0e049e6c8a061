"""Writes samples that are sequences: DNA, RNA, proteins, molecules as SMILES, and what the source says of them.

SEQUENCE//<name>   sequence: the letters as the source has them
LABEL//<column>    label: of the sample; or a letter for each letter of one of its sequences
PAIRS//<name>      label: pairs of places of one of its sequences (residues/record.py)
<COLUMN>           static: what else the source says of the sample

None has a time. Labels and statics are numbers where all of a column are, else texts; labels that are whole numbers, which may
be classes, are both. A missing one is no event. Columns are kept until all samples are read; sequences are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import polars as pl

from sequela.contracts import Sink
from sequela.errors import DataError
from sequela.readers._csv_rows import MISSING
from sequela.readers._samples import PART_NAMES, events
from sequela.residues import record

_TOLD_APART = 7  # digits that float32 always tells apart
TOGETHER = 2**24  # letters of sequences that are written at once
_ABSENT = frozenset(MISSING) - {"", "NA"}  # NA is a peptide
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


class Along(NamedTuple):
    """What is said of the places of a sequence."""

    sequence: str  # its name
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The sequences of one subject."""

    subject: str
    sequences: Mapping[str, str]  # name -> letters
    name: str = ""  # what a refusal calls it (a file and row); left out: the subject
    labels: Mapping[str, str] = field(default_factory=dict)  # column -> label; "" is missing
    letters: Mapping[str, Along] = field(default_factory=dict)  # column -> a letter for each letter; "" is missing
    pairs: Mapping[str, Along] = field(default_factory=dict)  # name -> pairs, low-high with a blank between
    static: Mapping[str, str] = field(default_factory=dict)  # column -> what it says; "" is nothing
    names: Mapping[str, str] = field(default_factory=dict)  # statics that are texts, even where they look like numbers
    part: str = ""  # train, tune (val, dev) or test, where the source itself assigns it


def write(found: Iterable[Sample], sink: Sink, expected: Iterable[str] = ()) -> None:
    """Writes every sample; one that cannot be used is refused by its name.

    A second sample of a subject is refused; where nothing of it differs it is counted and left out. Raises DataError where none
    of the samples that are kept has a label that is `expected`.
    """
    said = _Said()
    known: dict[str, int] = {}
    for some in _batches(found):
        _give([row for sample in some for row in _taken(sample, said, known, sink)], sink)
    said.give(sink, expected if known else ())  # of samples that were all refused, the refusals tell


def _taken(sample: Sample, said: _Said, known: dict[str, int], sink: Sink) -> list[_Text]:
    """The texts of a sample, what its columns say being noted; none where it was refused, or stood there before."""
    try:
        texts = _texts(sample)
        is_new = _is_new(sample, known)
    except _Unusable as error:
        sink.refuse(f"{sample.name or sample.subject}{error.counts}", error.message)
        return []
    if not is_new:
        sink.note("samples that stand twice and are alike, kept once", 1)
        return []
    said.add(sample)
    if sample.part:
        sink.part(sample.subject, PART_NAMES[sample.part.lower()])
    sink.accept()
    return texts


class _Unusable(DataError):
    """A sample cannot be kept; numbers stand beside its name, so that all of one kind are one reason."""

    def __init__(self, message: str, counts: str = "") -> None:
        super().__init__(message)
        self.counts = f" ({counts})" if counts else ""


class _Text(NamedTuple):
    """An event of a text."""

    source_id: str
    code: str
    text_value: str


def _batches(found: Iterable[Sample]) -> Iterator[list[Sample]]:
    """The samples in their order, at least one and about so many letters at once."""
    some: list[Sample] = []
    size = 0
    for sample in found:
        some.append(sample)
        size += sum(map(len, sample.sequences.values()))
        if size >= TOGETHER:
            yield some
            some, size = [], 0
    yield some


def _is_new(sample: Sample, known: dict[str, int]) -> bool:
    """False for one that stood there before. Raises _Unusable where it differs from that one."""
    parts = (sample.sequences, sample.labels, sample.letters, sample.pairs, sample.static, sample.names)
    content = hash((*(tuple(part.items()) for part in parts), sample.part))
    first = known.get(sample.subject)
    known.setdefault(sample.subject, content)
    if first not in (None, content):
        raise _Unusable("another sample of the same id came before")
    return first is None


# ---------------------------------------------------------------------------------------------------------------------- checks


def _texts(sample: Sample) -> list[_Text]:
    """The events of one sample that are texts as they stand. Raises _Unusable where it cannot be kept."""
    if not sample.subject:
        raise _Unusable("a sample without an id")
    if sample.part and sample.part.lower() not in PART_NAMES:
        raise _Unusable("its part is none of train, tune (val, dev) and test")
    for letters in sample.sequences.values():
        _check_letters(letters)
    told = {record.code(name): letters for name, letters in sample.sequences.items()}
    told |= {f"LABEL//{name}": _letters(name, along, sample) for name, along in sample.letters.items() if along.text}
    told |= {record.pairs_code(name): _pairs(name, along, sample) for name, along in sample.pairs.items() if along.text}
    return [_Text(sample.subject, code, text) for code, text in told.items()]


def _check_letters(letters: str) -> None:
    if not letters or letters in _ABSENT:
        raise _Unusable("an empty sequence")
    if not (letters.isascii() and letters.isprintable()):
        raise _Unusable("a sequence with a character that is no printable ASCII: a NUL, a tab, a letter of another alphabet")
    if " " in letters:
        raise _Unusable("a sequence with a blank inside")


def _letters(name: str, along: Along, sample: Sample) -> str:
    length = len(sample.sequences[along.sequence])
    if len(along.text) == length:
        return along.text
    counts = f"{len(along.text)} letters in {name!r}, {length} in the sequence"
    raise _Unusable(f"the column {name!r} has not one letter for each letter of its sequence", counts)


def _pairs(name: str, along: Along, sample: Sample) -> str:
    length = len(sample.sequences[along.sequence])
    try:
        return record.written(record.pairs(along.text, length))
    except DataError as error:
        raise _Unusable(f"the column {name!r} has pairs that are no two places of its sequence", error.message) from error


# ----------------------------------------------------------------------------------------------------------------------- events


def _give(rows: Sequence[_Text], sink: Sink) -> None:
    for code in dict.fromkeys(row.code for row in rows):
        sink.code(code, "sequence" if code.startswith(f"{record.SEQUENCE}//") else "label")
    if rows:
        schema = {"source_id": pl.String(), "code": pl.String(), "text_value": pl.String()}
        sink.events(pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.lit(None, pl.Datetime("us")).alias("time")))


@dataclass(frozen=True, slots=True)
class _Said:
    """What the columns say: of each, the subjects and the entries."""

    labels: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    static: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    names: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        for held, given in ((self.labels, sample.labels), (self.static, sample.static), (self.names, sample.names)):
            for column, entry in given.items():
                if (said := entry.strip()) not in MISSING:
                    held.setdefault(column, []).append((sample.subject, said))

    def give(self, sink: Sink, expected: Iterable[str]) -> None:
        """Raises DataError where an expected label stands nowhere."""
        for column in expected:
            if column not in self.labels:
                raise DataError(f"no sample that could be used has a label {column!r}", hint="see the option labels")
        for column, pairs in self.labels.items():
            _give_column(f"LABEL//{column}", "label", pairs, _classes, sink)
        for column, pairs in self.static.items():
            _give_column(column.upper(), "static", pairs, _facts, sink)
        for column, pairs in self.names.items():
            _give_column(column.upper(), "static", pairs, _texts_alone, sink)


_Columns: TypeAlias = dict[str, pl.Series]


def _give_column(
    code: str, kind: str, pairs: Sequence[tuple[str, str]], values: Callable[[Sequence[str]], _Columns], sink: Sink
) -> None:
    subjects, entries = zip(*pairs, strict=True)
    sink.code(code, kind)
    sink.events(events(subjects, code, values(entries)))


def _classes(entries: Sequence[str]) -> _Columns:
    """Labels: whole numbers, which may be classes, are texts too."""
    if not _are_numbers(entries):
        return _texts_alone(entries)
    return _number(entries) | (_texts_alone(entries) if all(map(_WHOLE.fullmatch, entries)) else {})


def _facts(entries: Sequence[str]) -> _Columns:
    """Statics: whole numbers that float32 does not tell apart are ids, so texts."""
    if not _are_numbers(entries) or any(len(entry) > _TOLD_APART and _WHOLE.fullmatch(entry) for entry in entries):
        return _texts_alone(entries)
    return _number(entries)


def _texts_alone(entries: Sequence[str]) -> _Columns:
    return {"text_value": pl.Series(entries, dtype=pl.String)}


def _number(entries: Sequence[str]) -> _Columns:
    return {"numeric_value": pl.Series(list(map(float, entries)), dtype=pl.Float32)}


def _are_numbers(entries: Sequence[str]) -> bool:
    """Whether all are, and none is a code whose leading zeros count, as 007."""
    coded = any(entry.isdecimal() and not _WHOLE.fullmatch(entry) for entry in entries)
    return not coded and all(map(_NUMBER.fullmatch, entries))
