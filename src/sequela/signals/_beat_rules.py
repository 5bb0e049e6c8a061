"""Which of the candidates are beats: a threshold that follows their height, a refractory time, and a search back in long gaps.

After Pan and Tompkins (1985), section "Adjusting the Thresholds", with three changes: the threshold is a share of one running
height, it rises the earlier a candidate comes, and a taller candidate within the refractory time takes the beat's place.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

REFRACTORY = 0.25  # seconds
T_WAVE = 0.36  # seconds: so soon after a beat only what is nearly as tall is another
T_WAVE_SHARE = 0.4  # of the beat's height
THRESHOLD, SEARCH_BACK = 0.45, 0.2  # shares of the running height
GAP = 1.4  # of the usual interval: longer, and what was passed over is looked at again
EARLY = 0.5  # by how much the threshold is higher for a candidate that comes at once
DUE = 0.7  # of the usual interval: from then on a candidate is not early
FOLLOW = 1 / 8  # share by which a beat moves the running height
TALLEST, HIGHEST = 1.5, 1.2  # a beat counts for no more than the first; the running height for no more than the second
LEAST_HEIGHT = 0.5  # which it never falls below
FIRST_INTERVAL = 0.8  # seconds
INTERVALS = 8  # whose middle is the usual interval
PLAUSIBLE = (0.25, 2.0)  # seconds: other intervals are not learnt from


@dataclass(frozen=True, slots=True)
class Candidate:
    at: int  # sample at which the energy is highest
    height: float
    peak: int  # sample of the wave's own peak


class Rules:
    """Takes candidates in order of time; gives beats once nothing that follows can move them."""

    def __init__(self, rate_hz: float) -> None:
        self._refractory, self._t_wave = REFRACTORY * rate_hz, T_WAVE * rate_hz
        self._plausible = (PLAUSIBLE[0] * rate_hz, PLAUSIBLE[1] * rate_hz)
        self._intervals = deque([FIRST_INTERVAL * rate_hz] * INTERVALS, maxlen=INTERVALS)
        self._usual = FIRST_INTERVAL * rate_hz
        self._height = 1.0
        self._last: Candidate | None = None
        self._given = True  # whether the last beat is
        self._passed = list[Candidate]()  # over, since the last beat

    def take(self, candidate: Candidate) -> list[int]:
        """Peaks of the beats that it settles, in order."""
        found = self._search_back(candidate)
        since = self._since(candidate)
        if self._last is not None and since < self._refractory:
            if candidate.height > self._last.height:
                self._last = candidate
        elif candidate.height > self._threshold(since):
            found += self._accept(candidate)
            self._passed.clear()
        elif since >= self._t_wave and candidate.height > self._least:
            self._passed.append(candidate)
        return found

    def settled(self, now: float) -> list[int]:
        """The last beat's peak, if no candidate from sample `now` on can move it and it has not been given."""
        if self._last is None or self._given or now - self._last.at < self._refractory:
            return []
        self._given = True
        return [self._last.peak]

    @property
    def _capped(self) -> float:
        return min(self._height, HIGHEST)

    @property
    def _least(self) -> float:
        return SEARCH_BACK * self._capped

    def _since(self, candidate: Candidate) -> float:
        return candidate.at - self._last.at if self._last is not None else math.inf

    def _threshold(self, since: float) -> float:
        threshold = THRESHOLD * self._capped
        if self._last is not None and since < self._t_wave:
            threshold = max(threshold, T_WAVE_SHARE * min(self._last.height, TALLEST * self._height))
        return threshold * (1 + EARLY * max(0.0, 1 - since / (DUE * self._usual)))

    def _search_back(self, candidate: Candidate) -> list[int]:
        """Beats among those passed over, while the gap up to this candidate is too long for none."""
        found = list[int]()
        while self._passed and self._since(candidate) > GAP * self._usual:
            likely = [one for one in self._passed if self._fits(one, candidate)]
            if not likely:
                break
            best = max(likely, key=lambda one: one.height)
            found += self._accept(best)
            self._passed = [one for one in self._passed if one.at > best.at]
        return found

    def _fits(self, one: Candidate, upto: Candidate) -> bool:
        return self._since(one) >= self._t_wave and upto.at - one.at >= self._t_wave and one.height > self._least

    def _accept(self, beat: Candidate) -> list[int]:
        """The peak of the beat before, if it was not given yet."""
        settled = [] if self._last is None or self._given else [self._last.peak]
        since = self._since(beat)
        if self._plausible[0] < since < self._plausible[1]:
            self._intervals.append(since)
            self._usual = sorted(self._intervals)[INTERVALS // 2]
        self._height += FOLLOW * (min(beat.height, TALLEST * self._height) - self._height)
        self._height = max(self._height, LEAST_HEIGHT)
        self._last, self._given = beat, False
        return settled
