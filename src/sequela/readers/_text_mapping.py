"""What the columns of texts are: by the options of a study, or by the groups of a pattern on the paths of files."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sequela.errors import ConfigError
from sequela.readers._corpus import Files
from sequela.readers._csv_mapping import Table, TimeUnit, check_timezone
from sequela.readers._label_systems import System
from sequela.readers._text_rows import Wanted

ROLES = ("subject", "time", "category", "visit", "part")  # that a group of the pattern may have


class Config(Files, frozen=True):
    text: str = ""  # the column of the text, of tables; left out: each file is a document
    subject: str = ""  # left out: each document is a subject
    per_file: bool = False  # subjects of one file are not those of another: each is called FILE-SUBJECT
    pattern: str = ""  # a regular expression on a file's path; its named groups are columns
    category: str = ""  # of document: NOTE//<category>
    time: str = ""  # left out: documents without time
    time_unit: TimeUnit = ""  # as of the reader csv, with time_format, timezone and known
    time_format: str = ""
    timezone: str = ""
    known: str = ""
    visit: str = ""
    labels: tuple[str, ...] = ()
    label_separator: str = ";"  # between several labels in one column
    label_system: Mapping[str, System] = {}  # column of labels -> the code system that they must be of
    static: tuple[str, ...] = ()  # columns that describe the subject
    spans: tuple[str, ...] = ()  # columns of marks
    part: str = ""  # the column that says train, tune or test; else `parts` does, by file
    separator: str = ""  # of a table's columns; left out: the commonest of , ; tab | in its header

    @property
    def roles(self) -> dict[str, str]:
        """subject, time … -> the column that says it; those that none says are left out."""
        groups = re.compile(self.pattern).groupindex
        told = {role: getattr(self, role) or (role if role in groups else "") for role in ROLES}
        return {role: column for role, column in told.items() if column}

    @property
    def clock(self) -> Table:
        """Which columns say when, and how."""
        return Table(
            time=self.roles.get("time", ""),
            time_unit=self.time_unit,
            time_format=self.time_format,
            timezone=self.timezone,
            known=self.known,
        )

    def groups(self, file: str) -> dict[str, str]:
        """What the groups of the pattern say of a file; "" where it does not fit."""
        groups = re.compile(self.pattern)
        found = groups.search(file)
        return {name: (found[name] or "") if found else "" for name in groups.groupindex}

    def wanted(self, file: str) -> Wanted:
        """The columns that a table must have: those that are named, and that its path does not tell."""
        told = self.groups(file)
        named = [self.text, *self.roles.values(), self.known, *self.labels, *self.static, *self.spans]
        there = [name for name in dict.fromkeys(named) if name and name not in told]
        return Wanted(there, self.spans, self.labels, self.separator, self.label_separator)


def check(config: Config) -> None:
    """Raises ConfigError for a pattern that is none, a label system of no label, and a time zone that there is not."""
    _check_pattern(config)
    check_timezone(config.timezone)
    if other := sorted(config.label_system.keys() - set(config.labels)):
        raise ConfigError(f"label_system speaks of {other[0]!r}, which is not among the labels")
    if not config.label_separator:
        raise ConfigError("label_separator is empty", hint='write it as ";"')
    if config.known and "time" not in config.roles:
        raise ConfigError("known says from when documents are known, and no column says their time")


def _check_pattern(config: Config) -> None:
    try:
        groups = set(re.compile(config.pattern).groupindex)
    except re.error as error:
        raise ConfigError(f"pattern is not a regular expression: {error}") from error
    if config.pattern and not groups:
        raise ConfigError("pattern has no named group", hint=r"name what it finds: pattern = '(?P<subject>\d+)_(?P<time>\d+)'")
    named = {*config.labels, *config.static, config.known, *config.spans, *(getattr(config, role) for role in ROLES)} - {""}
    if not config.text and (other := sorted(named - groups)):
        raise ConfigError(
            f"no group of pattern is called {other[0]!r}",
            hint="of plain files the path alone tells; text names a column of tables",
        )
