"""Lists of words and of phrases as they stand in this package: parted by white space, or by semicolons and lines."""

from __future__ import annotations


def spaced(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


def phrases(text: str) -> tuple[str, ...]:
    """The phrases of a list, in its order.

    >>> phrases("no evidence of; without")
    ('no evidence of', 'without')
    """
    return tuple(phrase.strip() for line in text.splitlines() for phrase in line.split(";") if phrase.strip())


def combined(*parts: str | tuple[str, ...]) -> tuple[str, ...]:
    """Every phrase that begins with one of the first part, goes on with one of the second, and so on; "" adds nothing.

    >>> combined(("in", "of"), ("", "her"), "mother")
    ('in mother', 'in her mother', 'of mother', 'of her mother')
    """
    found: tuple[str, ...] = ("",)
    for part in parts:
        found = tuple(f"{begun} {more}".strip() for begun in found for more in ((part,) if isinstance(part, str) else part))
    return found
