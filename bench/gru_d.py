"""GRU-D training: samples per CPU-second of ours, one thread, and of PyPOTS' in the same run where it is given.

    python bench/gru_d.py
    python bench/gru_d.py --peer /path/to/pypots/bin/python --peer-script /path/to/bench_pypots.py

The data are drawn: 48 hours of 37 measurements, a fifth of them seen. Ours counts everything from the ragged rows on: order,
padding, tensors, forward, backward, clipping and AdamW; `step` is the same without order and padding. The peer is a Python with
pypots installed, and a script that takes FILE.npz GRUD ROWS EPOCHS and prints `METER {"stage": …, "per_cpu_s": …}` for train and
for infer.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import numpy as np
import torch
from harness import PACKAGES, measure, record
from torch import Tensor, nn

from sequela import batch, threads
from sequela.encoders import gru_d
from sequela.types import Array, Ragged, Seq, Spec

ROWS, STEPS, FEATURES, WIDTH, BATCH = 4096, 48, 37, 64, 128
PEER_ROWS = 2000


def drawn(rows: int) -> tuple[Array, Array, Array]:
    """Values "N T F", seen, labels "N"."""
    random = np.random.default_rng(0)
    seen = random.random((rows, STEPS, FEATURES)) < 0.2
    values = random.normal(size=seen.shape).astype(np.float32)
    return values, seen, (values[:, :, 0].mean(1) > 0).astype(np.float32)


def ragged(values: Array, seen: Array) -> Ragged:
    """Rows of 48 hourly steps with the hours since each measurement was seen beside them."""
    rows, hours = len(values), np.arange(STEPS)
    latest = np.maximum.accumulate(np.where(seen, hours[:, None], 0), axis=1)
    since = hours[:, None] - np.concatenate([np.zeros_like(latest[:, :1]), latest[:, :-1]], axis=1)
    flat = (rows * STEPS, FEATURES)
    return Ragged(
        np.arange(rows + 1) * STEPS,
        np.where(seen, values, 0).reshape(flat),
        np.tile(hours / 24.0 - 2, rows),
        seen.reshape(flat),
        since.reshape(flat).astype(np.float32),
    )


def tensors(seq: Seq) -> Seq:
    return Seq(*(torch.from_numpy(part) for part in (seq.values, seq.mask, seq.position, seq.seen, seq.side)))


def trainer() -> tuple[Callable[[Seq, Tensor], None], nn.Module]:
    """One step of training, and the encoder that it trains."""
    torch.manual_seed(0)
    encoder = gru_d.build(Spec("measurements", (FEATURES,), "days", side=FEATURES), gru_d.Config(width=WIDTH))
    head = nn.Linear(encoder.width, 1)
    learnt = [p for p in [*encoder.parameters(), *head.parameters()] if p.requires_grad]
    optimizer = torch.optim.AdamW(learnt, lr=2e-3)

    def step(seq: Seq, label: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        nn.functional.binary_cross_entropy_with_logits(head(encoder(seq).pooled).squeeze(1), label).backward()
        nn.utils.clip_grad_norm_(learnt, 1.0)
        optimizer.step()

    return step, encoder


def ours(size: int, repeats: int = 5) -> dict[str, float]:
    """Samples per CPU-second at this batch size: the median of the repeats, each a pass over all rows."""
    values, seen, label = drawn(ROWS)
    rows, length = ragged(values, seen), np.full(ROWS, STEPS)
    step, encoder = trainer()
    fixed = tensors(batch.pad(rows, np.arange(size)))
    step(fixed, torch.from_numpy(label[:size]))
    rates: dict[str, list[float]] = {"train": [], "step": [], "infer": []}
    for epoch in range(repeats):
        with measure() as whole:
            for chosen in batch.shuffled(length, size, 0, epoch):
                step(tensors(batch.pad(rows, chosen)), torch.from_numpy(label[chosen]))
        with measure() as alone:
            for _ in range(ROWS // size):
                step(fixed, torch.from_numpy(label[:size]))
        with measure() as answers, torch.no_grad():
            for chosen in batch.sorted_(length, size):
                encoder(tensors(batch.pad(rows, chosen)))
        for name, measured in (("train", whole), ("step", alone), ("infer", answers)):
            rates[name].append(ROWS / measured.cpu_seconds)
    return {f"{name}_per_cpu_second": round(float(np.median(found)), 1) for name, found in rates.items()}


def peer(python: Path, script: Path) -> dict[str, float]:
    """What the peer's script prints for the same kind of data, one epoch over PEER_ROWS rows."""
    values, seen, label = drawn(PEER_ROWS + 512)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.npz"
        np.savez(path, X=np.where(seen, values, np.nan), y=label.astype(int))
        command = [str(python), str(script), str(path), "GRUD", str(PEER_ROWS), "1"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=script.parent)
    lines = [json.loads(line.removeprefix("METER ")) for line in done.stdout.splitlines() if line.startswith("METER ")]
    return {f"{line['stage'].split()[0]}_per_cpu_second": line["per_cpu_s"] for line in lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, help="a Python with pypots installed")
    parser.add_argument("--peer-script", type=Path, help="trains and runs the peer's GRU-D, see above")
    given = parser.parse_args()
    threads.prepare(1)
    found: dict[str, Any] = {
        "shape": {"steps": STEPS, "features": FEATURES, "width": WIDTH},
        "ours": {f"batch {size}": ours(size) for size in (BATCH, 64)},
        "goal": {"train_per_cpu_second": 1800, "times_peer": 5},
    }
    if given.peer and given.peer_script:
        found["pypots"] = peer(given.peer.absolute(), given.peer_script.resolve())
        theirs = found["pypots"]["train_per_cpu_second"]  # in batches of 64, as its script has it
        found["times_pypots"] = {size: round(rate["train_per_cpu_second"] / theirs, 2) for size, rate in found["ours"].items()}
    record("gru_d", found, PACKAGES)


if __name__ == "__main__":
    main()
