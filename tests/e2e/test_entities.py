"""Names of diseases in short notes through every verb: what is found is a range of characters of its document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.bundle import load
from sequela.config import Study
from sequela.errors import ConfigError, DataError
from sequela.pipeline import check, evaluate, import_data, predict, run
from sequela.store.store import Store

pytestmark = pytest.mark.slow  # trains networks

DISEASES = ["breast cancer", "asthma", "Wilson disease", "gout", "retinitis pigmentosa", "心力衰竭"]
FRAMES = ["The family of {} was followed for years.", "We saw no {} in carriers of the gene\nof {}.", "Patients had {} 😀 or {}."]


def corpus(folder: Path, documents: int, seed: int) -> Path:
    """Abstracts in PubTator's form, with every disease marked."""
    random = np.random.default_rng(seed)
    lines = []
    for number in range(documents):
        title, abstract = "A study.", str(random.choice(FRAMES)).replace("\n", " ")
        marks = []
        for _ in range(abstract.count("{}")):
            name = str(random.choice(DISEASES))
            begin = len(title) + 1 + abstract.index("{}")
            abstract = abstract.replace("{}", name, 1)
            marks.append(f"{seed}{number}\t{begin}\t{begin + len(name)}\t{name}\tDisease\tD{DISEASES.index(name):06d}")
        lines += [f"{seed}{number}|t|{title}", f"{seed}{number}|a|{abstract}", *marks, ""]
    folder.mkdir(parents=True)
    (folder / "abstracts.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def study(**changes: Any) -> Study:
    modality = {"name": "text", "characters": 12}
    plain: dict[str, Any] = {
        "name": "diseases",
        "question": "Where is a disease named?",
        "data": {"source": ".", "reader": "pubtator"},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"spans": "entities", "classes": ["Disease"]},
        "inputs": {"text": {"modality": modality, "encoder": {"name": "bilstm", "width": 12, "embedding": 12, "dropout": 0.1}}},
        "task": "entities",
        "train": {"epochs": 8, "batch": 4, "optimizer": {"lr": 2e-2}, "patience": 0, "members": 2},
        "evaluate": {"bootstrap": 50},
    }
    return config.convert(plain | changes, Study)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    raw = corpus(tmp_path_factory.mktemp("diseases") / "raw", 40, 1)
    return import_data("pubtator", raw, raw.parent / "abstracts.store")


@pytest.fixture(scope="module")
def finished(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(study(), data=store, out=tmp_path_factory.mktemp("runs") / "run").folder


def test_a_network_finds_what_is_marked_and_the_report_shows_it_in_the_documents(finished: Path) -> None:
    rows = msgspec.json.decode((finished / "metrics.json").read_bytes())
    found = {
        (row["model"], row["metric"]): row
        for row in rows
        if row["part"] == "test" and not (row["group"] or row["class"] or row["against"])
    }
    assert found["model", "entity_f1"]["value"] > 0.8
    assert ("baseline:dictionary", "entity_f1") in found
    page = (finished / "report.html").read_text()
    assert "asthma" in page and "carriers of the gene" in page


def test_an_answer_is_a_range_of_characters_of_its_document_whatever_stands_before_it(finished: Path, tmp_path: Path) -> None:
    new = import_data("pubtator", corpus(tmp_path / "raw", 6, 2), tmp_path / "new.store")
    texts = dict(new.events(["NOTE"]).join(new.subjects, on="subject_id").select("source_id", "text_value").iter_rows())
    answers = predict(finished / "model.sequela", new)
    spans = [(texts[one.source_id], span) for one in answers for span in one.spans or ()]
    assert len(spans) > 3
    for text, span in spans:
        assert text[span["begin"] : span["end"]] == span["text"]
        assert span["type"] == "Disease" and 0 < span["score"] <= 1
    assert {span["text"] for _, span in spans} <= {*DISEASES, *(name.split()[-1] for name in DISEASES)}
    assert all(msgspec.json.decode(one.json())["refused"] is None for one in answers)


def test_a_bundle_answers_as_its_run_did_and_is_judged_on_other_documents(finished: Path, store: Store, tmp_path: Path) -> None:
    held = load(finished / "model.sequela")
    assert len(held.predictor.members) == 2
    said = pl.read_parquet(finished / "predictions.parquet").filter((pl.col("part") == "test") & (pl.col("model") == "model"))
    again = {one.row_id: one for one in predict(held, store)}
    for row in said.iter_rows(named=True):
        assert row["value_Disease" if "value_Disease" in row else "value"] == pytest.approx(
            sum(span["score"] for span in again[row["row_id"]].spans or ()), abs=1e-5
        )
    other = import_data("pubtator", corpus(tmp_path / "raw", 12, 3), tmp_path / "other.store")
    judged = evaluate(held, other, out=tmp_path / "external")
    rows = msgspec.json.decode((judged.folder / "metrics.json").read_bytes())
    assert any(row["metric"] == "entity_f1" and row["value"] is not None for row in rows)


def test_the_same_seed_gives_the_same_network(store: Store, finished: Path, tmp_path: Path) -> None:
    again = run(study(), data=store, out=tmp_path / "again").folder
    first, second = (load(folder / "model.sequela").predictor.members[1].state_dict() for folder in (finished, again))
    assert all((first[name] == second[name]).all() for name in first)


def test_what_an_entity_study_cannot_have_is_refused_before_anything_is_read(store: Store) -> None:
    with pytest.raises(ConfigError, match="have no mean and no calibration"):
        check(study(evaluate={"recalibrate": "platt"}), data=store)
    with pytest.raises(DataError, match="no text of the data has marks"):
        check(study(outcome={"spans": "entity"}), data=store)


def test_words_that_are_pictures_of_several_characters_keep_their_places(store: Store) -> None:
    told = check(study(), data=store)
    assert not [alarm for alarm in told.alarms if alarm.check == "marks and words"]
