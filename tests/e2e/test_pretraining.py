"""Pretraining reads those alone whom it may, starts every member, goes on to the bit after an interruption, and is told."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import torch
from msgspec import structs

from sequela import config, simulate
from sequela import model as models
from sequela.bundle import load
from sequela.config import Study
from sequela.errors import ConfigError, Interrupted
from sequela.pipeline import import_data, pretraining, run, trial
from sequela.pipeline.experiment import Run
from sequela.pipeline.prepared import Prepared, prepare
from sequela.pipeline.pretraining import Pretrained
from sequela.pipeline.progress import silent
from sequela.store.store import Store, open_store
from sequela.store.write import StoreWriter

pytestmark = pytest.mark.slow  # trains networks

PATIENTS, LABELLED = 90, 60
CODES = {"name": "codes", "form": "events", "values": "none", "min_count": 1, "side": []}
TOLD = {"history": {"modality": {"name": "codes", "form": "events"}, "encoder": "gru"}}  # by default all stands beside a step


def study(*, pretrain: dict[str, Any] | None = None, **changes: Any) -> Study:
    """Whether the outcome comes, of the first LABELLED patients; the others have no row."""
    plain: dict[str, Any] = {
        "name": "small",
        "question": "Will the outcome come?",
        "data": {"source": "."},
        "cohort": {"index": "DX//*", "predict_at": "200d", "include": [str(k + 1) for k in range(LABELLED)]},
        "outcome": {"column": "outcome"},
        "inputs": {"history": {"modality": CODES, "encoder": {"name": "gru", "width": 6}}},
        "task": "binary",
        "split": {"shares": (0.6, 0.2, 0.2)},
        "train": {"epochs": 2, "batch": 8, "patience": 0},
        "pretrain": {"epochs": 2, "batch": 8} | (pretrain or {}),
        "baselines": {"names": []},
        "evaluate": {"bootstrap": 0},
    }
    return config.convert(plain | changes, Study)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate.write("histories", tmp_path_factory.mktemp("histories") / "raw", PATIENTS)


@pytest.fixture(scope="module")
def store(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return import_data("csv", raw, tmp_path_factory.mktemp("store") / "histories.store")


def prepared(asked: Study, store: Store) -> Prepared:
    whole = prepare(asked, Path(), store, silent)
    return whole.split(whole.plans[0])


def pretrained(asked: Study, store: Store, folder: Path) -> tuple[Pretrained, trial.Read]:
    rows = trial.read(prepared(asked, store))
    found = pretraining.pretrained(asked, rows.foreseen, rows.material, trial.Way(folder, False, "", silent))
    assert found is not None
    return found, rows


def bits(weights: Any) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in weights.items()}


# ------------------------------------------------------------------------------------------------------------------- who is read


@pytest.mark.parametrize("records", ["known", "whole"])
@pytest.mark.parametrize("unlabelled", [False, True])
def test_only_training_subjects_and_those_without_a_row_are_read(store: Store, records: str, unlabelled: bool) -> None:
    split = prepared(study(pretrain={"records": records, "unlabelled": unlabelled}), store)
    found = pretraining.material(split)
    assert found is not None
    train = set(split.cohort.source_id[split.cohort.part == "train"])
    others = {str(k + 1) for k in range(LABELLED, PATIENTS)} if unlabelled else set()
    assert set(found.cohort.source_id) == train | others
    assert len(set(found.cohort.source_id)) == len(found.cohort) and found.unlabelled == len(others)


def altered(raw: Path, folder: Path, patients: Sequence[str]) -> Store:
    """The store of the same histories, but for these patients, whose codes run backwards and end with one of their own."""
    folder.mkdir()
    for name in ("patients.csv", "sequela.toml"):
        (folder / name).write_bytes((raw / name).read_bytes())
    told = pl.read_csv(raw / "histories.csv", schema_overrides={"patient": pl.String})
    turned = told.with_columns(
        pl.when(pl.col("patient").is_in(list(patients)))
        .then(pl.col("code").reverse().over("patient") + "X")
        .otherwise(pl.col("code"))
        .alias("code")
    )
    turned.write_csv(folder / "histories.csv")
    return import_data("csv", folder, folder / "histories.store")


def test_what_tune_and_test_subjects_have_changes_neither_the_vocabulary_nor_a_weight(
    raw: Path, store: Store, tmp_path: Path
) -> None:
    asked = study(pretrain={"records": "whole", "unlabelled": True})
    split = prepared(asked, store)
    before, rows = pretrained(asked, store, tmp_path / "before")
    source, part = split.cohort.source_id, split.cohort.part
    held_out = altered(raw, tmp_path / "held_out", source[part != "train"].tolist())
    after, others = pretrained(asked, held_out, tmp_path / "after")
    assert others.fitted["history"].state == rows.fitted["history"].state
    assert bits(after.weights) == bits(before.weights)
    learner = altered(raw, tmp_path / "learner", source[part == "train"][:1].tolist())
    changed, more = pretrained(asked, learner, tmp_path / "changed")
    assert more.fitted["history"].state != rows.fitted["history"].state and bits(changed.weights) != bits(before.weights)


def test_the_vocabulary_holds_the_codes_of_everyone_who_is_read(store: Store) -> None:
    alone, more = (trial.read(prepared(study(pretrain={"unlabelled": extra}), store)) for extra in (False, True))
    fewer, all_ = (set(rows.train.specs["history"].names) for rows in (alone, more))
    assert fewer < all_
    assert more.foreseen is not None and more.foreseen.specs == more.train.specs


def test_a_subject_excluded_by_name_or_in_no_part_of_the_split_is_not_read(store: Store) -> None:
    cohort = {
        "index": "DX//*",
        "include": [str(k + 1) for k in range(LABELLED)],
        "exclude": [{"reason": "withdrew", "subjects": ["70"]}],
    }
    names = [str(k + 1) for k in range(LABELLED)]
    parts = {"train": names[:19], "tune": names[19:38], "test": names[38:57]}
    asked = study(pretrain={"unlabelled": True}, cohort=cohort, split={"by": "list", "parts": parts})
    read = set(pretraining.material(prepared(asked, store)).cohort.source_id)  # type: ignore[union-attr]
    assert read == set(names[:19]) | {str(k) for k in range(LABELLED + 1, PATIENTS + 1)} - {"70"}


def test_known_records_end_at_the_prediction_and_whole_ones_at_their_end(store: Store) -> None:
    known, whole = (pretraining.material(prepared(study(pretrain={"records": one}), store)) for one in ("known", "whole"))
    assert known is not None and whole is not None
    length = [np.bincount(one.known.events["row"].to_numpy()) for one in (known, whole)]
    assert (length[0] < length[1]).all()
    frame = store.events(subjects=whole.cohort.subject_id.tolist()).filter(pl.col("code").str.starts_with("DX//"))
    assert length[1].sum() == len(frame)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pretrain": {"input": "chart"}}, "pretrain.input names 'chart'"),
        ({"pretrain": {"records": "whole"}, "split": {"by": "time"}}, "past the moments that the split divides"),
        ({"pretrain": {"unlabelled": True}, "split": {"by": "site", "column": "ward", "test": ["a"]}}, "have no ward"),
        ({"pretrain": {}, "task": "next_event", "outcome": {}}, "takes no pretrain"),
        ({"task": "next_event", "outcome": {}, "inputs": TOLD}, "how much is still to come"),
        ({"pretrain": {}, "task": "next_event", "outcome": {}, "train": {"members": 2}}, r"takes no train\.members"),
    ],
)
def test_a_pretraining_that_cannot_be_is_refused_before_anything_is_read(
    changes: dict[str, Any], said: str, store: Store
) -> None:
    with pytest.raises(ConfigError, match=said):
        prepare(study(**changes), Path(), store, silent)


def test_an_encoder_that_looks_ahead_is_not_pretrained(store: Store) -> None:
    inputs = {"history": {"modality": CODES, "encoder": {"name": "lstm", "width": 4, "bidirectional": True}}}
    with pytest.raises(ConfigError, match=r"'lstm' of inputs\.history looks ahead"):
        trial.read(prepared(study(inputs=inputs), store))


# ------------------------------------------------------------------------------------------------------------------ the training


def test_every_member_starts_from_the_pretrained_encoder(store: Store, tmp_path: Path) -> None:
    still = {"epochs": 1, "batch": 64, "members": 2, "optimizer": {"lr": 1e-12, "weight_decay": 0.0}}
    asked = study(train=still, pretrain={"unlabelled": True, "optimizer": {"lr": 0.01}})
    found, rows = pretrained(asked, store, tmp_path)
    chosen = trial.choose(asked, rows, trial.Way(tmp_path / "run", False, "", silent))
    names = rows.train.target.names
    fresh = models.build(asked, rows.train.specs, names)[0].state_dict()
    heads = []
    for member in chosen.predictor.members:
        state = member.state_dict()
        for name, weight in found.weights.items():
            torch.testing.assert_close(state[name], weight)
            assert not torch.equal(state[name], fresh[name])
        heads.append(state["head.out.weight"])
    assert not torch.equal(*heads), "what is not pretrained is drawn for each member"


def interrupting(at: int) -> Callable[[str, int, int], None]:
    def progress(what: str, done: int, _total: int) -> None:
        if what == "pretraining" and done == at:
            os.kill(os.getpid(), signal.SIGINT)

    return progress


@cache
def weights(path: Path) -> list[dict[str, bytes]]:
    return [bits(member.state_dict()) for member in load(path).predictor.members]


@pytest.mark.parametrize("step", [2, 7])
def test_a_run_interrupted_while_pretraining_goes_on_to_the_same_bits(store: Store, tmp_path: Path, step: int) -> None:
    asked = study(pretrain={"unlabelled": True})
    whole = run(asked, data=store, out=tmp_path / "whole")
    with pytest.raises(Interrupted):
        run(asked, data=store, out=tmp_path / "cut", progress=interrupting(step))
    resumed = run(asked, data=store, out=tmp_path / "cut", resume=True)
    assert weights(resumed.bundle) == weights(whole.bundle)
    assert resumed.metric("log_loss") == whole.metric("log_loss")


def told(done: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((done.folder / "run.json").read_text(encoding="utf-8"))["splits"][0]["pretrained"]
    return found


def test_the_run_tells_how_its_encoder_was_pretrained(store: Store, tmp_path: Path) -> None:
    done = run(study(pretrain={"unlabelled": True}), data=store, out=tmp_path / "run")
    said = told(done)
    split = prepared(study(), store)
    assert said["sequences"] + said["held_out"] == int((split.cohort.part == "train").sum()) + PATIENTS - LABELLED
    assert said["input"] == "history" and said["unlabelled"] == PATIENTS - LABELLED
    assert 1 < said["perplexity"] < said["vocabulary"] * 1.5
    page = done.report.read_text(encoding="utf-8")
    assert "Pretrained" in page and "without a row in the cohort" in page
    assert len(load(done.bundle).predict(store)) == PATIENTS, "the bundle holds the weights, and no list of patients"


def test_a_study_without_a_pretraining_tells_of_none(store: Store, tmp_path: Path) -> None:
    done = run(msgspec.structs.replace(study(), pretrain=None), data=store, out=tmp_path / "run")
    assert told(done) is None and "Pretrained" not in done.report.read_text(encoding="utf-8")
    assert not (done.folder / pretraining.FOLDER).exists()


SAMPLES = {
    "name": "letters",
    "question": "Is it of the first kind?",
    "data": {"source": "."},
    "cohort": {"index": "SAMPLE", "include": [f"s{k}" for k in range(60)]},
    "outcome": {"column": "kind", "classes": ["0", "1"]},
    "inputs": {
        "dna": {
            "modality": {"name": "residues", "sequence": "dna"},
            "encoder": {"name": "residue_cnn_rnn", "kernels": [3], "filters": 4, "embedding": 4, "width": 4, "layers": 1},
        }
    },
    "task": "binary",
    "split": {"shares": (0.6, 0.2, 0.2)},
    "train": {"epochs": 1, "batch": 16, "patience": 0},
    "pretrain": {"epochs": 2, "batch": 16, "masked": 0.15, "unlabelled": True},
    "baselines": {"names": []},
    "evaluate": {"bootstrap": 0},
}


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Sequences without a time, of which the first 60 are labelled."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("letters") / "letters.store"
    with StoreWriter(path, "letters", "none", 1) as sink:
        sink.code("SEQUENCE//dna", "sequence")
        sink.code("LABEL//kind", "label")
        names = [f"s{k}" for k in range(100)]
        texts = ["".join(random.choice(list("ACGT"), int(random.integers(20, 30)))) for _ in names]
        frames = [pl.DataFrame({"source_id": names, "code": "SEQUENCE//dna", "text_value": texts})]
        kinds = [str(k % 2) for k in range(60)]
        frames.append(pl.DataFrame({"source_id": names[:60], "code": "LABEL//kind", "text_value": kinds}))
        sink.events(pl.concat(frames).with_columns(time=pl.lit(None, pl.Datetime("us"))))
        sink.accept(100)
    return open_store(path)


def test_an_encoder_that_sees_both_ways_is_pretrained_on_hidden_letters_of_sequences_without_a_time(
    letters: Store, tmp_path: Path
) -> None:
    asked = config.convert(SAMPLES, Study)
    found, rows = pretrained(asked, letters, tmp_path)
    assert rows.material is not None and rows.material.unlabelled == 40
    assert found.told.masked == 0.15 and 1 < found.told.perplexity < 20 and 0 <= (found.told.accuracy or 0.0) <= 1
    assert found.weights and all(name.startswith("encoders.input_dna.") for name in found.weights)
    with pytest.raises(ConfigError, match="looks ahead"):
        prepared_ = structs.replace(asked, pretrain=structs.replace(asked.pretrain, masked=0.0))
        trial.read(prepared(prepared_, letters))


def test_hidden_codes_are_no_task_of_their_own(letters: Store) -> None:
    with pytest.raises(ConfigError, match="no question to records"):
        prepared(config.convert(SAMPLES | {"task": "masked", "pretrain": None, "outcome": {}}, Study), letters)
