"""Whose a recording is, by the path of its file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sequela.errors import ConfigError, DataError
from sequela.readers._picture_list import stem


@dataclass(frozen=True, slots=True)
class Subjects:
    """Finds the subject in a recording's path without ending; without a pattern it is the path itself."""

    pattern: str = ""  # a regular expression, whose first group is the subject
    same: Sequence[Sequence[str]] = ()  # recordings or subjects that are one person, named as the first of them

    def of(self, path: str) -> str:
        """Raises DataError where the pattern finds none."""
        found = re.search(self.pattern, path) if self.pattern else None
        if self.pattern and (found is None or not found[1]):
            raise DataError("a path in which subject_pattern finds no subject")
        subject = found[1] if found else path
        return next((names[0] for names in self.same if subject in names or path.rpartition("/")[2] in names), subject)


def names(files: Sequence[str]) -> dict[str, str]:
    """What each file's recording is called: its path without ending, or with it where two differ in nothing else.

    >>> names(["a/1.edf", "b.edf", "b.bdf"])
    {'a/1.edf': 'a/1', 'b.edf': 'b.edf', 'b.bdf': 'b.bdf'}
    """
    count = Counter(map(stem, files))
    return {file: stem(file) if count[stem(file)] == 1 else file for file in files}


def check(option: str, pattern: str, example: str) -> None:
    """Raises ConfigError where the pattern that an option gives is not a regular expression with a group."""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ConfigError(f"{option} is not a regular expression: {error}") from error
    if pattern and not groups:
        raise ConfigError(f"{option} has no group", hint=f"put what it is to find in brackets: {example}")
