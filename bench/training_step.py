"""CPU milliseconds of a training step: ours against a bare PyTorch loop over the same module and the same batches.

    python bench/training_step.py [--rounds 8] [--steps 100]

Both make their batches with the same function, use the same optimizer and take as many steps; ours also checks each loss, seeds each
step and keeps its history. The two alternate. A round compares the median step of each, which other work on the machine hardly moves;
the claim is about the median of the rounds. What comes once a run or an epoch (building the trainer, saving) is told apart. The tune
pass, which a bare loop has not, is left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import lightning.pytorch  # noqa: F401  # its import is no part of a step
import numpy as np
import torch
from harness import record

from sequela import batch, config, threads
from sequela import model as models
from sequela.contracts import Evidence
from sequela.train import fit, optimizer, plan
from sequela.types import Plain, Ragged, Spec, Target

BATCH, STEPS_OF_A_ROW, FEATURES, EPOCHS = 64, 48, 37, 5


def evidence(rows: int) -> Evidence:
    """Series as long and wide as ICU charts, by the hour."""
    random = np.random.default_rng(0)
    values = random.normal(size=(rows * STEPS_OF_A_ROW, FEATURES)).astype(np.float32)
    position = np.tile(np.linspace(-2, 0, STEPS_OF_A_ROW), rows)
    ragged = Ragged(np.arange(rows + 1) * STEPS_OF_A_ROW, values, position, random.random(values.shape) < 0.3)
    return Evidence(
        inputs={"chart": ragged},
        specs={"chart": Spec("measurements", (FEATURES,), "days")},
        plain=Plain(np.zeros((rows, 0), np.float32), ()),
        target=Target(random.integers(0, 2, (rows, 1)).astype(float), np.ones((rows, 1), bool), ("died",)),
        subject=np.arange(rows),
        row_id=np.arange(rows).astype(str),
    )


@dataclass(frozen=True, slots=True)
class Times:
    """CPU seconds of this process: as a run began, as each of its steps ended, and as it was over."""

    began: float
    ends: Sequence[float]
    over: float

    @property
    def step(self) -> float:
        """Milliseconds of the median step."""
        return 1e3 * statistics.median(later - sooner for sooner, later in pairwise(self.ends))

    @property
    def besides(self) -> float:
        """Milliseconds of the run that are no median step's: set up, saving, and what disturbed it."""
        return 1e3 * (self.over - self.began) - len(self.ends) * self.step


def study(width: int) -> config.Study:
    return config.convert(
        {
            "name": "bench",
            "question": "How long does a step take?",
            "data": {"source": "."},
            "cohort": {"index": "SAMPLE"},
            "outcome": {"column": "died"},
            "inputs": {"chart": {"modality": "measurements", "encoder": {"name": "gru", "width": width}}},
            "task": "binary",
            "train": {"epochs": EPOCHS, "batch": BATCH, "patience": 0},
        },
        config.Study,
    )


def bare(made: config.Study, rows: Evidence) -> Times:
    """The loop that one would write by hand."""
    began, ends = time.process_time(), []
    threads.prepare(made.train.threads)
    model, task = models.build(made, rows.specs, rows.target.names)
    learner = optimizer.build(model, made.train.optimizer)
    order = plan.make(made, rows, None, task).order
    model.train()
    for epoch in range(EPOCHS):
        for chosen in order.epoch(epoch):
            step = models.tensors(batch.collate(rows.inputs, chosen, rows.target), "cpu")
            assert step.target is not None
            learner.zero_grad()
            task.loss(model(step.inputs), step.target).mean().backward()
            learner.step()
            ends.append(time.process_time())
    return Times(began, ends, time.process_time())


def ours(made: config.Study, rows: Evidence) -> Times:
    """The same by `fit`."""
    began, ends = time.process_time(), []
    with tempfile.TemporaryDirectory() as folder:
        fit.fit(made, rows, None, Path(folder), progress=lambda *_: ends.append(time.process_time()))
    return Times(began, ends[:-1], time.process_time())


def width_of(milliseconds: float) -> int:
    """The width of the network whose bare step takes about so long here."""
    few = evidence(BATCH * 4)
    bare(study(32), few)
    return next((width for width in range(32, 1024, 16) if bare(study(width), few).step >= milliseconds), 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--milliseconds", type=float, default=20.0)
    given = parser.parse_args()
    threads.prepare(1)
    made, rows = study(width_of(given.milliseconds)), evidence(BATCH * (given.steps // EPOCHS))
    ours(made, evidence(BATCH * 2))
    pairs = [(bare(made, rows), ours(made, rows)) for _ in range(given.rounds)]
    record(
        "training_step",
        {
            "claim": "a training step costs at most 1.05 times that of a bare PyTorch loop at 20 ms a step",
            "ratio": round(statistics.median(our.step / hand.step for hand, our in pairs), 4),
            "bare_milliseconds": [round(hand.step, 2) for hand, _ in pairs],
            "our_milliseconds": [round(our.step, 2) for _, our in pairs],
            "besides_milliseconds_a_run": round(statistics.median(our.besides - hand.besides for hand, our in pairs), 1),
            "epochs": EPOCHS,
            "steps": given.steps,
            "width": config.choice(made.inputs["chart"].encoder, "encoder").options["width"],
            "threads": torch.get_num_threads(),
        },
    )


if __name__ == "__main__":
    main()
