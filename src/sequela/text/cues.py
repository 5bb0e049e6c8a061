"""What a list of cues says: phrases that deny, name a relative, tell of the past or doubt, and such as look so.

A phrase is written as it is cut: words (of Chinese, characters) parted by spaces. What stands behind a `|` has to follow but is
no part of the cue; END is the end of the sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Scope: TypeAlias = Literal["negated", "family", "past", "uncertain"]

END = "⏎"


@dataclass(frozen=True, slots=True)
class Group:
    """Phrases that open the same scope."""

    scope: Scope
    after: bool  # whether what follows is in it, or what stands before
    reach: int  # words (in Chinese characters) that it has at most
    phrases: tuple[str, ...]
    far: bool = False  # whether it goes over weak stops


@dataclass(frozen=True, slots=True)
class Stop:
    """Phrases that end scopes."""

    scopes: tuple[Scope, ...]
    phrases: tuple[str, ...]
    weak: bool = False  # whether they end none that is far


@dataclass(frozen=True, slots=True)
class Cues:
    """The cues of a language."""

    groups: tuple[Group, ...]
    stops: tuple[Stop, ...]
    none: tuple[str, ...]  # longer phrases in which a cue is none
