"""A mapping between code systems that the user brings: CSV with the columns from_system, from_code, to_system, to_code.

    NDC,00409672924,ATC,C03CA01
    LOCAL,K+,LOINC,2823-3

Codes are kept as they are written, but for what their system says of their form: the dots of ICD, the eleven digits of NDC.
A code may map to several: each is a row.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sequela.codes import atc, icd9, icd10, ndc
from sequela.errors import DataError

COLUMNS = ("from_system", "from_code", "to_system", "to_code")
_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "ICD9CM": icd9.dotted,
        "ICD9PROC": icd9.dotted_procedure,
        "ICD10CM": icd10.dotted,
        "ICD10PCS": icd10.procedure,
        "ATC": atc.code,
        "NDC": ndc.normalised,
    }
)


@dataclass(frozen=True, slots=True)
class CodeMap:
    """What codes map to, and the file that says so."""

    name: str  # of the file
    sha256: str  # of its bytes
    pairs: Mapping[str, tuple[str, ...]]  # SYSTEM//code -> SYSTEM//code, in the order of the file

    def targets(self, code: str) -> tuple[str, ...]:
        """What a code maps to; () where the file has none."""
        return self.pairs.get(code, ())

    def unmapped(self, codes: Iterable[str]) -> tuple[str, ...]:
        """Those of the codes that the file has nothing for, sorted."""
        return tuple(sorted({code for code in codes if code not in self.pairs}))


def read(path: str | Path) -> CodeMap:
    """The mapping of a file.

    Raises DataError for a missing column, and with its row for an empty field, a code none of its system, a repeated pair.
    """
    file = Path(path)
    try:
        content = file.read_bytes()
        text = content.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"there is no mapping file {file.name}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{file.name} is not UTF-8 text", hint="save it as CSV UTF-8") from error
    return CodeMap(file.name, hashlib.sha256(content).hexdigest(), MappingProxyType(_pairs(file.name, text)))


def _pairs(name: str, text: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for number, (source, target) in _rows(name, text):
        known = found.get(source, ())
        if target in known:
            raise DataError(f"{name}, row {number}: this pair stands there twice", hint="leave out the repeated row")
        found[source] = (*known, target)
    if not found:
        raise DataError(f"{name} has no rows below its header")
    return found


def _rows(name: str, text: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """The pairs with the rows they stand in, the header being row 1."""
    reader = csv.DictReader(io.StringIO(text))
    missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
    if missing:
        raise DataError(f"{name} lacks the column {missing[0]!r}", hint=f"its first line must be {','.join(COLUMNS)}")
    for number, row in enumerate(reader, start=2):
        fields = [(row[column] or "").strip() for column in COLUMNS]
        if not all(fields):
            raise DataError(f"{name}, row {number}: {COLUMNS[fields.index('')]} is empty")
        yield number, (_code(name, number, *fields[:2]), _code(name, number, *fields[2:]))


def _code(name: str, number: int, system: str, code: str) -> str:
    form = _FORMS.get(system)
    try:
        return f"{system}//{form(code) if form else code}"
    except DataError as error:
        raise DataError(f"{name}, row {number}: {error.message}", hint=error.hint) from error
