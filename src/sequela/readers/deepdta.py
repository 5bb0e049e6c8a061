"""Drugs and their targets with measured affinities, in the layout of DeepDTA: Davis, KIBA and sets laid out like them.

    ligands_can.txt     JSON: name of a drug -> its SMILES, in the order of the matrix's rows
    proteins.txt        JSON: name of a target -> its letters, in the order of the columns
    *.txt               the matrix: a row a drug, numbers with blanks or tabs between; nan where nothing was measured
    folds/train_*.txt   JSON: lists of the measured pairs of each training fold, counted from 0 along the rows
    folds/test_*.txt    JSON: the list of the test pairs

    scale = "kd_nanomolar"     # Davis; KIBA has scores: "as_is"

One subject for each measured pair, DRUG:TARGET. Written, without time:

    SEQUENCE//drug      SMILES
    SEQUENCE//target    the protein's letters
    LABEL//affinity     pKd = -log10(Kd / 10^9) of a Kd in nanomol per litre; or the number as it is
    DRUG, TARGET        static: their names, for splits that leave out whole drugs or targets
    FOLD                static: 0, 1 … of the training folds, or test

The part is that of the folds' files. Pairs that nobody measured are counted; one whose Kd is not above 0 is refused.
Source: Öztürk, Özgür and Ozkirimli 2018, DeepDTA; Davis et al. 2011; Tang et al. 2014 (KIBA).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, TypeVar

import msgspec

from sequela.config import Name, Strict
from sequela.contracts import Reader, Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _corpus, _sequence_events
from sequela.readers._sequence_events import Sample
from sequela.types import Part

VERSION = 1
TOGETHER = 1000  # pairs between two tellings of progress
T = TypeVar("T")


class Config(Strict, frozen=True):
    scale: Literal["", "kd_nanomolar", "as_is"] = ""  # of the matrix; kd_nanomolar: the label is pKd
    ligands: Name = "ligands_can.txt"  # names or patterns of files
    proteins: Name = "proteins.txt"
    affinities: str = ""  # left out: the one other .txt file beside them
    train: Name = "train_fold*.txt"
    test: Name = "test_fold*.txt"


@dataclass(frozen=True, slots=True)
class _Pair:
    drug: str
    target: str
    value: float
    fold: str  # "" where no fold has it


@dataclass(frozen=True, slots=True)
class DeepDtaReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every measured pair; one that cannot be used is refused by the names of its drug and target.

        Raises DataError where a file is missing, or is not as the layout has it.
        """
        drugs, targets = (_named(source, _one(source, pattern)) for pattern in (self.config.ligands, self.config.proteins))
        matrix = _matrix(source, _affinities(source, self.config), (len(drugs), len(targets)))
        measured = _measured(matrix)
        if without := len(drugs) * len(targets) - len(measured):
            sink.note("pairs that nobody measured, left out", without)
        folds = _folds(source, self.config, len(measured), sink)
        names, others = list(drugs), list(targets)
        pairs = [
            _Pair(names[row], others[column], matrix[row][column], folds.get(number, ""))
            for number, (row, column) in enumerate(measured)
        ]
        _sequence_events.write(self._samples(pairs, drugs, targets, sink), sink, ["affinity"])

    def _samples(
        self, pairs: Sequence[_Pair], drugs: Mapping[str, str], targets: Mapping[str, str], sink: Sink
    ) -> Iterator[Sample]:
        for done, pair in enumerate(pairs, 1):
            name = f"{pair.drug}:{pair.target}"
            try:
                value = _pkd(pair.value) if self.config.scale == "kd_nanomolar" else _finite(pair.value)
            except DataError as error:
                sink.refuse(name, error.message)
                continue
            yield Sample(
                name,
                {"drug": drugs[pair.drug], "target": targets[pair.target]},
                labels={"affinity": repr(value)},
                names={"drug": pair.drug, "target": pair.target, "fold": pair.fold},
                part=_part(pair.fold),
            )
            if not done % TOGETHER or done == len(pairs):
                sink.progress(done, len(pairs))


def _pkd(kd: float) -> float:
    """Of a Kd in nanomol per litre. Raises DataError for one that is not above 0."""
    if not 0 < kd < math.inf:
        raise DataError("a Kd that is not above 0")
    return 9.0 - math.log10(kd)


def _finite(value: float) -> float:
    """Raises DataError for infinity."""
    if not math.isfinite(value):
        raise DataError("an affinity that is not finite")
    return value


def _part(fold: str) -> Part | Literal[""]:
    if not fold:
        return ""
    return "test" if fold == "test" else "train"


# ----------------------------------------------------------------------------------------------------------------------- files


def _one(source: Source, pattern: str) -> str:
    """The one file of this name or pattern. Raises DataError where there is none, or several."""
    found = source.files(pattern)
    if not found:
        there = ", ".join(list(source.files())[:5]) or "no file: it is empty"
        raise DataError(f"{source.name} has no file {pattern!r}", hint=f"it has {there}")
    if len(found) > 1:
        raise DataError(f"{source.name} has several files {pattern!r}: {', '.join(found[:3])}", hint="give the folder of one set")
    return found[0]


def _affinities(source: Source, config: Config) -> str:
    """The file of the matrix. Raises DataError where nothing tells it."""
    if config.affinities:
        return _one(source, config.affinities)
    beside = PurePosixPath(_one(source, config.ligands)).parent
    known = {name for pattern in (config.ligands, config.proteins, "ligands_iso.txt") for name in source.files(pattern)}
    found = [
        name for name in _corpus.matching(source, "**", (".txt",)) if PurePosixPath(name).parent == beside and name not in known
    ]
    if len(found) != 1:
        there = ", ".join(found) or "no other .txt file"
        raise DataError(f"nothing tells which file is the matrix of affinities: {there}", hint='affinities = "FILE"')
    return found[0]


def _decoded(source: Source, file: str, decoder: msgspec.json.Decoder[T], expected: str) -> T:
    """The content of a file of JSON. Raises DataError where it is not what is expected."""
    try:
        return decoder.decode(_corpus.text_of(source, file, ""))
    except (msgspec.DecodeError, RecursionError) as error:
        raise DataError(f"{file} is no JSON of {expected}", hint="pickles are never read; write them as JSON") from error


_NAMED = msgspec.json.Decoder(dict[str, str])
_LIST = msgspec.json.Decoder(list[int])
_LISTS = msgspec.json.Decoder(list[list[int]])


def _named(source: Source, file: str) -> dict[str, str]:
    """Names and sequences, in their order. Raises DataError where there are none, or a name stands twice."""
    found = _decoded(source, file, _NAMED, "names and sequences")
    if not found:
        raise DataError(f"{file} names nothing")
    json.loads(_corpus.text_of(source, file, ""), object_pairs_hook=lambda pairs: _check_names(pairs, file))
    return found


def _check_names(pairs: Sequence[tuple[str, Any]], file: str) -> None:
    if twice := len(pairs) - len(dict(pairs)):
        raise DataError(f"{file} has {twice} names that stand twice")


def _matrix(source: Source, file: str, shape: tuple[int, int]) -> list[list[float]]:
    """Numbers by drug and target; NaN where nothing was measured. Raises DataError for another shape, or what is no number."""
    lines = [line for line in _corpus.text_of(source, file, "").splitlines() if line.strip()]
    if len(lines) != shape[0]:
        raise DataError(f"{file} has {len(lines)} rows, where there are {shape[0]} drugs")
    found = [_numbers(file, number, line) for number, line in enumerate(lines, 1)]
    for number, values in enumerate(found, 1):
        if len(values) != shape[1]:
            raise DataError(f"{file} row {number} has {len(values)} numbers, where there are {shape[1]} targets")
    return found


def _measured(matrix: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Row and column of each number that is there, row by row."""
    return [(row, column) for row, values in enumerate(matrix) for column, value in enumerate(values) if not math.isnan(value)]


def _numbers(file: str, number: int, line: str) -> list[float]:
    try:
        return [float(entry) for entry in line.split()]
    except ValueError as error:
        raise DataError(f"{file} row {number} has an entry that is no number") from error


# ----------------------------------------------------------------------------------------------------------------------- folds


def _folds(source: Source, config: Config, count: int, sink: Sink) -> dict[int, str]:
    """The fold of each measured pair by its number; none where there are no files. Raises DataError where they do not fit."""
    files = {name: source.files(pattern) for name, pattern in (("train", config.train), ("test", config.test))}
    if not any(files.values()):
        sink.note("no files of folds: no pair has a part", 1)
        return {}
    train, test = _one(source, config.train), _one(source, config.test)
    trained = _decoded(source, train, _LISTS, "lists of whole numbers")
    lists = {str(number): held for number, held in enumerate(trained)}
    lists["test"] = _decoded(source, test, _LIST, "whole numbers")
    found = {pair: fold for fold, held in lists.items() for pair in held}
    given = sum(map(len, lists.values()))
    if wrong := sum(not 0 <= pair < count for pair in found):
        raise DataError(f"{wrong} of {given} pairs of the folds are none of the {count} that were measured")
    if given > len(found):
        raise DataError(f"{given - len(found)} of {given} pairs of the folds stand in several of them, or twice")
    if count > len(found):
        sink.note("pairs of no fold, which have no part", count - len(found))
    return found


def build(config: Config) -> Reader:
    """Raises ConfigError where nothing says what the numbers are."""
    if not config.scale:
        raise ConfigError(
            "scale does not say what the matrix holds", hint='"kd_nanomolar" (Davis) or "as_is" (scores, as of KIBA)'
        )
    return DeepDtaReader(config)
