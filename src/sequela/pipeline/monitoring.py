"""A bundle that follows one recording, from a file or a store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl

from sequela import config, registry
from sequela.bundle import Bundle, load
from sequela.contracts import Progress, Reader
from sequela.errors import DataError, UsageError
from sequela.monitoring import beats as heartbeats
from sequela.monitoring.file import from_file, from_store
from sequela.monitoring.monitor import Monitor
from sequela.monitoring.quality import LEAST
from sequela.monitoring.reading import Reading
from sequela.monitoring.recording import SECOND, Piece, Recording
from sequela.pipeline.data import elsewhere
from sequela.pipeline.progress import silent
from sequela.store.store import Store, is_store, open_store

Beats: TypeAlias = Literal["auto", "annotated", "detected"]
READERS = {"hea": "wfdb", "dat": "wfdb", "edf": "edf", "bdf": "edf", "h5": "arrays", "hdf5": "arrays"}  # by the ending of a file
PIECE_SECONDS, PACED_SECONDS = 60.0, 5.0  # a piece of a file read as fast as can be, and of one in the time it took


def monitor(
    bundle: str | Path | Bundle,
    file: str | Path | Store,
    *,
    reader: str = "",
    record: str = "",
    beats: Beats = "auto",
    since: float | None = None,
    until: float | None = None,
    piece: float | None = None,
    least_quality: float = LEAST,
    speed: float | None = None,
    progress: Progress = silent,
) -> Iterator[Reading]:
    """The predictions for a recording that comes piece by piece, in the order of their moments; the pieces do not change them.

    file: of a format with a reader, or a store; `record` names one of several. reader: left out, that of the file's ending, or
    that of the bundle's study. since, until: seconds from its first sample. beats: those annotated, those found in the signal,
    or (auto) the latter where there are none. least_quality: of the better channels of the signal, in [0, 1], below which nothing
    is answered. speed: how many times faster than it was recorded; None: as fast as can be. piece: its length in seconds; left
    out, a minute, or five seconds where a speed is given.

    Raises BundleError for a bundle that cannot be trusted, DataError for a recording that cannot be read or in which nothing can
    be asked, UsageError for one that is not there.
    """
    length = piece if piece is not None else PIECE_SECONDS if speed is None else PACED_SECONDS
    if length <= 0 or (speed is not None and speed <= 0):
        raise UsageError("a piece and a speed must be above nothing", hint="--piece 10 --speed 1")
    held = bundle if isinstance(bundle, Bundle) else load(bundle)
    recording = _recording(held, file, reader, record).between(since, until)
    detect = heartbeats.asked(held.study) and _detects(recording, beats)
    if detect:
        recording = replace(recording, events=recording.events.filter(pl.col("code") != heartbeats.BEAT))
    monitor = Monitor(held.predictor, recording, detect=detect, least_quality=least_quality)
    return _followed(monitor, recording, length, speed, progress)


def _followed(monitor: Monitor, recording: Recording, piece: float, speed: float | None, progress: Progress) -> Iterator[Reading]:
    whole = round((recording.end - recording.start) / SECOND)
    for one in paced(recording.pieces(piece), recording.start, speed):
        yield from monitor.push(one)
        progress("monitor", min(round((one.until - recording.start) / SECOND), whole - 1), whole)
    yield from monitor.finish()
    progress("monitor", whole, whole)


def paced(
    pieces: Iterable[Piece],
    start: int,
    speed: float | None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Piece]:
    """The pieces, each no sooner than its last sample would have been taken, were time so many times faster."""
    begun = clock()
    for piece in pieces:
        if speed is not None:
            sleep(max(begun + (piece.until - start) / SECOND / speed - clock(), 0.0))
        yield piece


def _recording(held: Bundle, file: str | Path | Store, reader: str, record: str) -> Recording:
    if isinstance(file, Store):
        return from_store(file, record)
    path = Path(file)
    if is_store(path):
        return from_store(open_store(path), record)
    return from_file(reader_of(held.study.data, reader or READERS.get(path.suffix.lower().lstrip("."), "")), path, record)


def reader_of(own: config.Data, name: str = "") -> Reader:
    """The reader of a study's data, with its options for records that need not have labels, or another by name.

    Raises DataError where neither names one.
    """
    data = elsewhere(own, "" if name == own.reader else name, labelled=False)
    if not data.reader:
        raise DataError("the bundle does not say how its records are read", hint="--reader wfdb, or a store")
    module = registry.module("readers", data.reader)
    reader: Reader = module.build(config.convert(dict(data.options), module.Config, "data.options"))
    return reader


def _detects(recording: Recording, beats: Beats) -> bool:
    annotated = heartbeats.BEAT in recording.events["code"].to_list()
    if beats == "annotated" and not annotated:
        raise DataError("the recording has no annotated heartbeat", hint="--beats detected finds them in the signal")
    return beats == "detected" or not annotated
