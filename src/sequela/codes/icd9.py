"""ICD-9-CM: diagnoses (volume 1, with E and V codes) and procedures (volume 3).

A diagnosis is a category of three characters (four in an E code) and up to two digits after the dot, a procedure one of two
digits and up to two after the dot. Sources often leave the dot out; leading zeros they must keep. Source: data/icd.toml.
"""

from __future__ import annotations

import re
from functools import cache

from sequela.codes._ranges import covering, ranges
from sequela.errors import DataError

_DIAGNOSIS = re.compile(r"([0-9]{3}|V[0-9]{2})\.?([0-9]{0,2})|(E[0-9]{3})\.?([0-9]?)")
_PROCEDURE = re.compile(r"([0-9]{2})\.?([0-9]{0,2})")


@cache
def dotted(code: str) -> str:
    """A diagnosis as the tabular list prints it.

    Raises DataError for what is none, such as a code that lost its leading zeros.

    >>> dotted("0389"), dotted("E8497"), dotted("V4581"), dotted("486")
    ('038.9', 'E849.7', 'V45.81', '486')
    """
    return _dotted(_DIAGNOSIS, code, "diagnosis")


@cache
def dotted_procedure(code: str) -> str:
    """A procedure as the tabular list prints it.

    Raises DataError for what is none.

    >>> dotted_procedure("9671"), dotted_procedure("0066")
    ('96.71', '00.66')
    """
    return _dotted(_PROCEDURE, code, "procedure")


def category(code: str) -> str:
    """The category of a diagnosis or a procedure, with or without its dot.

    >>> category(dotted("E8497")), category(dotted_procedure("9671"))
    ('E849', '96')
    """
    return code.partition(".")[0]


@cache
def blocks(category: str) -> tuple[str, ...]:
    """The blocks that hold a category of diagnoses, the narrowest first; none for 043 and 044, long withdrawn."""
    return covering(category, ranges("icd9cm", "blocks"))


@cache
def chapters(category: str) -> tuple[str, ...]:
    """The chapter that holds a category of diagnoses, as a tuple of one; none where there is no such chapter."""
    return covering(category, ranges("icd9cm", "chapters"))


@cache
def procedure_chapters(category: str) -> tuple[str, ...]:
    """The chapter that holds a category of procedures, as a tuple of one; every two digits lie in one."""
    return covering(category, ranges("icd9proc", "chapters"))


def _dotted(form: re.Pattern[str], code: str, what: str) -> str:
    match = form.fullmatch(code.strip().upper())
    if match is None:
        raise DataError(f"a code is no ICD-9-CM {what}", hint="its leading zeros may be lost: read the column as text")
    parts = [part for part in match.groups() if part]
    return ".".join(parts)
