"""RETAIN in training and inference: rows and visits per CPU-second of ours, one thread, and of PyHealth's in the same run.

    python bench/retain.py
    python bench/retain.py --peer /path/to/pyhealth/bin/python --peer-script bench_pyhealth.py --peer-data CSV_DIR

The data are drawn with the shape of a hospital's records: 5,000 patients, their visits geometric with mean 2.4, about 50 codes a
visit before repeats are taken out, their frequencies a power law over 12,000. A row is a visit but the last, with its full
history. Ours counts the whole of the training loop, with order, padding, tensors, loss checks and a checkpoint an epoch, and for
inference the whole of `predict`. The peer is a Python with pyhealth 1.1.6 installed; its script takes CSV_DIR RETAIN, trains one
epoch in batches of 64 on tables of that shape, and prints `METER {"stage": …, "per_cpu_s": …}`. Its rows hold one visit each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import lightning.pytorch  # noqa: F401 - its import is no part of a training
import numpy as np
from harness import PACKAGES, measure, record

from sequela import config, threads
from sequela import model as models
from sequela.contracts import Evidence
from sequela.train import fit
from sequela.types import Array, Plain, Ragged, Spec, Target

PATIENTS, VISITS, MOST, CODES, VOCABULARY = 5000, 2.4, 40, 50, 12_000
WIDTH, BATCH, EPOCHS = 128, 64, 3


def visits(random: np.random.Generator, count: int) -> tuple[Array, Array]:
    """Sets of codes "S N", int32, and which entries exist."""
    sizes = 1 + random.poisson(random.gamma(2.0, CODES / 2, count))
    share = 1 / np.arange(1, VOCABULARY) ** 1.05
    drawn = 1 + np.searchsorted(np.cumsum(share) / share.sum(), random.random(sizes.sum()))
    pairs = np.unique(np.repeat(np.arange(count), sizes) * VOCABULARY + drawn)
    visit, code = np.divmod(pairs, VOCABULARY)
    place = np.arange(len(pairs)) - np.searchsorted(visit, visit)
    values = np.zeros((count, place.max() + 1), np.int32)
    seen = np.zeros(values.shape, bool)
    values[visit, place], seen[visit, place] = code, True
    return values, seen


def evidence(seed: int) -> Evidence:
    """A row for each visit but a patient's last, with all visits up to it; the label leans on the codes of that visit."""
    random = np.random.default_rng(seed)
    held = np.minimum(random.geometric(1 / VISITS, PATIENTS), MOST)
    values, seen = visits(random, int(held.sum()))
    first = np.cumsum(held) - held
    rows = held - 1
    history = 1 + np.arange(rows.sum()) - np.repeat(np.cumsum(rows) - rows, rows)  # visits of each row
    take = np.concatenate([np.arange(f, f + n) for f, n in zip(np.repeat(first, rows), history, strict=True)])
    offsets = np.concatenate([[0], np.cumsum(history)])
    position = -(offsets[1:].repeat(history) - 1.0 - np.arange(len(take))) * 90
    risk = (random.normal(0, 0.4, VOCABULARY)[values] * seen).sum(1)[take[offsets[1:] - 1]]
    died = random.random(len(history)) < 1 / (1 + np.exp(1.5 - risk))
    return Evidence(
        inputs={"history": Ragged(offsets, values, position, seen, take=take)},
        specs={"history": Spec("codes", values.shape[1:], "days", vocabulary=VOCABULARY)},
        plain=Plain(np.zeros((len(died), 0), np.float32), ()),
        target=Target(died[:, None].astype(float), np.ones((len(died), 1), bool), ("died",)),
        subject=np.repeat(np.arange(PATIENTS), rows),
        row_id=np.arange(len(died)).astype(str),
    )


def study() -> config.Study:
    return config.convert(
        {
            "name": "bench",
            "question": "Will this patient die at the next visit?",
            "data": {"source": "."},
            "cohort": {"index": "EACH//VISIT"},
            "outcome": {"column": "died"},
            "inputs": {"history": {"modality": "codes", "encoder": {"name": "retain", "width": WIDTH, "dropout": 0.5}}},
            "task": "binary",
            "train": {"epochs": EPOCHS, "batch": BATCH, "patience": 0},
        },
        config.Study,
    )


def ours() -> dict[str, Any]:
    """Rows and visits per CPU-second, and what they are like."""
    rows = evidence(0)
    history = rows.inputs["history"]
    assert history.seen is not None
    codes = history.seen[np.arange(history.seen.shape[0])].sum()
    count, steps = len(rows), int(history.lengths.sum())
    with tempfile.TemporaryDirectory() as folder:
        trained = fit.fit(study(), rows, None, Path(folder))
    with measure() as answering:
        models.predict(trained.model, trained.task, rows.inputs, BATCH)
    return {
        "rows": count,
        "visits_a_row": round(steps / count, 2),
        "codes_a_visit": round(float(codes) / history.seen.shape[0], 1),
        "train_rows_per_cpu_second": round(EPOCHS * count / trained.cpu_seconds, 1),
        "train_visits_per_cpu_second": round(EPOCHS * steps / trained.cpu_seconds, 1),
        "infer_rows_per_cpu_second": round(count / answering.cpu_seconds, 1),
        "infer_visits_per_cpu_second": round(steps / answering.cpu_seconds, 1),
    }


def peer(python: Path, script: Path, tables: Path) -> dict[str, float]:
    """Rows, each of one visit, per CPU-second, as the peer's script prints them."""
    command = [str(python), str(script), str(tables), "RETAIN"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=script.parent)
    lines = [json.loads(line.removeprefix("METER ")) for line in done.stdout.splitlines() if line.startswith("METER ")]
    stages = {line["stage"].split()[0]: line["per_cpu_s"] for line in lines if line["stage"].endswith("RETAIN")}
    return {f"{stage}_rows_per_cpu_second": rate for stage, rate in stages.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, help="a Python with pyhealth installed")
    parser.add_argument("--peer-script", type=Path, help="trains and runs the peer's RETAIN, see above")
    parser.add_argument("--peer-data", type=Path, help="a folder of tables for the peer's script")
    given = parser.parse_args()
    threads.prepare(1)
    found: dict[str, Any] = {
        "shape": {"patients": PATIENTS, "vocabulary": VOCABULARY, "width": WIDTH, "batch": BATCH},
        "ours": ours(),
        "goal": {"times_peer": 3},
    }
    if given.peer and given.peer_script and given.peer_data:
        theirs = peer(given.peer.absolute(), given.peer_script.resolve(), given.peer_data.resolve())
        found["pyhealth"] = theirs
        found["times_pyhealth"] = {stage: round(found["ours"][stage] / rate, 2) for stage, rate in theirs.items()}
    record("retain", found, PACKAGES)


if __name__ == "__main__":
    main()
