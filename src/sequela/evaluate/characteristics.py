"""Who the rows are of: the table of characteristics by part and by outcome, with what is missing; small counts are left out.

A count from 1 to FEW - 1 is None, and where it alone could be worked out from the others of its column, the next smallest is
None as well (secondary suppression). Quartiles of fewer than FEW values are None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from sequela.evaluate.levels import ordered
from sequela.types import Array

FEW = 10  # rows below which a number might tell of one person
QUARTILES = (25, 50, 75)


class Column(Struct, frozen=True, kw_only=True):
    """Whose rows a column of the table is of."""

    part: str  # train, tune, test
    outcome: str = ""  # of one outcome alone; "": all
    rows: int
    subjects: int
    first: str = ""  # the year of the first prediction, as a day may tell of one person; "" where the records tell no time
    last: str = ""


class Characteristic(Struct, frozen=True, kw_only=True):
    """One line: the quartiles of a quantity, or how many rows are of a level, in each column of the table."""

    name: str
    level: str = ""  # of a group, or "yes" of a column of 0 and 1; "" of a quantity
    median: list[float | None] = []
    low: list[float | None] = []  # first quartile
    high: list[float | None] = []  # third quartile
    missing: list[int | None] = []  # rows without a value; None: from 1 to FEW - 1
    count: list[int | None] = []  # rows of the level; None: too few to tell
    share: list[float | None] = []  # of all rows


class CharacteristicsFacts(Struct, frozen=True, kw_only=True):
    """The table: columns, and lines with an entry for each column."""

    few: int = FEW  # counts below it, save 0, are not told
    columns: list[Column] = []
    rows: list[Characteristic] = []


@dataclass(frozen=True, slots=True)
class Side:
    """The N rows of one column of the table."""

    column: Column
    groups: Mapping[str, Array]  # str "N"; "" is not known
    values: Array  # float "N P", NaN where nothing was seen


def table(sides: Sequence[Side], names: Sequence[str]) -> CharacteristicsFacts:
    """The groups' levels first, then the P columns of `names`; of those that are 0 or 1 alone, how many are 1."""
    lines = [line for group in sides[0].groups for line in _levels(group, [side.groups[group] for side in sides])]
    for place, name in enumerate(names):
        each = [side.values[:, place] for side in sides]
        lines += _yes(name, each) if _binary(each) else [_quantity(name, each)]
    columns = [side.column for side in sides]
    outcomes = [place for place, column in enumerate(columns) if column.outcome]
    return CharacteristicsFacts(columns=columns, rows=[_apart(line, outcomes) for line in lines])


def _apart(line: Characteristic, outcomes: Sequence[int]) -> Characteristic:
    """Without the counts of all outcomes where that of one is not told: together they are those of their part."""
    count, missing = (_all_or_none(counts, outcomes) for counts in (line.count, line.missing))
    share = [None if count[place] is None else one for place, one in enumerate(line.share)]
    return replace(line, count=count, share=share, missing=missing)


def _all_or_none(counts: list[int | None], places: Sequence[int]) -> list[int | None]:
    if not counts or all(counts[place] is not None for place in places):
        return counts
    return [None if place in places else count for place, count in enumerate(counts)]


def _binary(each: Sequence[Array]) -> bool:
    seen = np.concatenate(each)
    seen = seen[~np.isnan(seen)]
    return bool(len(seen) and np.isin(seen, (0, 1)).all())


def _yes(name: str, each: Sequence[Array]) -> list[Characteristic]:
    """How many rows have a 1."""
    named = [np.where(np.isnan(one), "", np.where(one == 1, "yes", "no")) for one in each]
    return [line for line in _levels(name, named) if line.level == "yes"]


def _levels(name: str, each: Sequence[Array]) -> list[Characteristic]:
    """A line for each level, in their order, what is not known last."""
    levels = ordered(str(level) for one in each for level in np.unique(one))
    counts = [suppressed([int((one == level).sum()) for level in levels]) for one in each]
    totals = [len(one) for one in each]
    missing = [suppressed([int((one == "").sum())])[0] for one in each]
    return [
        Characteristic(
            name=name,
            level=level or "not known",
            count=[column[place] for column in counts],
            share=[_share(column[place], total) for column, total in zip(counts, totals, strict=True)],
            missing=missing,
        )
        for place, level in enumerate(levels)
    ]


def suppressed(counts: Sequence[int]) -> list[int | None]:
    """The counts of one column, which sum to a known total, without those that tell of few.

    >>> suppressed([3, 40, 100]), suppressed([0, 40])
    ([None, None, 100], [0, 40])
    """
    told: list[int | None] = [None if 0 < count < FEW else count for count in counts]
    hidden = [place for place, count in enumerate(told) if count is None]
    others = [place for place, count in enumerate(told) if count]
    if len(hidden) == 1 and others:
        told[min(others, key=lambda place: counts[place])] = None
    return told


def _share(count: int | None, total: int) -> float | None:
    return None if count is None or not total else count / total


def _quantity(name: str, each: Sequence[Array]) -> Characteristic:
    quartiles = [_quartiles(one[~np.isnan(one)]) for one in each]
    low, median, high = (list(one) for one in zip(*quartiles, strict=True))
    missing = [suppressed([int(np.isnan(one).sum())])[0] for one in each]
    return Characteristic(name=name, median=median, low=low, high=high, missing=missing)


def _quartiles(values: Array) -> tuple[float | None, float | None, float | None]:
    if len(values) < FEW:
        return None, None, None
    low, median, high = np.percentile(values.astype(np.float64), QUARTILES).tolist()
    return low, median, high
