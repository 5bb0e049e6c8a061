"""What sentences are made of: templates in three sets that share no sentence, one for each part of the data.

{p} stands for conditions that the patient has now, {n} for those that are denied, of the family, over, or thought of. {t} stands
for a treatment, {x} for the word that is true of it, {y} for one that is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from sequela.types import Part

Status: TypeAlias = Literal["negated", "family", "past", "hypothetical"]  # why a condition that is named is none of the patient's
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Templates:
    """The sentences of one part."""

    present: tuple[str, ...]
    absent: Mapping[Status, tuple[str, ...]]
    mixed: Mapping[Status, tuple[str, ...]]  # {p} beside {n} of that status
    plain: tuple[str, ...]  # {t} and {x}
    turned: tuple[str, ...]  # {t}, {x} and {y}, which the words alone do not tell apart


@dataclass(frozen=True, slots=True)
class Grammar:
    """A language."""

    opening: tuple[str, ...]  # {age}
    aside: tuple[str, ...]  # sentences that say nothing of conditions
    titles: tuple[str, str]  # of the findings, and of the course
    topics: tuple[str, ...]
    very: tuple[str, ...]  # before each such word, so that its neighbour tells nothing
    levels: tuple[tuple[str, ...], ...]  # words for the ratings 1 to 5
    comma: str
    both: str  # between the last two of a list
    either: str  # of one that is denied or thought of
    space: str  # between two sentences
    parts: Mapping[Part, Templates] = field(default_factory=dict)
