"""Every error Sequela raises on purpose, and the exit code that the command line gives it.

    SequelaError                 1
    ├── UsageError               2   a command or a call that cannot be understood
    │   └── ConfigError          2   a study or mapping file that says something it may not
    ├── DataError                3   records that cannot be used: what was found, what was expected, where
    ├── LeakError                4   an answer that the inputs or the split give away
    ├── BundleError              5   a bundle that is damaged, altered, too new, or answers differently
    ├── TrainingError            6   training that cannot go on (a loss that is not a number)
    ├── MissingExtra             7   an optional package that is not installed, with the line that installs it
    └── Interrupted            130   stopped by the user, with how to resume

Each message says what was found, what was expected and where (file, row, count), never a patient's content;
`hint` says what to do next and is printed on a line of its own.
"""

from __future__ import annotations


class SequelaError(Exception):
    """Root of the tree; `exit_code` is what `sequela` ends with."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class UsageError(SequelaError):
    """A command or a call that cannot be understood."""

    exit_code = 2


class ConfigError(UsageError):
    """A study or mapping file that says something it may not."""


class DataError(SequelaError):
    """Records that cannot be used."""

    exit_code = 3


class LeakError(SequelaError):
    """The split or the inputs give the answer away."""

    exit_code = 4


class BundleError(SequelaError):
    """A bundle that is damaged, altered, too new, or answers otherwise than it promised."""

    exit_code = 5


class TrainingError(SequelaError):
    """Training that cannot go on."""

    exit_code = 6


class MissingExtra(SequelaError):
    """An optional package that is not installed."""

    exit_code = 7


class Interrupted(SequelaError):
    """Stopped by the user; nothing finished is lost."""

    exit_code = 130
