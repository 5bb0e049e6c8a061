"""A study of coded history, from the store to the bundle: the baselines read its counts, and the golden example is replayed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from sequela.bundle.bundle import load
from sequela.pipeline import run
from sequela.store.store import Store

CODED = (
    'inputs.chart={ modality = { name = "codes" }, encoder = { name = "gru", width = 8 } }',
    "train.epochs=1",
    "evaluate.bootstrap=20",
    'baselines.names=["logistic", { name = "boosting", rounds = 10, seeds = 1, counts = 20 }]',
    'ensemble.members=["model", "baseline:logistic", "baseline:boosting"]',
)


@pytest.fixture(scope="module")
def finished(ward: Store, demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("coded") / "run"
    run(demo, data=ward, out=folder, overrides=CODED)
    return folder


def test_a_bundle_of_coded_history_answers_as_the_run_did(finished: Path, ward: Store) -> None:
    said = pl.read_parquet(finished / "predictions.parquet").filter(pl.col("model") == "ensemble", pl.col("part") == "test")
    risk = next(name for name in said.columns if name.startswith("p_"))
    expected = dict(said.select("row_id", risk).iter_rows())
    answers = {one.row_id: one.probabilities for one in load(finished / "model.sequela").predict(ward)}
    found = [next(iter((answers[row] or {}).values())) for row in expected]
    assert len(found) > 5 and len(set(found)) > 3
    np.testing.assert_allclose(found, list(expected.values()), atol=1e-6)


def test_both_baselines_of_a_coded_history_are_in_the_metrics(finished: Path) -> None:
    rows = msgspec.json.decode((finished / "metrics.json").read_bytes())
    models = {row["model"] for row in rows if row["metric"] == "auroc"}
    assert {"model", "ensemble", "baseline:logistic", "baseline:boosting"} <= models
