"""Some seconds of a stored signal as a drawing: the channels that a model reads, as they were recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sequela import config
from sequela.config import Study, microseconds
from sequela.evaluate.report import traces
from sequela.evaluate.report.html import Safe
from sequela.evaluate.report.traces import Drawing
from sequela.modalities import waveform
from sequela.modalities._windows import names_of, rate_of, units_of
from sequela.store.channel_names import is_lead
from sequela.store.channels import places
from sequela.types import Array, Payload

SECONDS, LONGEST = 10.0, 30.0  # shown of a signal, and at most where the windows of other than leads are longer


@dataclass(frozen=True, slots=True)
class Seen:
    """The input that reads signals, and how."""

    name: str
    options: waveform.Config

    @property
    def of_beats(self) -> bool:
        return self.options.window == "beat"

    @property
    def before(self) -> float:
        """Seconds from the begin of a window to its moment: a beat, or the window's end."""
        return microseconds(self.options.before if self.of_beats else self.options.length) / 1e6

    @property
    def length(self) -> float:
        """Seconds of a window."""
        return self.before + (microseconds(self.options.after) / 1e6 if self.of_beats else 0.0)


def seen(study: Study) -> Seen | None:
    """The first input that is of waveforms; None where there is none."""
    for name, given in study.inputs.items():
        chosen, options = config.options("modalities", given.modality, f"inputs.{name}.modality")
        if chosen == "waveform":
            return Seen(name, options)
    return None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some seconds of a signal."""

    values: Array  # "C L"
    rate_hz: float
    names: tuple[str, ...]
    units: tuple[str, ...]
    begin: float  # seconds from the signal's first sample to its own

    @property
    def end(self) -> float:
        return self.begin + len(self.values[0]) / self.rate_hz

    def drawn(self, drawing: Drawing) -> Safe:
        """On ruled paper where all channels are leads in millivolts."""
        if _is_ecg(self.names, self.units):
            return traces.ecg_strip(self.values, self.rate_hz, self.names, drawing)
        return traces.montage(self.values, self.rate_hz, self.names, ",".join(self.units), drawing)


def excerpt(payload: Payload, of: Seen, moment: float, known: tuple[int, int] | None = None) -> Excerpt | None:
    """What is shown around a moment (seconds from the first sample), of all samples or those known; None where that is nothing.

    A beat stands in the middle; a window that ends at the moment is shown as far as there is room.
    """
    rate, (first, last) = rate_of(payload), known or (0, payload.values.shape[1])
    chosen = _channels(payload, of.options.channels)
    names, units = ([of_all[k] for k in chosen] for of_all in (names_of(payload), units_of(payload)))
    seconds = SECONDS if of.of_beats or _is_ecg(names, units) else float(np.clip(of.length, SECONDS, LONGEST))
    count = round(seconds * rate)
    wanted = round((moment - (seconds / 2 if of.of_beats else seconds)) * rate)
    begin = max(first, min(wanted, last - count))
    part = np.asarray(payload.values[:, begin : min(begin + count, last)], np.float32)[chosen]
    return Excerpt(part, rate, tuple(names), tuple(units), begin / rate) if part.size else None


def _channels(payload: Payload, wanted: Sequence[str]) -> list[int]:
    if not wanted:
        return list(range(payload.values.shape[0]))
    return [place for place in places(names_of(payload), wanted) if place is not None]


def _is_ecg(names: Sequence[str], units: Sequence[str]) -> bool:
    return all(map(is_lead, names)) and all(unit == "mV" for unit in units)
