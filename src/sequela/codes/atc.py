"""The Anatomical Therapeutic Chemical classification: five levels, each the start of the next.

Only the form of the codes is here; their names are those of the WHO Collaborating Centre for Drug Statistics Methodology, and a
user who has a licence for them brings them. Source: WHOCC, Guidelines for ATC classification and DDD assignment, 2024, section C.
"""

from __future__ import annotations

import re

from sequela.errors import DataError

LENGTHS = (1, 3, 4, 5, 7)  # of levels 1 to 5: anatomical group, therapeutic, pharmacological, chemical, substance
_FORM = re.compile(r"[A-Z]([0-9]{2}([A-Z]([A-Z]([0-9]{2})?)?)?)?")


def code(text: str) -> str:
    """An ATC code of any level.

    Raises DataError for what is none.

    >>> code("c03ca01"), code("C03")
    ('C03CA01', 'C03')
    """
    found = text.strip().upper()
    if _FORM.fullmatch(found) is None:
        raise DataError("a code is no ATC code", hint="expected the form of C03CA01, or its first 1, 3, 4 or 5 characters")
    return found


def level(atc: str) -> int:
    """1 (anatomical main group) to 5 (substance). Raises DataError for what is no ATC code."""
    return LENGTHS.index(len(code(atc))) + 1


def broader(atc: str) -> tuple[str, ...]:
    """The levels above, the nearest first.

    >>> broader("C03CA01")
    ('C03CA', 'C03C', 'C03', 'C')
    """
    return tuple(atc[:length] for length in reversed(LENGTHS) if length < len(atc))
