"""SDF: molecules with their properties, as SMILES that RDKit writes.

    subject = "DSSTox_CID"                # a property; left out: the number of the molecule in its file; "title": its first line
    labels  = ["NR-AhR", "SR-p53"]        # properties: LABEL//NR-AhR; a molecule without one has no label
    static  = ["Formula"]

Written: SEQUENCE//smiles, canonical, with stereochemistry and without hydrogens. A molecule that RDKit cannot read (a broken
block, a valence that cannot be) is refused by its file and number. `largest_fragment` keeps only that of most heavy atoms.
Source: BIOVIA, CTfile formats 2020.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from sequela.config import Name
from sequela.contracts import Reader, Sink, Source
from sequela.errors import DataError
from sequela.readers import _corpus, _molecules, _sequence_events, _sequence_lines
from sequela.readers._sequence_columns import Columns, Origin, Told, origins, sample
from sequela.readers._sequence_events import Sample
from sequela.readers._sequence_lines import Progress

VERSION = 1
LABELS = ("labels",)  # options that new molecules need not bear out
ENDINGS = (".sdf", ".sd", ".sdf.gz", ".sd.gz")
END = "$$$$"
_NAMED = re.compile(r">.*?<([^>]+)>")


class Config(Columns, frozen=True):
    sequence: Name = "smiles"
    largest_fragment: bool = False


@dataclass(frozen=True, slots=True)
class SdfReader:
    config: Config

    def read(self, source: Source, sink: Sink) -> None:
        """Writes every molecule; one that cannot be used is refused by its file and number.

        Raises DataError where there is no such file, or one that is not SDF; MissingExtra without RDKit.
        """
        _sequence_events.write(self._samples(source, sink), sink, self.config.labels)

    def _samples(self, source: Source, sink: Sink) -> Iterator[Sample]:
        files = origins(_corpus.listed(source, self.config, ENDINGS, sink), self.config)
        progress = Progress.over(source, [origin.file for origin in files], sink)
        for origin in files:
            for number, lines in enumerate(_blocks(source, origin.file, progress), 1):
                where = f"{origin.file} molecule {number}"
                try:
                    yield self._sample(lines, Told(where, str(number), _columns(lines, origin)), origin, sink)
                except DataError as error:
                    sink.refuse(where, error.message)

    def _sample(self, lines: list[str], told: Told, origin: Origin, sink: Sink) -> Sample:
        """Raises DataError for a molecule that cannot be read."""
        smiles = _smiles(lines)
        kept = _molecules.largest(smiles) if self.config.largest_fragment else smiles
        if kept != smiles:
            sink.note("molecules of several fragments, of which the largest is kept", 1)
        return sample(self.config, told, origin, {self.config.sequence: kept})


def _blocks(source: Source, file: str, progress: Progress) -> Iterator[list[str]]:
    """The lines of each molecule. Raises DataError where the file has no end of one."""
    held: list[str] = []
    ended = False
    for line in _sequence_lines.lines(source, file, progress):
        if line.startswith(END):
            yield held
            held, ended = [], True
        else:
            held.append(line)
    if not ended:
        raise DataError(f"{file} is not SDF: no line {END} ends a molecule")
    if any(line.strip() for line in held):
        yield held


def _columns(lines: list[str], origin: Origin) -> Mapping[str, str]:
    """The properties of a molecule, its title and the name of its file."""
    found = {"title": lines[0].strip() if lines else "", "file": PurePosixPath(origin.file).name.partition(".")[0]}
    name = ""
    for line in lines:
        if line.startswith(">"):
            named = _NAMED.match(line)
            name = named[1] if named else ""
            found |= {name: ""} if name else {}
        elif name and line.strip():
            found[name] = f"{found[name]}; {line.strip()}" if found[name] else line.strip()
        else:
            name = ""
    return found


def _smiles(lines: list[str]) -> str:
    """Raises DataError where RDKit cannot read the molecule, or it has no atom."""
    if not all(map(_sequence_lines.is_text, lines)):
        raise DataError("a molecule that is no text in UTF-8")
    end = next((place for place, line in enumerate(lines) if line.startswith("M  END")), None)
    if end is None:
        raise DataError("a molecule that is cut short: it has no line M  END")
    return _molecules.from_block("\n".join(lines[: end + 1]))


def build(config: Config) -> Reader:
    return SdfReader(config)
