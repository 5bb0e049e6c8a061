"""Pairs of places through every verb: hairpins of RNA whose two halves are each other's complement."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.bundle import load
from sequela.config import Study
from sequela.errors import ConfigError
from sequela.pipeline import check, import_data, predict, run
from sequela.store.store import Store

OPTIONS = {"sequences": {"rna": "rna"}, "subject": "id", "pairs": ["stem"]}
PARTNER = {"A": "U", "C": "G", "G": "C", "U": "A"}


def study(**changes: Any) -> Study:
    encoder = {"name": "cnn_text", "width": 8, "embedding": 8}
    modality = {"name": "residues", "sequence": "rna", "alphabet": "rna"}
    plain: dict[str, Any] = {
        "name": "stems",
        "question": "Which letters pair?",
        "data": {"source": "."},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"pairs": "stem"},
        "inputs": {"rna": {"modality": modality, "encoder": encoder}},
        "task": {"name": "contact", "channels": 8, "layers": 1, "separation": 4, "told": 2},
        "train": {"epochs": 10, "batch": 8, "optimizer": {"lr": 1e-2}},
        "baselines": {"names": ["pair_frequency"]},
        "evaluate": {"bootstrap": 20},
        "audit": {"allow": {"exact_duplicates": "few letters", "near_duplicates": "few letters"}},
    }
    return config.convert(plain | changes, Study)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder, random = tmp_path_factory.mktemp("stems") / "raw", np.random.default_rng(0)
    folder.mkdir()
    rows = [("id", "rna", "stem")]
    for number in range(60):
        size, free = int(random.integers(5, 8)), int(random.integers(0, 6))
        half = "".join(random.choice(list("CG"), size))
        letters = "A" * free + half + "AAUAA" + "".join(PARTNER[one] for one in reversed(half)) + "A" * (5 - free)
        end = free + 2 * size + 4
        rows.append((f"r{number}", letters, " ".join(f"{free + k}-{end - k}" for k in range(size))))
    with (folder / "rna.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return import_data("sequences", folder, folder.parent / "rna.store", options=OPTIONS)


@pytest.mark.slow
def test_stems_are_found_and_a_bundle_says_what_its_run_said(store: Store, tmp_path: Path) -> None:
    done = run(study(), data=store, out=tmp_path / "run")
    assert (done.metric("precision_l5") or 0) > 0.9 > (done.metric("precision_l5", "baseline:pair_frequency") or 1)
    said = pl.read_parquet(done.folder / "predictions.parquet").filter(part="test", model="model").row(0, named=True)
    told = predict(done.bundle, store, subject=said["source_id"])[0]
    assert told.pairs is not None and len(told.pairs) == len(said["pair_low"]) == 2 * said["letters"]
    assert [(one["low"], one["high"]) for one in told.pairs] == list(zip(said["pair_low"], said["pair_high"], strict=True))
    np.testing.assert_allclose([one["probability"] for one in told.pairs], said["pair_score"], atol=1e-6)
    first = told.pairs[0]
    assert PARTNER[first["letters"][0]] == first["letters"][1]
    assert told.value is not None and told.value["stem"] == pytest.approx(said["value_stem"])
    assert json.loads(told.json())["pairs"][0] == first and f"{first['letters'][0]}{first['low'] + 1}" in told.text()
    page = done.report.read_text()
    assert "Precision at L/5" in page and "Below the diagonal" in page and page.count('role="img"') >= 7


@pytest.mark.slow
def test_several_networks_agree_on_one_map(store: Store, tmp_path: Path) -> None:
    settings = {"epochs": 1, "batch": 16, "members": 2, "final": "refit"}
    done = run(study(train=settings, baselines={"names": []}), data=store, out=tmp_path / "run")
    assert len(load(done.bundle).predictor.members) == 2 and done.metric("contact_auprc") is not None
    with pytest.raises(ConfigError, match="no mean and no calibration: it takes no ensemble"):
        run(study(ensemble={"members": ["model", "logistic"]}), data=store, out=tmp_path / "other")


def test_the_audit_counts_the_pairs_that_no_step_tells(store: Store) -> None:
    short = {"name": "residues", "sequence": "rna", "alphabet": "rna", "max_steps": 12}
    inputs = {"rna": {"modality": short, "encoder": "cnn_text"}}
    found = {alarm.check: alarm for alarm in check(study(inputs=inputs), data=store).alarms}
    assert found["pairs and steps"].count > 0 and found["unseen_class"].severity == "ok"
