"""Where in a signal an answer lies, as a picture: the signal as it was recorded, with the stretches that count shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sequela import batch
from sequela import model as models
from sequela.bundle import Bundle
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence, Progress
from sequela.evaluate.report.traces import Drawing
from sequela.explain import stretches
from sequela.modalities._waves import Waves
from sequela.pipeline import excerpts, files
from sequela.pipeline.excerpts import Excerpt, Seen
from sequela.store.store import Store
from sequela.study import cut
from sequela.types import Array, Known, Ragged, Seq

ROWS = 16  # explained at once
SUREST = 1e-15  # from 0 and 1
NOTHING = 1e-9  # of the answer's log-odds or unit: a fall below it is none


def of_signals(
    held: Bundle,
    store: Store,
    subject: int | str | Sequence[int | str] | None,
    at: str | None,
    folder: Path,
    progress: Progress,
) -> dict[str, str]:
    """row_id -> the file that explains it; none where no input is of waveforms.

    The model's own network is explained (the first, of several), before any calibration or average with baselines.
    """
    seen = excerpts.seen(held.study)
    if seen is None:
        return {}
    cohort, _ = held.eligible(store, subject, at)
    known = held.known(store, cohort)
    kept = np.flatnonzero(models.refusals(held.predictor.fitted, known) == "")
    cohort, known = cohort.take(kept), cut.take(known, kept)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    return write(held.predictor, rows, known, seen, folder, progress)


def write(predictor: Predictor, rows: Evidence, known: Known, seen: Seen, folder: Path, progress: Progress) -> dict[str, str]:
    """row_id -> the file, of each row that has a window."""
    ragged = rows.inputs[seen.name]
    waves, rate_hz = Waves.of(known, seen.options.code), float(predictor.fitted[seen.name].state.rate_hz)
    scale = "value" if predictor.task.kind == "regression" else "log-odds"
    shown = np.flatnonzero(ragged.lengths > 0)
    found: dict[str, str] = {}
    for first in range(0, len(shown), ROWS):
        some = shown[first : first + ROWS]
        falls, names = _falls(predictor, rows, seen.name, some)
        for row, fall, name in zip(some.tolist(), falls, names, strict=True):
            windows = _windows(ragged, row, seen, fall, rate_hz, scale)
            drawn = _drawn(known, waves, seen, windows, f"{rows.row_id[row]}: what speaks for {name}", name)
            if drawn is not None:
                file = folder / f"{files.safe(str(rows.row_id[row]))}-explained.svg"
                files.write(file, drawn)
                found[str(rows.row_id[row])] = str(file)
        progress("explaining", min(first + ROWS, len(shown)), len(shown))
    return found


def _falls(predictor: Predictor, rows: Evidence, name: str, some: Array) -> tuple[Array, list[str]]:
    """Of these rows how far the answer falls, "n T L", and what is explained: the likeliest class, or the only name."""
    network, task = predictor.members[0], predictor.task
    inputs = models.tensors(batch.collate(rows.inputs, some), next(network.parameters()).device).inputs
    network.eval()

    def said(seq: Seq) -> Array:
        answer = task.answer(network({**inputs, name: seq}))
        return answer.values if answer.kind == "values" else _log_odds(answer.values)

    column = said(inputs[name]).argmax(1)

    def told(seq: Seq) -> Array:
        found: Array = said(seq)[np.arange(len(some)), column]
        return found

    return stretches.fall(told, inputs[name]), [task.names[k] for k in column]


def _log_odds(probability: Array) -> Array:
    """Finite, and as far from 0 as a double can tell: the fall of a very sure answer shows too."""
    held = np.clip(probability, SUREST, 1 - SUREST)
    found: Array = np.log(held) - np.log1p(-held)
    return found


@dataclass(frozen=True, slots=True)
class _Windows:
    """The windows of one row, in seconds before its prediction."""

    row: int
    moment: Array  # float64 "T": of the beat, or the window's end
    begin: Array  # float64 "T"
    weight: Array  # float64 "T L": between -1 and 1
    rate_hz: float  # of the weights
    strongest: float  # what a weight of 1 is
    scale: str  # in what


def _windows(ragged: Ragged, row: int, seen: Seen, fall: Array, rate_hz: float, scale: str) -> _Windows:
    moment = ragged.position[ragged.offsets[row] : ragged.offsets[row + 1]]
    own = fall[: len(moment)]
    strongest = float(np.abs(own).max())
    weight = own / strongest if strongest > NOTHING else np.zeros_like(own)
    return _Windows(row, moment, moment - seen.before, weight, rate_hz, strongest if strongest > NOTHING else 0.0, scale)


def _drawn(known: Known, waves: Waves, seen: Seen, windows: _Windows, title: str, name: str) -> str | None:
    """The signal around the row's last window, or as much as is known of it; None where nothing is."""
    own = np.flatnonzero(waves.row == windows.row)
    start = np.where(np.isnan(waves.seconds[own]), -waves.end[own] / waves.rate[own], waves.seconds[own])
    begun = np.flatnonzero(start <= windows.moment[-1])
    if not len(begun):
        return None
    wave, since = own[begun[-1]], float(start[begun[-1]])
    payload = known.payloads.open(waves.uris[waves.payload[wave]])
    limits = (int(waves.begin[wave]), int(waves.end[wave]))
    found = excerpts.excerpt(payload, seen, float(windows.moment[-1]) - since, limits)
    if found is None:
        return None
    return found.drawn(_drawing(windows, seen, found, since + found.begin, title, name)).markup


def _drawing(windows: _Windows, seen: Seen, found: Excerpt, first: float, title: str, name: str) -> Drawing:
    """`first`: seconds before the prediction of the excerpt's first sample."""
    shading = _laid(windows, first + np.arange(found.values.shape[1]) / found.rate_hz)
    full = f"speaks for {name}, at its fullest {windows.strongest:.2g} of the {windows.scale}"
    told = title if windows.strongest else f"{title}: no stretch of the samples"
    begin = float(windows.begin[-1]) - first
    judged = (max(begin, 0.0), begin + seen.length)
    return Drawing(title=told, shading=shading, shaded=(full, f"speaks against {name}"), window=judged)


def _laid(windows: _Windows, seconds: Array) -> Array:
    """The weight of each sample, "L"; of several windows the strongest."""
    laid = np.zeros(len(seconds))
    for begin, weight in zip(windows.begin, windows.weight, strict=True):
        place = np.floor((seconds - begin) * windows.rate_hz + 1e-6).astype(np.int64)
        inside = (place >= 0) & (place < len(weight))
        own = np.where(inside, weight[np.clip(place, 0, len(weight) - 1)], 0.0)
        laid = np.where(np.abs(own) > np.abs(laid), own, laid)
    return laid
