"""Every kind of question, of tables, images and signals, runs to a report and a bundle that answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.e2e.runs import FILES

from sequela import config
from sequela.bundle import load
from sequela.pipeline import run
from sequela.store.store import Store


def table(path: Path, count: int, columns: dict[str, Sequence[Any]]) -> Path:
    """A CSV of samples: two informative numbers and the columns given."""
    pl.DataFrame({"id": [f"s{k:03d}" for k in range(count)], **columns}).write_csv(path)
    return path


def sampled(source: Path, task: str, label: str | list[str], **more: Any) -> config.Study:
    """A study of a table of samples, small enough for a test."""
    given = {
        "name": task,
        "question": "What is the label of this sample?",
        "data": {
            "source": str(source),
            "reader": "csv",
            "options": {"subject": "id", "values": ["a", "b"], "label": label, "static": ["kind"]},
        },
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": label},
        "inputs": {"sample": {"modality": "static", "encoder": {"name": "mlp", "width": 8}}},
        "task": task,
        "train": {"epochs": 2, "batch": 32},
        "baselines": {"names": ["logistic"] if task != "regression" else ["mean"]},
        "evaluate": {"bootstrap": 20},
    }
    return config.convert(given | more, config.Study)


def drawn(count: int = 120) -> dict[str, Any]:
    random = np.random.default_rng(4)
    a, b = random.normal(size=(2, count))
    return {"a": a.round(4), "b": b.round(4), "kind": ["even" if k % 2 else "odd" for k in range(count)]}


def labels(task: str, columns: dict[str, Any]) -> dict[str, Any]:
    noise = np.random.default_rng(5).normal(size=(2, len(columns["a"])))
    first, second = columns["a"] + noise[0], columns["b"] + noise[1]
    if task == "regression":
        return {"size": first.round(4)}
    if task == "multiclass":
        return {"class": np.where(first > 0.5, "high", np.where(second > 0, "middle", "low"))}
    return {"left": (first > 0).astype(int), "right": (second > 0.3).astype(int)}


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_every_kind_of_question_runs_to_a_report_and_a_bundle_that_answers(task: str, tmp_path: Path) -> None:
    columns = drawn()
    asked = labels(task, columns)
    source = table(tmp_path / "samples.csv", len(columns["a"]), columns | asked)
    names = list(asked)
    done = run(sampled(source, task, names if len(names) > 1 else names[0]), out=tmp_path / "run")
    assert {path.name for path in done.folder.iterdir()} == FILES
    metric = {"regression": "mae", "multiclass": "auroc", "multilabel": "auroc"}[task]
    assert done.metric(metric) is not None
    frame = pl.read_parquet(done.folder / "predictions.parquet").filter((pl.col("part") == "test") & (pl.col("model") == "model"))
    said = {one.row_id: one for one in load(done.bundle).predict(stored(source, tmp_path, task))}
    for row in frame.iter_rows(named=True):
        one = said[row["row_id"]]
        found = one.value if task == "regression" else one.probabilities
        assert found is not None
        columns_of = ["value"] if task == "regression" else [f"p_{name}" for name in found]
        assert [row[name] for name in columns_of] == pytest.approx(list(found.values()), abs=1e-6)
    if task == "multiclass":
        assert {row["class"] for row in done.metrics} >= {"high", "middle", "low"}


def stored(source: Path, folder: Path, task: str) -> Store:
    from sequela.pipeline import import_data

    study = sampled(source, task, "x")
    label = {"multiclass": "class", "regression": "size"}.get(task, ["left", "right"])
    return import_data("csv", source, folder / "held.store", options=dict(study.data.options) | {"label": label})


def test_a_study_of_images_runs_to_a_bundle_that_answers(tmp_path: Path) -> None:
    from sequela import simulate

    source = simulate.write("xray", tmp_path / "raw", 120)
    study = config.load(
        Path(__file__).resolve().parents[2] / "studies" / "xray_pneumonia.toml",
        (
            "train.epochs=1",
            "evaluate.bootstrap=20",
            'baselines.names=["logistic"]',
            "inputs.xray.encoder={ name = 'cnn', width = 4 }",
        ),
    )
    study = msgspec.structs.replace(study, data=msgspec.structs.replace(study.data, source=str(source / "xray.npz")))
    done = run(study, out=tmp_path / "run")
    held = load(done.bundle)
    assert {path.name for path in done.folder.iterdir()} == FILES | {"pictures"}
    assert held.predictor.fitted["xray"].spec.kind == "image"


def test_a_study_of_heartbeats_runs_to_a_bundle_that_answers(tmp_path: Path) -> None:
    from sequela import simulate

    source = simulate.write("ecg", tmp_path / "raw", 6)
    study = config.load(
        Path(__file__).resolve().parents[2] / "studies" / "ecg_beats.toml",
        (
            "train.epochs=1",
            "train.members=1",
            "evaluate={ bootstrap = 20 }",
            'baselines.names=["logistic"]',
            "ensemble.members=[]",
            "inputs.ecg.encoder={ name = 'lstm', width = 4 }",
            "audit.allow={ suspicious_input = 'made to be told apart' }",
            "outcome.classes=['N', 'S', 'V']",
            "split={ by = 'list', parts = { train = ['100', '101', '102'], tune = ['103'], test = ['104', '105'] } }",
            "data.options={}",
            f"data.source={source}",
            "inputs.ecg.modality={ name = 'waveform', window = 'beat', before = '280ms', after = '440ms', rate_hz = 60 }",
        ),
    )
    done = run(study, out=tmp_path / "run")
    assert {path.name for path in done.folder.iterdir()} == FILES | {"pictures"}  # strips around calls
    assert load(done.bundle).predictor.task.names == ("N", "S", "V")
