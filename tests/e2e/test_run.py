"""A study from its file to its run folder: what is written has the contract's form, and how it came about changes nothing."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.bundle import load
from sequela.cli import main
from sequela.errors import ConfigError, Interrupted, UsageError
from sequela.pipeline import compare, report, run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store
from sequela.train.loop import Loop
from sequela.train.plan import Step

PLAIN = ('baselines.names=["logistic"]', "baselines.scores=[]", "ensemble.members=[]", "cohort.groups=[]")
FILES = {
    "study.toml", "flow.json", "metrics.json", "curves.json", "run.json", "predictions.parquet", "report.html",
    "model.sequela", "log.jsonl", "checkpoints",
}  # fmt: skip
FIELDS = {
    "model", "part", "split", "metric", "class", "group", "value", "low", "high", "n", "events", "against", "threshold",
}  # fmt: skip


def rows(done: Run, **wanted: Any) -> list[dict[str, Any]]:
    return [row for row in done.metrics if all(row[key.rstrip("_")] == value for key, value in wanted.items())]


def values(done: Run) -> list[tuple[Any, ...]]:
    """All numbers of a run, in order."""
    return [tuple(row.items()) for row in done.metrics]


# -------------------------------------------------------------------------------------------------------------- the run folder


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


# ------------------------------------------------------------------------------------------------------------ the test part


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


# ---------------------------------------------------------------------------------------------------------------- several splits


@pytest.fixture(scope="session")
def folds(ward: Store, demo: Path, small: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("folds") / "run"
    return run(demo, data=ward, out=out, overrides=(*small, *PLAIN, 'split={ by = "folds", folds = 3 }'))


def test_each_fold_is_a_run_folder_and_the_top_pools_them(folds: Run) -> None:
    names = [f"split-{k}" for k in (1, 2, 3)]
    assert {path.name for path in folds.folder.iterdir()} == (FILES - {"log.jsonl", "checkpoints"}) | set(names)
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


# ------------------------------------------------------------------------------------------------------ interruption and resuming


def interrupted(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """The user asks to stop at the end of the `after`-th training step."""
    steps = iter(range(10_000))
    original = Loop.after

    def stop(self: Loop, step: Step) -> None:
        if next(steps) == after:
            self.wish.asked = True  # as the signal does
        original(self, step)

    monkeypatch.setattr(Loop, "after", stop)


def test_an_interrupted_run_that_is_resumed_gives_the_same_numbers(
    ward: Store, ward_run: Run, demo: Path, small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patched:
        interrupted(patched, after=2)
        with pytest.raises(Interrupted) as caught:
            run(demo, data=ward, out=out, overrides=small)
    assert not (out / "metrics.json").exists() and not (out / "report.html").exists()
    command = shlex.split(caught.value.hint.removeprefix("to go on: "))
    assert command[0] == "sequela" and main(command[1:]) == 0
    done = Run(out)
    assert values(done) == values(ward_run)
    before, after = (pl.read_parquet(one.folder / "predictions.parquet") for one in (ward_run, done))
    assert before.equals(after)


def test_an_interruption_outside_training_says_how_to_go_on_too(
    ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    def stop(what: str, done: int, total: int) -> None:
        if what == "baselines":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        run(demo, data=ward, out=tmp_path / "run", overrides=small, part="tune", progress=stop)
    said = shlex.split(caught.value.hint.removeprefix("to go on: "))
    assert said[:3] == ["sequela", "run", str(demo)] and said[-1] == "--resume"
    assert said[said.index("--part") + 1] == "tune" and said[said.index("--data") + 1] == str(ward.path)
    assert [said[k + 1] for k, flag in enumerate(said) if flag == "--set"] == list(small)


def test_finished_folds_are_not_run_again(folds: Run, ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(folds.folder, out)
    for name in ("metrics.json", "report.html", "model.sequela"):
        (out / name).unlink()
    kept = {k: (out / f"split-{k}" / "metrics.json").stat().st_mtime_ns for k in (1, 2, 3)}
    shutil.rmtree(out / "split-3")
    done = run(demo, data=ward, out=out, overrides=(*small, *PLAIN, 'split={ by = "folds", folds = 3 }'), resume=True)
    assert values(done) == values(folds)
    assert [(out / f"split-{k}" / "metrics.json").stat().st_mtime_ns for k in (1, 2)] == [kept[1], kept[2]]


def test_a_run_of_another_study_is_not_resumed(ward_run: Run, ward: Store, demo: Path, small: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="another study: it differs in train"):
        run(demo, data=ward, out=ward_run.folder, overrides=(*small, "train.epochs=3"), resume=True)


def test_a_finished_run_is_not_written_over(ward_run: Run, ward: Store, demo: Path) -> None:
    before = (ward_run.folder / "metrics.json").read_bytes()
    with pytest.raises(UsageError, match="already holds a run"):
        run(demo, data=ward, out=ward_run.folder)
    assert (ward_run.folder / "metrics.json").read_bytes() == before


def test_there_is_nothing_to_resume_where_nothing_was_begun(ward: Store, demo: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run to resume"):
        run(demo, data=ward, out=tmp_path / "none", resume=True)


def test_ctrl_c_ends_with_130_and_the_command_that_resumes(
    ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    given = [flag for one in (*small, *PLAIN, "train.epochs=4000") for flag in ("--set", one)]
    command = [sys.executable, "-m", "sequela", "run", str(demo), "--data", str(ward.path), "--out", str(out), *given]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out / "log.jsonl").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    said, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, complaint
    assert said == ""
    assert complaint.splitlines()[-2].startswith("error: training was interrupted")
    assert "--resume" in complaint.splitlines()[-1] and str(out) in complaint.splitlines()[-1]


# ------------------------------------------------------------------------------------------------------------ ways of training


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


# ------------------------------------------------------------------------------------------------------- other kinds of question


def table(path: Path, count: int, columns: dict[str, Sequence[Any]]) -> Path:
    """A CSV of samples: two informative numbers and the columns given."""
    pl.DataFrame({"id": [f"s{k:03d}" for k in range(count)], **columns}).write_csv(path)
    return path


def sampled(source: Path, task: str, label: str | list[str], **more: Any) -> config.Study:
    """A study of a table of samples, small enough for a test."""
    given = {
        "name": task,
        "question": "What is the label of this sample?",
        "data": {
            "source": str(source),
            "reader": "csv",
            "options": {"subject": "id", "values": ["a", "b"], "label": label, "static": ["kind"]},
        },
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": label},
        "inputs": {"sample": {"modality": "static", "encoder": {"name": "mlp", "width": 8}}},
        "task": task,
        "train": {"epochs": 2, "batch": 32},
        "baselines": {"names": ["logistic"] if task != "regression" else ["mean"]},
        "evaluate": {"bootstrap": 20},
    }
    return config.convert(given | more, config.Study)


def drawn(count: int = 120) -> dict[str, Any]:
    random = np.random.default_rng(4)
    a, b = random.normal(size=(2, count))
    return {"a": a.round(4), "b": b.round(4), "kind": ["even" if k % 2 else "odd" for k in range(count)]}


def labels(task: str, columns: dict[str, Any]) -> dict[str, Any]:
    noise = np.random.default_rng(5).normal(size=(2, len(columns["a"])))
    first, second = columns["a"] + noise[0], columns["b"] + noise[1]
    if task == "regression":
        return {"size": first.round(4)}
    if task == "multiclass":
        return {"class": np.where(first > 0.5, "high", np.where(second > 0, "middle", "low"))}
    return {"left": (first > 0).astype(int), "right": (second > 0.3).astype(int)}


@pytest.mark.parametrize("task", ["multiclass", "multilabel", "regression"])
def test_every_kind_of_question_runs_to_a_report_and_a_bundle_that_answers(task: str, tmp_path: Path) -> None:
    columns = drawn()
    asked = labels(task, columns)
    source = table(tmp_path / "samples.csv", len(columns["a"]), columns | asked)
    names = list(asked)
    done = run(sampled(source, task, names if len(names) > 1 else names[0]), out=tmp_path / "run")
    assert {path.name for path in done.folder.iterdir()} == FILES
    metric = {"regression": "mae", "multiclass": "auroc", "multilabel": "auroc"}[task]
    assert done.metric(metric) is not None
    frame = pl.read_parquet(done.folder / "predictions.parquet").filter((pl.col("part") == "test") & (pl.col("model") == "model"))
    said = {one.row_id: one for one in load(done.bundle).predict(stored(source, tmp_path, task))}
    for row in frame.iter_rows(named=True):
        one = said[row["row_id"]]
        found = one.value if task == "regression" else one.probabilities
        assert found is not None
        columns_of = ["value"] if task == "regression" else [f"p_{name}" for name in found]
        assert [row[name] for name in columns_of] == pytest.approx(list(found.values()), abs=1e-6)
    if task == "multiclass":
        assert {row["class"] for row in done.metrics} >= {"high", "middle", "low"}


def stored(source: Path, folder: Path, task: str) -> Store:
    from sequela.pipeline import import_data

    study = sampled(source, task, "x")
    label = {"multiclass": "class", "regression": "size"}.get(task, ["left", "right"])
    return import_data("csv", source, folder / "held.store", options=dict(study.data.options) | {"label": label})


def test_a_study_of_images_runs_to_a_bundle_that_answers(tmp_path: Path) -> None:
    from sequela import simulate

    source = simulate.write("xray", tmp_path / "raw", 120)
    study = config.load(
        Path(__file__).resolve().parents[2] / "studies" / "xray_pneumonia.toml",
        (
            "train.epochs=1",
            "evaluate.bootstrap=20",
            'baselines.names=["logistic"]',
            "inputs.xray.encoder={ name = 'cnn', width = 4 }",
        ),
    )
    study = msgspec.structs.replace(study, data=msgspec.structs.replace(study.data, source=str(source / "xray.npz")))
    done = run(study, out=tmp_path / "run")
    held = load(done.bundle)
    assert {path.name for path in done.folder.iterdir()} == FILES | {"pictures"}
    assert held.predictor.fitted["xray"].spec.kind == "image"


def test_a_study_of_heartbeats_runs_to_a_bundle_that_answers(tmp_path: Path) -> None:
    from sequela import simulate

    source = simulate.write("ecg", tmp_path / "raw", 6)
    study = config.load(
        Path(__file__).resolve().parents[2] / "studies" / "ecg_beats.toml",
        (
            "train.epochs=1",
            "train.members=1",
            "evaluate={ bootstrap = 20 }",
            'baselines.names=["logistic"]',
            "ensemble.members=[]",
            "inputs.ecg.encoder={ name = 'lstm', width = 4 }",
            "audit.allow={ suspicious_input = 'made to be told apart' }",
            "outcome.classes=['N', 'S', 'V']",
            "split={ by = 'list', parts = { train = ['100', '101', '102'], tune = ['103'], test = ['104', '105'] } }",
            "data.options={}",
            f"data.source={source}",
            "inputs.ecg.modality={ name = 'waveform', window = 'beat', before = '280ms', after = '440ms', rate_hz = 60 }",
        ),
    )
    done = run(study, out=tmp_path / "run")
    assert {path.name for path in done.folder.iterdir()} == FILES | {"pictures"}  # strips around calls
    assert load(done.bundle).predictor.task.names == ("N", "S", "V")
