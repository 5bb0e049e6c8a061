"""A study of texts from documents to its report: what it reads is shown, no markup comes through, and lime asks ensembles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sequela import config, pipeline
from sequela.pipeline.experiment import Run
from sequela.readers import _documents
from sequela.readers._documents import Document
from sequela.store.store import Store, open_store
from sequela.store.write import StoreWriter

SIGNS = {"flu": "fever", "angina": "chest", "asthma": "wheeze"}
OTHER = ["seen", "today", "in", "clinic", "and", "went", "home", "after", "tea", "<script>alert(1)</script>"]
STUDY = {
    "name": "notes",
    "question": "Which condition is described?",
    "data": {"source": "."},
    "cohort": {"index": "SAMPLE"},
    "outcome": {"column": "condition"},
    "inputs": {"note": {"modality": "text", "encoder": {"name": "cnn_text", "width": 8, "kernels": [2], "dropout": 0.0}}},
    "task": "multiclass",
    "split": {"shares": [0.5, 0.25, 0.25]},
    "train": {"epochs": 12, "batch": 16, "optimizer": {"lr": 0.03}},
    "evaluate": {"bootstrap": 10},
    "baselines": {"names": ["logistic"]},
    "ensemble": {"members": ["model", "baseline:logistic"]},
    "audit": {"allow": {"suspicious_input": "the signs are planted", "copied_text": "short texts of few words"}},
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """60 notes of one sign among 12 words; every fifth sign is that of another condition."""
    folder = tmp_path_factory.mktemp("notes") / "notes.store"
    random = np.random.default_rng(0)
    notes = []
    for k in range(60):
        true = list(SIGNS)[k % 3]
        sign = SIGNS[list(SIGNS)[(k + (k % 5 == 0)) % 3]]
        words = random.choice(OTHER, 12).tolist()
        words.insert(int(random.integers(0, 12)), sign)
        notes.append(Document(f"p{k:02d}", " ".join(words) + f" {k}", labels={"condition": true}))
    with StoreWriter(folder, "notes", "none", 1) as sink:
        _documents.write(notes, sink)
    return open_store(folder)


@pytest.fixture(scope="module")
def run(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return pipeline.run(config.convert(STUDY, config.Study), data=store, out=tmp_path_factory.mktemp("runs") / "run")


def test_the_report_shows_what_is_read_and_the_errors_by_kind(run: Run) -> None:
    page = run.report.read_text(encoding="utf-8")
    assert "What it reads" in page and "surest and right" in page.lower() and "confused most" in page
    assert '<mark class="for w4"' in page
    assert "<script" not in page and "&lt;script&gt;" in page
    assert len(page) < 1_000_000
    words = page[page.index("Words that add most") - 3000 : page.index("Words that add most")]
    assert sum(sign in words for sign in SIGNS.values()) >= 2


def test_the_bundle_explains_the_ensemble_as_it_answers(run: Run, store: Store, tmp_path: Path) -> None:
    (one,) = pipeline.predict(run.bundle, store, subject="p03", explain=True, out=tmp_path)
    assert {term["method"] for term in one.explanation or ()} == {"words left out at random (LIME)"}
    rest = next(term for term in one.explanation or () if "told" in term)
    chance = (one.probabilities or {})[rest["class"]]
    assert rest["told"] == pytest.approx(np.log(chance / (1 - chance)), abs=1e-6)
    assert one.file is not None and "not accounted for" in Path(one.file).read_text(encoding="utf-8")


def test_explain_tells_the_words_of_a_run_and_of_a_bundle_alike(run: Run, store: Store) -> None:
    of_run = pipeline.explain(run.folder)
    assert of_run.rows == pipeline.explain(run.bundle, data=store).rows
    words = [row["code"] for row in of_run.rows]
    assert set(words) & set(SIGNS.values()) and not any(word.isdigit() and int(word) > 1 for word in words)
    assert "log-odds of what is said" in of_run.text()
