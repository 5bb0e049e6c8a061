"""R peaks found in all 48 records of the MIT-BIH arrhythmia database, against the annotated beats at 150 ms.

    SEQUELA_DATA=… python bench/r_peaks.py

The detector's constants were chosen on the 22 records DS1 alone (de Chazal 2004); the others were measured once. Episodes of
ventricular flutter (record 207) are left out as in ANSI/AAMI EC57, and counted beside it, where what is found in them is extra.
No learning period is left out. Peers that are not installed are named as such; they take one lead, the first.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from harness import measure, record

from sequela.metrics.instants import matched
from sequela.signals.peaks import r_peaks
from sequela.types import Array

TOLERANCE_SECONDS = 0.15
BEATS = frozenset("NLRBAaJSVrFejnE/fQ?")
DS1 = frozenset(
    str(number)
    for number in (101, 106, 108, 109, 112, 114, 115, 116, 118, 119, 122, 124, 201, 203, 205, 207, 208, 209, 215, 220, 223, 230)
)
PEERS = {"wfdb XQRS, first lead": "wfdb.processing", "NeuroKit2, first lead": "neurokit2"}

Detector = Callable[[Array, float], Array]


@dataclass(frozen=True)
class Ecg:
    """One record with what its readers marked."""

    name: str
    signal: Array  # float32 "2 L", millivolts
    rate_hz: float
    beats: Array  # int64
    flutter: Array  # int64 "F 2": first and last sample of each episode

    def judged(self, at: Array) -> Array:
        """Those of these samples that lie in no episode of flutter, nor within the tolerance of one."""
        edge = TOLERANCE_SECONDS * self.rate_hz
        inside = (at[:, None] >= self.flutter[:, 0] - edge) & (at[:, None] <= self.flutter[:, 1] + edge)
        found: Array = at[~inside.any(1)]
        return found


@dataclass(frozen=True)
class Count:
    """What was found, missed and extra in a record."""

    name: str
    hits: int
    missed: int
    extra: int
    jitter_ms: float  # standard deviation of the distance between what was found and what was marked


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of wfdb, which calls a pandas to come
        records = list(_records(Path(os.environ["SEQUELA_DATA"]) / "mitbih", Path(folder)))
        told = _measured(records)
    record("r_peaks", told, ("sequela", "numpy", "scipy", "wfdb", "neurokit2"))


def _measured(records: Sequence[Ecg]) -> dict[str, Any]:
    counts, seconds = _counted(records, r_peaks)
    whole, _ = _counted(records, r_peaks, flutter=True)
    first, first_seconds = _counted(records, lambda signal, rate_hz: r_peaks(signal[:1], rate_hz))
    gross = {
        "both leads": _gross(counts, seconds),
        "both leads, flutter with the rest": _gross(whole),
        "both leads, DS1 (chosen on)": _gross([count for count in counts if count.name in DS1]),
        "both leads, the other 26 records": _gross([count for count in counts if count.name not in DS1]),
        "first lead alone": _gross(first, first_seconds),
    }
    found, absent = _peers(records)
    worst = sorted(counts, key=lambda count: -(count.missed + count.extra))
    return {
        "tolerance_seconds": TOLERANCE_SECONDS,
        "peers_not_installed": absent or "none",
        "gross": gross | found,
        "records": {count.name: _line(count) for count in worst},
    }


def _peers(records: Sequence[Ecg]) -> tuple[dict[str, Any], list[str]]:
    found, absent = dict[str, Any](), list[str]()
    for name, module in PEERS.items():
        try:
            peer = import_module(module)
        except ImportError:
            absent.append(name)
            continue
        counts, seconds = _counted(records, _xqrs(peer) if module.startswith("wfdb") else _neurokit(peer))
        found[name] = _gross(counts, seconds)
    return found, absent


def _xqrs(wfdb: Any) -> Detector:
    return lambda signal, rate_hz: np.asarray(wfdb.xqrs_detect(signal[0].astype(float), rate_hz, verbose=False), np.int64)


def _neurokit(neurokit: Any) -> Detector:
    def detect(signal: Array, rate_hz: float) -> Array:
        clean = neurokit.ecg_clean(signal[0].astype(float), sampling_rate=rate_hz)
        return np.asarray(neurokit.ecg_peaks(clean, sampling_rate=rate_hz)[1]["ECG_R_Peaks"], np.int64)

    return detect


def _counted(records: Sequence[Ecg], detect: Detector, *, flutter: bool = False) -> tuple[list[Count], float]:
    """Of each record, and CPU-seconds for an hour of signal."""
    with measure() as measured:
        found = [np.sort(detect(ecg.signal, ecg.rate_hz)) for ecg in records]
    hours = sum(ecg.signal.shape[1] / ecg.rate_hz for ecg in records) / 3600
    return [_count(ecg, at, flutter) for ecg, at in zip(records, found, strict=True)], measured.cpu_seconds / hours


def _count(ecg: Ecg, found: Array, flutter: bool) -> Count:
    at, beats = (found, ecg.beats) if flutter else (ecg.judged(found), ecg.judged(ecg.beats))
    pairs = matched(at, beats, TOLERANCE_SECONDS * ecg.rate_hz)
    jitter = float(np.std(at[pairs.found] - beats[pairs.true])) / ecg.rate_hz * 1e3
    return Count(ecg.name, len(pairs.true), len(pairs.missed), len(pairs.extra), jitter)


def _gross(counts: Sequence[Count], seconds: float | None = None) -> dict[str, Any]:
    """Over all beats of these records."""
    hits, missed, extra = (sum(getattr(count, name) for count in counts) for name in ("hits", "missed", "extra"))
    found: dict[str, Any] = {"beats": hits + missed, "missed": missed, "extra": extra}
    found |= {"sensitivity": f"{hits / (hits + missed):.4f}", "ppv": f"{hits / (hits + extra):.4f}"}
    return found | ({} if seconds is None else {"cpu_seconds_an_hour": seconds})


def _line(count: Count) -> Mapping[str, Any]:
    return {
        **_gross([count]),
        "sd_of_place_ms": count.jitter_ms,
        "chosen_on": count.name in DS1,
    }


def _records(packed: Path, folder: Path) -> Iterator[Ecg]:
    import wfdb

    subprocess.run([sys.executable, str(packed / "unpack.py"), str(folder)], check=True, stdout=subprocess.DEVNULL)
    for header in sorted(folder.rglob("*.hea")):
        stem = str(header.with_suffix(""))
        signal, marks = wfdb.rdrecord(stem), wfdb.rdann(stem, "atr")
        symbol, sample = np.array(marks.symbol), np.asarray(marks.sample, np.int64)
        flutter = np.stack([sample[symbol == "["], sample[symbol == "]"]], 1)
        values = signal.p_signal.T.astype(np.float32)
        yield Ecg(header.stem, values, float(signal.fs), sample[np.isin(symbol, list(BEATS))], flutter)


if __name__ == "__main__":
    main()
