"""The classic nets on one question: pneumonia in a child's chest X-ray of 28 x 28 pixels (PneumoniaMNIST, its own parts).

    python bench/xray_encoders.py [--data STORE_OR_FILE] [--runs DIR] [--only NAME ...]

The study is studies/xray_pneumonia.toml with another encoder each; all are narrow, so that each trains in minutes on one core.
For each, the learning rate is the one of two whose short training ranks the tune part best; then the whole training, and one look
at the test part. `rows` nets read a picture as the sequence of its 28 rows. Behind each value stands its 95 % interval. The cost
is of all that `run` does: reading, training, validation and the report; that of both short runs stands beside.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import msgspec
from harness import RESULTS, measure, record
from msgspec.structs import replace

import sequela as sq
from sequela import config
from sequela.config import Study
from sequela.pipeline.experiment import Run

STUDY = RESULTS.parent.parent / "studies" / "xray_pneumonia.toml"
RATES = (1e-3, 4e-3)
SHORT, EPOCHS = 3, 12
IMAGES: dict[str, dict[str, Any]] = {
    "alexnet": {"name": "alexnet", "width": 24, "dense": 128, "norm": "batch"},
    "vgg": {"name": "vgg", "depth": 11, "width": 16, "dense": 128, "norm": "batch"},
    "resnet": {"name": "resnet", "blocks": [1, 1, 1], "width": 16, "dropout": 0.2},
    "densenet": {"name": "densenet", "blocks": [2, 3, 4], "growth": 8},
    "cnn": {"name": "cnn", "channels": [32, 64], "width": 128, "dropout": 0.3},
    "vit": {"name": "vit", "width": 64, "layers": 4, "dropout": 0.1},
}
ROW_OPTIONS = {"width": 96, "layers": 2, "bidirectional": True, "dropout": 0.2, "pool": ["mean", "max"]}
ROWS: dict[str, dict[str, Any]] = {f"rows, {name}": {"name": name, **ROW_OPTIONS} for name in ("lstm", "gru")}
UPRIGHT = ("shift", "scale", "brightness", "contrast")  # what augments rows: a turned picture has other rows


def study(name: str, rate: float, epochs: int) -> Study:
    """The study with this encoder."""
    plan = config.load(STUDY, ("baselines.names=['mean']", f"train.epochs={epochs}", f"train.optimizer.lr={rate}"))
    (xray,) = plan.inputs.values()
    if name in IMAGES:
        changed = replace(xray, encoder=IMAGES[name])
    else:
        kept = [one for one in xray.augment if config.choice(one, "augment").name in UPRIGHT]
        changed = config.Input(modality={"name": "image", "as_rows": True}, encoder=ROWS[name], augment=kept)
    return replace(plan, inputs={"xray": changed})


def chosen(name: str, data: str | None, runs: Path) -> float:
    """The learning rate whose short training ranks the tune part best."""
    score = {}
    for rate in RATES:
        run = sq.run(study(name, rate, SHORT), data=data, out=runs / f"{name}-{rate:g}", part="tune")
        score[rate] = run.metric("auroc", part="tune")
    return max(score, key=lambda rate: score[rate] or 0.0)


def told(run: Run) -> dict[str, Any]:
    """What the table says of a finished run."""
    rows = [row for row in run.metrics if row["model"] == "model" and row["part"] == "test" and not row["against"]]
    whole = {row["metric"]: row for row in rows if not row["class"] and not row["group"]}
    return {
        metric: {key: whole[metric][key] for key in ("value", "low", "high")}
        for metric in ("auroc", "accuracy", "sensitivity", "specificity")
    }


def measured(name: str, data: str | None, runs: Path) -> dict[str, Any]:
    with measure() as search:
        rate = chosen(name, data, runs)
    with measure() as whole:
        run = sq.run(study(name, rate, EPOCHS), data=data, out=runs / name)
    facts = msgspec.json.decode((run.folder / "run.json").read_bytes())
    return {
        **told(run),
        "parameters": facts["parameters"],
        "learning_rate": rate,
        "cpu_minutes": whole.cpu_seconds / 60,
        "choosing_cpu_minutes": search.cpu_seconds / 60,
        "looks_at_test": facts["splits"][0]["looks"],
        "pictures_judged": facts["splits"][0]["parts"]["test"]["rows"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="a store, or the file; left out: what the study names, under SEQUELA_DATA")
    parser.add_argument("--runs", type=Path, help="where the runs are kept; left out: nowhere")
    parser.add_argument("--only", nargs="+", choices=[*IMAGES, *ROWS], default=[*IMAGES, *ROWS], metavar="NAME")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        runs = given.runs or Path(scratch)
        found = {name: measured(name, given.data, runs) for name in given.only}
    record("xray_encoders", {"epochs": EPOCHS, "encoders": found})


if __name__ == "__main__":
    main()
