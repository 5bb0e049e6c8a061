"""GenBank flat files: sequences with their annotation, by Biopython.

    features = ["CDS", "promoter"]         # LABEL//CDS: 1 for each letter of such a feature, 0 for the others
    labels   = ["organism"]                # LABEL//organism
    static   = ["organism", "molecule_type"]

Each record is a subject, called by its accession with version. Columns are `id`, `name`, `description`, `file`, `taxonomy` (its
names, with ; between), the annotations that are one text (organism, source, molecule_type, topology, data_file_division, date),
and the qualifiers of the feature `source` (strain, country …). A feature of several stretches (joined exons) covers those alone,
of either strand. A record that Biopython cannot read, or one whose sequence lies elsewhere (CONTIG), is refused by its file and
line; what Biopython warns of is counted.
Source: https://www.insdc.org/submitting-standards/feature-table
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from sequela import extras
from sequela.config import Name
from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.readers import _corpus, _sequence_events, _sequence_lines
from sequela.readers._sequence_columns import Columns, Origin, Told, origins, sample
from sequela.readers._sequence_events import Along, Sample
from sequela.readers._sequence_lines import Progress

VERSION = 1
LABELS = ("labels", "features")  # options that new records need not bear out
_NAMES = (".gb", ".gbk", ".genbank", ".gbff", ".gp", ".gpff")
ENDINGS = (*_NAMES, *(f"{name}.gz" for name in _NAMES))
_BROKEN = (ValueError, AssertionError, IndexError, KeyError, TypeError, AttributeError)  # what Biopython raises on broken records


class Config(Columns, frozen=True):
    sequence: Name = "dna"
    static: tuple[Name, ...] = ("organism", "description")
    features: tuple[Name, ...] = ()  # types of features, as CDS


@dataclass(frozen=True, slots=True)
class GenBankReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every record; one that cannot be used is refused by its file and line.

        Raises DataError where there is no such file, or one that is not GenBank; MissingExtra without Biopython.
        """
        files = origins(_corpus.listed(source, self.config, ENDINGS, sink), self.config)
        _sequence_events.write(self._samples(source, files, sink), sink, self.config.labels)

    def _samples(self, source: Source, files: list[Origin], sink: Sink) -> Iterator[Sample]:
        sequences = extras.need("Bio.SeqIO", "sequences")
        progress = Progress.over(source, [origin.file for origin in files], sink)
        for origin in files:
            for line, text in _records(source, origin.file, progress):
                where = f"{origin.file} line {line}"
                try:
                    yield self._sample(_parsed(text, sequences, sink), where, origin)
                except DataError as error:
                    sink.refuse(where, error.message)

    def _sample(self, record: Any, where: str, origin: Origin) -> Sample:
        """Raises DataError for a record without a sequence."""
        config = self.config
        if not record.seq.defined:
            raise DataError("a record without its sequence", hint="download it in full (GenBank (full))")
        letters = str(record.seq)
        told = Told(where, record.id, _columns(record, origin))
        marked = {name: Along(config.sequence, _marked(record, name, len(letters))) for name in config.features}
        return sample(config, told, origin, {config.sequence: letters}, marked)


def _records(source: Source, file: str, progress: Progress) -> Iterator[tuple[int, str]]:
    """The lines of each record, and the number of its first. Raises DataError where the file has none."""
    first, held = 0, list[str]()
    for number, line in enumerate(_sequence_lines.lines(source, file, progress), 1):
        if line.startswith("LOCUS"):
            if held:
                yield first, "\n".join(held)
            first, held = number, [line]
        elif held:
            held.append(line)
    if not held:
        raise DataError(f"{file} is not GenBank: no line begins with LOCUS")
    yield first, "\n".join(held)


def _parsed(text: str, sequences: Any, sink: Sink) -> Any:
    """Biopython's record; what it warns of is counted. Raises DataError where it cannot read it."""
    if not _sequence_lines.is_text(text):
        raise DataError("a record that is no text in UTF-8")
    if not text.rstrip().endswith("//"):
        raise DataError("a record that is cut short: it does not end with //")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            found = sequences.read(io.StringIO(text), "genbank")
        except _BROKEN as error:
            raise DataError("a record that Biopython cannot read") from error
    if told:
        sink.note("records of which Biopython warns", 1)
    return found


def _columns(record: Any, origin: Origin) -> Mapping[str, str]:
    described = [feature for feature in record.features if feature.type == "source"][:1]
    qualifiers = {key: "; ".join(map(str, values)) for feature in described for key, values in feature.qualifiers.items()}
    annotations = {key: value for key, value in record.annotations.items() if isinstance(value, str)}
    own = {
        "id": record.id,
        "name": record.name,
        "description": record.description,
        "taxonomy": "; ".join(record.annotations.get("taxonomy", ())),
        "file": PurePosixPath(origin.file).name.partition(".")[0],
    }
    return qualifiers | annotations | own


def _marked(record: Any, type_: str, length: int) -> str:
    """1 for each letter that a feature of this type covers. Raises DataError for a feature that reaches outside of the record."""
    found = bytearray(b"0" * length)
    for feature in record.features:
        if feature.type == type_:
            for part in _parts(feature, length):
                found[part] = b"1" * (part.stop - part.start)
    return found.decode()


def _parts(feature: Any, length: int) -> list[slice]:
    """The stretches of a feature that lie in this record."""
    if feature.location is None:
        raise DataError("a feature whose location Biopython cannot read")
    try:
        parts = [slice(int(part.start), int(part.end)) for part in feature.location.parts if part.ref is None]
    except _BROKEN as error:
        raise DataError("a feature without a known place") from error
    if any(not 0 <= part.start < part.stop <= length for part in parts):
        raise DataError("a feature that reaches outside of its record")
    return parts


def build(config: Config) -> Reader:
    return GenBankReader(config)
