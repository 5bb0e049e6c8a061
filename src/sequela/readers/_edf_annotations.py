"""Annotations of EDF+ and BDF+: time-stamped lists (TAL) in the bytes of a signal that holds no samples.

Each list is an onset in seconds from the beginning of the file, perhaps a duration, and texts in UTF-8. The first list of each
data record has an empty text: its onset says when the record begins. Source: Kemp and Olivan 2003, section 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sequela.types import Array

LIST = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d*(?:\.\d*)?))?\x14((?:[^\x14]*\x14)*)")
FARTHEST = 100 * 365.25 * 86400  # seconds from the beginning of a file, beyond which an onset is damage
LONGEST = 31 * 86400  # seconds that a text may last
END, SEPARATOR = b"\x00", b"\x14"


class Annotation(NamedTuple):
    """A text that somebody, or a machine, set to a time."""

    onset: float  # seconds from the beginning of the file; may be before it
    duration: float | None  # seconds
    text: str


class TimedList(NamedTuple):
    """One TAL."""

    onset: float
    duration: float | None
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Annotations:
    """What the annotation signals of a file say."""

    found: tuple[Annotation, ...]  # by onset
    begins: Array  # float64 "R": seconds from the beginning of the file at which each data record begins; NaN where not told
    broken: int  # lists that cannot be read


def read(records: Iterable[bytes], count: int) -> Annotations:
    """The annotations of `count` data records, of each of which the bytes of its annotation signals are given."""
    found: list[Annotation] = []
    begins = np.full(count, np.nan)
    broken = 0
    for number, record in enumerate(records):
        for place, one in enumerate(_lists(record)):
            if one is None:
                broken += 1
                continue
            if place == 0 and one.texts[:1] == ("",):
                begins[number] = one.onset
            found += [Annotation(one.onset, one.duration, text) for text in one.texts if text]
    return Annotations(tuple(sorted(found, key=lambda one: one.onset)), begins, broken)


def _lists(record: bytes) -> Iterator[TimedList | None]:
    """The lists of a data record; None for one that is broken."""
    for part in record.split(END):
        if part:
            yield _list(part)


def _list(part: bytes) -> TimedList | None:
    found = LIST.fullmatch(part)
    if not found:
        return None
    texts = found[3].split(SEPARATOR)[:-1]
    onset, duration = float(found[1]), float(found[2]) if found[2] and found[2] != b"." else None
    if abs(onset) > FARTHEST or (duration or 0) > LONGEST:
        return None
    return TimedList(onset, duration, tuple(_text(text) for text in texts))


def _text(text: bytes) -> str:
    """On one line, without what no person wrote: control characters count as spaces."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text.decode("utf-8", "replace")).split())
