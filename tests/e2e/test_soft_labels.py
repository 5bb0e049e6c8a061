"""Labels between 0 and 1, from the reader to the report: training learns them, nothing is judged by them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

import sequela
from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.store.store import Store

TABLES = {"train": 40, "valid": 16, "test": 16}
FOURTH = 4  # every fourth finding is uncertain


@pytest.fixture(scope="module")
def xrays(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The layout of CheXpert: bright pictures have the finding, dark ones do not, of every fourth nobody was sure."""
    folder, random, patient = tmp_path_factory.mktemp("xrays") / "set", np.random.default_rng(0), 0
    for table, count in TABLES.items():
        lines = ["Path,Sex,Age,Frontal/Lateral,AP/PA,Edema"]
        for number in range(count):
            patient += 1
            bright = number // 2 % 2
            file = folder / table / f"patient{patient:05d}" / "study1" / "view1_frontal.jpg"
            file.parent.mkdir(parents=True)
            values = np.clip(random.normal(80 + 60 * bright, 30, (16, 16)), 0, 255).astype(np.uint8)
            Image.fromarray(values).save(file)
            finding = -1.0 if number % FOURTH == 3 else float(bright)
            lines.append(f"{file.relative_to(folder)},Female,50,Frontal,AP,{finding}")
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n")
    options = {"uncertain": "smoothed"}
    return sequela.import_data("chexpert", folder, folder.with_suffix(".store"), options=options)


def study(**outcome: Any) -> config.Study:
    given = {
        "name": "edema",
        "question": "Is there oedema?",
        "data": {"source": "set"},
        "cohort": {"index": "IMAGE"},
        "outcome": {"column": "Edema", "soft": True} | outcome,
        "inputs": {"picture": {"modality": {"name": "image", "size": [16, 16]}, "encoder": {"name": "cnn", "channels": [4]}}},
        "task": "binary",
        "split": {"by": "list"},
        "train": {"epochs": 3, "batch": 8, "balance": "weights"},
        "baselines": {"names": ["logistic"]},
        "evaluate": {"bootstrap": 20},
        "audit": {"allow": {"suspicious_input": "the pictures were made so"}},
    }
    return config.convert(given, config.Study)


def test_training_learns_them_and_nothing_is_judged_by_them(xrays: Store, tmp_path: Path) -> None:
    done = sequela.run(study(), data=xrays, out=tmp_path / "run")
    said = pl.read_parquet(done.folder / "predictions.parquet").filter(pl.col("model") == "model")
    for part, count in (("tune", 16), ("test", 16)):
        target = said.filter(pl.col("part") == part)["target"]
        assert len(target) == count and target.null_count() == count // FOURTH
        assert set(target.drop_nulls()) == {0.0, 1.0}
        numbers = [row["n"] for row in done.metrics if row["metric"] == "auroc" and row["part"] == part and not row["group"]]
        assert numbers and set(numbers) == {count - count // FOURTH}
    notes = json.loads((done.folder / "run.json").read_text())["data"]["notes"]
    assert notes["labels between 0 and 1, which training alone learns"] == sum(TABLES.values()) // FOURTH


def test_they_move_what_is_learnt(xrays: Store, tmp_path: Path) -> None:
    """The same pictures, read with the uncertain findings missing, are another training."""
    hard = sequela.import_data("chexpert", xrays.path.with_suffix(""), tmp_path / "hard.store")
    with_, without = (
        pl.read_parquet(sequela.run(study(), data=data, out=tmp_path / name).folder / "predictions.parquet")
        .filter((pl.col("model") == "model") & (pl.col("part") == "test"))
        .select("row_id", risk="p_Edema")
        for name, data in (("soft", xrays), ("hard", hard))
    )
    both = with_.join(without, on="row_id", suffix="_hard")
    assert len(both) == 12 and not np.allclose(both["risk"], both["risk_hard"])


def test_they_are_refused_where_nobody_asked_for_them(xrays: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'Edema' of 18 rows .* is not 0 or 1"):
        sequela.run(study(soft=False), data=xrays, out=tmp_path / "run")


def test_they_are_of_yes_or_no_columns(xrays: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"outcome\.soft"):
        sequela.run(study(classes=["0", "1"]), data=xrays, out=tmp_path / "run")
