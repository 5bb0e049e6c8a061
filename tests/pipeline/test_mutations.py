"""What is told of a sequence whose letters were changed: the bundle's own answer, with places; refused where nothing fits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sequela import bundle, config, pipeline
from sequela.errors import UsageError
from sequela.metrics.calibration import logit
from sequela.pipeline.experiment import Run

pytestmark = pytest.mark.slow  # a run is trained
COUNT = 120


def written(folder: Path) -> Path:
    """Sequences of 20 letters, positive where TATA stands in the middle."""
    random = np.random.default_rng(0)
    lines = ["id,dna,label"]
    for number in range(COUNT):
        letters = random.choice(list("ACGT"), 20)
        if number % 2:
            letters[8:12] = list("TATA")
        lines.append(f"s{number},{''.join(letters)},{number % 2}")
    folder.mkdir()
    (folder / "dna.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
    return folder


def study(folder: Path) -> config.Study:
    given = {
        "name": "tata",
        "question": "Does TATA stand in it?",
        "data": {
            "reader": "sequences",
            "source": str(folder),
            "options": {"sequences": {"dna": "dna"}, "subject": "id", "labels": ["label"]},
        },
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "label", "classes": ["0", "1"]},
        "inputs": {
            "dna": {
                "modality": {"name": "residues", "sequence": "dna", "aligned": True},
                "encoder": {"name": "cnn_text", "width": 8, "kernels": [4]},
            }
        },
        "task": "binary",
        "train": {"epochs": 6, "batch": 16, "optimizer": {"lr": 2e-2}},
        "baselines": {"names": []},
        "evaluate": {"bootstrap": 0},
    }
    return config.convert(given, config.Study)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tata")
    return pipeline.run(study(written(folder / "data")), out=folder / "run")


@pytest.fixture(scope="module")
def data(run: Run) -> Path:
    return run.folder.parent / "data"


def test_a_change_is_that_of_the_bundles_answer_about_the_changed_sequence(run: Run, data: Path, tmp_path: Path) -> None:
    (told,) = pipeline.predict(run.bundle, data, subject="s1", explain=True, method="mutagenesis", out=tmp_path)
    assert told.explanation is not None and told.probabilities is not None
    first = told.explanation[0]
    lines = (data / "dna.csv").read_text(encoding="ascii").splitlines()
    letters = lines[2].split(",")[1]
    place = first["place"] - 1
    assert letters[place] == first["letter"] != first["put"]
    other = tmp_path / "other"
    other.mkdir()
    (other / "dna.csv").write_text(
        f"id,dna,label\ns1,{letters[:place]}{first['put']}{letters[place + 1 :]},1\n", encoding="ascii"
    )
    (changed,) = pipeline.predict(run.bundle, other)
    assert changed.probabilities is not None
    before, after = (float(logit(np.array(one.probabilities["1"]))) for one in (told, changed) if one.probabilities)
    assert first["change"] == pytest.approx(after - before, abs=1e-6)
    assert len(told.explanation[-1]["strength"]) == 20
    page = Path(told.file or "").read_text(encoding="utf-8")
    assert "<svg" in page and "log-odds of 1" in page
    assert json.loads(told.json())["explanation"][0]["place"] == first["place"]
    assert f"{first['letter']}{first['place']}" in told.text()


def test_gradients_over_letters_sum_to_what_is_told_with_the_rest(run: Run, data: Path) -> None:
    (told,) = pipeline.predict(run.bundle, data, subject="s1", explain=True, method="gradients")
    assert told.explanation is not None
    assert {one["put"] for one in told.explanation[:-1]} == {"adds"}
    assert len(told.explanation[-1]["strength"]) == 20


def test_the_report_shows_maps_and_explain_a_table_by_place(run: Run) -> None:
    assert "Letters that count" in run.report.read_text(encoding="utf-8")
    table = pipeline.explain(run.folder, rows=5, method="mutagenesis")
    assert {row["code"] for row in table.rows} == {f"dna, place {place}" for place in range(1, 21)}


def test_methods_and_answers_that_do_not_fit_are_refused_by_name(run: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="'lime' does not fit"):
        pipeline.predict(run.bundle, data, explain=True, method="lime")
    monkeypatch.setattr("sequela.pipeline.mutated.LONGEST", 19)
    with pytest.raises(UsageError, match="s1 has 20 letters, and at most 19"):
        pipeline.predict(run.bundle, data, subject="s1", explain=True, method="mutagenesis")


def test_a_bundle_is_explained_as_it_was_saved(run: Run) -> None:
    assert bundle.load(run.bundle).predictor.fitted["dna"].spec.alphabet == "dna"
