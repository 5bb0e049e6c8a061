"""Masks and boxes from a study to its report and bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.bundle import load
from sequela.cli import main
from sequela.config import Study
from sequela.errors import ConfigError
from sequela.pipeline import evaluate, run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store

pytestmark = pytest.mark.slow  # trains networks

NAMES = [f"Child_{number // 2:02d}{'LR'[number % 2]}" for number in range(30)]
PARTS = {"train": NAMES[:20], "tune": NAMES[20:25], "test": NAMES[25:]}


def study(marked: str, **changed: Any) -> Study:
    marks = {"mask": "MASK", "classes": ["disc"]} if marked == "segment" else {"boxes": "BOX", "classes": ["disc"]}
    modality = {"name": "image", "patch": [24, 24], "patches": 4} if marked == "segment" else {"name": "image", "size": [48, 48]}
    encoder = {"name": "unet", "width": 8, "levels": 3} | ({"stride": 2} if marked == "detect" else {})
    given = {
        "name": f"discs-{marked}",
        "question": "Where are the discs?",
        "data": {"source": "discs"},
        "cohort": {"index": "SAMPLE", "groups": ["child"]},
        "outcome": marks,
        "inputs": {"picture": {"modality": modality, "encoder": encoder, "augment": ["flip"]}},
        "task": marked,
        "split": {"by": "subject", "unit": "child", "shares": [0.6, 0.2, 0.2]},
        "train": {
            "epochs": 8,
            "batch": 8,
            "optimizer": {"name": "adamw", "lr": 5e-3},
            "schedule": {"name": "one_cycle"},
            "patience": 0,
        },
        "baselines": {"names": ["otsu"] if marked == "segment" else ["blobs"]},
        "evaluate": {"bootstrap": 50, "threshold": "f1"},
    }
    return config.convert(given | changed, config.Study)


@pytest.fixture(scope="module")
def segmented(discs: Store, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(study("segment"), data=discs, out=tmp_path_factory.mktemp("runs") / "segment")


@pytest.fixture(scope="module")
def detected(discs: Store, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(study("detect", train={"epochs": 30, "batch": 8}), data=discs, out=tmp_path_factory.mktemp("runs") / "detect")


def test_discs_are_painted_and_judged_beside_a_baseline(segmented: Run) -> None:
    dice = segmented.metric("dice")
    assert dice is not None and dice > 0.7
    assert {row["model"] for row in segmented.metrics} == {"model", "baseline:otsu"}
    shown = {row["metric"] for row in segmented.metrics if row["part"] == "test"}
    assert {"dice", "iou", "hd95", "f1", "auroc"} <= shown


def test_discs_are_found_and_counted(detected: Run) -> None:
    found = detected.metric("ap50")
    assert found is not None and found > 0.3
    counted = [
        row["value"] for row in detected.metrics if row["metric"] == "count_mae" and row["class"] == "disc" and not row["group"]
    ]
    assert counted and all(value is not None for value in counted)


def test_the_report_shows_the_worst_case_beside_the_truth(segmented: Run, detected: Run) -> None:
    for done in (segmented, detected):
        page = done.report.read_text()
        assert "Worst" in page and page.count("data:image/jpeg;base64,") >= 3
        assert all(
            (done.folder / one["file"]).is_file() for one in json.loads((done.folder / "run.json").read_text())["pictures"]
        )


def test_both_eyes_of_a_child_are_in_one_part(segmented: Run) -> None:
    frame = pl.read_parquet(segmented.folder / "predictions.parquet")
    parts = frame.with_columns(child=pl.col("source_id").str.slice(6, 2)).group_by("child").agg(pl.col("part").n_unique())
    assert (parts["part"] == 1).all()


def test_a_bundle_paints_what_the_run_did(segmented: Run, discs: Store) -> None:
    said = {one.row_id: one for one in load(segmented.bundle).predict(discs)}
    assert len(said) == 30 and all(one.refused is None for one in said.values())
    one = said["Child_03L"]
    assert one.mask is not None and one.value is not None and one.unit == "points"
    assert one.value["disc"] == (one.mask > 0).sum() > 0
    assert "mask" not in json.loads(one.json())


def test_predict_tells_boxes_on_the_command_line(detected: Run, discs: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(detected.bundle), str(discs.path), "--subject", "Child_03L", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["value"]["disc"] == len(told["boxes"])
    assert all({"class", "score", "top", "left", "bottom", "right"} == one.keys() for one in told["boxes"])


def test_a_bundle_is_judged_on_other_pictures(segmented: Run, discs: Store, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "other.store"
    shutil.copytree(discs.path, folder)
    bundle = load(segmented.bundle)
    object.__setattr__(bundle, "index", {**bundle.index, "facts": {**bundle.index["facts"], "data_hash": "of other data"}})
    dice = evaluate(bundle, folder, out=tmp_path / "elsewhere").metric("dice")
    assert dice is not None and dice > 0.6


def test_folds_are_pooled_from_what_was_counted(discs: Store, tmp_path: Path) -> None:
    asked = study("segment", split={"by": "folds", "folds": 2, "unit": "child"}, train={"epochs": 2, "batch": 8})
    done = run(asked, data=discs, out=tmp_path / "folds")
    each = [row["value"] for row in done.metrics if row["metric"] == "dice" and row["model"] == "model" and row["part"] == "test"
            and not row["class"] and not row["group"] and not row["against"] and row["split"] != "mean"]  # fmt: skip
    assert done.metric("dice") == pytest.approx(np.mean(each))


def test_interrupted_and_resumed_is_the_same(discs: Store, segmented: Run, tmp_path: Path) -> None:
    done = run(study("segment"), data=discs, out=tmp_path / "again")
    assert done.metric("dice") == segmented.metric("dice")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"train": {"members": 2}}, "train.members"),
        ({"train": {"final": "refit"}}, "train.final"),
        ({"evaluate": {"recalibrate": "platt"}}, "evaluate.recalibrate"),
        ({"ensemble": {"members": ["model", "baseline:boosting"]}}, "ensemble.members"),
    ],
)
def test_what_is_of_probabilities_is_refused_of_masks(discs: Store, tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        run(study("segment", **changed), data=discs, out=tmp_path / "never")


def test_predict_writes_masks_that_are_those_it_tells_of(segmented: Run, discs: Store, tmp_path: Path) -> None:
    from PIL import Image

    assert main(["predict", str(segmented.bundle), str(discs.path), "--subject", "Child_03L", "--out", str(tmp_path)]) == 0
    (said,) = load(segmented.bundle).predict(discs, "Child_03L")
    assert said.mask is not None
    assert (np.asarray(Image.open(tmp_path / "Child_03L-mask.png")) == said.mask).all()


def test_masks_are_not_explained_by_leaving_codes_out(segmented: Run, discs: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(segmented.bundle), str(discs.path), "--explain"]) == 2
    assert "an answer of segment is not explained" in capsys.readouterr().err


def test_a_classifier_shows_its_surest_errors_and_what_it_looks_at(discs: Store, tmp_path: Path) -> None:
    asked = study(
        "segment",
        task="binary",
        outcome={"column": "count_disc", "classes": {"one": ["0", "1"], "two": ["2"]}},
        inputs={"picture": {"modality": {"name": "image", "size": [32, 32]}, "encoder": {"name": "cnn", "channels": [8, 8]}}},
        train={"epochs": 1},
        baselines={"names": []},
        split={"by": "list", "parts": PARTS},
        evaluate={"bootstrap": 0, "threshold": 0.5},
    )
    done = run(asked, data=discs, out=tmp_path / "run")
    assert done.report.read_text().count("data:image/jpeg;base64,") >= 1
    assert (
        main(["predict", str(done.bundle), str(discs.path), "--subject", "Child_03L", "--explain", "--out", str(tmp_path)]) == 0
    )
    assert (tmp_path / "Child_03L-explained.jpg").stat().st_size > 500
