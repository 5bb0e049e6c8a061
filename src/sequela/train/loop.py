"""The loop on Lightning. Lightning runs the steps; where training stands, and what is saved of it, is kept in `state.py`.

Lightning is shown one stream of steps from the present one to the last, so that a training can go on from any step: nothing of
it depends on what Lightning knows of epochs (docs/decisions/0010-training-position.md).
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path

import lightning.pytorch as lightning
import msgspec
import torch
from torch import Tensor, nn

from sequela import seed
from sequela.contracts import Evidence, Progress
from sequela.errors import TrainingError
from sequela.train import checkpoint, optimizer, rates
from sequela.train import penalty as penalties
from sequela.train.average import Average
from sequela.train.interrupt import Wish
from sequela.train.plan import Plan, Step
from sequela.train.state import Epoch, State, snapshot
from sequela.train.stop import best_epoch, monitored, stalled
from sequela.train.tune import Verdict, judge, judge_pictures
from sequela.types import Array

ROWS_NAMED = 10  # of a batch whose loss is not a number
STRETCH = 16  # steps for each call of Lightning's, whose hooks cost about a millisecond a call


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some steps of one epoch, one after the other."""

    epoch: int
    first: int  # number of the first step
    batches: Sequence[Array]  # rows of each step


@dataclass(frozen=True, slots=True)
class Stream:
    """The stretches from where the state stands to the end of the last epoch."""

    plan: Plan
    state: State

    def __iter__(self) -> Iterator[Stretch]:
        first = self.state.step
        for epoch in range(self.state.epoch, self.plan.settings.epochs):
            batches = self.plan.order.epoch(epoch)
            for number in range(first, len(batches), STRETCH):
                yield Stretch(epoch, number, batches[number : number + STRETCH])
            first = 0

    def __len__(self) -> int:
        left = self.plan.order.steps - self.state.step
        later = self.plan.settings.epochs - self.state.epoch - 1
        return -(-left // STRETCH) + later * -(-self.plan.order.steps // STRETCH)


class Loop(lightning.LightningModule):  # type: ignore[misc]  # lightning's own types are not followed
    """One training: what Lightning calls at each step, and what is done between two of them."""

    def __init__(self, plan: Plan, state: State, folder: Path, wish: Wish, progress: Progress | None) -> None:
        super().__init__()
        self.model: nn.Module = state.model
        self.plan, self.state, self.folder, self.wish, self.progress = plan, state, folder, wish, progress
        self.average = Average(state, plan.settings.average)
        self.clocks = Clocks()
        self.running: Step | None = None
        self.automatic_optimization = False  # Lightning's own costs 0.4 ms a step more, and its hooks are not needed

    # ------------------------------------------------------------------------------------------------- what Lightning calls

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return self.state.optimizer

    def transfer_batch_to_device(self, batch: Stretch, device: torch.device, dataloader_idx: int) -> Stretch:
        """The stretch as it is: its tensors are made where they are needed."""
        return batch

    def training_step(self, stretch: Stretch, _index: int) -> None:
        """The steps of a stretch, and what is due after each."""
        for number, rows in enumerate(stretch.batches, stretch.first):
            step = self.plan.step(stretch.epoch, number, rows)
            self.descend(step)
            self.after(step)

    # ------------------------------------------------------------------------------------------------------------ our own

    def descend(self, step: Step) -> None:
        """One step down the loss: the mean over the labelled rows of the batch, each with its weight; and what rules add."""
        self.running = step
        self.seed_step(step)
        optimizer.set_rate(self.state.optimizer, self.plan.settings.optimizer, self.rate(step.number))
        out = self.model(step.batch.inputs)
        loss = step.losses(self.plan.task, out).sum() / max(step.labelled, 1)
        if self.plan.rules:
            loss = loss + self.penalty(step, out)
        self.add(step, loss.item())
        self.state.optimizer.zero_grad()
        torch.autograd.backward(loss)
        norm = optimizer.clip(self.model, self.plan.settings)
        if not isfinite(norm):
            raise self.broken("the gradient's norm", norm)
        self.state.optimizer.step()

    def penalty(self, step: Step, out: Tensor) -> Tensor:
        """What is added to the loss where the answers go against the study's rules."""
        plan = self.plan
        return penalties.penalty(self.model, step.batch.inputs, out, plan.rules, plan.task.kind, lambda: self.seed_step(step))

    def after(self, step: Step) -> None:
        """Counts the step, and does what is due: the average, the bar, a wish to stop, the epoch's end, a checkpoint."""
        self.state.step += 1
        self.average.update(step.epoch * self.plan.order.steps + step.number)
        self.show(step)
        self.between()
        if self.state.step == self.plan.order.steps:
            self.close_epoch()
            self.trainer.should_stop = self.state.complete
        elif self.clocks.since_saved() >= self.plan.settings.checkpoint_seconds:
            self.save()

    def seed_step(self, step: Step) -> None:
        """Makes the dropout of a step depend on its position alone."""
        number = seed.number(self.plan.settings.seed, "step", step.epoch, step.number)
        torch.default_generator.manual_seed(number)  # torch.manual_seed would also keep a stack trace for a GPU not yet in use
        if self.plan.settings.device == "cuda":
            torch.cuda.manual_seed(number)

    def rate(self, number: int) -> rates.Rate:
        """That of a step of the running epoch."""
        settings, steps = self.plan.settings, self.plan.order.steps
        watched = settings.schedule.name == "plateau"
        history = [monitored(epoch, settings.monitor) for epoch in self.state.history] if watched else []
        return rates.rate(settings.schedule, self.state.epoch * steps + number, settings.epochs, steps, history)

    def add(self, step: Step, loss: float) -> None:
        """Counts the step's loss in. Raises TrainingError where it is not a number, before it has touched the weights."""
        if not isfinite(loss):
            raise self.broken("the loss", loss)
        self.state.loss_sum += loss * step.labelled
        self.state.row_count += step.labelled

    def between(self) -> None:
        """Saves and raises Interrupted if the user asked to stop."""
        if self.wish.asked:
            self.save()
            raise self.wish.stopped(f"in epoch {self.state.epoch + 1} after {self.state.step} of {self.plan.order.steps} steps")

    def close_epoch(self) -> None:
        """Judges the epoch on tune, keeps its weights if they are the best, and moves on to the next or to the end."""
        verdict = self.judged()
        self.state.history.append(self.line(verdict))
        if best_epoch(self.state.history, self.plan.settings) == len(self.state.history):
            self.state.best = {name: snapshot(value) for name, value in self.average.weights().items()}
        self.state.epoch, self.state.step = self.state.epoch + 1, 0
        self.state.loss_sum, self.state.row_count, self.state.epoch_seconds = 0.0, 0, 0.0
        last = self.state.epoch == self.plan.settings.epochs
        self.state.complete = last or stalled(self.state.history, self.plan.settings)
        self.save()
        write_log(self.folder, self.state.history)

    def judged(self) -> Verdict | None:
        """The tune verdict of the weights as they would be kept. Raises TrainingError where its loss is not a number."""
        if self.plan.tune is None:
            return None
        with self.average.in_place():
            verdict = self.verdict(self.plan.tune)
        self.model.train()
        if not isfinite(verdict.loss):
            raise TrainingError(
                f"the tune loss is {verdict.loss} after epoch {self.state.epoch + 1}", hint="lower train.optimizer.lr"
            )
        return verdict

    def verdict(self, tune: Evidence) -> Verdict:
        plan = self.plan
        if plan.tune_pictures is not None:
            return judge_pictures(self.model, plan.task, plan.tune_pictures, plan.settings, self.between)
        return judge(self.model, plan.task, tune, plan.settings, self.between)

    def line(self, verdict: Verdict | None) -> Epoch:
        self.clocks.add_to(self.state)
        return Epoch(
            epoch=self.state.epoch + 1,
            train_loss=self.state.loss_sum / max(self.state.row_count, 1),
            tune_loss=None if verdict is None else verdict.loss,
            tune_score=None if verdict is None else verdict.score,
            lr=self.plan.settings.optimizer.lr * self.rate(self.plan.order.steps - 1).factor,
            seconds=round(self.state.epoch_seconds, 3),
        )

    def save(self) -> None:
        """Writes a checkpoint. Raises TrainingError, and writes none, where a weight is not a number."""
        self.clocks.add_to(self.state)
        if not all(bool(value.isfinite().all()) for value in self.model.state_dict().values() if value.is_floating_point()):
            raise self.broken("a weight", nan)
        checkpoint.write(self.folder / "checkpoints", self.state.record(), self.state.tensors())
        self.clocks.saved()

    def broken(self, what: str, value: float) -> TrainingError:
        step = self.running
        assert step is not None  # nothing breaks between two steps
        named = [str(row) for row in self.plan.train.row_id[step.rows][:ROWS_NAMED]]
        more = f" and {len(step.rows) - len(named)} more" if len(step.rows) > len(named) else ""
        return TrainingError(
            f"{what} is {value} in epoch {step.epoch + 1}, step {step.number + 1}; rows of the batch: {', '.join(named)}{more}",
            hint="look at these rows; then lower train.optimizer.lr or set train.clip",
        )

    def show(self, step: Step) -> None:
        if self.progress is not None:
            self.progress("training", step.epoch * self.plan.order.steps + step.number + 1, self.plan.steps)


@dataclass(slots=True)
class Clocks:
    """Wall clock of the epoch, CPU time of the whole, and time since the last checkpoint."""

    wall: float = 0.0
    cpu: float = 0.0
    last_saved: float = 0.0

    def __post_init__(self) -> None:
        self.wall, self.cpu, self.last_saved = time.perf_counter(), time.process_time(), time.perf_counter()

    def add_to(self, state: State) -> None:
        """What went by since the last call, added."""
        wall, cpu = time.perf_counter(), time.process_time()
        state.epoch_seconds += wall - self.wall
        state.cpu_seconds += cpu - self.cpu
        self.wall, self.cpu = wall, cpu

    def since_saved(self) -> float:
        return time.perf_counter() - self.last_saved

    def saved(self) -> None:
        self.last_saved = time.perf_counter()


def run(loop: Loop) -> None:
    """Trains from where the state stands to the end. Raises TrainingError or Interrupted."""
    loop.model.train()
    if loop.state.step == loop.plan.order.steps:  # stopped in the tune pass
        loop.close_epoch()
    if loop.state.complete:
        return
    with _quiet():
        trainer = lightning.Trainer(
            accelerator="gpu" if loop.plan.settings.device == "cuda" else "cpu",
            devices=1,
            max_epochs=1,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            default_root_dir=loop.folder,
        )
        trainer.fit(loop, train_dataloaders=Stream(loop.plan, loop.state))


def write_log(folder: Path, history: list[Epoch]) -> None:
    """log.jsonl: one line an epoch, the whole file put in place at once."""
    checkpoint.replace(folder / "log.jsonl", b"".join(msgspec.json.encode(epoch) + b"\n" for epoch in history))


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's own lines (which device, tips, why it stopped) and its hints to users of its loaders are not shown."""
    logger = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")
            yield
    finally:
        logger.setLevel(before)
