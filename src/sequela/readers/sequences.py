"""Sequences in tables: DNA, RNA, proteins, molecules as SMILES, one row a sample, with labels.

    sequences = { protein = "input" }        # SEQUENCE//protein: the letters in the column "input"
    subject   = "id"                         # left out: the number of the row
    letters   = ["expected"]                 # a letter for each letter of the sequence: LABEL//expected
    labels    = ["dssp_class"]               # LABEL//<column>; a blank one is missing
    static    = ["organism"]                 # for groups and splits: ORGANISM
    parts     = { train = "cb6133*.csv", test = "cb513*.csv" }

    columns   = ["class", "name", "dna"]     # of a file without a header (CSV, TSV, also padded with blanks)

CSV, TSV, JSON lines, plain or gzipped, and Parquet. Sequences keep their letters and their case, without the blanks around them;
one that is empty (or null, NaN, N/A) is refused by file and row, and so is a row whose `letters` are not as many as those of its
sequence. Which letters an alphabet has is the modality's to say. Ids of several files are told apart by the file's name
(`per_file`).

A sequence called "smiles", or named in the option `smiles`, is read by RDKit: a row that it cannot read is refused, and none is
rewritten (`check = "none"` takes them as they are). `largest_fragment` keeps only the fragment of most heavy atoms.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sequela.config import Name
from sequela.contracts import Reader, Sink, Source
from sequela.errors import ConfigError, DataError
from sequela.readers import _corpus, _molecules, _sequence_events, _sequence_rows
from sequela.readers._sequence_columns import Columns, Origin, Told, origins, sample
from sequela.readers._sequence_events import Along, Sample
from sequela.readers._sequence_rows import Wanted
from sequela.readers._text_rows import Row

VERSION = 1
LABELS = ("labels", "letters", "pairs")  # options that new rows need not bear out
SMILES = "smiles"


class Config(Columns, frozen=True):
    sequences: Mapping[Name, Name] = {}  # name -> column
    columns: tuple[Name, ...] = ()  # of files without a header, in their order; left out: the first row names them
    separator: str = ""  # left out: the commonest of , ; tab | in the first row
    letters: tuple[Name, ...] | Mapping[Name, Name] = ()  # columns; of several sequences: column -> the name of its sequence
    pairs: tuple[Name, ...] | Mapping[Name, Name] = ()  # columns of pairs of places (3-17 4-16): PAIRS//<column>
    smiles: tuple[Name, ...] | None = None  # the names of those that are SMILES; left out: the one called so
    check: Literal["rdkit", "none"] = "rdkit"  # of SMILES
    largest_fragment: bool = False  # of SMILES with several

    @property
    def molecules(self) -> tuple[str, ...]:
        """The names of the sequences that are SMILES."""
        return tuple(name for name in self.sequences if name == SMILES) if self.smiles is None else self.smiles

    def along(self, given: tuple[str, ...] | Mapping[str, str]) -> Mapping[str, str]:
        """Of columns about the places of a sequence: column -> the name of its sequence."""
        return given if isinstance(given, Mapping) else dict.fromkeys(given, next(iter(self.sequences)))

    @property
    def wanted(self) -> Wanted:
        places = [*self.along(self.letters), *self.along(self.pairs)]
        named = [*self.sequences.values(), self.subject, self.part, *self.labels, *self.static, *places]
        return Wanted(tuple(dict.fromkeys(name for name in named if name)), self.columns, self.separator, self.encoding)


@dataclass(frozen=True, slots=True)
class SequencesReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every row; one that cannot be used is refused by its file and number.

        Raises DataError where there is no such file or column, or a table that is none; MissingExtra where SMILES are to be
        checked and RDKit is not installed.
        """
        _sequence_events.write(self._samples(source, sink), sink, self.config.labels)

    def _samples(self, source: Source, sink: Sink) -> Iterator[Sample]:
        files = origins(_corpus.listed(source, self.config, _sequence_rows.ENDINGS, sink), self.config)
        for done, origin in enumerate(files, 1):
            for row in _sequence_rows.rows(source, origin.file, self.config.wanted, sink):
                try:
                    yield self._sample(row, origin, sink)
                except DataError as error:
                    sink.refuse(row.where, error.message)
            sink.progress(done, len(files))

    def _sample(self, row: Row, origin: Origin, sink: Sink) -> Sample:
        """Raises DataError for a SMILES that cannot be read."""
        config = self.config
        sequences = {name: row.columns[column].strip() for name, column in config.sequences.items()}
        found = sample(config, Told(row.where, str(row.number), row.columns), origin, sequences)
        letters, pairs = config.along(config.letters), config.along(config.pairs)
        kept = {name: _molecule(sequences[name], config, sink) for name in config.molecules} if config.check == "rdkit" else {}
        return replace(
            found,
            sequences=sequences | kept,
            letters={column: _aligned(row.columns[column], name, sequences[name]) for column, name in letters.items()},
            pairs={column: Along(name, row.columns[column].strip()) for column, name in pairs.items()},
        )


def _aligned(text: str, name: str, sequence: str) -> Along:
    """Letters for those of a sequence: as they stand where they are as many, for a blank may be one of them."""
    given = text.rstrip("\r\n")
    return Along(name, given if len(given) == len(sequence) and given.strip() else given.strip())


def _molecule(smiles: str, config: Config, sink: Sink) -> str:
    """The molecule that is kept; an empty one is not refused here. Raises DataError for one that cannot be read."""
    if smiles and not config.largest_fragment:
        _molecules.check(smiles)
    kept = _molecules.largest(smiles) if smiles and config.largest_fragment else smiles
    if kept != smiles:
        sink.note("molecules of several fragments, of which the largest is kept", 1)
    return kept


def build(config: Config) -> Reader:
    """Raises ConfigError for options that do not go together."""
    if not config.sequences:
        raise ConfigError("no option says which column is a sequence", hint='sequences = { protein = "COLUMN" }')
    _check_named("smiles", config.smiles or (), config)
    _check_places("letters", config.letters, config)
    _check_places("pairs", config.pairs, config)
    if config.largest_fragment and (not config.molecules or config.check == "none"):
        raise ConfigError("largest_fragment is of SMILES that RDKit checks", hint='smiles = ["NAME"], check = "rdkit"')
    return SequencesReader(config)


def _check_places(option: str, given: tuple[str, ...] | Mapping[str, str], config: Config) -> None:
    if isinstance(given, Mapping):
        _check_named(option, given.values(), config)
    elif given and len(config.sequences) > 1:
        first = next(iter(config.sequences))
        raise ConfigError(f"{option} does not say of which sequence", hint=f'{option} = {{ {given[0]} = "{first}" }}')


def _check_named(option: str, names: Iterable[str], config: Config) -> None:
    if other := [name for name in names if name not in config.sequences]:
        there = ", ".join(config.sequences)
        raise ConfigError(f"{option} speaks of {other[0]!r}, which is none of the sequences", hint=f"they are {there}")
