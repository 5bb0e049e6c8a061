"""Whether labels are codes of a system, as far as its form and chapters tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from sequela.codes import atc, icd9, icd10
from sequela.errors import DataError

System: TypeAlias = Literal["icd9", "icd9_procedures", "icd10", "icd10_procedures", "atc"]


def check(column: str, label: str, separator: str, system: System) -> None:
    """Raises DataError where one of the codes that a label holds, parted by the separator, is none of its system."""
    for code in label.split(separator):
        if code.strip() and not _holds(system, code):
            raise DataError(f"labels not in the code system {system}, in the column {column!r}")


def _holds(system: System, code: str) -> bool:
    try:
        return _KNOWN[system](code)
    except DataError:
        return False


_KNOWN: Mapping[System, Callable[[str], bool]] = {
    "icd9": lambda code: bool(icd9.chapters(icd9.category(icd9.dotted(code)))),
    "icd9_procedures": lambda code: bool(icd9.procedure_chapters(icd9.category(icd9.dotted_procedure(code)))),
    "icd10": lambda code: bool(icd10.chapters(icd10.category(icd10.dotted(code)))),
    "icd10_procedures": lambda code: bool(icd10.procedure(code)),
    "atc": lambda code: bool(atc.code(code)),
}
