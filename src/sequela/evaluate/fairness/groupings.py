"""Which group each row is of: the groups of the cohort, and several of them taken together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sequela.errors import ConfigError
from sequela.evaluate.levels import ordered
from sequela.registry import nearest
from sequela.types import Array

CROSS = " × "
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Grouping:
    """The group of each row."""

    name: str
    level: Array  # str "N"; UNKNOWN where it is missing

    @property
    def levels(self) -> list[str]:
        """Those that occur, in order, the unknown ones last."""
        levels = set(self.level.tolist())
        return ordered(levels - {UNKNOWN}) + [UNKNOWN] * (UNKNOWN in levels)

    def counts(self) -> dict[str, int]:
        """Rows of each."""
        names, counts = np.unique(self.level, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))


def groupings(columns: Mapping[str, Array], names: Sequence[str] = (), crossed: Sequence[Sequence[str]] = ()) -> list[Grouping]:
    """Each named group (all of them where none is), then those that are taken together.

    `columns` hold a level of each row, "" where it is missing. Raises ConfigError for a name that is none of them.

    >>> sex, old = np.array(["F", "M", ""]), np.array(["80+", "<80", "<80"])
    >>> [one.levels for one in groupings({"sex": sex, "age": old}, ["sex"], [["sex", "age"]])]
    [['F', 'M', 'unknown'], ['F × 80+', 'M × <80', 'unknown']]
    """
    alone = [Grouping(name, _named(_column(columns, name))) for name in names or columns]
    return alone + [Grouping(CROSS.join(those), _together([_column(columns, one) for one in those])) for those in crossed]


def check(known: Sequence[str], names: Sequence[str], crossed: Sequence[Sequence[str]]) -> None:
    """Raises ConfigError for a name that is no group of the cohort, a repeated one, or a crossing of fewer than two."""
    for name in [*names, *(one for those in crossed for one in those)]:
        _known(known, name)
    for those in crossed:
        if len(set(those)) < 2 or len(set(those)) < len(those):
            raise ConfigError(
                f"fairness.crossed has {list(those)}, which are not two or more different groups", hint='[["sex", "age_band"]]'
            )


def _known(known: Sequence[str], name: str) -> None:
    if name not in known:
        raise ConfigError(f"fairness names the group {name!r}, which is none of cohort.groups", hint=nearest(name, list(known)))


def _column(columns: Mapping[str, Array], name: str) -> Array:
    _known(list(columns), name)
    return columns[name]


def _named(level: Array) -> Array:
    named: Array = np.where(level == "", UNKNOWN, level.astype(str))
    return named


def _together(columns: Sequence[Array]) -> Array:
    """The levels joined; unknown where one of them is."""
    joined = columns[0].astype(str)
    for column in columns[1:]:
        joined = np.char.add(np.char.add(joined, CROSS), column.astype(str))
    whole = np.all([column != "" for column in columns], axis=0)
    together: Array = np.where(whole, joined, UNKNOWN)
    return together
