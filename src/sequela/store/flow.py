"""Counting records in and out: the accepted, the refused by reason, and what the reader did to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sequela.errors import DataError
from sequela.store.schema import Flow, Refusal

NAMES_KEPT = 10  # names of refused records kept for each reason
JUDGED_FROM = 200  # records seen before a share of refused ones is judged while the import still runs


@dataclass
class Tally:
    """A Flow in the making; `max_refused` is the largest share of records that may be refused."""

    max_refused: float
    accepted: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[str]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)

    def refuse(self, record: str, reason: str) -> None:
        """Counts a refused record. Raises DataError once enough were seen and too large a share was refused."""
        self.reasons[reason] += 1
        names = self.first.setdefault(reason, [])
        if len(names) < NAMES_KEPT:
            names.append(record)
        if self.max_refused == 0 or self.accepted + self.reasons.total() >= JUDGED_FROM:
            self.judge()

    def judge(self) -> None:
        """Raises DataError where more than the allowed share was refused."""
        judge(self.flow(), self.max_refused)

    def flow(self) -> Flow:
        refused = [Refusal(reason=r, count=n, first=self.first[r]) for r, n in sorted(self.reasons.items())]
        return Flow(accepted=self.accepted, refused=refused, notes=dict(sorted(self.notes.items())))


def judge(flow: Flow, max_refused: float) -> None:
    """Raises DataError, with the commonest reason and the first names, where more than the allowed share was refused."""
    if flow.refused_share <= max_refused:
        return
    seen = flow.accepted + flow.refused_count
    raise DataError(
        f"{flow.refused_count} of {seen} records were refused ({flow.refused_share:.1%}; allowed: {max_refused:.1%}), "
        f"most for this reason: {commonest(flow)}",
        hint="see whether the reader and its options fit this source; max_refused raises the allowed share",
    )


def commonest(flow: Flow) -> str:
    """The reason for which most records were refused, with how many and the first names."""
    worst = max(flow.refused, key=lambda refusal: refusal.count)
    return f"{worst.reason} ({worst.count}; first: {', '.join(worst.first[:3])})"
