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
        likeness = [self._beside(steps, way) for way in NEIGHBOURS.values()]
        names = tuple(f"{where}{name}" for where in NEIGHBOURS for name in _likeness.names(channels))
        if self.found.rhythm is None:
            return np.concatenate(likeness, 1), names
        rhythm = _wave_summary.rhythm_columns(self.found.rhythm)[steps]
        return np.concatenate([*likeness, rhythm, *self._pace(steps)], 1), names + _wave_summary.RHYTHM + _pace.NAMES

    def _beside(self, steps: Array, way: int) -> Array:
        """The likeness of the step so many places further in the same row, NaN outside."""
        row = self.found.row
        inside = np.clip(steps + way, 0, len(row) - 1)
        joined = (inside == steps + way) & (row[inside] == row[steps])
        return np.where(joined[:, None], self._likeness(inside), np.nan).astype(np.float32)

    def _likeness(self, steps: Array) -> Array:
        return _likeness.columns(self.references, self.found.row, steps, self.parts)

    def _pace(self, steps: Array) -> list[Array]:
        if self.found.rhythm is None:
            return []
        return [_pace.pace(self.found.row, self.found.rhythm.before)[steps]]


def side_width(channels: tuple[str, ...], rhythm: bool) -> int:
    """How many columns `side` has."""
    return len(_likeness.names(channels)) + (len(_pace.NAMES) if rhythm else 0)
