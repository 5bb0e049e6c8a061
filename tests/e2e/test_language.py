"""A language model over notes, from a store to its report: words follow words by a rule that a network can learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sequela.bundle import load
from sequela.errors import ConfigError
from sequela.pipeline import run
from sequela.store.store import Store, open_store
from sequela.store.write import StoreWriter

STUDY = """
name = "language"
question = "Which word comes next?"

[data]
source = "notes.store"

[cohort]
index = "SAMPLE"

[inputs.note]
modality = "text"
encoder = { name = "gru", width = 24, embedding = 16 }

[task]
name = "next_event"

[split]
shares = [0.6, 0.2, 0.2]

[train]
epochs = 10
batch = 16
optimizer = { name = "adamw", lr = 2e-2 }
patience = 0

[evaluate]
bootstrap = 20
"""
NAMES = ("fever", "cough", "rash")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Notes of findings, each of which is told again two words later: what one word before does not tell."""
    random, path = np.random.default_rng(0), tmp_path_factory.mktemp("language") / "notes.store"
    said = [" ".join(f"{name} again {name} ." for name in random.choice(NAMES, 6)) for _ in range(120)]
    with StoreWriter(path, "notes", "none", 1) as sink:
        sink.code("NOTE", "text")
        events = pl.DataFrame({"source_id": [f"p{i}" for i in range(120)], "code": "NOTE", "text_value": said})
        sink.events(events.with_columns(time=pl.lit(None, pl.Datetime("us"))))
        sink.accept(120)
    return open_store(path)


def study(folder: Path, modality: str = '"text"') -> Path:
    path = folder / "study.toml"
    path.write_text(STUDY.replace('modality = "text"', f"modality = {modality}"))
    return path


@pytest.mark.slow
def test_a_network_foresees_what_the_word_before_does_not_tell(store: Store, tmp_path: Path) -> None:
    done = run(study(tmp_path), data=store, out=tmp_path / "run")
    perplexity = {name: done.metric("perplexity", name) or 0.0 for name in ("model", "baseline:bigram", "baseline:unigram")}
    assert perplexity["model"] < 0.9 * perplexity["baseline:bigram"] < 0.9 * perplexity["baseline:unigram"]
    (said,) = load(done.bundle).predict(store, subject="p3")
    assert said.decision in NAMES, "a stop is followed by a finding"


@pytest.mark.parametrize(
    ("modality", "reason"),
    [('{ name = "text", characters = 4 }', "characters"), ('{ name = "text", side = ["negated"] }', "later")],
)
def test_words_with_more_beside_them_are_refused(store: Store, tmp_path: Path, modality: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        run(study(tmp_path, modality), data=store, out=tmp_path / "run")
