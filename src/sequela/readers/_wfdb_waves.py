"""Where the waves of an electrocardiogram begin and end, as WFDB annotations tell it: "(" p ")", "(" N ")", "(" t ")", "(" u ")".

They become labels that last (LABEL//wave): the wave's name from its onset on, `none` from its offset on. A wave of which only the
peak or one end is marked is `unknown` until the next whole one begins, since nobody said how far it reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sequela.readers._signals import Annotations, annotated
from sequela.types import Array

ONSET, OFFSET = "(", ")"
WAVES = {"p": "P", "t": "T", "u": "U"}  # every other symbol between an onset and an offset is a beat: its QRS complex
COLUMN = "wave"


def waves(seconds: Array, symbol: Sequence[str], beats: frozenset[str]) -> Annotations:
    """The labels, in time, of marks in time; `beats` are the symbols of heartbeats, and other marks say nothing of waves."""
    told = [(float(at), one) for at, one in zip(seconds, symbol, strict=True) if one in beats | {ONSET, OFFSET, *WAVES}]
    found = list(_told(told))
    return annotated(np.array([at for at, _ in found]), [name for _, name in found], column=COLUMN)


def _told(marks: Sequence[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    place = 0
    while place < len(marks):
        symbols = tuple(symbol for _, symbol in marks[place : place + 3])
        if len(symbols) == 3 and symbols[0] == ONSET and symbols[1] not in (ONSET, OFFSET) and symbols[2] == OFFSET:
            yield marks[place][0], WAVES.get(symbols[1], "QRS")
            yield marks[place + 2][0], "none"
            place += 3
        else:
            yield marks[place][0], "unknown"
            place += 1
