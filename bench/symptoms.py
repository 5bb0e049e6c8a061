"""A run of studies/symptoms.toml against the best that anybody can say: Bayes' rule with the table that made the texts.

    python bench/symptoms.py RUN SIMULATED

SIMULATED is the folder that `sequela simulate symptoms` wrote. Both are judged on the same test rows; the difference is paired.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import harness
import numpy as np
import polars as pl

from sequela.types import Array

COLUMNS = ("first", "second", "third")


def measured(run: Path, simulated: Path) -> dict[str, dict[str, Any]]:
    """Top-1 and top-3 accuracy of everybody on the test rows, and how far each is from the best."""
    truth = pl.read_csv(simulated / "truth.csv", schema_overrides={"subject": pl.String})
    said = pl.read_parquet(run / "predictions.parquet").filter(pl.col("part") == "test")
    judged = said.join(truth.rename({"subject": "source_id"}), on="source_id", how="inner", maintain_order="left")
    found: dict[str, dict[str, Any]] = {}
    for first in (1, 3):
        for (model,), rows in judged.group_by("model", maintain_order=True):
            own = _hits(rows, first)
            bound = np.any([(rows[column] == rows["diagnosis"]).to_numpy() for column in COLUMNS[:first]], 0).astype(np.float64)
            told = found.setdefault(str(model), {"test rows": len(rows)})
            told[f"top-{first} accuracy"] = round(float(own.mean()), 4)
            told[f"best possible, top-{first}"] = round(float(bound.mean()), 4)
            told[f"less the best, top-{first}"] = _mean(own - bound)
    return found


def _hits(rows: pl.DataFrame, first: int) -> Array:
    """Of each row whether its condition is among so many of the likeliest."""
    classes = [column for column in rows.columns if column.startswith("p_")]
    chance = rows.select(classes).to_numpy()
    place = {column.removeprefix("p_"): k for k, column in enumerate(classes)}
    likeliest = np.argsort(-chance, 1, kind="stable")[:, :first]
    true = np.array([place[name] for name in rows["diagnosis"]])
    return np.asarray((likeliest == true[:, None]).any(1), np.float64)


def _mean(values: Array) -> str:
    """With its 95 % interval by bootstrap over rows."""
    drawn = np.random.default_rng(0).choice(values, (2000, len(values))).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def main() -> None:
    """Measures and records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("simulated", type=Path)
    given = parser.parse_args()
    claim = "top-1 and top-3 accuracy on symptoms in free text, beside the best that anybody can say"
    harness.record("symptoms", {"claim": claim, "answers": measured(given.run, given.simulated)})


if __name__ == "__main__":
    main()
