"""What a list of cues says: phrases that deny, name a relative, tell of the past or doubt, and phrases that look so and do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Scope: TypeAlias = Literal["negated", "family", "past", "uncertain"]


@dataclass(frozen=True, slots=True)
class Group:
    """Phrases that do the same."""

    scope: Scope
    phrases: tuple[str, ...]
    after: bool  # whether what follows is in their scope, or what stands before
    reach: int  # words (in Chinese characters) that the scope has at most
    far: bool = False  # whether it goes over what parts other scopes


@dataclass(frozen=True, slots=True)
class Cues:
    """The cues of a language."""

    groups: tuple[Group, ...]
    turns: tuple[str, ...]  # they end every scope
    parts: tuple[str, ...]  # they end every scope that is not far
    none: tuple[str, ...]  # longer phrases with a cue in them that is none there


def phrases(text: str) -> tuple[str, ...]:
    """Those of a list, parted by semicolons and lines.

    >>> phrases("no evidence of; without")
    ('no evidence of', 'without')
    """
    return tuple(phrase.strip() for line in text.strip().splitlines() for phrase in line.split(";") if phrase.strip())
