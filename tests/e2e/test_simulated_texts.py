"""Studies of simulated texts from their own files to the answer: codes of notes with their evidence, the course, symptoms."""

from __future__ import annotations

from pathlib import Path

import pytest

from sequela import simulate
from sequela.bundle import load
from sequela.pipeline import import_data, run
from sequela.pipeline.experiment import Run
from sequela.simulate import symptoms

STUDIES = Path(__file__).resolve().parents[2] / "studies"
SYMPTOMS = {"file": "symptoms.jsonl", "subject": "subject", "text": "text", "labels": ["diagnosis"], "spans": ["evidence"]}
QUICK = ("evaluate.bootstrap=20", "baselines.names=[]", "inputs.{}.encoder.width=16", "inputs.{}.encoder.embedding=16")


def went(name: str, data: Path, out: Path, *overrides: str, input_: str = "note") -> Run:
    return run(STUDIES / f"{name}.toml", data=data, out=out, overrides=(*(one.format(input_) for one in QUICK), *overrides))


def judged(done: Run, metric: str, group: str = "") -> float:
    (row,) = [
        row
        for row in done.metrics
        if (row["part"], row["metric"], row["group"], row["class"], row["against"]) == ("test", metric, group, "", "")
    ]
    return float(row["value"])


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate.write("notes", tmp_path_factory.mktemp("simulated") / "notes", subjects=400)


def test_the_reader_takes_every_note_with_its_marks_and_labels(notes: Path, tmp_path: Path) -> None:
    options = {
        "file": "notes_zh.jsonl",
        "subject": "subject",
        "text": "text",
        "labels": ["codes", "polarity", "rating"],
        "spans": ["evidence"],
        "static": ["hard"],
        "part": "part",
    }
    store = import_data("text", notes, tmp_path / "notes.store", options=options)
    assert store.flow.refused_count == 0
    counts = store.events()["code"].value_counts()
    found = dict(zip(counts["code"].to_list(), counts["count"].to_list(), strict=True))
    assert found == dict.fromkeys(["NOTE", "LABEL//codes", "LABEL//polarity", "LABEL//rating", "SPANS//evidence", "HARD"], 400)


@pytest.mark.slow
def test_codes_are_judged_by_half_and_ranked_together(notes: Path, tmp_path: Path) -> None:
    done = went("note_coding", notes, tmp_path / "run", "train.epochs=1", "evaluate.min_group=1", "evaluate.min_events=0")
    assert 0 < judged(done, "p_at_5") <= 1 and 0 < judged(done, "p_at_8") <= 1
    assert {judged(done, "micro_auroc", group) > 0 for group in ("", "hard=no", "hard=yes")} == {True}


def test_ratings_are_judged_by_their_order(notes: Path, tmp_path: Path) -> None:
    done = went("note_sentiment", notes, tmp_path / "run", "train.epochs=1")
    assert -1 <= judged(done, "quadratic_kappa") <= 1 and 0 <= judged(done, "rank_mae") <= 4
    held = load(done.bundle)
    assert held.predictor.task.names == ("1", "2", "3", "4", "5")


@pytest.mark.slow
def test_of_forty_conditions_a_line_shows_the_likeliest_five(tmp_path: Path) -> None:
    data = simulate.write("symptoms", tmp_path / "symptoms", subjects=800)
    done = went("symptoms", data, tmp_path / "run", "train.epochs=1", input_="text")
    assert judged(done, "top3_accuracy") >= judged(done, "accuracy")
    store = import_data("text", data, tmp_path / "symptoms.store", options=SYMPTOMS)
    (said,) = load(done.bundle).predict(store, subject="3")
    assert len(said.probabilities or {}) == 40
    assert said.text().count(",") == 5 and "35 less likely" in said.text()


@pytest.mark.slow
def test_who_reads_the_symptoms_comes_near_the_best_that_can_be_said(tmp_path: Path) -> None:
    data = simulate.write("symptoms", tmp_path / "symptoms", subjects=12_000)
    done = run(
        STUDIES / "symptoms.toml", data=data, out=tmp_path / "run", overrides=("evaluate.bootstrap=20", "baselines.names=[]")
    )
    best = symptoms.bound(data, [str(number + 1) for number in range(12_000) if symptoms.SPLIT[number % 20] == "test"])
    near = 0.06  # of half the patients that the study learns from; with all of them .05 is reached (docs/results.md)
    assert judged(done, "accuracy") > best.top1 - near and judged(done, "top3_accuracy") > best.top3 - near
