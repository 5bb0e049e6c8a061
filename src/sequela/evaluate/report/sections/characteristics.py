"""Who the rows are of: the table of characteristics, by part and by outcome."""

from __future__ import annotations

from sequela.evaluate.characteristics import Characteristic, CharacteristicsFacts, Column
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Safe, section, table
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, say

CAPTION = later(
    "Rows, n (%) of all of them, or the median [quartiles] of the last value before the prediction, with the rows that have "
    "none. Counts from 1 to {most}, those from which one of these could be worked out, and quartiles of few values are withheld."
)


def characteristics(run: Run) -> Safe:
    """Nothing where nothing of the rows was counted."""
    found = run.trusted.characteristics
    if found is None or not found.rows:
        return EMPTY
    return section(say("Characteristics"), table(head(found), lines(found), caption(found)))


def caption(found: CharacteristicsFacts) -> str:
    """How the table is to be read."""
    return say(CAPTION, most=found.few - 1)


def head(found: CharacteristicsFacts) -> list[str]:
    """What the columns are of."""
    return ["", *map(_column, found.columns)]


def _column(one: Column) -> str:
    part = say(one.part)
    return say("{part}: {outcome}", part=part, outcome=one.outcome) if one.outcome else part


def lines(found: CharacteristicsFacts) -> list[list[str]]:
    """The table as text, a line each: rows and subjects, dates, then every characteristic."""
    told = [
        [say("Rows"), *(numbers.count(one.rows) for one in found.columns)],
        [say("Subjects"), *(numbers.count(one.subjects) for one in found.columns)],
    ]
    if any(one.first for one in found.columns):
        told.append([say("Years of the predictions"), *map(_years, found.columns)])
    rows = [one.rows for one in found.columns]
    return [*told, *(_line(one, rows) for one in found.rows)]


def _years(one: Column) -> str:
    return f"{one.first} – {one.last}" if one.first != one.last else one.first or "–"


def _line(one: Characteristic, rows: list[int]) -> list[str]:
    places = range(len(one.missing))
    if one.level:
        return [_leveled(one), *(_counted(one.count[place], one.share[place]) for place in places)]
    return [_name(one.name), *(_quartiles(one, place, rows[place]) for place in places)]


NOT_KNOWN, YES = later("not known"), "yes"


def _leveled(one: Characteristic) -> str:
    """A group's level with its name; a column of 0 and 1 is named alone."""
    if one.level == YES:
        return _name(one.name)
    return f"{_name(one.name)}: {say(one.level) if one.level == NOT_KNOWN else one.level}"


def _name(name: str) -> str:
    """Without what every measurement's last value has."""
    return name.removesuffix(".last")


def _counted(count: int | None, share: float | None) -> str:
    return say("withheld") if count is None else f"{numbers.count(count)} ({numbers.percent(share)})"


def _quartiles(one: Characteristic, place: int, rows: int) -> str:
    """A dash where no row has a value; where some have, and there is nothing, it was withheld."""
    median, low, high = one.median[place], one.low[place], one.high[place]
    if median is None or low is None or high is None:
        told = "–" if one.missing[place] == rows else say("withheld")
    else:
        told = f"{median:.4g} [{low:.4g}, {high:.4g}]".replace("-", "−")
    return f"{told}{_missing(one.missing[place])}"


def _missing(count: int | None) -> str:
    if count == 0:
        return ""
    return say("; missing {count}", count=say("withheld") if count is None else numbers.count(count))
