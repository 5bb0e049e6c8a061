"""Functions of proteins in a hierarchy, told by motifs: truth is carried up, answers agree, and CAFA judges them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.bundle import load
from sequela.config import Study
from sequela.errors import DataError
from sequela.pipeline import check, predict, run
from sequela.pipeline.experiment import Run

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
MOTIFS = {"F:zinc": "CHCCH", "F:atp": "GKSTG", "F:kinase": "HRDLK"}  # each planted where the function holds
ONTOLOGY = """format-version: 1.2

[Term]
id: F:function

[Term]
id: F:binding
is_a: F:function ! function

[Term]
id: F:zinc
is_a: F:binding ! binding

[Term]
id: F:atp
is_a: F:binding ! binding

[Term]
id: F:catalysis
is_a: F:function ! function

[Term]
id: F:kinase
is_a: F:catalysis ! catalysis
relationship: part_of F:atp ! ATP binding
"""
ABOVE = {"F:zinc": ["F:binding"], "F:atp": ["F:binding"], "F:kinase": ["F:catalysis", "F:atp", "F:binding"]}


def proteins(folder: Path, count: int, seed: int) -> Path:
    """A table of proteins, each with the narrowest of its functions; of every tenth nobody has told any."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        letters = random.choice(list(LETTERS), 60)
        held = [name for name in MOTIFS if random.random() < 0.35]
        for place, name in zip(random.permutation(10), held, strict=False):
            letters[6 * place : 6 * place + 5] = list(MOTIFS[name])
        terms = None if number % 10 == 9 else ";".join(held) or ";"
        rows.append({"id": f"P{number}", "protein": "".join(letters), "terms": terms})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "functions.obo").write_text(ONTOLOGY)
    (folder / "study.toml").write_text(config.dump(study()))
    pl.DataFrame(rows).write_csv(folder / "proteins.csv")
    return folder


def study() -> Study:
    plain: dict[str, Any] = {
        "name": "gene-function",
        "question": "What does this protein do?",
        "data": {
            "source": "proteins.csv",
            "reader": "sequences",
            "options": {"subject": "id", "sequences": {"protein": "protein"}, "labels": ["terms"]},
        },
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "terms", "separator": ";", "hierarchy": "functions.obo"},
        "inputs": {
            "protein": {
                "modality": {"name": "residues", "sequence": "protein", "ngrams": 3},
                "encoder": {"name": "cnn_text", "width": 16, "kernels": [5], "dropout": 0.0},
            }
        },
        "task": {"name": "multilabel"},
        "train": {"epochs": 10, "batch": 32, "optimizer": {"lr": 1e-2}},
        "baselines": {"names": ["mean", {"name": "logistic", "strengths": [0.1]}]},
        "evaluate": {"bootstrap": 20},
        "audit": {"allow": {"suspicious_input": "each motif is planted with its function"}},
    }
    return config.convert(plain, Study)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = proteins(tmp_path_factory.mktemp("proteins"), 400, 0)
    return run(folder / "study.toml", out=folder / "run")


@pytest.mark.slow
def test_motifs_tell_functions_and_what_stands_above_them(done: Run) -> None:
    whole = [row for row in done.metrics if row["part"] == "test" and not row["class"] and not row["group"]]
    found = {(row["model"], row["metric"]): row["value"] for row in whole if not row["against"]}
    assert found["model", "fmax"] > 0.95 > found["baseline:mean", "fmax"]
    assert found["model", "smin"] < 0.5 < found["baseline:mean", "smin"]
    compared = {(row["metric"], row["against"]) for row in whole}
    assert {("fmax", "baseline:mean"), ("smin", "baseline:logistic")} <= compared


@pytest.mark.slow
def test_truth_is_carried_up_and_every_answer_agrees_with_it(done: Run) -> None:
    said = pl.read_parquet(done.folder / "predictions.parquet")
    assert {name.removeprefix("p_") for name in said.columns if name.startswith("p_")} == {"F:binding", "F:catalysis", *MOTIFS}
    for name, above in ABOVE.items():
        for one in above:
            assert (said[f"target_{one}"] >= said[f"target_{name}"]).all()
            assert (said[f"p_{one}"] >= said[f"p_{name}"]).all()


@pytest.mark.slow
def test_a_bundle_keeps_the_hierarchy_and_what_each_label_tells(done: Run, tmp_path: Path) -> None:
    kept = load(done.folder / "model.sequela").predictor
    assert kept.thresholds["information/F:catalysis"] > kept.thresholds["information/F:binding"] > 0
    assert kept.thresholds["information/F:kinase"] == 0, "what has both above it is always a kinase"
    proteins(tmp_path, 20, 1)
    told = predict(done.folder / "model.sequela", tmp_path / "proteins.csv")
    assert len(told) == 20


def test_a_label_outside_the_ontology_is_refused(tmp_path: Path) -> None:
    folder = proteins(tmp_path, 60, 0)
    (folder / "functions.obo").write_text(ONTOLOGY.replace("F:zinc", "F:iron"))
    with pytest.raises(DataError, match="not in the hierarchy, the first 'F:zinc'"):
        check(folder / "study.toml")
