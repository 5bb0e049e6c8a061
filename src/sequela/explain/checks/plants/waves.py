"""A bump in one channel of windows (C, L), up for one label and down for the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from sequela.explain.checks.cells import cells_seen
from sequela.explain.checks.plants import SHIFT, Put, window
from sequela.explain.checks.stability import spread
from sequela.types import Array, Ragged, Spec

LONG = 6  # a bump takes one sample of so many


@dataclass(frozen=True, slots=True)
class Bump:
    """In which channel, and how high."""

    channel: int
    height: float
    spec: Spec
    told: ClassVar[str] = "bump"

    def put(self, ragged: Ragged, label: Array, random: np.random.Generator) -> Put:
        """At one place of the window, in one of STEPS of a row's windows; a row without the channel gets none."""
        values, seen = np.array(ragged.values), cells_seen(ragged, self.spec)
        samples = values.shape[2]
        long = max(2, round(samples / LONG))
        shape = (self.height * np.hanning(long + 2)[1:-1]).astype(values.dtype)
        truth = np.zeros(values.shape, bool)
        for row, up in enumerate(label.tolist()):
            own = slice(int(ragged.offsets[row]), int(ragged.offsets[row + 1]))
            here = np.flatnonzero(seen[own][:, self.channel].all(1))
            if len(here):
                first = int(random.integers(samples - long + 1))
                at = (window(own.stop - own.start, random, here), self.channel, slice(first, first + long))
                truth[own][at] = seen[own][at]
                values[own][at] += shape if up else -shape
        return Put(replace(ragged, values=np.where(truth, values, np.asarray(ragged.values))), truth)


def settle(ragged: Ragged, spec: Spec, random: np.random.Generator) -> Bump | None:
    """A channel that varies; None where none does."""
    varying = spread(np.asarray(ragged.values), cells_seen(ragged, spec)).reshape(-1)
    known = np.flatnonzero(varying > 0)
    if not len(known):
        return None
    channel = int(random.choice(known))
    return Bump(channel, SHIFT * float(varying[channel]), spec)
