"""Runs that were interrupted: going on gives what would have come out, and nothing finished is made twice."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from tests.e2e.runs import PLAIN, values

from sequela.cli import main
from sequela.errors import ConfigError, Interrupted, UsageError
from sequela.pipeline import run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store
from sequela.train.loop import Loop
from sequela.train.plan import Step


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
