"""The headers of FASTA and FASTQ records: an id, and a description that may say more of it.

    >sp|P01308|INS_HUMAN Insulin OS=Homo sapiens OX=9606
    >read7 class=promoter [organism=Escherichia coli]

Columns of a header: `id`, `description`, `file` (the name of its file, without ending), each KEY of KEY=VALUE, with or without
square brackets, and the named groups of a `pattern`.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from sequela.config import Name
from sequela.errors import ConfigError, DataError
from sequela.readers import _sequence_lines
from sequela.readers._sequence_columns import Columns, Origin, Told

_PAIR = re.compile(r"\[?\b(\w+)=(.*?)\]?;?(?=\s+\[?\w+=|$)")


class Headed(Columns, frozen=True):
    sequence: Name = "sequence"  # what they are: SEQUENCE//<name>
    pattern: str = ""  # a regular expression, sought in each header; its named groups are columns


def told(header: str, origin: Origin, line: int, config: Headed) -> Told:
    """What a header, without its mark, says. Raises DataError where it is no text or has no id."""
    if not _sequence_lines.is_text(header):
        raise DataError("a header that is no text in UTF-8")
    name, _, description = header.partition(" ") if " " in header else header.partition("\t")
    if not name:
        raise DataError("a record without an id")
    columns = {key: value.strip().strip('"') for key, value in _PAIR.findall(description)}
    stem = PurePosixPath(origin.file).name.partition(".")[0]
    columns |= {"id": name, "description": description.strip(), "file": stem}
    if config.pattern and (found := re.search(config.pattern, header)):
        columns |= {key: value or "" for key, value in found.groupdict().items()}
    return Told(f"{origin.file} line {line}", name, columns)


def check(config: Headed) -> None:
    """Raises ConfigError for a pattern that is none, or has no named group."""
    try:
        groups = re.compile(config.pattern).groupindex
    except re.error as error:
        raise ConfigError(f"pattern is not a regular expression: {error}") from error
    if config.pattern and not groups:
        raise ConfigError("pattern has no named group", hint="name what it finds: pattern = '_(?P<class>[a-z]+)$'")
