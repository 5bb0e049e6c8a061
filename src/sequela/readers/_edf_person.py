"""Whose an EDF+ or BDF+ file is: code, sex and date of birth, as its header says them; the name is never read.

Source: Kemp and Olivan 2003, section 2.1.3.3. A plain EDF file has free text there, of which nothing is taken to be sex or age.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sequela.readers._edf_header import Header

UNKNOWN = "X"
BORN = re.compile(r"(\d\d)-([A-Z]{3})-(\d{4})")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class Person:
    """What is told of a patient; "" and None for what is not."""

    code: str
    sex: str  # M or F
    born: datetime | None

    def age(self, at: datetime | None) -> float | None:
        """Years at this time."""
        if self.born is None or at is None or at < self.born:
            return None
        return (at - self.born).days / YEAR_DAYS


def person(header: Header) -> Person:
    """The patient of a file; of a plain EDF file the code is all of its patient identification.

    >>> from sequela.readers._edf_header import Header
    >>> person(Header(2, "C", "MCH-0234567 F 02-MAY-1951 X", "", "", "", 0, 0.0, ())).sex
    'F'
    """
    if not header.plus:
        return Person(header.patient, "", None)
    code, sex, born, *_ = [*header.patient.split(), *[UNKNOWN] * 3]
    return Person("" if code == UNKNOWN else code, sex if sex in ("M", "F") else "", _date(born))


def _date(text: str) -> datetime | None:
    found = BORN.fullmatch(text.upper())
    if not found or found[2] not in MONTHS:
        return None
    try:
        return datetime(int(found[3]), MONTHS.index(found[2]) + 1, int(found[1]))
    except ValueError:
        return None
