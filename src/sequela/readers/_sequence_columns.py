"""What the columns of samples are, whatever they stand in: a table, the header of a record, its annotations or properties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sequela.config import Name
from sequela.readers import _subjects
from sequela.readers._corpus import File, Files
from sequela.readers._sequence_events import Along, Sample


class Columns(Files, frozen=True):
    """Which column says what."""

    subject: str = ""  # left out: the id of a record, the number of a row
    per_file: bool | None = None  # ids of one file are not those of another: FILE-ID; left out: where there are several files
    labels: tuple[Name, ...] = ()  # LABEL//<column>
    static: tuple[Name, ...] = ()  # what describes the sample: <COLUMN>
    part: str = ""  # the column that says train, tune or test; else `parts` does, by file


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that samples stand in."""

    file: str
    part: str  # "" where nothing assigns it
    before: str  # of each id: "" or "FILE-"


def origins(files: Sequence[File], columns: Columns) -> list[Origin]:
    """The files, each with what stands before the ids in it."""
    apart = len(files) > 1 if columns.per_file is None else columns.per_file
    names = _subjects.names([file.name for file in files])
    return [Origin(file.name, file.part, f"{names[file.name]}-" if apart else "") for file in files]


@dataclass(frozen=True, slots=True)
class Told:
    """What a record says."""

    where: str  # file and row, line or number
    id: str  # where no column is the subject
    columns: Mapping[str, str]


def sample(
    columns: Columns, told: Told, origin: Origin, sequences: Mapping[str, str], letters: Mapping[str, Along] | None = None
) -> Sample:
    """The sample of a record; one without an id has no subject."""
    own = told.columns.get(columns.subject, "").strip() if columns.subject else told.id
    return Sample(
        subject=origin.before + own if own else "",
        sequences=sequences,
        name=told.where,
        labels={name: told.columns.get(name, "") for name in columns.labels},
        letters=letters or {},
        static={name: told.columns.get(name, "") for name in columns.static},
        part=told.columns.get(columns.part, "").strip() if columns.part else origin.part,
    )
