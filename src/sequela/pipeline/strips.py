"""The signals of a run: for each class some seconds around wrong calls and a right one, with what is true above what is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from sequela.bundle.predictor import Predictor
from sequela.contracts import Tagger
from sequela.evaluate import cases
from sequela.evaluate.cases import Calls, Case
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report.traces import Drawing, Moment
from sequela.modalities._windows import rate_of
from sequela.pipeline import excerpts, files
from sequela.pipeline.excerpts import Excerpt, Seen
from sequela.pipeline.pictures import FOLDER
from sequela.store.store import Store
from sequela.types import Array, Cohort, Payload


def write(folder: Path, predictor: Predictor, one: Judged, store: Store) -> list[PictureFacts]:
    """Draws the cases of the answer that the bundle gives, where an input is of waveforms; says what was drawn."""
    seen, kind = excerpts.seen(predictor.study), predictor.task.kind
    if seen is None or kind not in ("binary", "multiclass") or not len(one.cohort):
        return []
    answer = one.answers[predictor.final]
    called = cases.calls(kind, predictor.final, answer, one.cohort.target, one.thresholds)
    shown = cases.of_each_class(called, one.cohort.subject_id)
    moment = one.cohort.start if seen.of_beats or isinstance(predictor.task, Tagger) else one.cohort.time
    rows = _Rows(one.cohort, called, moment.astype("datetime64[us]"), seen)
    signals = _signals(store, seen.options.code, sorted({int(one.cohort.subject_id[case.row]) for case in shown}))
    drawn: list[PictureFacts] = []
    for case in shown:
        found = _strip(rows, case, signals, store)
        if found is None:
            continue
        name = f"{FOLDER}/{len(drawn) + 1:02d}-{files.safe(case.why.replace(', ', '-').replace(' ', '-'))}.svg"
        files.write(folder / name, found)
        row_id = str(one.cohort.row_id[case.row])
        drawn.append(PictureFacts(file=name, why=case.why, row_id=row_id, told=case.told, marks=False))
    return drawn


@dataclass(frozen=True, slots=True)
class _Rows:
    """All rows that were judged, and when each is."""

    cohort: Cohort
    called: Calls
    moment: Array  # datetime64[us] "N": a beat, a step, or the prediction; NaT where the data has no time
    seen: Seen


@dataclass(frozen=True, slots=True)
class _Signal:
    """A stored signal, and when it begins."""

    uri: str
    start: np.datetime64  # NaT where the data has no time


def _signals(store: Store, code: str, subjects: Sequence[int]) -> Mapping[int, list[_Signal]]:
    """The signals of each of these subjects, by time."""
    found: dict[int, list[_Signal]] = {subject: [] for subject in subjects}
    events = store.events([code], subjects).filter(pl.col("payload").is_not_null())
    times = events["time"].to_numpy().astype("datetime64[us]")
    for subject, uri, start in zip(events["subject_id"], events["payload"], times, strict=True):
        found[int(subject)].append(_Signal(uri, start))
    return found


def _strip(rows: _Rows, case: Case, signals: Mapping[int, list[_Signal]], store: Store) -> str | None:
    """The drawing of a case; None where no signal is stored at its moment."""
    own, at = signals[int(rows.cohort.subject_id[case.row])], rows.moment[case.row]
    begun = [one for one in own if np.isnat(at) or np.isnat(one.start) or one.start <= at]
    if not begun:
        return None
    payload = store.payloads.open(begun[-1].uri)
    seconds = _seconds(at, begun[-1], payload)
    found = excerpts.excerpt(payload, rows.seen, seconds)
    if found is None or not found.begin <= seconds <= found.end + 1:
        return None
    return found.drawn(_drawing(rows, case, found, begun[-1], seconds)).markup


def _seconds(at: np.datetime64, signal: _Signal, payload: Payload) -> float:
    """From the first sample to a moment; without time that is the end."""
    if np.isnat(at) or np.isnat(signal.start):
        return len(payload.values[0]) / rate_of(payload)
    return float((at - signal.start) / np.timedelta64(1, "s"))


def _drawing(rows: _Rows, case: Case, found: Excerpt, signal: _Signal, at: float) -> Drawing:
    """All that was judged among what is seen; a single answer about a window takes the length of the window."""
    mine = np.flatnonzero(rows.cohort.subject_id == rows.cohort.subject_id[case.row])
    seconds = (rows.moment[mine] - signal.start) / np.timedelta64(1, "s")
    inside = (seconds >= found.begin) & (seconds <= found.end)
    near, when = (mine[inside], seconds[inside]) if inside.any() else (np.array([case.row]), np.array([at]))
    spread = rows.seen.length if len(near) == 1 and not rows.seen.of_beats else None
    called, names = rows.called, rows.called.names
    said = [
        _moment(float(time), spread, found, names[called.said[row]], wrong=bool(called.wrong[row]))
        for row, time in zip(near.tolist(), when, strict=True)
    ]
    true = [
        _moment(float(time), spread, found, names[called.truth[row]])
        for row, time in zip(near.tolist(), when, strict=True)
        if called.known[row]
    ]
    return Drawing(true=true, said=said, focus=None if spread else at - found.begin)


def _moment(at: float, spread: float | None, found: Excerpt, label: str, *, wrong: bool = False) -> Moment:
    end = at - found.begin
    if spread is None:
        return Moment(end, label, wrong=wrong)
    return Moment(max(end - spread, 0.0), label, min(end, found.end - found.begin), wrong)
