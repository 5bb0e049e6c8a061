"""Patterns that are put into rows, each in two forms of which one goes with each of two labels; one kind of input a file.

    numbers   steps (F,): a few features are shifted up or down in a window of steps
    codes     codes, visits and words: a few of the one or of the other set in place of what stood there
    motifs    letters and other short alphabets: one of two stretches
    waves     windows (C, L): a bump, up or down, in one channel
    pictures  images (C, H, W) and volumes: a patch, brighter or darker

A pattern is settled once, from training rows, and then put into any: in every row there is one, so that what tells the labels
apart lies in known cells, and in these alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sequela.types import Array, Ragged

STEPS = 6  # a pattern takes one step of so many
SHIFT = 2.0  # spreads of the training rows by which a number is moved


@dataclass(frozen=True, slots=True)
class Put:
    """An input with the pattern in its rows, and which cells it is made of."""

    ragged: Ragged
    truth: Array  # bool, of the shape of the input's cells; none in a row that has no room for it


class Plant(Protocol):
    """A pattern that was settled from training rows."""

    @property
    def told(self) -> str:
        """What it is, for a reader: "window", "codes", …"""
        ...

    def put(self, ragged: Ragged, label: Array, random: np.random.Generator) -> Put:
        """The pattern of each row's label, bool "N", put into it; the input was laid out, and is left as it is."""
        ...


def window(steps: int, random: np.random.Generator, around: Array | None = None) -> slice:
    """Some neighbouring steps of so many, one in STEPS of them; with `around` one of these is among them."""
    long = max(1, round(steps / STEPS))
    if around is not None and len(around):
        begin = int(random.choice(around)) - int(random.integers(long))
    else:
        begin = int(random.integers(max(1, steps - long + 1)))
    begin = min(max(begin, 0), steps - long)
    return slice(begin, begin + long)
