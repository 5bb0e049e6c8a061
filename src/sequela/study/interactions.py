"""Which drugs interact: a table of pairs with their severity and source, as a user gives it.

    drug_a,drug_b,severity,source
    ATC//C10AA01,ATC//J01FA09,contraindicated,"simvastatin, prescribing information, section 4"

A drug is a code of the outcome; with a trailing *, all that begin so. The order of the two means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np

from sequela.config import Strict
from sequela.errors import DataError
from sequela.registry import nearest
from sequela.study import knowledge
from sequela.types import Array

Severity: TypeAlias = Literal["contraindicated", "major", "moderate", "minor"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
COLUMNS = ("drug_a", "drug_b", "severity", "source")


class Pair(Strict, frozen=True):
    """Two drugs that interact."""

    drug_a: str
    drug_b: str
    severity: Severity
    source: str


class Interactions(Strict, frozen=True):
    """A table with where it came from."""

    file: str
    sha256: str
    pairs: list[Pair]


def read(path: Path) -> Interactions:
    """The table in a CSV file.

    Raises DataError, with the line, for an unknown severity, a drug with itself, or a pair that stands there twice.
    """
    rows, digest = knowledge.rows(path, COLUMNS)
    pairs = [_pair(path.name, line, row) for line, row in rows]
    first: dict[frozenset[str], int] = {}
    for (line, _), pair in zip(rows, pairs, strict=True):
        before = first.setdefault(frozenset((pair.drug_a, pair.drug_b)), line)
        if before != line:
            raise DataError(f"{path.name}, line {line}: {pair.drug_a} with {pair.drug_b} stands in line {before} already")
    return Interactions(file=path.name, sha256=digest, pairs=pairs)


def _pair(file: str, line: int, row: dict[str, str]) -> Pair:
    for severity in SEVERITIES:
        if row["severity"] == severity and row["drug_a"] != row["drug_b"]:
            return Pair(drug_a=row["drug_a"], drug_b=row["drug_b"], severity=severity, source=row["source"])
    if row["severity"] not in SEVERITIES:
        raise DataError(f"{file}, line {line}: the severity {row['severity']!r}", hint=nearest(row["severity"], SEVERITIES))
    raise DataError(f"{file}, line {line}: {row['drug_a']!r} is said to interact with itself")


def matrix(
    table: Interactions, names: Sequence[str], severities: Sequence[Severity] = SEVERITIES, *, others: bool = False
) -> Array:
    """Which of the drugs interact so severely: bool "K K", symmetric, False on the diagonal.

    `others`: a pair may name drugs that are none of these; without it, that raises DataError with the nearest name.
    """
    found = np.zeros((len(names), len(names)), bool)
    for pair in table.pairs:
        left, right = (
            knowledge.known_columns(drug, names, f"interactions of {table.file}", others=others)
            for drug in (pair.drug_a, pair.drug_b)
        )
        if pair.severity in severities:
            found[np.ix_(left, right)] = True
    np.fill_diagonal(found, False)
    return found | found.T


def without_pairs(values: Array, never: Array) -> Array:
    """The probabilities "N K" with 0 for each drug that may not go with a likelier one that is kept.

    `never` is a matrix as above. From the likeliest drug down (of equals, the first named): a drug is kept unless it may never be
    given with one that is kept. With one threshold for all drugs, that is the same as removing from the set that is recommended.
    """
    row = np.arange(len(values))
    kept = np.zeros(values.shape, bool)
    for drug in np.argsort(-values, axis=1, kind="stable").T:
        kept[row, drug] = ~(never[drug] & kept).any(1)
    return np.where(kept, values, 0.0)
