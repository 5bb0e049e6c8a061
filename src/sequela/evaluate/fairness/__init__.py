"""Groups held against each other: what is asked (asking), of whom (groupings), and what is found (found)."""

from __future__ import annotations

from sequela.evaluate.fairness.asking import KINDS
from sequela.evaluate.fairness.facts import (
    FairnessFacts,
    Gap,
    GroupingFacts,
    LevelFacts,
    MitigationFacts,
    SideFacts,
    Spread,
    Told,
    Worst,
)
from sequela.evaluate.fairness.found import fairness, suppressed
from sequela.evaluate.fairness.groupings import CROSS, UNKNOWN, Grouping, groupings

__all__ = [
    "CROSS",
    "KINDS",
    "UNKNOWN",
    "FairnessFacts",
    "Gap",
    "Grouping",
    "GroupingFacts",
    "LevelFacts",
    "MitigationFacts",
    "SideFacts",
    "Spread",
    "Told",
    "Worst",
    "fairness",
    "groupings",
    "suppressed",
]
