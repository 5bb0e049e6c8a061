"""Writes heart_rate.json: variability of three series of intervals by NeuroKit2 and Astropy. Run in an environment that has both.

    python -m venv ENV && ENV/bin/pip install neurokit2 astropy && ENV/bin/python tests/golden/heart_rate.py

Powers are those of Astropy's Lomb-Scargle periodogram in its normalisation "psd", which is a quarter of the squared amplitude
times the number of samples; NeuroKit2 scales its own to the highest value, so nothing of it can be compared.
"""

from __future__ import annotations

import json
import warnings
from importlib.metadata import version
from pathlib import Path

import neurokit2
import numpy as np
from astropy.timeseries import LombScargle

BANDS = {"lf": (0.04, 0.15), "hf": (0.15, 0.4)}


def series(seed: int, count: int, mean: float) -> np.ndarray:
    """Intervals in ms with a slow and a fast wave and noise, to the microsecond."""
    random = np.random.default_rng(seed)
    at = np.arange(count) * mean / 1e3
    waves = 30 * np.sin(2 * np.pi * 0.1 * at) + 20 * np.sin(2 * np.pi * 0.25 * at + 1)
    return np.round(mean + waves + 15 * random.normal(size=count), 3)


def powers(ms: np.ndarray) -> dict[str, float]:
    seconds = np.cumsum(ms) / 1e3
    span = seconds[-1] - seconds[0]
    hertz = np.arange(0.04, 0.4, 1 / (4 * span))
    power = LombScargle(seconds, ms - ms.mean(), fit_mean=False, center_data=False, normalization="psd").power(
        hertz, method="slow"
    )
    density = 2 * span / len(ms) * power
    inside = {name: (hertz >= low) & (hertz < high) for name, (low, high) in BANDS.items()}
    return {name: float(np.trapezoid(density[mask], hertz[mask])) for name, mask in inside.items()}


def main() -> None:
    warnings.simplefilter("ignore")
    cases = []
    for seed, count, mean in ((0, 350, 850.0), (1, 240, 1100.0), (2, 600, 500.0)):
        ms = series(seed, count, mean)
        peaks = neurokit2.intervals_to_peaks(ms, sampling_rate=1_000_000)
        time = neurokit2.hrv_time(peaks, sampling_rate=1_000_000).iloc[0]
        entropy, _ = neurokit2.entropy_sample(ms, delay=1, dimension=2, tolerance=0.2 * ms.std(ddof=1))
        found = {
            "heart_rate": 60_000 / float(time["HRV_MeanNN"]),
            "sdnn": float(time["HRV_SDNN"]),
            "rmssd": float(time["HRV_RMSSD"]),
        }
        found |= {"pnn50": float(time["HRV_pNN50"]), **powers(ms), "sample_entropy": float(entropy)}
        cases.append({"ms": ms.tolist(), "variability": found})
    versions = {name: version(name) for name in ("neurokit2", "astropy", "numpy")}
    target = Path(__file__).with_suffix(".json")
    target.write_text(json.dumps({"versions": versions, "cases": cases}) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
