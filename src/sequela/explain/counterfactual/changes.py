"""What may be asked of a counterfactual, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Options:
    """What may change. Patterns of features are "A", "A*", "*A" or "*A*"."""

    immutable: tuple[str, ...] = ()  # stay as they are, besides those that stay anyhow (kept.py)
    free: tuple[str, ...] = ()  # may change, though they would stay
    most: int = 4  # features that change together
    added: int = 20  # of the codes that most training subjects have, so many may be added


@dataclass(frozen=True, slots=True)
class Change:
    """One feature that changes."""

    input: str
    feature: str
    way: Literal["value", "category", "left_out", "added"]
    distance: float  # of a number the mean change of its values in training spreads; of anything else 1
    before: float | None = None  # of a number its last value, in its own unit
    after: float | None = None
    values: int = 1  # that changed: all seen values of a series move together
    instead: str = ""  # of a category: what stands in its place


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What would flip the answer about a row; where nothing plausible does, the change that comes nearest to it."""

    row_id: str
    flips: bool
    changes: tuple[Change, ...]  # the largest first
    column: int  # of the answer that is told
    before: float  # its probability
    after: float
    reason: str = ""  # where there is none to be told, why

    @property
    def distance(self) -> float:
        """In training spreads, over all features that change."""
        return sum(one.distance for one in self.changes)
