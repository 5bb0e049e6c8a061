"""Heartbeats of a recording that has none annotated, as events like those of its readers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from sequela.config import Study
from sequela.errors import DataError
from sequela.monitoring.recording import SECOND, Piece, Signal
from sequela.signals.peaks import LOWEST_RATE_HZ, RPeaks
from sequela.types import Array

BEAT, SIGNAL = "BEAT", "WAVEFORM"


def asked(study: Study) -> bool:
    """Whether a study speaks of heartbeats: rows start from them, predicates count them, or an input reads them."""
    spoken = [study.cohort.index, *(str(one.code) for one in study.cohort.predicates.values())]
    options = [one.modality for one in study.inputs.values()]
    windows = [one for one in options if (one if isinstance(one, str) else one["name"]) == "waveform"]
    around = any(isinstance(one, str) or one.get("window", "beat") == "beat" for one in windows)
    return around or any(BEAT in code.split("//") or code == BEAT for code in spoken)


class Beats:
    """R peaks of every signal WAVEFORM, found as it comes. A beat is given `late_seconds` after it at the latest."""

    def __init__(self, signals: Sequence[Signal]) -> None:
        """Raises DataError where no signal is fast enough."""
        fit = [signal for signal in signals if signal.code == SIGNAL and signal.rate_hz >= LOWEST_RATE_HZ]
        if not fit:
            raise DataError(
                f"the recording has no signal {SIGNAL} of {LOWEST_RATE_HZ:g} Hz or more in which heartbeats could be found"
            )
        self._open = {signal.name: (signal, RPeaks(signal.rate_hz)) for signal in fit}

    def push(self, piece: Piece) -> pl.DataFrame:
        """The beats that are certain with this piece and were not before."""
        found = [
            self._stamped(signal, peaks.push(piece.samples[name]))
            for name, (signal, peaks) in self._open.items()
            if name in piece.samples
        ]
        over = [name for name, (signal, _) in self._open.items() if signal.length and signal.end <= piece.until]
        return _events([*found, *(self._last(name) for name in over)])

    def finish(self) -> pl.DataFrame:
        """Those that are left."""
        return _events([self._last(name) for name in list(self._open)])

    def settled(self, until: int) -> int:
        """The moment before which every beat was given, where the samples before `until` have come; microseconds."""
        late = [peaks.late_seconds for signal, peaks in self._open.values() if signal.start < until]
        return until - round(max(late, default=0.0) * SECOND)

    def _last(self, name: str) -> Array:
        signal, peaks = self._open.pop(name)
        return self._stamped(signal, peaks.finish())

    def _stamped(self, signal: Signal, samples: Array) -> Array:
        return np.array([signal.stamp(sample) for sample in samples.tolist()], np.int64)


def _events(times: Sequence[Array]) -> pl.DataFrame:
    time = np.sort(np.concatenate([np.zeros(0, np.int64), *times]))
    return pl.DataFrame(
        {"time": time.astype("datetime64[us]"), "code": [BEAT] * len(time)}, schema_overrides={"code": pl.String()}
    )
