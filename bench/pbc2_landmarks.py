"""Deaths of `studies/pbc2.toml` foreseen at landmarks, judged over the test parts of all folds as one.

    python bench/pbc2_landmarks.py RUN [NAME]

A fold has 7 or 8 deaths within 3 years of a landmark: too few to be judged alone. Here the rows of a landmark from all folds
stand together, each with the risk that the model of its own fold gave, and rows of different folds are compared; beside that
stands the mean over the folds. Intervals are over resamples of patients, and so are the differences from Aalen and Johansen's
curves. NAME keeps the numbers of one run beside those of another.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import polars as pl
from harness import measure, record

from sequela.evaluate.intervals import bootstrap, percentiles
from sequela.evaluate.survival import restored
from sequela.metrics.concordance import fixed, paired
from sequela.metrics.horizon import horizon_brier
from sequela.types import Array, Curves, Horizon, Times

YEAR = 365.25
LANDMARKS, HORIZONS = (1, 3, 5), (1, 3, 5)  # years
NAMES, DEATH = ("death", "transplant"), 1
PLAIN = "baseline:aalen_johansen"
ASKED, GOAL = (3, 3), 0.85  # landmark and horizon, C-index
RESAMPLES, SEED = 1000, 0

Value = Callable[[Array | None], Array]  # weights of rows "R N" (none: 1 each) -> "R"


def tested(run: Path) -> dict[str, pl.DataFrame]:
    """The test rows of each answer, all in one order, with the years since the start."""
    rows = (
        pl.read_parquet(run / "predictions.parquet").filter(pl.col("part") == "test").sort("split", "row_id", maintain_order=True)
    )
    start = pl.col("time").min()  # all subjects start on one day, and the first are asked about then
    since = (pl.col("time") - start).dt.total_days() / YEAR
    found = rows.with_columns(since.round(2).alias("years")).partition_by("model", as_dict=True, maintain_order=True)
    return {str(name): frame for (name,), frame in found.items()}


def times_of(frame: pl.DataFrame) -> Times:
    days, cause, entry = (frame[name].to_numpy() for name in ("target_days", "target", "target_entry"))
    return Times(days, cause.astype(np.int64), entry, tuple(Horizon(f"{years}y", years * YEAR) for years in HORIZONS))


def concordance(risk: Array, times: Times, day: float) -> Value:
    return paired(fixed(risk), times, DEATH, day).harrell


def squares(risk: Array, times: Times, day: float) -> Value:
    return lambda weights: horizon_brier(risk, times, day, DEATH, weights)


METRICS = {"c_index": concordance, "brier": squares}


def at(landmark: int, horizon: int, answers: dict[str, pl.DataFrame]) -> dict[str, Any]:
    """The numbers of every answer at one landmark and horizon, by a name that says all three."""
    day = horizon * YEAR
    rows = {name: frame.filter(pl.col("years") == landmark) for name, frame in answers.items()}
    risks = {name: risk(frame, day) for name, frame in rows.items()}
    plain = rows[PLAIN]
    times, split, subject = times_of(plain), plain["split"].to_numpy(), plain["subject_id"].to_numpy()
    deaths = int(((times.cause == DEATH) & (times.time <= day)).sum())
    told: dict[str, dict[str, Any]] = {name: {"rows": len(times), "deaths": deaths} for name in risks}
    for metric, function in METRICS.items():
        values = {name: function(one, times, day) for name, one in risks.items()}
        samples = dict(zip(values, bootstrap(subject, list(values.values()), RESAMPLES, SEED), strict=True))
        for name, one in risks.items():
            folds = [function(one[split == fold], times.take(split == fold), day)(None) for fold in np.unique(split)]
            less = values[name](None) - values[PLAIN](None)
            told[name] |= {
                metric: bounded(values[name](None), samples[name]),
                f"{metric}_mean_of_folds": rounded(np.nanmean(folds)),
                f"{metric}_less_aalen_johansen": bounded(less, samples[name] - samples[PLAIN]),
            }
    return {f"{named(landmark, horizon)}: {name}": numbers for name, numbers in told.items()}


def named(landmark: int, horizon: int) -> str:
    return f"landmark {landmark}y, horizon {horizon}y"


def risk(frame: pl.DataFrame, day: float) -> Array:
    """Of death by the day, float64 "N"."""
    curves = restored(frame, NAMES)
    assert isinstance(curves, Curves)
    return curves.at(day)[:, DEATH - 1]


def rounded(value: Array | float) -> float:
    return round(float(value), 4)


def bounded(value: Array | float, samples: Array) -> dict[str, float | None]:
    low, high = percentiles(samples) or (None, None)
    return {"value": rounded(value), "low": low and rounded(low), "high": high and rounded(high)}


def main(run: Path, name: str) -> None:
    with measure() as cost:
        answers = tested(run)
        each = [at(landmark, horizon, answers) for landmark in LANDMARKS for horizon in HORIZONS]
    numbers = {label: row for cell in each for label, row in cell.items()}
    final = "ensemble" if "ensemble" in answers else "model"
    reached = numbers[f"{named(*ASKED)}: {final}"]["c_index"]["value"]
    told = {"answer": final, "at": named(*ASKED), "c_index": reached, "goal": GOAL, "reached": reached >= GOAL}
    record(name, {**told, "resamples": RESAMPLES, "numbers": numbers, "cpu_seconds": round(cost.cpu_seconds, 1)})


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(sys.argv[2:] or ["pbc2_landmarks"]))
