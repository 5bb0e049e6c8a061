"""What a guideline asks, as a table of its items."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """One item of a guideline."""

    number: str  # as the guideline has it; "" where it numbers nothing
    title: str  # in few words of our own, to be said
    items: tuple[str, ...] = ()  # of evidence.ITEMS that answer it together
    why: str = ""  # it is not answered here, to be said: of another kind of study, or of a manuscript


@dataclass(frozen=True, slots=True)
class View:
    """A guideline: its title, what was published where, and its items in their order."""

    title: str  # to be said
    source: str  # its reference
    asked: tuple[Asked, ...]
