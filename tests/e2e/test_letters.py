"""A label for each letter through every verb: helices by their letters, and the region that begins a sequence."""

from __future__ import annotations

import csv
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

HELIX, COIL = "AELMQKRH", "GPNDSTVI"
OPTIONS = {"sequences": {"protein": "input"}, "letters": ["q8", "region"]}


def study(**changes: Any) -> Study:
    encoder = {
        "name": "residue_cnn_rnn",
        "embedding": 8,
        "filters": 8,
        "kernels": [3, 5],
        "width": 8,
        "layers": 1,
        "dropout": 0.0,
    }
    plain: dict[str, Any] = {
        "name": "letters",
        "question": "Which structure has each residue?",
        "data": {"source": "."},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "q8", "letters": True, "classes": {"helix": ["H", "G"], "coil": ["L", "S"]}},
        "inputs": {
            "protein": {"modality": {"name": "residues", "sequence": "protein", "alphabet": "protein"}, "encoder": encoder}
        },
        "task": "tagging",
        "train": {"epochs": 6, "batch": 4, "optimizer": {"lr": 2e-2}},
        "baselines": {"names": [{"name": "logistic", "strengths": [0.1], "iterations": 30}, "mean"]},
        "evaluate": {"bootstrap": 50},
    }
    return config.convert(plain | changes, Study)


def proteins(random: np.random.Generator, count: int) -> list[tuple[str, str, str]]:
    """Sequence, structure and region: runs of helix and coil that their letters tell, behind a signal of leucines and a G."""
    found = []
    for _ in range(count):
        length = int(random.integers(6, 12))
        sequence, label = "M" + "L" * (length - 2) + "G", "L" * length
        for k in range(int(random.integers(3, 6))):
            size = int(random.integers(4, 9))
            sequence += "".join(random.choice(list((HELIX, COIL)[k % 2]), size))
            label += "".join(random.choice(list(("HG", "LS")[k % 2]), size))
        found.append((sequence, label, "S" * length + "-" * (len(sequence) - length)))
    return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("letters") / "raw"
    folder.mkdir()
    with (folder / "proteins.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("input", "q8", "region"), *proteins(np.random.default_rng(0), 40)])
    return import_data("sequences", folder, folder.parent / "letters.store", options=OPTIONS)


def test_residues_are_judged_and_their_segments_too(store: Store, tmp_path: Path) -> None:
    done = run(study(), data=store, out=tmp_path / "run")
    said = pl.read_parquet(done.folder / "predictions.parquet")
    assert said.filter(model="model")["row_id"].is_unique().all() and said["time"].null_count() == len(said)
    assert (done.metric("accuracy") or 0) > 0.85 > (done.metric("accuracy", "baseline:mean") or 1)
    assert (done.metric("accuracy", "baseline:logistic") or 0) > 0.8
    assert (done.metric("sov") or 0) > 0.7 and done.metric("sov", against="baseline:mean") is not None
    classes = {row["class"] for row in done.metrics if row["metric"] == "sov"}
    assert classes == {"", "helix", "coil"} and "Segment overlap" in done.report.read_text()
    mine = said.filter(part="test", model="model", source_id=said.filter(part="test")["source_id"][0])
    told = predict(done.bundle, store, subject=mine["source_id"][0])[0]
    assert told.letters == "".join("HL"[decision == "coil"] for decision in mine["decision"]) and told.time is None
    assert told.steps is not None and [one["begin"] for one in told.steps] == list(range(len(mine)))
    assert told.letters in told.text() and f'"letters":"{told.letters}"' in told.json()


def test_a_bundle_says_what_its_run_said_of_every_letter(store: Store, tmp_path: Path) -> None:
    done = run(
        study(task={"name": "tagging", "crf": True}, train={"epochs": 1}, baselines={"names": []}),
        data=store,
        out=tmp_path / "run",
    )
    tested = pl.read_parquet(done.folder / "predictions.parquet").filter(model="model", part="test")
    subject = tested["source_id"][0]
    steps = predict(done.bundle, store, subject=subject)[0].steps or []
    found = np.array([[step["probabilities"][name] for name in ("helix", "coil")] for step in steps])
    np.testing.assert_allclose(found, tested.filter(source_id=subject).select("p_helix", "p_coil").to_numpy(), atol=1e-6)
    assert load(done.bundle).predictor.task.names == ("helix", "coil")


def test_a_region_at_the_beginning_is_found(store: Store, tmp_path: Path) -> None:
    outcome = {"column": "region", "letters": True, "classes": {"signal": ["S"], "rest": ["-"]}}
    answered = {"allow": {"suspicious_input": "where a residue stands tells the region, as it should"}}
    done = run(study(outcome=outcome, baselines={"names": []}, audit=answered), data=store, out=tmp_path / "run")
    sov = {row["class"]: row["value"] for row in done.metrics if row["metric"] == "sov" and row["part"] == "test"}
    assert sov["signal"] > 0.9
    names = pl.read_parquet(done.folder / "predictions.parquet").filter(part="test")["source_id"].unique().to_list()
    told = [predict(done.bundle, store, subject=name)[0].letters or "" for name in names[:3]]
    assert all(one.startswith("SSSS") and one.endswith("----") for one in told)


def test_folds_are_pooled_letter_by_letter(store: Store, tmp_path: Path) -> None:
    folds = study(split={"by": "folds", "folds": 2}, train={"epochs": 1}, baselines={"names": []}, evaluate={"bootstrap": 20})
    done = run(folds, data=store, out=tmp_path / "run")
    rows = [row for row in done.metrics if row["metric"] == "sov" and row["part"] == "test" and not row["class"]]
    own = [row["value"] for row in rows if row["split"] != "mean"]
    pooled = next(row for row in rows if row["split"] == "mean")
    assert pooled["value"] == pytest.approx(np.mean(own)) and pooled["low"] < pooled["value"] < pooled["high"]


def test_the_audit_looks_at_letters_as_rows(store: Store) -> None:
    found = {alarm.check: alarm for alarm in check(study(), data=store).alarms}
    assert found["subject_overlap"].severity == found["unseen_class"].severity == "ok"


@pytest.mark.parametrize(
    ("evaluate", "message"),
    [
        ({"gathered": {"any": ["helix"]}}, "evaluate.gathered lists each class once, and 'coil' is not"),
        ({"gathered": {"any": ["helix", "coil"], "other": ["coil"]}}, "'coil' is not"),
        ({"classes": ["sheet"]}, "evaluate.classes names 'sheet', which is no class"),
    ],
)
def test_classes_that_the_evaluation_misnames_are_refused_before_training(
    store: Store, evaluate: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check(study(evaluate=evaluate), data=store)


def test_labels_of_letters_asked_for_as_of_moments_are_answered_with_the_option(store: Store) -> None:
    with pytest.raises(ConfigError, match="the rows have no time") as error:
        check(study(outcome={"column": "q8", "classes": {"helix": ["H", "G"], "coil": ["L", "S"]}}), data=store)
    assert "letters = true" in error.value.hint


def test_changes_that_an_alphabet_cannot_have_are_refused_before_training(store: Store) -> None:
    protein = study().inputs["protein"]
    with pytest.raises(ConfigError, match="randomised rewrites SMILES, and this input is of protein"):
        check(
            study(inputs={"protein": {"modality": protein.modality, "encoder": protein.encoder, "augment": ["randomised"]}}),
            data=store,
        )
