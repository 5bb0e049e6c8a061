"""ICD-10-CM diagnoses and ICD-10-PCS procedures.

A diagnosis is a category of three characters and up to four after the dot; the seventh may follow placeholders X. A procedure has
seven characters and no dot: section, body system, operation (the three name its table), body part, approach, device, qualifier.
Source: data/icd.toml; ICD-10-PCS Official Guidelines 2024, A1 to A11.
"""

from __future__ import annotations

import re
from functools import cache

from sequela.codes._ranges import covering, ranges, table
from sequela.errors import DataError

_DIAGNOSIS = re.compile(r"([A-Z][0-9A][0-9A-Z])\.?([0-9A-Z]{0,4})")
_PROCEDURE = re.compile(r"[0-9A-HJ-NP-Z]{7}")


@cache
def dotted(code: str) -> str:
    """A diagnosis as the tabular list prints it.

    Raises DataError for what is none.

    >>> dotted("A419"), dotted("S72001A"), dotted("I10"), dotted("C7A010")
    ('A41.9', 'S72.001A', 'I10', 'C7A.010')
    """
    match = _DIAGNOSIS.fullmatch(code.strip().upper())
    if match is None:
        raise DataError(
            "a code is no ICD-10-CM diagnosis", hint="expected the form of S72.001A: a letter, two characters and up to four more"
        )
    return ".".join(part for part in match.groups() if part)


@cache
def procedure(code: str) -> str:
    """A procedure of ICD-10-PCS.

    Raises DataError for what is none: seven characters without the letters I and O, and without a dot.

    >>> procedure("0bh17ez")
    '0BH17EZ'
    """
    found = code.strip().upper()
    if _PROCEDURE.fullmatch(found) is None:
        raise DataError("a code is no ICD-10-PCS procedure", hint="expected seven characters, without I, O and dot")
    return found


def category(code: str) -> str:
    """The category of a diagnosis.

    >>> category("A41.9")
    'A41'
    """
    return code[:3]


@cache
def blocks(category: str) -> tuple[str, ...]:
    """The blocks that hold a category, the narrowest first: blocks may lie in one another.

    >>> blocks("C50")
    ('C50', 'C00-C75', 'C00-C96')
    """
    elsewhere: str = table("icd10cm")["blocks_of"].get(category, "")
    return tuple(elsewhere.split()) or covering(category, ranges("icd10cm", "blocks"))


@cache
def chapters(category: str) -> tuple[str, ...]:
    """The chapter that holds a category, as a tuple of one; none where there is no such chapter."""
    return covering(category, ranges("icd10cm", "chapters"))
