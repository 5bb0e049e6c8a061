from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from sequela import model as models
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import ConfigError, DataError, Interrupted, TrainingError
from sequela.train import checkpoint
from sequela.train.fit import Trained, fit
from sequela.train.tune import judge
from sequela.types import Ragged

EVERYTHING: dict[str, Any] = {
    "average": 0.9,
    "balance": "sampling",
    "clip": 0.5,
    "clip_value": 0.2,
    "monitor": "score",
    "schedule": {"name": "one_cycle"},
}
CASES = {
    "all parts of the state": EVERYTHING,
    "plateau and weights": {"schedule": {"name": "plateau", "every": 1}, "balance": "weights", "optimizer": {"name": "sgd"}},
    "rmsprop": {"optimizer": {"name": "rmsprop"}, "schedule": {"name": "cosine"}, "patience": 0},
}


def bits(trained: Trained) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in trained.model.state_dict().items()}


def told(trained: Trained) -> list[tuple[Any, ...]]:
    """The history without what the clock says."""
    return [(line.epoch, line.train_loss, line.tune_loss, line.tune_score, line.lr) for line in trained.history]


def interrupt_at(step: int) -> Callable[[str, int, int], None]:
    def progress(_what: str, done: int, _total: int) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGINT)

    return progress


def with_bad_row(rows: Evidence, row: int) -> Evidence:
    ragged = rows.inputs["chart"]
    values = np.array(ragged.values[np.arange(ragged.offsets[-1])])
    values[ragged.offsets[row]] = np.inf
    return replace(rows, inputs={"chart": Ragged(ragged.offsets, values, ragged.position, ragged.seen)})


def test_the_same_seed_gives_the_same_bits(trained: Callable[..., Trained]) -> None:
    one, other = trained("one", **EVERYTHING), trained("other", **EVERYTHING)
    assert bits(one) == bits(other) and told(one) == told(other)


@pytest.mark.parametrize("changed", [{"seed": 1}, {"batch": 7}, {"clip": 1e-3}, {"average": 0.5}, {"balance": "weights"}])
def test_what_matters_changes_the_weights(trained: Callable[..., Trained], changed: dict[str, Any]) -> None:
    assert bits(trained("one")) != bits(trained("other", **changed))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_resuming_after_any_step_gives_the_uninterrupted_result(
    case: str, trained: Callable[..., Trained], study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    whole = trained("whole", **CASES[case])
    train, tune = evidence(40, 0), evidence(30, 1)
    for step in range(1, 5 * whole.epochs_run):
        folder = tmp_path / f"stopped-{step}"
        with pytest.raises(Interrupted) as caught:
            fit(study(**CASES[case]), train, tune, folder, progress=interrupt_at(step), resume_command="sequela run --resume")
        assert caught.value.hint == "to go on: sequela run --resume"
        again = fit(study(**CASES[case]), train, tune, folder, resume=True)
        assert bits(again) == bits(whole) and told(again) == told(whole)
        assert again.best_epoch == whole.best_epoch


def test_resuming_twice_in_one_epoch_gives_the_uninterrupted_result(
    trained: Callable[..., Trained], study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    whole = trained("whole", **EVERYTHING)
    rows = evidence(40, 0), evidence(30, 1)
    for step in (1, 3, 5, 8):
        with pytest.raises(Interrupted):
            fit(study(**EVERYTHING), *rows, tmp_path / "stopped", resume=True, progress=interrupt_at(step))
    assert bits(fit(study(**EVERYTHING), *rows, tmp_path / "stopped", resume=True)) == bits(whole)


def test_a_wish_to_stop_during_the_tune_pass_is_heard(
    trained: Callable[..., Trained],
    study: Callable[..., Study],
    evidence: Callable[..., Evidence],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = evidence(40, 0), evidence(30, 1)
    loss = type(models.build(study(), rows[0].specs, ("ill",))[1]).loss

    def interrupting(self: Any, out: torch.Tensor, target: Any) -> torch.Tensor:
        if not torch.is_grad_enabled():
            os.kill(os.getpid(), signal.SIGINT)
        return loss(self, out, target)

    with monkeypatch.context() as patched, pytest.raises(Interrupted, match="epoch 1 after 5 of 5 steps"):
        patched.setattr("sequela.tasks.binary.Binary.loss", interrupting)
        fit(study(), *rows, tmp_path / "stopped")
    assert bits(fit(study(), *rows, tmp_path / "stopped", resume=True)) == bits(trained("whole"))


def test_a_finished_training_is_given_back_without_a_step(
    trained: Callable[..., Trained], study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    whole, calls = trained("run"), []
    again = fit(
        study(), evidence(40, 0), evidence(30, 1), tmp_path / "run", resume=True, progress=lambda *call: calls.append(call)
    )
    assert not calls
    assert bits(again) == bits(whole) and again.history == whole.history and again.cpu_seconds == whole.cpu_seconds


def test_without_resume_a_training_starts_afresh(trained: Callable[..., Trained], tmp_path: Path) -> None:
    trained("run", seed=1)
    assert bits(trained("run")) == bits(trained("new"))
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == 3


def test_another_study_is_not_resumed(
    trained: Callable[..., Trained], study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    trained("run")
    with pytest.raises(
        ConfigError, match=re.escape("train.batch was 8, now it is 9; train.optimizer.lr was 0.01, now it is 0.02")
    ):
        fit(study(batch=9, optimizer={"lr": 0.02}), evidence(40, 0), evidence(30, 1), tmp_path / "run", resume=True)
    with pytest.raises(ConfigError, match=r"the tune part's labels are not the same"):
        fit(study(), evidence(40, 0), evidence(30, 2), tmp_path / "run", resume=True)
    fit(study(checkpoint_seconds=1.0, members=2), evidence(40, 0), evidence(30, 1), tmp_path / "run", resume=True)


def test_a_damaged_checkpoint_is_passed_over(
    trained: Callable[..., Trained], study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    whole = trained("run")
    for damaged in (slice(1, 2), slice(0, 2)):  # the newest, all
        for path in sorted((tmp_path / "run" / "checkpoints").iterdir())[damaged]:
            path.write_bytes(path.read_bytes()[:-1])
        again = fit(study(), evidence(40, 0), evidence(30, 1), tmp_path / "run", resume=True)
        assert bits(again) == bits(whole) and told(again) == told(whole)


def test_a_loss_that_is_no_number_names_the_step_and_the_rows(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"the loss is nan in epoch 1, step \d; rows of the batch: .*\brow17\b"):
        fit(study(), with_bad_row(evidence(40, 0), 17), evidence(30, 1), tmp_path)
    with pytest.raises(TrainingError, match=r"row\d+(, row\d+){9} and 30 more\n"):
        fit(study(batch=40), with_bad_row(evidence(40, 0), 17), evidence(30, 1), tmp_path)


def test_a_loss_that_is_no_number_leaves_the_good_weights(
    trained: Callable[..., Trained], study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        fit(study(), evidence(40, 0), evidence(30, 1), tmp_path / "run", progress=interrupt_at(7))
    before = checkpoint.newest(tmp_path / "run" / "checkpoints")
    with pytest.MonkeyPatch.context() as patched, pytest.raises(TrainingError, match="epoch 2, step 3"):
        patched.setattr("sequela.tasks.binary.Binary.loss", lambda _self, out, _target: out[:, 0] * torch.inf)
        fit(study(), evidence(40, 0), evidence(30, 1), tmp_path / "run", resume=True)
    after = checkpoint.newest(tmp_path / "run" / "checkpoints")
    assert before is not None and after is not None and before[0] == after[0]
    assert bits(fit(study(), evidence(40, 0), evidence(30, 1), tmp_path / "run", resume=True)) == bits(trained("whole"))


def test_an_exploding_gradient_is_not_stepped_along(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    with (
        pytest.MonkeyPatch.context() as patched,
        pytest.raises(TrainingError, match=r"the gradient's norm is (inf|nan) in epoch 1"),
    ):
        patched.setattr("sequela.tasks.binary.Binary.loss", lambda _self, out, _target: (out[:, 0] * 0).abs().sqrt())
        fit(study(clip=1.0), evidence(40, 0), None, tmp_path)


def test_weights_that_are_no_numbers_are_not_saved(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"^(a weight|the loss|the tune loss) is"):
        fit(study(optimizer={"name": "sgd", "lr": 1e38}), evidence(40, 0), evidence(30, 1), tmp_path)
    assert checkpoint.newest(tmp_path / "checkpoints") is None


def test_the_weights_kept_are_those_of_the_best_epoch(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    made = study(epochs=12, optimizer={"lr": 0.3}, patience=3)
    trained = fit(made, evidence(40, 0), evidence(30, 1), tmp_path)
    losses = [line.tune_loss for line in trained.history if line.tune_loss is not None]
    assert trained.best_epoch == 1 + losses.index(min(losses))
    assert trained.epochs_run == min(12, trained.best_epoch + 3) < 12
    again = judge(trained.model, trained.task, evidence(30, 1), made.train, lambda: None)
    assert again.loss == min(losses) and again.score == trained.best.tune_score


def test_no_patience_runs_all_epochs_and_keeps_the_last_weights(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    made = study(epochs=6, optimizer={"lr": 0.3}, patience=0)
    trained = fit(made, evidence(40, 0), evidence(30, 1), tmp_path)
    assert trained.best_epoch == trained.epochs_run == 6
    assert judge(trained.model, trained.task, evidence(30, 1), made.train, lambda: None).loss == trained.history[-1].tune_loss


def test_averaged_weights_are_those_judged_and_kept(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    made = study(average=0.9)
    trained = fit(made, evidence(40, 0), evidence(30, 1), tmp_path)
    assert judge(trained.model, trained.task, evidence(30, 1), made.train, lambda: None).loss == trained.best.tune_loss


def test_it_learns_what_there_is_to_learn(study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path) -> None:
    trained = fit(study(epochs=15, batch=32), evidence(300, 0), evidence(200, 1), tmp_path)
    assert trained.best.tune_score is not None and trained.best.tune_score > 0.95


def test_two_rows_in_batches_of_one_are_enough(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    few = evidence(2, 0)
    few = replace(few, target=replace(few.target, values=np.array([[0.5], [1.5]])))
    made = msgspec.structs.replace(study(batch=1, epochs=2), task="regression")
    trained = fit(made, few, few, tmp_path)
    assert trained.epochs_run == 2 and trained.best.tune_score is not None and trained.best.tune_score <= 0


def test_a_constant_label_is_refused(study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path) -> None:
    rows = evidence(20, 0)
    constant = replace(rows, target=replace(rows.target, values=np.ones((20, 1))))
    with pytest.raises(DataError, match="all 20 training labels of 'ill' are 1"):
        fit(study(), constant, rows, tmp_path)


@pytest.mark.parametrize(("sizes", "part"), [((0, 5), "training"), ((5, 0), "tune")])
def test_an_empty_part_is_refused(
    sizes: tuple[int, int], part: str, study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=f"the {part} part has no rows"):
        fit(study(), evidence(sizes[0], 0), evidence(sizes[1], 1), tmp_path)


def test_a_score_that_is_undefined_cannot_be_watched(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    tune = evidence(20, 1)
    constant = replace(tune, target=replace(tune.target, values=np.ones((20, 1))))
    with pytest.raises(TrainingError, match="labels are all of one class"):
        fit(study(monitor="score"), evidence(40, 0), constant, tmp_path)
    assert fit(study(monitor="loss"), evidence(40, 0), constant, tmp_path).best.tune_score is None


def test_training_leaves_no_trace_outside_its_folder(
    trained: Callable[..., Trained], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(7)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    drawn = torch.rand(3, generator=torch.Generator().manual_seed(7))
    trained("run")
    assert torch.equal(torch.rand(3), drawn)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["checkpoints", "log.jsonl"]
    assert capfd.readouterr() == ("", "")


def test_progress_counts_steps_to_the_end(study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    fit(study(), evidence(40, 0), evidence(30, 1), tmp_path, progress=lambda *call: calls.append(call))
    assert [done for _, done, _ in calls] == [*range(1, 16), 15]
    assert {(what, total) for what, _, total in calls} == {("training", 15)}


def test_the_log_has_a_line_an_epoch(trained: Callable[..., Trained], tmp_path: Path) -> None:
    run = trained("run")
    lines = [msgspec.json.decode(line) for line in (tmp_path / "run" / "log.jsonl").read_bytes().splitlines()]
    assert lines == [msgspec.to_builtins(line) for line in run.history]


def in_child(train: Callable[[Callable[[str, int, int], None]], object]) -> tuple[int, int]:
    """A child that trains: its process id, and a pipe from which one byte can be read for each of its steps."""
    reads, writes = os.pipe()
    child = os.fork()
    if child:
        os.close(writes)
        return child, reads

    def step_done(_what: str, _done: int, _total: int) -> None:
        os.write(writes, b".")

    try:
        train(step_done)
    finally:
        os._exit(0)


@pytest.mark.slow
def test_a_training_killed_at_any_moment_resumes_to_the_uninterrupted_result(
    study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    made = study(**EVERYTHING, epochs=4, patience=0, checkpoint_seconds=0.02)
    rows = evidence(80, 0), evidence(50, 1)
    whole, random = fit(made, *rows, tmp_path / "whole"), np.random.default_rng(0)
    killed = 0
    for number in range(20):
        folder = tmp_path / f"killed-{number}"
        child, steps = in_child(lambda progress, folder=folder: fit(made, *rows, folder, progress=progress))  # type: ignore[misc]
        for _ in range(random.integers(1, 39)):
            os.read(steps, 1)
        time.sleep(random.uniform(0, 0.02))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        os.close(steps)
        again = fit(made, *rows, folder, resume=True)
        assert bits(again) == bits(whole) and told(again) == told(whole)
    assert killed >= 15  # a busy machine may let a few finish


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_resume(
    number: signal.Signals, study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path
) -> None:
    made, rows = study(epochs=4, patience=0), (evidence(80, 0), evidence(50, 1))
    whole = fit(made, *rows, tmp_path / "whole")

    def interrupted(progress: Callable[[str, int, int], None]) -> None:
        try:
            fit(made, *rows, tmp_path / "stopped", progress=progress, resume_command="again")
        except Interrupted as error:
            (tmp_path / "said").write_text(str(error))

    child, steps = in_child(interrupted)
    for _ in range(14):
        os.read(steps, 1)
    os.kill(child, number)
    os.waitpid(child, 0)
    os.close(steps)
    assert (tmp_path / "said").read_text().endswith("hint: to go on: again")
    assert bits(fit(made, *rows, tmp_path / "stopped", resume=True)) == bits(whole)
