"""How often sets of possible classes hold the truth among those who died in intensive care: five folds inside training stays.

The stays are the training and tune part of the first published split of the 2012 set; its test part stays closed. A small GRU
learns two epochs in each fold; the limits are fitted on a quarter of what a fold trains on.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from harness import record

from sequela import config, pipeline
from sequela.evaluate.intervals import wilson

ROOT = Path(__file__).resolve().parent.parent
SPLIT = "physionet2012/splits/split1.csv"


def study() -> config.Study:
    """The study of the repository, asked of the stays that are not in the test part alone."""
    given: dict[str, Any] = msgspec.to_builtins(config.load(ROOT / "studies" / "icu_mortality.toml"))
    with (Path(os.environ["SEQUELA_DATA"]) / SPLIT).open(encoding="utf-8") as file:
        learnt = [row["RecordID"] for row in csv.DictReader(file) if row["part"] != "test"]
    given["cohort"]["include"] = learnt
    given["split"] = {"by": "folds", "folds": 5, "tune": 0.25}
    modality = {"name": "measurements", "grid": "4h", "steps": 12, "context": ["AGE", "SEX"]}
    given["inputs"] = {"chart": {"modality": modality, "encoder": {"name": "gru", "width": 16, "dropout": 0.2}}}
    given["train"] |= {"epochs": 2, "members": 1, "average": 0.0}
    given["baselines"] = {"names": ["mean"]}
    given["ensemble"] = {"members": []}
    given["evaluate"]["bootstrap"] = 0
    return config.convert(given, config.Study)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        run = pipeline.run(study(), out=Path(scratch) / "run")
        found = [json.loads((run.folder / f"split-{k}" / "trust.json").read_text())["uncertainty"] for k in range(1, 6)]
    told = {name: {class_: pooled(found, name, class_) for class_ in ("no", "yes")} for name in ("covered", "plain")}
    record(
        "icu_coverage", {"promised": found[0]["coverage"], "limits for each class": told["covered"], "one limit": told["plain"]}
    )


def pooled(found: list[dict[str, Any]], name: str, class_: str) -> dict[str, float]:
    """Over the five folds, of which each stay is in one."""
    rows = [one for fold in found for one in fold[name] if one["class_"] == class_ and not one["group"]]
    n = sum(one["rows"] for one in rows)
    held = sum(one["share"] * one["rows"] for one in rows)
    low, high = wilson(held, n)
    spread = float(np.std([one["share"] for one in rows], ddof=1))
    return {"stays": n, "share": held / n, "low": low, "high": high, "standard deviation between folds": spread}


if __name__ == "__main__":
    main()
