"""The tags of words as files write them, and the stretches that they tell.

    BIO     every stretch begins with B, and goes on with I
    IOB1    with I; with B only where the one before it has the same type and ends there
    IOBES   ends with E, and one of a single word is S; written BILOU (L, U) or BMES (M) too

Source: Ramshaw and Marcus 1995 (IOB1); Tjong Kim Sang and Veenstra 1999, Representing text chunks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from sequela.errors import DataError
from sequela.text import scheme

Scheme: TypeAlias = Literal["BIO", "IOB1", "IOBES"]
OUTSIDE = "O"
_PARTS = {"B": scheme.BEGIN, "I": scheme.INSIDE, "M": scheme.INSIDE, "E": scheme.END, "L": scheme.END, "S": scheme.WHOLE,
          "U": scheme.WHOLE, "W": scheme.WHOLE}  # fmt: skip


class Tag(NamedTuple):
    """Where in a stretch of which type a word stands."""

    part: int  # of text.scheme; -1 outside
    type: str


@lru_cache(maxsize=4096)
def tag(text: str, bare: str) -> Tag:
    """The tag that a file writes as B-Disease, B_Disease, or B alone, which is of the type `bare`.

    Raises DataError for another one.
    """
    if text == OUTSIDE:
        return Tag(-1, "")
    part, type_ = _PARTS.get(text[:1]), text[2:] or bare
    if part is None or (len(text) > 1 and text[1] not in "-_") or len(text) == 2:
        raise DataError("a tag that is neither O nor B, I, E or S with a type: B-Disease")
    return Tag(part, type_)


def detected(sentences: Iterable[Sequence[Tag]]) -> Scheme:
    """The scheme in which these sentences are tagged: the one that calls for what they have.

    An I that begins a stretch is of IOB1 where no B needlessly does so, and else is a fault in BIO.
    """
    needless = begun = False
    for tags in sentences:
        if any(one.part in (scheme.END, scheme.WHOLE) for one in tags):
            return "IOBES"
        for before, one in pairwise([Tag(-1, ""), *tags]):
            same = before.part >= 0 and before.type == one.type
            needless |= one.part == scheme.BEGIN and not same
            begun |= one.part == scheme.INSIDE and not same
    return "IOB1" if begun and not needless else "BIO"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words of one type."""

    begin: int
    end: int
    type: str


def stretches(tags: Sequence[Tag]) -> list[Stretch]:
    """Those that tags of any scheme tell; what is not legal is read as by conlleval: an I that follows nothing begins one."""
    names = sorted({one.type for one in tags if one.part >= 0})
    numbers = np.array([0 if one.part < 0 else 1 + 4 * names.index(one.type) + one.part for one in tags], np.int64)
    return [Stretch(begin, end, names[kind]) for begin, end, kind in scheme.stretches(numbers)]


def illegal(tags: Sequence[Tag], form: Scheme) -> int | None:
    """The first word whose tag may not follow the one before it, or that ends what must go on; None where all may."""
    for place, (before, one) in enumerate(pairwise([Tag(-1, ""), *tags, Tag(-1, "")])):
        if not _may_follow(before, one, form):
            return min(place, len(tags) - 1)
    return None


def _may_follow(before: Tag, one: Tag, form: Scheme) -> bool:
    same = before.part >= 0 and before.type == one.type
    if form == "IOB1":
        return one.part != scheme.BEGIN or same
    if form == "BIO":
        return one.part != scheme.INSIDE or same
    goes_on = before.part in (scheme.BEGIN, scheme.INSIDE)
    carried = one.part in (scheme.INSIDE, scheme.END)
    return goes_on == carried and (not carried or same)
