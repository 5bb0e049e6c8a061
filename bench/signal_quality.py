"""The quality index of windows of the MIT-BIH arrhythmia database as noise is added, and what is said to be wrong with them.

    SEQUELA_DATA=… python bench/signal_quality.py

Ten-second windows of the 22 records DS1, from which the limits of the index were chosen, and of the 26 others. White noise is
added at falling ratios of the window's spread to that of the noise; four faults are made besides: a lead that is dead, one cut
off at a third of its range, a step of the baseline, noise in place of the signal.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from harness import record
from r_peaks import DS1

from sequela.signals.quality import quality
from sequela.types import Array

RATE_HZ, SECONDS = 360.0, 10
WINDOWS = 40  # of each record
RATIOS_DB = (24, 18, 12, 6, 0)
POOR = 0.5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of wfdb, which calls a pandas to come
        windows = _windows(Path(os.environ["SEQUELA_DATA"]) / "mitbih", Path(folder))
    random = np.random.default_rng(0)
    chosen, others = (
        np.concatenate([found for name, found in windows.items() if (name in DS1) == mine]) for mine in (True, False)
    )
    told = {name: _line(chosen, others, random, ratio) for name, ratio in _noises().items()}
    record(
        "signal_quality", {"least_quality": POOR, "noise": told, "faults": _faults(others, random)}, ("sequela", "numpy", "scipy")
    )


def _noises() -> dict[str, float | None]:
    return {"as recorded": None} | {f"noise at {ratio} dB": ratio for ratio in RATIOS_DB}


def _line(chosen: Array, others: Array, random: np.random.Generator, ratio: float | None) -> dict[str, Any]:
    found = {"DS1": chosen, "others": others}
    indices = {name: _judged(_noisy(windows, random, ratio))[0] for name, windows in found.items()}
    means = {f"mean, {name}": float(index.mean()) for name, index in indices.items()}
    return means | {f"share below, {name}": float((index < POOR).mean()) for name, index in indices.items()}


def _faults(windows: Array, random: np.random.Generator) -> dict[str, Any]:
    """The mean index of windows that have a fault, and what is said of those below POOR."""
    low, high = windows.min(-1, keepdims=True), windows.max(-1, keepdims=True)
    middle = windows.shape[-1] // 2
    made: Mapping[str, Array] = {
        "dead": np.zeros_like(windows),
        "cut off": np.clip(windows, low + (high - low) / 3, high - (high - low) / 3),
        "step": windows + np.where(np.arange(windows.shape[-1]) < middle, 0, 3 * (high - low)).astype(np.float32),
        "noise alone": random.normal(size=windows.shape).astype(np.float32),
    }
    return {name: _fault(*_judged(found)) for name, found in made.items()}


def _fault(index: Array, reason: Array) -> dict[str, Any]:
    said = Counter(reason[index < POOR].tolist()).most_common(1)
    return {"mean": float(index.mean()), "share below": float((index < POOR).mean()), "said most": said[0][0] if said else "–"}


def _judged(windows: Array) -> tuple[Array, Array]:
    found = quality(windows, np.ones(windows.shape, bool), RATE_HZ, beats=True)
    return found.index, found.reason


def _noisy(windows: Array, random: np.random.Generator, ratio: float | None) -> Array:
    if ratio is None:
        return windows
    spread = windows.std(-1, keepdims=True) * 10 ** (-ratio / 20)
    return np.asarray(windows + (spread * random.normal(size=windows.shape)).astype(np.float32))


def _windows(packed: Path, folder: Path) -> dict[str, Array]:
    """Evenly spaced windows of each record, float32 "40 2 L"."""
    import wfdb

    subprocess.run([sys.executable, str(packed / "unpack.py"), str(folder)], check=True, stdout=subprocess.DEVNULL)
    found = {}
    for header in sorted(folder.rglob("*.hea")):
        signal = wfdb.rdrecord(str(header.with_suffix(""))).p_signal.T.astype(np.float32)
        length = round(SECONDS * RATE_HZ)
        starts = np.linspace(0, signal.shape[1] - length, WINDOWS).astype(int)
        found[header.stem] = np.stack([signal[:, start : start + length] for start in starts])
    return found


if __name__ == "__main__":
    main()
