"""Where vectors of words act: the encoder begins at them, no row but those of training has a say in them, and the run tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import msgspec
import numpy as np
import pytest
import torch

from sequela import config
from sequela import model as models
from sequela.bundle import load
from sequela.config import Study
from sequela.errors import ConfigError
from sequela.pipeline import import_data, run, trial, vectors
from sequela.pipeline.prepared import prepare
from sequela.pipeline.progress import silent
from sequela.prep.vectors import skipgram
from sequela.prep.vectors.corpus import corpus
from sequela.store.store import Store

CODES = {"name": "codes", "form": "events", "values": "none", "min_count": 1, "side": []}
GRU = {"name": "gru", "width": 6, "embedding": 5}
TABLE = "encoders.input_history.flat.codes.weight"


def study(asked: config.Named | None, encoder: config.Named = GRU, **changes: Any) -> Study:
    plain: dict[str, Any] = {
        "name": "small",
        "question": "Will the outcome come?",
        "data": {"source": "."},
        "cohort": {"index": "DX//*", "predict_at": "20d"},
        "outcome": {"column": "outcome"},
        "inputs": {"history": {"modality": CODES, "encoder": encoder, "vectors": asked}},
        "task": "binary",
        "split": {"shares": (0.6, 0.2, 0.2)},
        "train": {"epochs": 1, "batch": 16},
        "baselines": {"names": []},
        "evaluate": {"bootstrap": 0},
    }
    return config.convert(plain | changes, Study)


MAPPING = """
[[tables]]
file = "histories.csv"
subject = "patient"
time = "day"
timezone = "UTC"
code = "code"
kind = "event"

[[tables]]
file = "patients.csv"
subject = "patient"
label = "outcome"
"""
SKIPGRAM = {"name": "skipgram", "width": 5, "epochs": 1}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten codes each of sixty patients, of twelve that there are."""
    folder, random = tmp_path_factory.mktemp("raw"), np.random.default_rng(0)
    lines = [f"{who + 1},2020-01-{day + 1:02},DX//{random.integers(12)}" for who in range(60) for day in range(10)]
    (folder / "histories.csv").write_text("\n".join(["patient,day,code", *lines]) + "\n")
    (folder / "patients.csv").write_text("\n".join(["patient,outcome", *(f"{who + 1},{who % 2}" for who in range(60))]) + "\n")
    (folder / "sequela.toml").write_text(MAPPING)
    return folder


@pytest.fixture(scope="module")
def store(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return import_data("csv", raw, tmp_path_factory.mktemp("store") / "histories.store")


def read(asked: Study, store: Store, base: Path = Path()) -> trial.Read:
    whole = prepare(asked, base, store, silent)
    return trial.read(whole.split(whole.plans[0]))


def begun(asked: Study, store: Store, base: Path = Path()) -> vectors.Begun:
    rows = read(asked, store, base)
    return vectors.begun(asked, rows.train, rows.split.find, silent)


def test_an_encoder_begins_at_what_skipgram_learns_of_the_training_rows(store: Store) -> None:
    asked = study(SKIPGRAM)
    rows = read(asked, store)
    found = vectors.begun(asked, rows.train, rows.split.find, silent)
    learnt = skipgram.learn(
        corpus(rows.train.inputs["history"], rows.train.specs["history"]), skipgram.Config(width=5, epochs=1), 0
    )
    assert list(found.weights) == [TABLE]
    np.testing.assert_array_equal(found.weights[TABLE][1:].numpy(), learnt[1:])
    drawn, _ = models.build(asked, rows.train.specs, rows.train.target.names)
    assert 0 < found.weights[TABLE][0].norm() <= drawn.state_dict()[TABLE][0].norm()


def test_the_same_run_twice_begins_at_the_same_bits(store: Store) -> None:
    first, again = (begun(study(SKIPGRAM), store).weights[TABLE] for _ in range(2))
    assert first.numpy().tobytes() == again.numpy().tobytes()


def test_what_rows_of_tune_and_test_hold_changes_no_vector(raw: Path, store: Store, tmp_path: Path) -> None:
    """The history of each subject outside of the training part is written backwards, and with codes that nobody else has."""
    cohort = read(study(SKIPGRAM), store).split.cohort
    others = set(cohort.source_id[cohort.part != "train"].tolist())
    changed = tmp_path / "raw"
    changed.mkdir()
    for file in raw.iterdir():
        (changed / file.name).write_bytes(file.read_bytes())
    head, *lines = (raw / "histories.csv").read_text().splitlines()
    told = [line if line.split(",")[0] not in others else line.replace("DX//", "DX//9") for line in lines]
    assert told != lines
    (changed / "histories.csv").write_text("\n".join([head, *told]) + "\n")
    other = import_data("csv", changed, tmp_path / "other.store")
    first, second = (begun(study(SKIPGRAM), one).weights[TABLE] for one in (store, other))
    assert first.numpy().tobytes() == second.numpy().tobytes()


@pytest.fixture(scope="module")
def beside(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of vectors of every second code."""
    folder = tmp_path_factory.mktemp("vectors")
    names = read(study(None), store).fitted["history"].spec.names[1::2]
    lines = [f"{name} {' '.join(f'{k + place / 100:.2f}' for k in range(5))}\n" for place, name in enumerate(names)]
    (folder / "codes.vec").write_text("".join(lines))
    return folder


def test_a_file_beside_the_study_is_found_and_its_coverage_told(store: Store, beside: Path) -> None:
    found = begun(study({"name": "file", "path": "codes.vec"}), store, beside)
    (told,) = found.told
    assert (told.input, told.source, told.width) == ("history", "codes.vec", 5)
    assert told.known == -(-told.vocabulary // 2)
    assert told.read is not None
    assert 0.2 < told.read < 0.8
    assert torch.equal(found.weights[TABLE][1], torch.arange(5.0))


def test_a_run_tells_its_vectors_and_its_bundle_needs_no_file(store: Store, beside: Path, tmp_path: Path) -> None:
    asked = study({"name": "file", "path": str(beside / "codes.vec")})
    found = run(asked, data=store, out=tmp_path / "run")
    facts = msgspec.json.decode((found.folder / "run.json").read_bytes())
    assert facts["splits"][0]["vectors"][0]["known"] > 0
    assert "Word vectors" in found.report.read_text()
    with ZipFile(found.bundle) as held:
        told = held.read("bundle.json").decode()
    assert "codes.vec" in told
    assert str(beside) not in told
    (beside / "codes.vec").rename(tmp_path / "elsewhere.vec")
    try:
        assert not any(one.refused for one in load(found.bundle).predict(store))
    finally:
        (tmp_path / "elsewhere.vec").rename(beside / "codes.vec")


@pytest.mark.parametrize(
    ("asked", "encoder", "message"),
    [
        ({"name": "skipgramm"}, GRU, r"no vectors are called 'skipgramm'\nhint: did you mean 'skipgram'"),
        ({"name": "skipgram", "widht": 5}, GRU, "unknown key 'widht'"),
        ({"name": "skipgram", "width": 7, "epochs": 1}, GRU, r"inputs.history: vectors of the shape \(\d+, 7\)"),
        ({"name": "file", "path": "missing.vec"}, GRU, "no file 'missing.vec'"),
        (SKIPGRAM, {"name": "deepr", "embedding": 5}, "holds 0 tables of vectors of words"),
    ],
)
def test_vectors_that_cannot_be_are_refused(store: Store, asked: config.Named, encoder: config.Named, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        begun(study(asked, encoder), store)
