"""One trained model of a study, in one call that can be interrupted at any moment and taken up again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from msgspec import structs

from sequela import model as models
from sequela import threads
from sequela.config import Study
from sequela.contracts import Choosing, Evidence, Progress, Task
from sequela.errors import DataError
from sequela.train import checkpoint, interrupt, optimizer, plan
from sequela.train.fingerprint import fingerprint, refuse_change
from sequela.train.rows import take
from sequela.train.settle import settled
from sequela.train.state import Epoch, State, Weights
from sequela.train.stop import best_epoch

if TYPE_CHECKING:
    from sequela.model import Model

RESUME = "fit again with resume=True"


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with the weights that are kept, and how it came to them."""

    model: Model  # in eval mode, on the study's device
    task: Task
    history: tuple[Epoch, ...]
    best_epoch: int  # counted from 1: the epoch whose weights the model has
    epochs_run: int
    cpu_seconds: float  # of this process, over all its interruptions

    @property
    def best(self) -> Epoch:
        return self.history[self.best_epoch - 1]


def fit(
    study: Study,
    train: Evidence,
    tune: Evidence | None,
    folder: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
    seed: int | None = None,
    resume_command: str = RESUME,
    start: Weights | None = None,
) -> Trained:
    """A model trained on train; tune chooses the epoch. Without tune all epochs are run and the last weights kept.

    `folder` gets log.jsonl and checkpoints/, one at least every train.checkpoint_seconds and at each epoch's end. With `resume`
    training goes on from the latest whole checkpoint, to the result it would have had; a finished one is given back as it is, and
    where there is no checkpoint it starts. `seed` takes the place of train.seed; `resume_command` is what an interrupted user is
    told to type. `start` holds first weights by name; those that it does not name are drawn from the seed. `progress` is called
    with ("training", step, steps).

    Raises Interrupted (on Ctrl-C or SIGTERM, after saving), TrainingError (a loss that is not a number, with the step and the
    rows), DataError (labels that cannot be learnt from, an empty tune part), ConfigError (a checkpoint of another training).
    """
    _refuse_empty(train, tune)
    threads.prepare(study.train.threads)
    if seed is not None:
        study = structs.replace(study, train=structs.replace(study.train, seed=seed))
    folder.mkdir(parents=True, exist_ok=True)
    with _own_random_numbers(study.train.device):
        model, task = _started(study, train, start or {})
        state = State(model, optimizer.build(model, study.train.optimizer), fingerprint(study, train, tune, start))
        _take_up(state, folder / "checkpoints", resume)
        if not state.complete:
            _train(state, plan.make(study, _learnt(train, task), tune, task), folder, resume_command, progress)
        return _finished(state, study, task, train)


def _train(state: State, made: plan.Plan, folder: Path, resume_command: str, progress: Progress | None) -> None:
    from sequela.train import loop  # Lightning takes seconds to import: only for a training that is not yet done

    with interrupt.listening(resume_command) as wish:
        loop.run(loop.Loop(made, state, folder, wish, progress))
        if wish.asked:
            raise wish.stopped("as it ended; the model is saved")
    if progress is not None:
        progress("training", made.steps, made.steps)


def _learnt(train: Evidence, task: Task) -> Evidence:
    """The rows that are learnt from, with labels between 0 and 1 among the known ones."""
    learnt = replace(train, target=train.target.learnt)
    return take(learnt, np.flatnonzero(task.learns(train.target))) if isinstance(task, Choosing) else learnt


def _refuse_empty(train: Evidence, tune: Evidence | None) -> None:
    for part, rows in (("training", train), ("tune", tune)):
        if rows is not None and not len(rows):
            raise DataError(f"the {part} part has no rows", hint="look at the flow of the cohort and at the split")


def _started(study: Study, train: Evidence, start: Weights) -> tuple[Model, Task]:
    """The model with its first weights: a function of the study (with its seed), the training labels and what it starts from."""
    model, task = models.build(study, train.specs, train.target.names)
    model.load_state_dict({**model.state_dict(), **start})
    task.check(train.target)
    if study.train.balance == "none":  # a balanced population has other rates than the training rows
        task.start(model.head, train.target.learnt)
    return model.to(study.train.device), task


def _take_up(state: State, folder: Path, resume: bool) -> None:
    """Restores the state from the latest whole checkpoint, or starts with an empty folder.

    Raises ConfigError where the checkpoint is of another training.
    """
    found = checkpoint.newest(folder) if resume else None
    if found is None:
        checkpoint.clear(folder)
        return
    record, tensors = found
    refuse_change(record.fingerprint, state.fingerprint)
    state.restore(record, tensors)


def _finished(state: State, study: Study, task: Task, train: Evidence) -> Trained:
    model: Model = state.model  # type: ignore[assignment]  # the loop asks less of it
    model.load_state_dict(state.best)
    model.eval()
    settled(model, task, _learnt(train, task), study.train)
    chosen = best_epoch(state.history, study.train)
    return Trained(model, task, tuple(state.history), chosen, len(state.history), state.cpu_seconds)


@contextmanager
def _own_random_numbers(device: str) -> Iterator[None]:
    """torch's global generators belong to the caller again afterwards; on a GPU only repeatable kernels are used meanwhile."""
    cuda = device == "cuda"
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=[torch.cuda.current_device()] if cuda else []):
        if cuda:
            torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            yield
        finally:
            if cuda:  # else nothing was set, and torch imports a great deal here, in which a Ctrl-C may have come
                torch.use_deterministic_algorithms(before[0], warn_only=before[1])
