"""What the checks of the audit look at, and what one found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from sequela import config
from sequela.study.labels import TargetKind
from sequela.types import Array, Cohort, Known, Plain

NAMED = 10  # rows named in an alarm


Severity: TypeAlias = Literal["ok", "note", "warning", "leak"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """What one check found; severity "ok" where that is nothing. Warnings and leaks are alarms, unless the study answers them."""

    check: str
    severity: Severity
    text: str
    count: int = 0
    rows: tuple[str, ...] = ()  # row_id of the first few
    allowed: str = ""  # the reason that the study gives for letting it stand


@dataclass(frozen=True, slots=True)
class Material:
    """What the checks look at; `plain` has the rows of `cohort`, `known` those of `rows`, in their order."""

    cohort: Cohort
    plain: Plain
    known: Known
    study: config.Study
    kind: TargetKind
    rows: Cohort

    @property
    def train(self) -> Array:
        return np.asarray(self.cohort.part == "train")

    @property
    def held_out(self) -> Array:
        return np.isin(self.cohort.part, ("tune", "test"))

    def found(
        self, check: str, severity: Severity, text: str, rows: Array | Sequence[int] = (), of: Cohort | None = None
    ) -> Alarm:
        """An alarm that names the first of these rows."""
        names = (of or self.cohort).row_id
        return Alarm(check, severity, text, len(rows), tuple(str(names[row]) for row in rows[:NAMED]))
