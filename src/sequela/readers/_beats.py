"""Heartbeats of a recording: the annotated ones, or those that are found in it; and the intervals between them.

BEAT          at each beat that is found where nobody annotated one
RR            ms since the beat before, at each beat that has one in the same recording
HEART_RATE    /min: 60,000 over the same
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from sequela.contracts import Sink
from sequela.signals.peaks import LOWEST_RATE_HZ, r_peaks
from sequela.store.channel_names import is_lead
from sequela.store.channels import places
from sequela.types import Array, Payload

Detect: TypeAlias = bool | tuple[str, ...]
NO_LEAD = "recordings without a channel known as an ECG lead, in which no beats were looked for"


@dataclass(frozen=True, slots=True)
class Beats:
    """What a reader makes of heartbeats."""

    detect: Detect = False  # find them where none is annotated: in these channels, or in all that are known as ECG leads
    intervals: bool = False  # write RR and HEART_RATE

    def found(self, signals: tuple[Payload, ...], sink: Sink) -> Array:
        """Seconds of R peaks in the signal that has the most leads; none where it is not asked for, or none is known as one."""
        if self.detect is False:
            return np.zeros(0)
        leads = [(payload, self._leads(payload)) for payload in signals if (payload.rate_hz or 0) >= LOWEST_RATE_HZ]
        payload, kept = max(leads, key=lambda one: len(one[1]), default=(None, ()))
        if payload is None or payload.rate_hz is None or not kept:
            sink.note(NO_LEAD, 1)
            return np.zeros(0)
        seconds: Array = r_peaks(payload.values, payload.rate_hz, kept) / payload.rate_hz
        return seconds

    def _leads(self, payload: Payload) -> tuple[int, ...]:
        if isinstance(self.detect, tuple):
            return tuple(place for place in places(payload.channels, self.detect) if place is not None)
        return tuple(place for place, name in enumerate(payload.channels) if is_lead(name))


def rr(seconds: Array) -> tuple[Array, Array]:
    """The beats that follow another, and milliseconds since it; of two beats at one time only the first counts."""
    once = np.unique(seconds)
    return once[1:], np.diff(once) * 1e3
