"""What is not normal through every verb: a row for each simulated heartbeat, learnt from the normal ones."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest

from sequela import config, simulate
from sequela.bundle import load
from sequela.config import Study
from sequela.errors import ConfigError, DataError
from sequela.evaluate.facts import RunFacts
from sequela.pipeline import check, files, import_data, predict, run
from sequela.store.store import Store

pytestmark = pytest.mark.slow  # trains networks

STUDY = config.convert(
    {
        "name": "odd-beats",
        "question": "Is this heartbeat unlike the normal ones?",
        "data": {"source": "."},
        "cohort": {"index": "EACH//BEAT", "predict_at": "1s", "history": "20s", "max_rows_per_subject": 40},
        "outcome": {"column": "beat", "classes": {"N": ["N"], "V": ["V"]}},
        "inputs": {
            "ecg": {
                "modality": {"name": "waveform", "before": "250ms", "after": "400ms", "rate_hz": 64},
                "encoder": {"name": "mlp", "width": 16},
            }
        },
        "task": {"name": "anomaly", "code": 4, "side": 1.0},
        "train": {"epochs": 5, "batch": 32, "patience": 0, "optimizer": {"lr": 1e-2}},
        "baselines": {"names": ["distance", "discord"]},
        "evaluate": {"threshold": "sensitivity=0.9", "recording": "1min", "bootstrap": 50},
    },
    Study,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    raw = simulate.write("ecg", tmp_path_factory.mktemp("ecg") / "raw", 12, 0)
    return import_data("wfdb", raw, raw.parent / "ecg.store")


def test_normal_beats_alone_are_learnt_from_and_the_report_says_so(store: Store, tmp_path: Path) -> None:
    done = run(STUDY, data=store, out=tmp_path / "run")
    facts = files.read_json(done.folder / files.FACTS, RunFacts)
    (told,) = [alarm for alarm in facts.audit if alarm.check == "normal rows alone"]
    assert told.severity == "note" and told.count == facts.splits[0].parts["train"].events
    assert told.count > 0
    text = done.report.read_text()
    assert "Alarms over the recordings" in text and "were kept from it" in text
    assert "shares of normal rows" in text and "risks are too" not in text and "its risk" not in text
    assert (done.metric("auroc") or 0) > 0.7
    for metric in ("false_alarms_per_hour", "range_precision", "range_recall", "range_f1"):
        assert done.metric(metric) is not None
        assert done.metric(metric, model="baseline:distance") is not None
    said = pl.read_parquet(done.folder / files.PREDICTIONS).filter(pl.col("part") == "test", pl.col("model") == "model")
    bundle = load(done.bundle)
    again = {one.row_id: one for one in predict(bundle, store)}
    told = [(one.source_id, one.time) for one in again.values() if not one.refused]
    assert len(set(told)) == len(told)  # beats of one second too
    shares = np.array([again[row].probabilities["V"] for row in said["row_id"]])
    np.testing.assert_allclose(shares, said["p_V"].to_numpy(), atol=1e-5)


def test_the_check_says_how_many_rows_are_kept_out(store: Store) -> None:
    found = check(STUDY, data=store)
    assert "training rows" in next(alarm.text for alarm in found.alarms if alarm.check == "normal rows alone")


def test_a_study_without_a_normal_row_is_told_what_is_missing(store: Store, tmp_path: Path) -> None:
    abnormal = config.convert(
        {**msgspec.to_builtins(STUDY), "outcome": {"column": "beat", "classes": {"Q": ["Q"], "V": ["V"]}}}, Study
    )
    with pytest.raises(DataError, match="learns from none of the"):
        run(abnormal, data=store, out=tmp_path / "run")


def test_one_class_cannot_be_balanced(store: Store, tmp_path: Path) -> None:
    balanced = config.convert({**msgspec.to_builtins(STUDY), "train": {"balance": "weights"}}, Study)
    with pytest.raises(ConfigError, match="none to balance"):
        run(balanced, data=store, out=tmp_path / "run")
