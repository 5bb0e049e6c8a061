"""A language model of sequences: trained, drawn from and judged; what is drawn is told by its seed alone."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sequela import config, pipeline
from sequela import model as models
from sequela.bundle.bundle import save
from sequela.bundle.predictor import Predictor
from sequela.cli import main
from sequela.errors import ConfigError, UsageError
from sequela.modalities._synthetic import Held, events
from sequela.model import Drawing
from sequela.pipeline.generation import NOTICE
from sequela.pipeline.progress import silent
from sequela.store.store import Store, open_store
from sequela.store.write import StoreWriter
from sequela.types import Known

STUDY = """
name = "molecules"
question = "Which token comes next?"
[data]
source = "molecules.store"
[cohort]
index = "SAMPLE"
groups = [{ name = "molecule", sequence = "smiles", by = "exact" }]
[inputs.drug]
modality = { name = "residues", sequence = "smiles", marks = true }
encoder = { name = "lstm", width = 24, embedding = 12 }
[task]
name = "generate"
samples = 40
longest = 30
[split]
unit = "molecule"
[train]
epochs = 5
batch = 8
optimizer = { name = "adamw", lr = 2e-2 }
patience = 0
[evaluate]
bootstrap = 20
[audit]
allow = { exact_duplicates = "isomers" }
"""


def smiles() -> list[str]:
    """Chains with a branch, which close what they open: 200 different ones."""
    random = np.random.default_rng(0)
    ends, found = ("O", "N", "Cl", "F", "C#N", "c1ccccc1"), dict[str, None]()
    while len(found) < 200:
        chain, branch = "C" * int(random.integers(1, 6)), "C" * int(random.integers(1, 4))
        found[f"{chain}({branch}{random.choice(ends)})C{random.choice(ends)}"] = None
    return list(found)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("generate") / "molecules.store"
    with StoreWriter(path, "molecules", "none", 1) as sink:
        sink.code("SEQUENCE//smiles", "sequence")
        texts = smiles()
        frame = pl.DataFrame({"source_id": [f"m{i}" for i in range(len(texts))], "code": "SEQUENCE//smiles", "text_value": texts})
        sink.events(frame.with_columns(time=pl.lit(None, pl.Datetime("us"))))
        sink.accept(len(texts))
    return open_store(path)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whose weights are drawn."""
    study = config.convert(tomllib.loads(STUDY), config.Study)
    texts, code = smiles(), "SEQUENCE//smiles"
    count = len(texts)
    frame = events({"row": list(range(count)), "position": [float("nan")] * count, "code": [code] * count, "text_value": texts})
    fitted = models.fit_inputs(study, Known(count, frame, Held({}), {code: "sequence"}))
    specs = {name: one.spec for name, one in fitted.items()}
    model, task = models.build(study, specs, models.target_names(study, specs, ()))
    path = tmp_path_factory.mktemp("drawn") / "model.sequela"
    save(path, Predictor(study, fitted, task, [model.eval()]), [], {})
    return path


def test_the_same_seed_draws_the_same_and_the_first_ten_of_more_are_those_of_ten(bundle: Path) -> None:
    ten, more = (pipeline.generate(bundle, count, seed=3).samples for count in (10, 25))
    assert [one.text for one in more[:10]] == [one.text for one in ten]
    assert [one.text for one in pipeline.generate(bundle, 10, seed=4).samples] != [one.text for one in ten]


def test_marks_and_the_unknown_are_never_drawn_and_what_is_too_long_is_cut(bundle: Path) -> None:
    found = pipeline.generate(bundle, 60, temperature=3.0).samples
    assert not any("<" in one.text for one in found)
    cut = [one for one in found if not one.ended]
    assert cut and all(one.valid is False for one in cut)
    assert {len(one.text) >= 30 for one in cut} == {True}


def test_the_likeliest_token_alone_is_always_the_same_sequence(bundle: Path) -> None:
    assert len({one.text for one in pipeline.generate(bundle, 6, top=1).samples}) == 1


def test_nats_are_those_of_the_network_about_that_sequence(bundle: Path) -> None:
    held = pipeline.generation.load(bundle)
    name, fitted = next(iter(held.predictor.fitted.items()))
    drawn = models.draw(held.predictor.members[0], fitted.spec, Drawing(20, longest=30), silent)
    whole = [one for one in drawn if one.ended and one.text]
    code, count = "SEQUENCE//smiles", len(whole)
    assert count > 3
    texts = [one.text for one in whole]
    frame = events({"row": list(range(count)), "position": [float("nan")] * count, "code": [code] * count, "text_value": texts})
    inputs, _ = models.read_inputs({name: fitted}, Known(count, frame, Held({}), {code: "sequence"}))
    answer = models.predict(held.predictor.members[0], held.predictor.task, inputs)
    np.testing.assert_allclose(answer.values[:, 0], [one.nats for one in whole], rtol=1e-4)


def test_the_verb_tells_what_a_store_has(bundle: Path, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "drawn.jsonl"
    assert main(["generate", str(bundle), "--count", "5", "--against", str(store.path), "--out", str(out)]) == 0
    said = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(said) == 5 and all({"sequence", "ended", "nats", "valid"} <= one.keys() for one in said)
    assert all(("nearest" in one) == one["valid"] for one in said)
    assert NOTICE in capsys.readouterr().err


def test_a_bundle_that_writes_no_sequences_is_refused(ward_run: pipeline.experiment.Run) -> None:
    with pytest.raises(UsageError, match="writes no sequences"):
        pipeline.generate(ward_run.bundle)


@pytest.mark.parametrize("options", [{"count": 0}, {"temperature": 0.0}, {"top": -1}])
def test_numbers_by_which_nothing_can_be_drawn_are_refused(bundle: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="cannot draw"):
        pipeline.generate(bundle, **options)


def test_generate_needs_to_see_where_a_sequence_ends(store: Store, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY.replace(", marks = true", ""))
    with pytest.raises(ConfigError, match="where a sequence ends"):
        pipeline.run(tmp_path / "study.toml", data=store, out=tmp_path / "run")


def test_a_run_judges_what_its_model_draws(store: Store, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    done = pipeline.run(tmp_path / "study.toml", data=store, out=tmp_path / "run")
    told = json.loads((done.folder / "run.json").read_text())["splits"][0]["drawn"]
    assert told["samples"] == 40 >= told["ended"] >= told["valid"] >= told["unique"] >= told["novel"] > 0
    assert 100 < told["training"] <= 140 and told["lengths_training"][1] > 3
    assert all((done.folder / one["file"]).is_file() and one["text"] not in smiles() for one in told["shown"])
    page = done.report.read_text()
    assert "Sequences drawn" in page and "text that obeys a grammar" in page and "data:image/svg+xml" in page
    assert (done.metric("perplexity") or 99) < (done.metric("perplexity", "baseline:unigram") or 0)
