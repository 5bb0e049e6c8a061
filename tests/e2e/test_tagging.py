"""Beats among their neighbours through every verb: one record a subject, a row a quarter of a minute, a label for each beat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from sequela import config, simulate
from sequela.bundle import load
from sequela.config import Study
from sequela.errors import ConfigError, UsageError
from sequela.pipeline import check, evaluate, import_data, predict, run
from sequela.store.store import Store

SUBJECTS = 12


def study(**changes: Any) -> Study:
    windows = {"record": {"start": "trigger", "end": "end of record"}}
    encoder = {
        "name": "cnn_rnn",
        "step": {"name": "resnet1d", "width": 4},
        "over": {"name": "gru", "width": 8, "bidirectional": True},
    }
    plain: dict[str, Any] = {
        "name": "beats",
        "question": "Which class is each beat?",
        "data": {"source": "."},
        "cohort": {
            "index": "RECORD//START",
            "predict_at": "15s",
            "every": "15s",
            "at_end": True,
            "during": "record",
            "history": "20s",
            "windows": windows,
        },
        "outcome": {"column": "beat", "classes": ["N", "S", "V"], "delay": "3s"},
        "inputs": {"ecg": {"modality": {"name": "waveform", "beats": "all", "rate_hz": 64}, "encoder": encoder}},
        "task": {"name": "tagging", "balance": 0.5},
        "train": {"epochs": 4, "batch": 4, "optimizer": {"lr": 1e-2}},
        "baselines": {"names": []},
        "evaluate": {"bootstrap": 50},
    }
    return config.convert(plain | changes, Study)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate.write("ecg", tmp_path_factory.mktemp("ecg") / "raw", SUBJECTS, 0)


@pytest.fixture(scope="module")
def store(raw: Path) -> Store:
    return import_data("wfdb", raw, raw.parent / "ecg.store")


def truth(raw: Path) -> pl.DataFrame:
    return pl.read_csv(raw / "truth.csv", schema_overrides={"record": pl.String})


def test_every_beat_is_judged_once_with_its_own_label(store: Store, raw: Path, tmp_path: Path) -> None:
    done = run(study(), data=store, out=tmp_path / "run")
    said = pl.read_parquet(done.folder / "predictions.parquet").filter(model="model")
    assert said["row_id"].is_unique().all()
    for (record,), rows in said.group_by("source_id"):
        kinds = truth(raw).filter(record=record)["kind"].to_list()
        expected = [float(["N", "S", "V"].index(kind)) for kind in kinds]
        held = rows["target"].to_list()  # the first and last beat may lack a whole window
        assert "".join(map(str, held)) in "".join(map(str, expected)) and len(held) >= len(expected) - 2
    assert done.metric("macro_f1") is not None and (done.metric("auroc") or 0) > 0.8
    assert " steps of the test part" in done.summary()


def test_a_bundle_tells_each_beat_and_agrees_with_the_run(store: Store, tmp_path: Path) -> None:
    done = run(study(train={"epochs": 1, "members": 2}), data=store, out=tmp_path / "run")
    tested = pl.read_parquet(done.folder / "predictions.parquet").filter(model="model", part="test")
    subject = tested["source_id"][0]
    told = predict(done.bundle, store, subject=subject)
    steps = [step for one in told for step in one.steps or []]
    expected = tested.filter(source_id=subject).select("p_N", "p_S", "p_V").to_numpy()
    found = np.array([[step["probabilities"][name] for name in "NSV"] for step in steps])
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert [step["time"] for step in steps] == sorted(step["time"] for step in steps)
    assert all(step["probabilities"][step["decision"]] == max(step["probabilities"].values()) for step in steps)
    assert f"{len(told[0].steps or [])} steps" in told[0].text() and '"steps":' in told[0].json()
    with pytest.raises(UsageError, match="answers about steps are not explained"):
        predict(done.bundle, store, subject=subject, explain=True)


def test_folds_are_pooled_step_by_step(store: Store, tmp_path: Path) -> None:
    folds = study(split={"by": "folds", "folds": 2}, train={"epochs": 1, "batch": 4}, ensemble={}, evaluate={"bootstrap": 20})
    done = run(folds, data=store, out=tmp_path / "run")
    rows = [row for row in done.metrics if row["metric"] == "accuracy" and row["part"] == "test" and not row["against"]]
    own = [row for row in rows if row["split"] != "mean"]
    pooled = next(row for row in rows if row["split"] == "mean")
    assert pooled["n"] == sum(row["n"] for row in own) and pooled["low"] < pooled["value"] < pooled["high"]


def test_other_records_are_judged_step_by_step(store: Store, tmp_path: Path) -> None:
    done = run(study(train={"epochs": 1}), data=store, out=tmp_path / "run")
    other = import_data("wfdb", simulate.write("ecg", tmp_path / "raw", 4, 7), tmp_path / "other.store")
    judged = evaluate(done.bundle, other, out=tmp_path / "external")
    said = pl.read_parquet(judged.folder / "predictions.parquet").filter(model="model")
    assert said["target"].null_count() == 0 and len(said) > 100 and said["source_id"].n_unique() == 4
    assert load(done.bundle).predictor.task.names == ("N", "S", "V")


def test_the_audit_looks_at_steps_as_rows(store: Store) -> None:
    found = {alarm.check: alarm for alarm in check(study(), data=store).alarms}
    assert found["subject_overlap"].severity == found["future_events"].severity == "ok"


@pytest.mark.slow
def test_waves_are_delineated_in_hundredths_of_a_second(raw: Path, tmp_path: Path) -> None:
    waves = import_data("wfdb", raw, tmp_path / "waves.store", options={"waves": ["waves"]})
    window = {"name": "waveform", "window": "fixed", "length": "60ms", "stride": "20ms", "rate_hz": 100, "baseline": "none"}
    encoder = {"name": "gru", "width": 16, "bidirectional": True}
    some = msgspec.to_builtins(study().cohort) | {"include": [str(100 + i) for i in range(4)]}
    asked = study(
        cohort={name: value for name, value in some.items() if value is not None},
        outcome={"column": "wave", "classes": ["none", "P", "QRS", "T"], "lasting": True},
        inputs={"ecg": {"modality": window, "encoder": encoder}},
        task="tagging",
        train={"epochs": 4, "batch": 2, "optimizer": {"lr": 2e-2}},
        evaluate={"bootstrap": 0},
    )
    done = run(asked, data=waves, out=tmp_path / "run")
    f1 = {row["class"]: row["value"] for row in done.metrics if row["metric"] == "f1" and row["part"] == "test"}
    assert f1["QRS"] > 0.9 and min(f1["P"], f1["T"]) > 0.7


@pytest.mark.parametrize(
    ("section", "named"),
    [({"train": {"balance": "weights"}}, r"train\.balance"), ({"train": {"mixup": 0.2}}, r"train\.mixup")],
)
def test_what_is_of_rows_is_refused_where_steps_are_asked(store: Store, section: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        run(study(**section), data=store)
