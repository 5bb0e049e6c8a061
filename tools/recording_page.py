"""Makes docs/figures/recording.svg: how a recording is drawn, with what is true above what is said, and shading.

    python tools/recording_page.py

The beats are simulated, nobody's. Who judges them is as plain as can be: is a beat nearer to the mean normal or to the mean
ventricular beat of another record? It does not look at the time, and so takes early beats of normal shape for normal ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from sequela import seed as streams
from sequela.evaluate.report.traces import Drawing, Moment, ecg_strip
from sequela.explain import stretches
from sequela.simulate import ecg
from sequela.types import Array, Seq

PAGE = Path(__file__).resolve().parent.parent / "docs" / "figures" / "recording.svg"
BEFORE, AFTER = 62, 112  # samples of a window before and after the R peak
BEGIN, SECONDS = 22, 10
SHOWN, LEARNT = 5, 7  # numbers of two simulated records


def record(number: int) -> tuple[Array, ecg.Beats]:
    """Two leads "2 L" in millivolts, and their beats."""
    random = streams.generator(0, "recording", number)
    beats = ecg.rhythm(random)
    return ecg.signal(beats, random).T, beats


def windows(signal: Array, samples: Array) -> Array:
    """Around each of these samples, each lead about its median: "n 2 L"."""
    cut = np.stack([signal[:, sample - BEFORE : sample + AFTER] for sample in samples])
    found: Array = cut - np.median(cut, -1, keepdims=True)
    return found


class Nearest:
    """Judges by the mean beat of each kind."""

    def __init__(self, signal: Array, beats: ecg.Beats) -> None:
        held = beats.sample[1:-1], beats.kind[1:-1]
        self.means = {kind: windows(signal, held[0][held[1] == kind]).mean(0) for kind in ("N", "V")}

    def told(self, seq: Seq) -> Array:
        """How much nearer each beat is to the ventricular mean than to the normal one."""
        each = {kind: np.square(seq.values[:, 0].numpy() - mean).sum((1, 2)) for kind, mean in self.means.items()}
        nearer: Array = each["N"] - each["V"]
        return nearer


def main() -> None:
    judge, (signal, beats) = Nearest(*record(LEARNT)), record(SHOWN)
    first, last = BEGIN * ecg.RATE_HZ, (BEGIN + SECONDS) * ecg.RATE_HZ
    inside = (beats.sample >= first) & (beats.sample < last)
    samples, kinds = beats.sample[inside], beats.kind[inside]
    values = torch.tensor(windows(signal, samples)[:, None])
    seq = Seq(values, torch.ones(len(values), 1, dtype=torch.bool), torch.zeros(len(values), 1))
    ventricular, fall = judge.told(seq) > 0, stretches.fall(judge.told, seq)[:, 0]
    shading = np.zeros(signal.shape[1])
    for sample, weight in zip(samples[ventricular], fall[ventricular], strict=True):
        shading[sample - BEFORE : sample + AFTER] = weight / np.abs(weight).max()
    said = np.where(ventricular, "V", "N")
    at = (samples - first) / ecg.RATE_HZ
    drawing = Drawing(
        shading=shading[first:last],
        shaded=("speaks for V", "speaks against V"),
        true=[Moment(float(time), str(kind)) for time, kind in zip(at, kinds, strict=True)],
        said=[Moment(float(time), str(one), wrong=one != kind) for time, one, kind in zip(at, said, kinds, strict=True)],
    )
    PAGE.write_text(ecg_strip(signal[:, first:last], ecg.RATE_HZ, ("MLII", "V1"), drawing).markup + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
