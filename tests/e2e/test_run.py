"""A study from its file to its run folder: what is written has the contract's form."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.e2e.runs import FILES, PLAIN, rows, values

from sequela import config
from sequela.bundle import load
from sequela.pipeline import compare, report, run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store

FIELDS = {
    "model", "part", "split", "metric", "class", "group", "value", "low", "high", "n", "events", "against", "threshold",
}  # fmt: skip


def test_a_run_folder_holds_every_file_of_the_contract_and_no_other(ward_run: Run) -> None:
    assert {path.name for path in ward_run.folder.iterdir()} == FILES


def test_every_row_of_metrics_has_the_fields_of_the_contract(ward_run: Run) -> None:
    assert all(row.keys() >= FIELDS for row in ward_run.metrics)
    assert {key for row in ward_run.metrics for key in row} - FIELDS <= {"reason", "method", "p"}
    assert {row["part"] for row in ward_run.metrics} == {"tune", "test"}
    baselines = {"baseline:logistic", "baseline:boosting", "baseline:score:SCORE//SAPS-I"}
    assert {row["model"] for row in ward_run.metrics} == {"model", "ensemble"} | baselines


def test_an_undefined_value_is_null_with_its_reason_and_no_other_is(ward_run: Run) -> None:
    undefined = rows(ward_run, value=None)
    assert undefined and all(row["reason"] for row in undefined)
    bounded = [row for row in ward_run.metrics if row["low"] is not None]
    assert bounded and all(row["low"] <= row["high"] and row["value"] is not None for row in bounded)


def test_every_baseline_stands_beside_the_model_with_a_paired_difference(ward_run: Run) -> None:
    for against in ("baseline:logistic", "baseline:boosting", "baseline:score:SCORE//SAPS-I"):
        (difference,) = rows(ward_run, model="model", part="test", metric="auroc", against=against, group="")
        own, other = (ward_run.metric("auroc", model) for model in ("model", against))
        assert own is not None and other is not None
        assert difference["value"] == pytest.approx(own - other)


def test_predictions_have_the_columns_of_the_contract(ward_run: Run, ward: Store) -> None:
    frame = pl.read_parquet(ward_run.folder / "predictions.parquet")
    wanted = ["subject_id", "source_id", "row_id", "time", "part", "split", "model", "target"]
    assert frame.columns[: len(wanted)] == wanted
    assert [name for name in frame.columns if name.startswith("p_")] and frame.columns[-1] == "decision"
    assert set(frame["source_id"]) <= set(ward.subjects["source_id"])
    assert set(frame["decision"]) == {"yes", "no"}
    once = frame.group_by("model", "row_id").len()
    assert (once["len"] == 1).all()


def test_decisions_follow_from_the_risks_and_the_thresholds(ward_run: Run) -> None:
    frame = pl.read_parquet(ward_run.folder / "predictions.parquet").filter(pl.col("model") == "model")
    risk = next(name for name in frame.columns if name.startswith("p_"))
    (row,) = rows(ward_run, model="model", part="test", metric="sensitivity", group="", against="")
    assert ((frame[risk] >= row["threshold"]) == (frame["decision"] == "yes")).all()


def test_the_flow_adds_up_from_all_subjects_to_the_rows_used(ward_run: Run, ward: Store) -> None:
    flow = json.loads((ward_run.folder / "flow.json").read_text())
    assert flow[0]["before"] == ward.subjects.height
    assert all(step["before"] == step["out"] + step["after"] for step in flow)
    assert all(a["after"] == b["before"] for a, b in pairwise(flow))
    told = json.loads((ward_run.folder / "run.json").read_text())["splits"][0]["parts"]
    assert flow[-1]["after"] == sum(part["rows"] for part in told.values())


def test_rows_that_a_split_leaves_out_are_counted_in_the_flow(
    ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    named = [str(source) for source in ward.subjects["source_id"]][:120]
    lists = {"train": named[:70], "tune": named[70:95], "test": named[95:]}
    parts = ", ".join(f"{part} = {json.dumps(subjects)}" for part, subjects in lists.items())
    done = run(demo, data=ward, out=tmp_path / "run", overrides=(*small, f"split={{ by = 'list', parts = {{ {parts} }} }}"))
    last = json.loads((done.folder / "flow.json").read_text())[-1]
    assert last["reason"] == "in no part of the split" and last["out"] > 0 and last["after"] == 120


def test_the_study_as_run_reads_back_equal(ward_run: Run, demo: Path, small: tuple[str, ...]) -> None:
    assert config.load(ward_run.folder / "study.toml") == config.load(demo, small)


def test_a_run_can_be_run_again_from_its_own_study_file(ward_run: Run, ward: Store, tmp_path: Path) -> None:
    again = run(ward_run.folder / "study.toml", data=ward, out=tmp_path / "again")
    assert values(again) == values(ward_run)


def test_the_report_tells_the_decisions_of_the_answer_that_the_bundle_gives(ward_run: Run) -> None:
    assert load(ward_run.bundle).predictor.final == "ensemble"
    assert "the ensemble finds" in ward_run.report.read_text()


def test_the_report_is_made_anew_from_the_files_alone(ward_run: Run) -> None:
    before = ward_run.report.read_bytes()
    ward_run.report.unlink()
    assert report(ward_run.folder) == ward_run.report
    assert ward_run.report.read_bytes() == before


def test_the_summary_says_in_words_and_numbers_what_came_out_and_what_to_open(ward_run: Run) -> None:
    said = ward_run.summary()
    lines = said.splitlines()
    for model, title in (("model", "Model"), ("ensemble", "Ensemble"), ("baseline:logistic", "logistic (baseline)")):
        (row,) = [line for line in lines if line.startswith(f"{title}  ")]
        assert row.split("  ")[1:] and f"{ward_run.metric('auroc', model):.3f}" in row
    assert any(line.startswith("test, split-1") and "AUROC" in line for line in lines)
    assert "against" in lines[0] and "difference" in lines[0]  # the verdict, with its paired difference
    assert lines[-2:] == [f"report: {ward_run.report}", f"bundle: {ward_run.bundle}"]


def test_the_tune_part_alone_never_opens_the_test(ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    counter = ward.path.with_name(f"{ward.path.name}.looks.json")
    before = counter.read_bytes() if counter.exists() else b""
    done = run(demo, data=ward, out=tmp_path / "run", overrides=(*small, *PLAIN, "split.seed=3"), part="tune")
    assert (counter.read_bytes() if counter.exists() else b"") == before
    assert {row["part"] for row in done.metrics} == {"tune"}
    assert set(pl.read_parquet(done.folder / "predictions.parquet")["part"]) == {"tune"}
    assert "has not been opened" in done.report.read_text()


def test_the_tune_numbers_are_the_same_whether_the_test_is_opened_or_not(
    ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    both = [run(demo, data=ward, out=tmp_path / part, overrides=(*small, *PLAIN), part=part) for part in ("tune", "test")]
    assert [row for row in values(both[1]) if ("part", "tune") in row] == values(both[0])


def test_each_run_on_the_same_test_rows_is_counted(ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    given = (*small, *PLAIN, "split.seed=11")
    done = [run(demo, data=ward, out=tmp_path / str(k), overrides=(*given, f"train.seed={k}")) for k in range(2)]
    told = [json.loads((one.folder / "run.json").read_text())["splits"][0]["looks"] for one in done]
    assert told == [1, 2]


def test_labels_of_the_test_part_change_nothing_but_the_test_numbers(ward: Store, ward_run: Run, tmp_path: Path) -> None:
    """Half of the outcomes of the test part are turned over: networks, thresholds, weights and tune numbers stay as they were."""
    frame = pl.read_parquet(ward_run.folder / "predictions.parquet")
    study = config.load(ward_run.folder / "study.toml")
    parts = {part: frame.filter(pl.col("part") == part)["source_id"].unique().to_list() for part in ("tune", "test")}
    parts["train"] = sorted(set(ward.subjects["source_id"]) - set(parts["tune"]) - set(parts["test"]))
    listed = msgspec.structs.replace(study, split=config.Split(by="list", parts=parts))
    raw = ward.path.parent / "raw"
    data = [raw, with_outcomes_turned(raw, tmp_path / "turned", set(parts["test"][::2]))]
    done = [run(listed, data=source, out=tmp_path / f"run-{k}") for k, source in enumerate(data)]
    tune, test = ([[row for row in values(one) if ("part", part) in row] for one in done] for part in ("tune", "test"))
    assert tune[0] == tune[1] and test[0] != test[1]
    own, other = (load(one.bundle).predictor for one in done)
    assert own.thresholds == other.thresholds and own.weights == other.weights
    for left, right in zip(own.members[0].parameters(), other.members[0].parameters(), strict=True):
        assert bool((left == right).all())


def with_outcomes_turned(raw: Path, dest: Path, subjects: set[str]) -> Path:
    """A copy of the ward in which these subjects died where they lived, and lived where they died."""
    shutil.copytree(raw, dest)
    head, *lines = (dest / "Outcomes-a.txt").read_text().splitlines()
    turned = [f"{line[:-1]}{1 - int(line[-1])}" if line.partition(",")[0] in subjects else line for line in lines]
    (dest / "Outcomes-a.txt").write_text("\n".join([head, *turned]) + "\n")
    return dest


def test_each_fold_is_a_run_folder_and_the_top_pools_them(folds: Run) -> None:
    names = [f"split-{k}" for k in (1, 2, 3)]
    assert {path.name for path in folds.folder.iterdir()} == (FILES - {"log.jsonl", "checkpoints", "plan.json"}) | set(names)
    for name in names:
        assert {path.name for path in (folds.folder / name).iterdir()} == FILES
    means = [folds.metric("auroc", "model"), np.mean([Run(folds.folder / name).metric("auroc") for name in names])]
    assert means[0] == pytest.approx(means[1])
    assert {row["split"] for row in folds.metrics} == {"mean", *names}


def test_every_subject_is_in_the_test_part_of_one_fold(folds: Run, ward: Store) -> None:
    frame = pl.read_parquet(folds.folder / "predictions.parquet").filter(
        (pl.col("part") == "test") & (pl.col("model") == "model")
    )
    assert frame["source_id"].is_unique().all()
    assert set(frame["source_id"]) == set(ward.subjects["source_id"])


def test_the_bundle_at_the_top_is_that_of_the_best_tune_loss(folds: Run) -> None:
    losses = {}
    for k in (1, 2, 3):
        told = json.loads((folds.folder / f"split-{k}" / "run.json").read_text())["splits"][0]
        losses[f"split-{k}"] = min(epoch["tune_loss"] for epoch in told["history"])
    best = min(losses, key=lambda name: losses[name])
    assert folds.bundle.read_bytes() == (folds.folder / best / "model.sequela").read_bytes()


def test_decisions_at_different_thresholds_are_not_compared(folds: Run) -> None:
    compared = {row["metric"] for row in compare(folds.folder, folds.folder / "split-1").rows}
    assert "auroc" in compared and not compared & {"accuracy", "sensitivity", "f1"}


def test_runs_of_several_splits_are_compared_row_by_row(folds: Run) -> None:
    table = compare(folds.folder, folds.folder / "split-1")
    assert table.dropped["run"] > 0 and table.dropped["split-1"] == 0
    differences = [row["value"] for row in table.rows if row["against"]]
    assert differences and all(value == 0 for value in differences)


def test_balanced_training_is_recalibrated(ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    done = run(demo, data=ward, out=tmp_path / "run", overrides=(*small, *PLAIN, "train.balance=weights"))
    assert set(load(done.bundle).predictor.calibrators) == {"model"}
    frame = pl.read_parquet(done.folder / "predictions.parquet").filter((pl.col("part") == "tune") & (pl.col("model") == "model"))
    risk = next(name for name in frame.columns if name.startswith("p_"))
    assert frame[risk].mean() == pytest.approx(frame["target"].mean(), abs=0.02)  # far from the half that balance brings
    assert "recalibrated" in done.report.read_text()


@pytest.mark.parametrize("given", ["train.final=refit", "train.members=2"])
def test_the_bundle_holds_the_networks_that_answer(
    given: str, ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    done = run(demo, data=ward, out=tmp_path / "run", overrides=(*small, *PLAIN, given))
    held = load(done.bundle)
    assert len(held.predictor.members) == (2 if "members" in given else 1)
    frame = pl.read_parquet(done.folder / "predictions.parquet").filter((pl.col("part") == "test") & (pl.col("model") == "model"))
    risk = next(name for name in frame.columns if name.startswith("p_"))
    said = {one.row_id: one.probabilities for one in held.predict(ward)}
    for row in frame.iter_rows(named=True):
        found = said[row["row_id"]]
        assert found is not None and next(iter(found.values())) == pytest.approx(row[risk], abs=1e-6)
