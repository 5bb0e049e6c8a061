"""How good the signal is that a prediction rests on, and no answer where none of it can be used."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sequela.bundle.prediction import Prediction
from sequela.bundle.predictor import Predictor
from sequela.modalities.waveform import WaveformInput
from sequela.monitoring.held import Held
from sequela.monitoring.reading import Reading
from sequela.monitoring.recording import SECOND
from sequela.monitoring.samples import Samples
from sequela.signals.quality import quality, worst
from sequela.store.channels import places
from sequela.types import Array

WINDOW = 5  # seconds before a prediction that are judged
STEP = 2  # seconds from one judgement to the next
SHORTEST = 1.0  # seconds: of less nothing is said
LEAST = 0.1  # below it a channel is of no use: half of its window is not there, at rest or clipped, or noise is most of it

Judged = Mapping[str, tuple[float, str]]  # channel -> index, fault


@dataclass(frozen=True)
class Watch:
    """Judges the channels that the inputs read; `alone`: they read nothing but signals."""

    wanted: Mapping[str, tuple[str, ...]]  # code of the signals -> channels
    alone: bool
    least: float

    @classmethod
    def over(cls, predictor: Predictor, least: float) -> Watch:
        """The watch over the signals that a predictor reads."""
        waves = [
            (one.modality.config.code, tuple(one.state.channels))
            for one in predictor.fitted.values()
            if isinstance(one.modality, WaveformInput)
        ]
        return cls(dict(waves), len(waves) == len(predictor.fitted), least)

    def judged(self, readings: Sequence[Reading], held: Held, start: int) -> list[Reading]:
        """The readings with the quality of what they rest on; where no channel is of use, without an answer."""
        if not readings:
            return []
        seconds = sorted({_even(one.seconds) for one in readings})
        found: dict[int, dict[str, tuple[float, str]]] = {second: {} for second in seconds}
        for code, channels in self.wanted.items():
            for samples in held.signals(code):
                for second, told in _of_each(samples, channels, seconds, start):
                    found[second] |= told
        return [self._told(one, found[_even(one.seconds)]) for one in readings]

    def _told(self, reading: Reading, judged: Judged) -> Reading:
        indices = {channel: round(index, 3) for channel, (index, _) in judged.items()}
        told = replace(reading, quality=indices)
        if reading.prediction.refused or not self.alone or not judged or max(indices.values()) >= self.least:
            return told
        fault = worst([fault for _, fault in judged.values()])
        row = reading.prediction
        return replace(told, prediction=Prediction(row.row_id, row.source_id, row.time, refused=f"poor quality: {fault}"))


def _even(seconds: float) -> int:
    """The moment up to which the signal is judged: predictions within STEP seconds share it."""
    return int(seconds // STEP) * STEP


def _of_each(samples: Samples, channels: Sequence[str], seconds: Sequence[int], start: int) -> Iterator[tuple[int, Judged]]:
    """Of each second the quality of the channels up to it; nothing of one of which too little has come."""
    payload = samples.payload
    rate, begin = float(payload.rate_hz or 0), samples.start
    by_length: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for second in seconds:
        until = start + second * SECOND
        first, end = (round((moment - begin) / SECOND * rate) for moment in (until - WINDOW * SECOND, until))
        first, end = max(first, 0), min(end, payload.values.shape[1])
        if end - first >= SHORTEST * rate:
            by_length[end - first].append((second, first))
    found = places(payload.channels, channels)
    for length, windows in by_length.items():
        cut = np.stack([payload.values[:, first : first + length] for _, first in windows])
        index, fault = _judged(cut, found, rate)
        for row, (second, _) in enumerate(windows):
            yield second, {name: (float(index[row, c]), str(fault[row, c])) for c, name in enumerate(channels)}


def _judged(windows: Array, found: Sequence[int | None], rate_hz: float) -> tuple[Array, Array]:
    """Of windows "M C L" the index and the fault of each channel wanted, "M K"; one that is not there is missing."""
    values = np.stack([windows[:, c] if c is not None else np.full_like(windows[:, 0], np.nan) for c in found], 1)
    judged = quality(values, ~np.isnan(values), rate_hz)
    return judged.index, judged.reason
