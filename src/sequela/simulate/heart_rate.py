"""The heart rate of a person at rest who gets up: a reading a minute, noise around a step, of which the best forecast is known.

A reading is the level, plus a share of how far the reading before it lay off its own level, plus noise: an autoregression of
order one around a step. No model can foresee that noise, so the best forecast stands in truth.csv beside what was read, and
`floor` is its error: what no model can beat but by luck. Reader: csv, with the mapping that lies in the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.types import Array

READINGS = 1500  # of a person, one a minute
STEP_AT = 600  # the reading at which the level rises
REST, RISE = 72.0, 15.0  # beats a minute
KEPT = 0.9  # share of a deviation that is left a minute later
NOISE = 1.5  # beats a minute
BEGIN = datetime(2026, 1, 1)
MAPPING = """file = "heart_rate.csv"
subject = "person"
time = "time"
timezone = "UTC"
values = ["HEART_RATE"]
unit = { HEART_RATE = "/min" }
"""


@dataclass(frozen=True, slots=True)
class Series:
    """One person's readings, float64 "READINGS", and the best forecast of each from those before it."""

    rate: Array
    best: Array


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes heart_rate.csv (person, time, HEART_RATE), mapping.toml and truth.csv (person, time, best, value)."""
    rows, truth = ["person,time,HEART_RATE"], ["person,time,best,value"]
    stamps = [f"{BEGIN + timedelta(minutes=k):%Y-%m-%d %H:%M}" for k in range(READINGS)]
    for person in range(1, subjects + 1):
        series = drawn(streams.generator(seed, "heart_rate", person))
        for stamp, best, rate in zip(stamps, series.best, series.rate, strict=True):
            rows.append(f"{person},{stamp},{rate:.2f}")
            truth.append(f"{person},{stamp},{best:.4f},{rate:.2f}")
        progress("persons", person, subjects)
    (folder / "heart_rate.csv").write_text("\n".join(rows) + "\n", encoding="ascii")
    (folder / "mapping.toml").write_text(MAPPING, encoding="ascii")
    (folder / "truth.csv").write_text("\n".join(truth) + "\n", encoding="ascii")


def drawn(random: np.random.Generator) -> Series:
    """A series that begins in its stationary distribution."""
    level = REST + RISE * (np.arange(READINGS) >= STEP_AT)
    off = np.zeros(READINGS)
    off[0] = NOISE / np.sqrt(1 - KEPT**2) * random.normal()
    for k, noise in enumerate(NOISE * random.normal(size=READINGS - 1), start=1):
        off[k] = KEPT * off[k - 1] + noise
    return Series(level + off, level + KEPT * np.append(0.0, off[:-1]))


def floor(folder: Path, since: int = 0, ahead: int = 1) -> float:
    """The mean absolute error, in beats a minute, of the best forecast of every reading from number `since` on.

    It is made so many minutes `ahead`, by somebody who knows when the level rises.
    """
    import polars as pl

    number, value = pl.int_range(pl.len()).over("person"), pl.col("value")
    truth = pl.read_csv(folder / "truth.csv").with_columns(number=number)
    level = REST + RISE * (pl.col("number") >= STEP_AT).cast(pl.Float64)
    best = level + KEPT**ahead * (value - level).shift(ahead).over("person")
    return float(
        truth.with_columns(best=best).filter(pl.col("number") >= since).select((pl.col("best") - value).abs().mean()).item()
    )
