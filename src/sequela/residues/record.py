"""How sequences stand in a store.

SEQUENCE//<name> holds one whole, as its text; LABEL//<column> may hold a letter for each of its letters; PAIRS//<name> pairs
of its places, such as the residues that touch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sequela.errors import DataError

SEQUENCE = "SEQUENCE"
PAIRS = "PAIRS"
_PAIR = re.compile(r"(\d+)-(\d+)")


def code(name: str) -> str:
    """The code of the sequences of this name: "protein", "drug", "dna"."""
    return f"{SEQUENCE}//{name}"


def pairs_code(name: str) -> str:
    """The code of the pairs of this name: "contact"."""
    return f"{PAIRS}//{name}"


def written(pairs: Sequence[tuple[int, int]]) -> str:
    """The text of the event that holds these pairs of places, the lower first, in order; "" where none were found."""
    return " ".join(f"{low}-{high}" for low, high in sorted({(min(pair), max(pair)) for pair in pairs}))


def pairs(text: str, length: int) -> list[tuple[int, int]]:
    """The pairs of places of a sequence of this length. Raises DataError for what is no pair, or lies outside of it."""
    found = [_PAIR.fullmatch(one) for one in text.split()]
    read = [(int(match[1]), int(match[2])) for match in found if match]
    wrong = len(found) - len(read) + sum(not low < high < length for low, high in read)
    if wrong:
        raise DataError(f"{wrong} of {len(found)} pairs are no two places, low-high, of a sequence of {length} letters")
    return read
