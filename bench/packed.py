"""Training LSTM and GRU on rows of unlike lengths: ours, in buckets with denormals flushed, against pack_padded_sequence.

    python bench/packed.py

Two mixes of lengths: sequences of beats (30 to 100 steps), and stays in intensive care (mean 83 steps, the longest 256). All see
the same rows, widths, loss (on the last step) and number of rows a batch, each in a fresh interpreter. The usual way is that of
tutorials: rows in random order, each batch padded to the longest row of all and packed; on one thread, which is kinder to it than
torch as it comes. Ours takes batches of like length from `batch.shuffled`, padded to their own longest, through the encoder, on a
thread that `sequela.threads` prepares. Between the two stands packing on such a thread, with denormals flushed. CPU-seconds of an
epoch: the median of several, the least and the most.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from typing import Any

ROWS, BATCH, FEATURES, WIDTH = 256, 64, 37, 128
LONGEST = 256
GOAL = 5.0
EPOCHS = 5  # measured of each case; the number was fixed before they were run
MIXES = ("beats", "stays")
WAYS = ("packed", "packed, denormals flushed", "ours")


def lengths(mix: str) -> Any:
    """Steps of each row."""
    import numpy as np

    random = np.random.default_rng(0)
    if mix == "beats":
        return random.integers(30, 101, ROWS)
    return np.clip(random.gamma(1.6, 83 / 1.6, ROWS).round().astype(np.int64), 4, LONGEST)


def values(length: Any) -> Any:
    """Rows "N T F" padded to LONGEST."""
    import torch

    drawn = torch.randn(ROWS, LONGEST, FEATURES, generator=torch.Generator().manual_seed(0))
    return drawn * (torch.arange(LONGEST) < torch.as_tensor(length)[:, None])[:, :, None]


def packed(name: str, mix: str) -> tuple[Any, Any]:
    """The layer, and an epoch of it: rows in random order, all padded alike, packed."""
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence

    length, layer = (
        torch.as_tensor(lengths(mix)),
        {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[name](FEATURES, WIDTH, batch_first=True),
    )
    rows = values(length)

    def epoch() -> Iterator[Any]:
        order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(0))
        for some in order.split(BATCH):
            state = layer(pack_padded_sequence(rows[some], length[some], batch_first=True, enforce_sorted=False))[1]
            yield (state[0] if name == "lstm" else state)[0]

    return layer, epoch


def ours(name: str, mix: str) -> tuple[Any, Any]:
    """The encoder, and an epoch of it: batches of like length, as training draws them."""
    import torch

    from sequela import batch as batches
    from sequela import registry
    from sequela.types import Seq, Spec

    length = lengths(mix)
    module = registry.module("encoders", name)
    encoder = module.build(Spec("waveform", (1, FEATURES), "index"), module.Config(width=WIDTH))
    rows = values(length).unsqueeze(2)

    def epoch() -> Iterator[Any]:
        for some in batches.shuffled(length, BATCH, 0, 0):
            steps = int(length[some].max())
            mask = torch.arange(steps) < torch.as_tensor(length[some])[:, None]
            yield encoder(Seq(rows[some, :steps], mask, torch.zeros(mask.shape, dtype=torch.float64))).pooled

    return encoder, epoch


def cost(name: str, mix: str, way: str) -> list[float]:
    """CPU-seconds of each epoch, forward, backward and a step of Adam, after a batch that warms up."""
    import torch
    from harness import measure

    if way == WAYS[0]:
        torch.set_num_threads(1)
    else:
        from sequela import threads

        threads.prepare(1)
    torch.manual_seed(0)
    net, epoch = (ours if way == "ours" else packed)(name, mix)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def learn(last: Any) -> None:
        optimizer.zero_grad(set_to_none=True)
        last.square().sum().backward()
        optimizer.step()

    learn(next(epoch()))
    found = []
    for _ in range(EPOCHS):
        with measure() as measured:
            for last in epoch():
                learn(last)
        found.append(round(measured.cpu_seconds, 2))
    return found


def fresh(name: str, mix: str, way: str) -> list[float]:
    """The cost in a new interpreter, without variables of OpenMP."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "MKL_"))}
    done = subprocess.run([sys.executable, __file__, name, mix, way], env=kept, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(name: str, mix: str) -> dict[str, Any]:
    """All ways of one net over one mix of lengths."""
    found = {way: fresh(name, mix, way) for way in WAYS}
    middle = {way: median(costs) for way, costs in found.items()}
    return {
        **{f"{way}: CPU-s": f"{middle[way]:.2f} ({min(costs):.2f} to {max(costs):.2f})" for way, costs in found.items()},
        "times cheaper": round(middle[WAYS[0]] / middle["ours"], 1),
        "with denormals flushed on both sides": round(middle[WAYS[1]] / middle["ours"], 1),
        "reached": middle[WAYS[0]] >= GOAL * middle["ours"],
    }


def main() -> None:
    from harness import record

    nets = {f"{name}, {mix}": compare(name, mix) for name in ("lstm", "gru") for mix in MIXES}
    mean = {mix: round(float(lengths(mix).mean()), 1) for mix in MIXES}
    shape = {"rows": ROWS, "batch": BATCH, "features": FEATURES, "width": WIDTH, "longest": LONGEST, "mean steps": mean}
    record("packed", {"shape": shape, "goal": GOAL, "an epoch of": nets})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(cost(*sys.argv[1:4])))
    else:
        main()
