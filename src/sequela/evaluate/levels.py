"""The levels of a group in the order in which a person reads them: bands by their number, all others by their name."""

from __future__ import annotations

import re
from collections.abc import Iterable

_BAND = re.compile(r"(?P<sign><|>=)?(?P<number>-?\d+(?:\.\d+)?)(?:-.*)?")


def ordered(levels: Iterable[str]) -> list[str]:
    """Each level once; what is not known last.

    >>> ordered(["45-65", "", "<45", ">=65"]), ordered(["male", "female"])
    (['<45', '45-65', '>=65', ''], ['female', 'male'])
    """
    return sorted(set(levels), key=_place)


def _place(level: str) -> tuple[bool, float, float, str]:
    band = _BAND.fullmatch(level)
    if band is None:
        return not level, float("inf"), 0.0, level
    return False, float(band["number"]), -1.0 if band["sign"] == "<" else 0.0, level
