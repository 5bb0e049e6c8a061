"""Which mistakes of the ensembles of finished beat studies remain, and in which records.

    python bench/beat_mistakes.py RUN...

Reads `predictions.parquet` of the runs' test parts: the decisions that the runs recorded, nothing is judged anew.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import polars as pl
from harness import record

WHO = "ensemble"
SHOWN = 8  # of the largest groups of mistakes


def main() -> None:
    record("beat_mistakes", {Path(run).name.removeprefix("run_"): _told(Path(run)) for run in sys.argv[1:]})


def _told(run: Path) -> dict[str, Any]:
    found = pl.concat(pl.read_parquet(path) for path in sorted(run.rglob("predictions.parquet")))
    judged = found.filter(pl.col("part") == "test", pl.col("model") == WHO, pl.col("target").is_not_null())
    if not len(judged):
        raise SystemExit(f"{run} has no answers of the {WHO} on a test part")
    classes = [name.removeprefix("p_") for name in judged.columns if name.startswith("p_")]
    named = judged.with_columns(pl.col("target").cast(pl.Int64).replace_strict(dict(enumerate(classes)), return_dtype=pl.String))
    wrong = named.filter(pl.col("target") != pl.col("decision"))
    groups = (
        wrong.group_by("source_id", "target", "decision")
        .len()
        .sort("len", "source_id", "target", descending=[True, False, False])
    )
    largest = {
        f"record {line['source_id']}, {line['target']} called {line['decision']}": line["len"]
        for line in groups.head(SHOWN).iter_rows(named=True)
    }
    return {"beats": len(judged), "mistakes": len(wrong), "largest": largest}


if __name__ == "__main__":
    main()
