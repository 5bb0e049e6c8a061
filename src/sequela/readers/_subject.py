"""Who a file is of, told by its name: a regular expression, whose named groups say more (a child, an eye, a site)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from sequela.contracts import Sink
from sequela.errors import ConfigError, DataError
from sequela.readers._samples import events

SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Told:
    """What a file's name says."""

    subject: str
    statics: Mapping[str, str]  # by code: the name of the group in capitals


@dataclass(frozen=True, slots=True)
class Naming:
    """Reads names by `pattern`, sought anywhere in them; without one, the whole name is the subject."""

    pattern: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ConfigError(f"subject = {self.pattern!r} is not a regular expression: {error}") from error

    def of(self, name: str) -> Told:
        """The subject is the group `subject`, or all that matches; every other named group is a static, unless empty.

        Raises DataError where the name does not match.

        >>> Naming(r"(?P<child>\\d+)(?P<eye>[LR])").of("Image_03R")
        Told(subject='03R', statics={'CHILD': '03', 'EYE': 'R'})
        """
        if not self.pattern:
            return Told(name, {})
        found = re.search(self.pattern, name)
        if found is None or not (groups := found.groupdict()).get(SUBJECT, found[0]):
            raise DataError("its name does not say its subject: the option subject does not match it")
        return Told(groups.get(SUBJECT) or found[0], {k.upper(): v for k, v in groups.items() if k != SUBJECT and v})


def write_statics(sink: Sink, told: Sequence[Told]) -> None:
    """Declares and writes the statics of these subjects, each once."""
    by_code: dict[str, dict[str, str]] = {}
    for one in told:
        for code, value in one.statics.items():
            by_code.setdefault(code, {})[one.subject] = value
    for code, values in by_code.items():
        sink.code(code, "static")
        sink.events(events(list(values), code, {"text_value": pl.Series(list(values.values()), dtype=pl.String)}))
