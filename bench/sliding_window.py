"""Memory of a volume's answer by overlapping windows, beside MONAI's sliding window: one small net, volumes of growing depth.

    python bench/sliding_window.py

Each volume is answered in a process of its own, whose largest resident size counts, less that of one which only starts. Ours
reads windows when they are asked for (here: computes them) and keeps the answer in bytes; MONAI's takes and gives a whole tensor.
A peer that is not installed is left out.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from harness import PACKAGES, measure, peak_megabytes, record
from torch import nn

from sequela.nn.window import Window, slide
from sequela.prep import grid, painting

DEPTHS = (64, 256, 1024)
PLANE, PATCH = (192, 192), (32, 64, 64)
GOAL = 1.5  # megabytes, at most, by which a million more points may raise the peak: one byte each, and a copy of the label


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 1, 1), nn.Sigmoid()).eval()


def ours(depth: int) -> float:
    net = network()

    def read(corner: Sequence[int]) -> Any:
        return np.random.default_rng(list(np.maximum(corner, 0))).random((1, *PATCH), np.float32)

    with torch.inference_mode():
        slabs = slide(net, read, (depth, *PLANE), Window(PATCH))
        chance = painting.stored(slabs, grid.plain((depth, *PLANE)))
    return float(painting.means(chance)[0])


def monai(depth: int) -> float:
    from monai.inferers import sliding_window_inference

    net, volume = network(), torch.rand(1, 1, depth, *PLANE)
    with torch.inference_mode():
        found = sliding_window_inference(volume, PATCH, 4, net, overlap=0.5, mode="gaussian")
    return float(found.mean())


def one(who: str, depth: int) -> dict[str, float]:
    """Of this process: the largest size in megabytes, and CPU-seconds."""
    torch.set_num_threads(1)
    with measure() as cost:
        if depth:
            {"ours": ours, "monai": monai}[who](depth)
        elif who == "monai":
            importlib.import_module("monai.inferers")
    return {"megabytes": peak_megabytes(), "cpu_seconds": cost.cpu_seconds}


def in_own_process(who: str, depth: int) -> dict[str, float]:
    found = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, who, str(depth)], capture_output=True, text=True, check=True
    )
    return dict(json.loads(found.stdout.splitlines()[-1]))


def measured(who: str) -> list[dict[str, float]]:
    """Of each depth: millions of points, megabytes more than a start, CPU-seconds."""
    start = in_own_process(who, 0)["megabytes"]
    rows = []
    for depth in DEPTHS:
        found = in_own_process(who, depth)
        millions = depth * PLANE[0] * PLANE[1] / 1e6
        rows.append(
            {
                "million_points": round(millions, 2),
                "megabytes": round(found["megabytes"] - start, 1),
                "cpu_seconds": round(found["cpu_seconds"], 2),
            }
        )
    return rows


def growth(rows: list[dict[str, float]]) -> float:
    """Megabytes for each million points more."""
    first, last = rows[0], rows[-1]
    return round((last["megabytes"] - first["megabytes"]) / (last["million_points"] - first["million_points"]), 2)


def main() -> None:
    peers = ["monai"] if importlib.util.find_spec("monai") else []
    each = {who: measured(who) for who in ["ours", *peers]}
    payload = {
        "question": "how much memory does a volume's answer take, by its points?",
        "patch": PATCH,
        "rows": each,
        "megabytes_per_million_points": {who: growth(rows) for who, rows in each.items()},
        "goal": GOAL,
        "missing_peers": [] if peers else ["monai"],
    }
    record("sliding_window", payload, (*PACKAGES, *peers))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(one(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
