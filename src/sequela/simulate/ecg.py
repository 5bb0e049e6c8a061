"""Two-lead electrocardiograms with normal, supraventricular and ventricular beats, as WFDB records with annotations.

N beats come in the record's own rhythm; S beats have the same shape but come early; V beats come early, wide and tall, without a
P wave and with a pause after. Every annotation is right, so truth.csv repeats those of beats and nothing is left to chance. Files
ending in `waves` say where P, QRS and T begin and end. Reader: wfdb.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.types import Array

RATE_HZ = 250
SECONDS = 60
GAIN = 200  # steps a millivolt
KINDS, SHARES = ("N", "S", "V"), (0.84, 0.06, 0.10)
EARLY = {"N": 1.0, "S": 0.7, "V": 0.65}  # how long after the beat before, in intervals of the rhythm
WAVES = {  # kind -> waves of (millivolt, seconds from the R peak, width in seconds)
    "N": ((0.12, -0.17, 0.022), (-0.1, -0.03, 0.009), (1.1, 0.0, 0.011), (-0.22, 0.03, 0.011), (0.28, 0.24, 0.045)),
    "V": ((1.5, 0.0, 0.038), (-0.5, 0.09, 0.035), (-0.45, 0.28, 0.06)),
}
WAVES["S"] = WAVES["N"]
ONSET, OFFSET, P_WAVE, QRS, T_WAVE = 39, 40, 24, 1, 27  # of the WFDB library's ecgcodes.h: WFON, WFOFF, PWAVE, NORMAL, TWAVE
PARTS = {"N": {P_WAVE: (0, 0), QRS: (1, 3), T_WAVE: (4, 4)}, "V": {QRS: (0, 1), T_WAVE: (2, 2)}}  # first and last of WAVES
PARTS["S"] = PARTS["N"]
REACH = 2.5  # widths to either side of a wave's middle where it begins and ends


@dataclass(frozen=True, slots=True)
class Beats:
    """Where the beats of a record are, and of which kind."""

    sample: Array  # int64
    kind: Array  # str


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes one record a subject (NNN.hea, .dat, .atr), RECORDS and truth.csv (record, sample, kind)."""
    truth = ["record,sample,kind"]
    for i in range(subjects):
        name, random = f"{100 + i}", streams.generator(seed, "ecg", i)
        beats = rhythm(random)
        _record(folder / name, signal(beats, random), beats)
        truth += [f"{name},{sample},{kind}" for sample, kind in zip(beats.sample.tolist(), beats.kind.tolist(), strict=True)]
        progress("records", i + 1, subjects)
    (folder / "RECORDS").write_text("".join(f"{100 + i}\n" for i in range(subjects)), encoding="ascii")
    (folder / "truth.csv").write_text("\n".join(truth) + "\n", encoding="ascii")


def rhythm(random: np.random.Generator) -> Beats:
    """The beats of one minute; after a ventricular beat comes a pause that makes up for its being early."""
    interval = 60 / random.uniform(55, 95)
    second, samples, kinds = interval * random.random() + 0.3, list[int](), list[str]()
    pause = 0.0
    while second < SECONDS - 0.5:
        kind = "N" if pause or not kinds else str(random.choice(KINDS, p=SHARES))
        second += (EARLY[kind] * interval + pause) * (1 + 0.02 * random.normal()) if kinds else 0.0
        if second < SECONDS - 0.5:
            samples.append(round(second * RATE_HZ))
            kinds.append(kind)
        pause = (1 - EARLY["V"]) * interval if kind == "V" else 0.0
    return Beats(np.array(samples, np.int64), np.array(kinds))


def signal(beats: Beats, random: np.random.Generator) -> Array:
    """Millivolts of two leads, float64 "samples 2": beats, breathing, noise."""
    seconds = np.arange(SECONDS * RATE_HZ) / RATE_HZ
    size = random.uniform(0.8, 1.2)
    clean = np.zeros(len(seconds))
    for sample, kind in zip(beats.sample, beats.kind, strict=True):
        for height, offset, width in WAVES[str(kind)]:
            clean += size * height * np.exp(-0.5 * ((seconds - sample / RATE_HZ - offset) / width) ** 2)
    breathing = 0.06 * np.sin(2 * np.pi * random.uniform(0.15, 0.3) * seconds + 6 * random.random())
    leads = np.stack([clean, random.uniform(0.4, 0.7) * clean], axis=1)
    return leads + breathing[:, None] + 0.02 * random.normal(size=leads.shape)


def _record(path: Path, leads: Array, beats: Beats) -> None:
    """Format 16 with its header, and annotations in the MIT format (a 6-bit code above a 10-bit interval)."""
    steps = np.clip(np.round(leads * GAIN), -32768, 32767).astype("<i2")
    path.with_suffix(".dat").write_bytes(steps.tobytes())
    path.with_suffix(".hea").write_text(_header(path.name, steps), encoding="ascii")
    codes = {"N": 1, "S": 9, "V": 5}  # of the WFDB library's ecgcodes.h: NORMAL, SVPB, PVC
    _annotate(path.with_suffix(".atr"), beats.sample, [codes[str(kind)] for kind in beats.kind])
    _annotate(path.with_suffix(".waves"), *_delineated(beats))


def _annotate(path: Path, sample: Array, codes: Sequence[int]) -> None:
    words = [code << 10 | int(gap) for code, gap in zip(codes, np.diff(sample, prepend=0), strict=True)]
    path.write_bytes(np.array([*words, 0], "<u2").tobytes())


def _delineated(beats: Beats) -> tuple[Array, list[int]]:
    """Samples and codes of the onset, peak and offset of each wave; one that begins within another begins as that ends."""
    samples, codes, reached = list[int](), list[int](), 0
    for sample, kind in zip(beats.sample.tolist(), beats.kind.tolist(), strict=True):
        for code, (first, last) in PARTS[kind].items():
            (_, begin, rise), (_, end, fall) = WAVES[kind][first], WAVES[kind][last]
            onset, offset = (sample + round(at * RATE_HZ) for at in (begin - REACH * rise, end + REACH * fall))
            onset = max(onset, reached)
            if onset + 2 <= offset < SECONDS * RATE_HZ:
                samples += [onset, (onset + offset) // 2, offset]
                codes += [ONSET, code, OFFSET]
                reached = offset
    return np.array(samples, np.int64), codes


def _header(name: str, steps: Array) -> str:
    lines = [f"{name} {steps.shape[1]} {RATE_HZ} {len(steps)}"]
    for lead, column in zip(("MLII", "V1"), steps.T, strict=True):
        checksum = int(column.astype(np.int64).sum()) & 0xFFFF
        signed = checksum - 0x10000 if checksum >= 0x8000 else checksum
        lines.append(f"{name}.dat 16 {GAIN}/mV 16 0 {column[0]} {signed} 0 {lead}")
    return "\n".join(lines) + "\n"
