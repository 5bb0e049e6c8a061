"""Signals in a report and under an explanation, from a study of simulated beats to the drawings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pytest

from sequela import config, simulate
from sequela.config import Study
from sequela.pipeline import import_data, predict, run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store

BEATS: dict[str, Any] = {
    "name": "beats",
    "question": "Which class is this beat?",
    "data": {"source": "."},
    "cohort": {"index": "EACH//BEAT", "predict_at": "1s", "history": "10s"},
    "outcome": {"column": "beat", "classes": ["N", "S", "V"]},
    "inputs": {
        "ecg": {"modality": {"name": "waveform", "rate_hz": 64, "rhythm": False}, "encoder": {"name": "resnet1d", "width": 4}}
    },
    "task": "multiclass",
    "train": {"epochs": 2, "batch": 64, "optimizer": {"lr": 1e-2}},
    "baselines": {"names": []},
    "evaluate": {"bootstrap": 20},
}
STRIP = re.compile(r'<figure><svg xmlns="[^"]+".*?</figure>', re.DOTALL)


def study(**changes: Any) -> Study:
    return config.convert(BEATS | changes, Study)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    raw = simulate.write("ecg", tmp_path_factory.mktemp("ecg") / "raw", 8, 0)
    return import_data("wfdb", raw, raw.parent / "ecg.store")


@pytest.fixture(scope="module")
def done(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(study(), data=store, out=tmp_path_factory.mktemp("runs") / "run")


def strips(done: Run) -> list[str]:
    return STRIP.findall(done.report.read_text(encoding="utf-8"))


def labels(strip: str, row: Literal["true", "said", "window"]) -> list[str]:
    """What stands at the moments of a row, from left to right."""
    texts = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)"[^>]*>([^<]*)<', strip)
    height = next(y for _, y, _, said in texts if said == row)
    return [said for _, y, anchor, said in texts if y == height and anchor == "middle"]


def judged(done: Run) -> pl.DataFrame:
    return pl.read_parquet(done.folder / "predictions.parquet").filter(part="test", model="model")


def test_a_report_shows_right_and_wrong_calls_with_ten_seconds_around_them(done: Run) -> None:
    page = done.report.read_text(encoding="utf-8")
    drawn, tested = strips(done), judged(done)
    assert "<h2>Recordings</h2>" in page and len(drawn) >= 3
    for one in drawn:
        (row_id,) = re.findall(r"<figcaption>(\S+): said \w \(\d\.\d\d\), is \w<", one)
        assert row_id in tested["row_id"].to_list()
        assert "<desc>10 seconds of " in one and "25 mm/s, 10 mm/mV" in one and len(one) < 200_000


def test_every_beat_of_a_strip_has_its_true_label_above_what_is_said(done: Run) -> None:
    tested = judged(done)
    for one in strips(done):
        (row_id,) = re.findall(r"<figcaption>(\S+):", one)
        own = tested.filter(source_id=row_id.partition("#")[0])
        true = "".join("NSV"[int(kind)] for kind in own["target"])
        said = "".join(own["decision"])
        place = true.find("".join(labels(one, "true")))
        found = [k for k in range(len(true)) if true.startswith("".join(labels(one, "true")), k)]
        assert place >= 0 and any(said.startswith("".join(labels(one, "said")), k) for k in found)
        assert ("a wrong answer, boxed" in one) == (labels(one, "true") != labels(one, "said"))


def test_an_explanation_of_beats_is_a_drawing_of_each(done: Run, store: Store, tmp_path: Path) -> None:
    told = predict(done.bundle, store, subject="100", explain=True, out=tmp_path)
    assert len(told) > 40
    for one in told:
        drawn = Path(one.file or "").read_text(encoding="utf-8")
        likeliest = max(one.probabilities or {}, key=lambda name: (one.probabilities or {})[name])
        assert f"<title>{one.row_id}: what speaks for {likeliest}" in drawn and labels(drawn, "window") == ["judged"]
    assert predict(done.bundle, store, subject="100", explain=True)[0].file is None


def test_steps_of_tagging_are_shown_at_their_own_moments(store: Store, tmp_path: Path) -> None:
    encoder = {"name": "cnn_rnn", "step": {"name": "resnet1d", "width": 4}, "over": {"name": "gru", "width": 4}}
    tagging = study(
        cohort={
            "index": "RECORD//START", "predict_at": "20s", "every": "20s", "at_end": True, "during": "record",
            "windows": {"record": {"start": "trigger", "end": "end of record"}},
        },
        inputs={"ecg": {"modality": {"name": "waveform", "rate_hz": 64, "beats": "all", "rhythm": False}, "encoder": encoder}},
        task={"name": "tagging"},
        train={"epochs": 1, "batch": 4},
    )  # fmt: skip
    done = run(tagging, data=store, out=tmp_path / "run")
    drawn, tested = strips(done), judged(done)
    assert drawn and all(5 <= len(labels(one, "true")) <= 25 for one in drawn)
    for one in drawn:
        (row_id,) = re.findall(r"<figcaption>(\S+):", one)
        own = tested.filter(source_id=re.split("[#/]", row_id)[0])
        assert "".join(labels(one, "true")) in "".join("NSV"[int(kind)] for kind in own["target"])


def test_an_anomaly_is_explained_by_the_samples_that_are_unlike(store: Store, tmp_path: Path) -> None:
    rare = study(
        outcome={"column": "beat", "classes": {"N": ["N"], "V": ["V"]}},
        inputs={
            "ecg": {"modality": {"name": "waveform", "rate_hz": 64, "rhythm": False}, "encoder": {"name": "mlp", "width": 16}}
        },
        task={"name": "anomaly", "code": 4},
    )
    done = run(rare, data=store, out=tmp_path / "run")
    assert any("is V</figcaption>" in one for one in strips(done))
    told = predict(done.bundle, store, subject="100", explain=True, out=tmp_path / "out")
    drawn = [Path(one.file or "").read_text(encoding="utf-8") for one in told]
    assert all(f"{one.row_id}: what speaks for V" in page for one, page in zip(told, drawn, strict=True))
    assert any("speaks for V, at its fullest" in page for page in drawn)


def test_a_recording_judged_as_a_whole_has_one_label_over_all_of_it(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(16):
        kind, seconds = "slow" if number % 2 else "fast", np.arange(12 * 64) / 64
        turns = (1 if kind == "slow" else 9) * seconds + random.random()
        wave = 40 * np.sin(2 * np.pi * turns) + 10 * random.normal(size=len(seconds)) + 300 * random.random()
        (tmp_path / "raw" / kind).mkdir(parents=True, exist_ok=True)
        np.savetxt(tmp_path / "raw" / kind / f"{kind}{number}.txt", wave)
    options = {"rate_hz": 64, "unit": "uV", "channels": ["EEG"], "path": "(?P<kind>slow|fast)/"}
    store = import_data("arrays", tmp_path / "raw", tmp_path / "eeg.store", options=options)
    modality = {"name": "waveform", "window": "fixed", "length": "11.9s"}
    whole = study(
        cohort={"index": "RECORD//START", "predict_at": "12s"},
        outcome={"column": "kind", "classes": ["slow", "fast"]},
        inputs={"eeg": {"modality": modality, "encoder": {"name": "resnet1d", "width": 4}}},
        split={"by": "folds", "folds": 2},
        train={"epochs": 1, "batch": 4},
    )
    done = run(whole, data=store, out=tmp_path / "run")
    drawn = strips(done)
    assert drawn and "They are of the split split-1." in done.report.read_text(encoding="utf-8")
    assert all(len(labels(one, "true")) == len(labels(one, "said")) == 1 and "µV</text>" in one for one in drawn)
    told = predict(done.bundle, store, explain=True, out=tmp_path / "out")
    assert len(told) == 16 and all(Path(one.file or "").is_file() for one in told)
