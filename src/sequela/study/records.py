"""What a study needs of a store, and codes by pattern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import polars as pl

from sequela.types import Part, Payloads

HIDDEN = frozenset({"outcome", "label", "score"})  # kinds that are never an input unless named


class Records(Protocol):
    """The part of a store that a study reads."""

    @property
    def codes(self) -> pl.DataFrame:
        """code, kind, ...: every code that occurs."""
        ...

    @property
    def kinds(self) -> Mapping[str, str]:
        """code -> kind, of every code."""
        ...

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """code -> the next broader codes, of those codes of which the source names any."""
        ...

    @property
    def subjects(self) -> pl.DataFrame:
        """subject_id, source_id."""
        ...

    @property
    def parts(self) -> Mapping[int, Part]:
        """subject_id -> the part to which the source itself assigns it."""
        ...

    @property
    def payloads(self) -> Payloads: ...

    def events(self, codes: Sequence[str] | None = None, subjects: Sequence[int] | None = None) -> pl.DataFrame:
        """subject_id, time, code, numeric_value, text_value, payload; by subject_id, then time, those without time first."""
        ...


def matching(store: Records, pattern: str) -> list[str]:
    """The codes that a name with an optional leading or trailing * stands for, sorted.

    >>> fits("ICU//DISCHARGE", "*//DISCHARGE"), fits("ICD//A40", "ICD//A4*"), fits("HR", "H")
    (True, True, False)
    """
    return sorted(code for code in store.codes["code"] if fits(code, pattern))


def fits(code: str, pattern: str) -> bool:
    """Whether a code is the one meant: "A", "A*" (starts so), "*A" (ends so) or "*A*" (holds it)."""
    inner = pattern.strip("*")
    if pattern.startswith("*") and pattern.endswith("*"):
        return inner in code
    if pattern.startswith("*"):
        return code.endswith(inner)
    return code.startswith(inner) if pattern.endswith("*") else code == inner
