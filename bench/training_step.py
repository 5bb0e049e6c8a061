"""CPU milliseconds of a training step: ours against a bare PyTorch loop over the same module and the same batches.

    python bench/training_step.py [--steps 300]

After each of our steps the bare loop takes one with a twin of the module, so that other work on the machine meets both alike.
Both take the same batches of each epoch, it in reverse order, make them with the same function and use the same optimizer; ours
also checks each loss, seeds each step and keeps its history. The claim is about the median of the steps; what comes once an epoch
(saving) is in the mean. The tune pass, which a bare loop has not, is left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
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


def bare(made: config.Study, rows: Evidence) -> Iterator[None]:
    """The loop that one would write by hand, stopped after each step."""
    model, task = models.build(made, rows.specs, rows.target.names)
    learner = optimizer.build(model, made.train.optimizer)
    order = plan.make(made, rows, None, task).order
    model.train()
    for epoch in range(EPOCHS):
        for chosen in reversed(order.epoch(epoch)):  # the same batch just after us would be in the cache
            step = models.tensors(batch.collate(rows.inputs, chosen, rows.target), "cpu")
            assert step.target is not None
            learner.zero_grad()
            task.loss(model(step.inputs), step.target).mean().backward()
            learner.step()
            yield


def paired(made: config.Study, rows: Evidence) -> tuple[list[float], list[float]]:
    """CPU milliseconds of each of our steps, and of the bare ones; the first of each is left out."""
    times: list[float] = []
    twin = bare(made, rows)

    def ours_is_done(_what: str, _done: int, _total: int) -> None:
        times.append(time.process_time())
        next(twin, None)
        times.append(time.process_time())

    with tempfile.TemporaryDirectory() as folder:
        fit.fit(made, rows, None, Path(folder), progress=ours_is_done)
    passed = 1e3 * np.diff(times)[:-2]  # the last call only says that all is done
    return list(passed[1::2]), list(passed[2::2])


def width_of(milliseconds: float) -> int:
    """The width of the network whose bare step takes about so long here."""
    few = evidence(BATCH * 4)
    return next((w for w in range(32, 1024, 16) if statistics.median(paired(study(w), few)[1]) >= milliseconds), 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--milliseconds", type=float, default=20.0)
    given = parser.parse_args()
    threads.prepare(1)
    made, rows = study(width_of(given.milliseconds)), evidence(BATCH * (given.steps // EPOCHS))
    our, hand = paired(made, rows)
    record(
        "training_step",
        {
            "claim": "a training step costs at most 1.05 times that of a bare PyTorch loop at 20 ms a step",
            "ratio": round(statistics.median(our) / statistics.median(hand), 4),
            "ratio_of_means": round(statistics.mean(our) / statistics.mean(hand), 4),
            "our_milliseconds": round(statistics.median(our), 3),
            "bare_milliseconds": round(statistics.median(hand), 3),
            "epochs": EPOCHS,
            "steps": given.steps,
            "width": config.choice(made.inputs["chart"].encoder, "encoder").options["width"],
            "threads": torch.get_num_threads(),
        },
    )


if __name__ == "__main__":
    main()
