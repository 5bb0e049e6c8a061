"""Beats against the reference of their row: their windows, and the numbers beside them for networks and for the baselines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sequela.modalities import _likeness, _pace, _wave_summary
from sequela.modalities._likeness import Parts
from sequela.modalities._reference import Reference, References
from sequela.modalities._waves import Found
from sequela.modalities._windows import Scale
from sequela.types import Array

NEIGHBOURS = {"": 0, "previous_": -1, "next_": 1}  # beats that a beat's plain columns tell of


@dataclass(frozen=True, slots=True)
class Against:
    """All steps known of some rows; `steps` below are places among them, in order."""

    references: References
    found: Found
    parts: Parts

    def windows(self, mode: Reference, steps: Array, scale: Scale, own: bool) -> tuple[Array, Array]:
        """Windows less their reference, where asked beside those themselves, float32 "S C L", and which entries are real.

        They are scaled by `scale`, or where `own` by the spread of the reference.
        """
        less, seen = self.references.differences(steps), self.references.seen[self.references.place[steps]]
        spread = self.references.spread(steps) if own else scale.spread[:, None]
        if mode == "removed":
            centre = 0 if own else scale.centre[:, None]
            return np.where(seen, (less - centre) / spread, 0).astype(np.float32), seen
        beats = self.references.beats(steps) - (0 if own else scale.centre[:, None])
        both = np.concatenate([np.where(seen, beats, 0) / spread, less / spread], 1)
        return both.astype(np.float32), np.concatenate([seen, seen], 1)

    def side(self, steps: Array) -> Array:
        """Of a step the columns of _pace.py, where there is a rhythm, and of _likeness.py; 0 where unknown."""
        found: Array = np.nan_to_num(np.concatenate([*self._pace(steps), self._likeness(steps)], 1))
        return found

    def plain(self, steps: Array, channels: tuple[str, ...]) -> tuple[Array, tuple[str, ...]]:
        """Float32 "S P" and their names: rhythm and pace, and the likeness of the beat and its neighbours; NaN where unknown."""
        likeness = self._around(steps)
        names = tuple(f"{where}{name}" for where in NEIGHBOURS for name in _likeness.names(channels))
        if self.found.rhythm is None:
            return likeness, names
        rhythm = _wave_summary.rhythm_columns(self.found.rhythm)[steps]
        return np.concatenate([likeness, rhythm, *self._pace(steps)], 1), names + _wave_summary.RHYTHM + _pace.NAMES

    def _around(self, steps: Array) -> Array:
        """The likeness of the steps and of their NEIGHBOURS, NaN outside the row; each beat is compared once."""
        row = self.found.row
        others = steps[:, None] + np.array(list(NEIGHBOURS.values()))
        inside = np.clip(others, 0, max(len(row) - 1, 0))
        joined = (inside == others) & (row[inside] == row[steps][:, None])
        compared, place = np.unique(inside, return_inverse=True)
        found = self._likeness(compared)[place.reshape(inside.shape)]
        return (
            np.where(joined[..., None], found, np.nan).reshape(len(steps), found.shape[-1] * len(NEIGHBOURS)).astype(np.float32)
        )

    def _likeness(self, steps: Array) -> Array:
        return _likeness.columns(self.references, self.found.row, steps, self.parts)

    def _pace(self, steps: Array) -> list[Array]:
        if self.found.rhythm is None:
            return []
        return [_pace.pace(self.found.row, self.found.rhythm.before)[steps]]


def side_width(channels: tuple[str, ...], rhythm: bool) -> int:
    """How many columns `side` has."""
    return len(_likeness.names(channels)) + (len(_pace.NAMES) if rhythm else 0)
