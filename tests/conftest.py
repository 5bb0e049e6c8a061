"""Fixtures that every test may use."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sequela.pipeline.experiment import Run
    from sequela.store.store import Store

DEMO = Path(__file__).resolve().parents[1] / "studies" / "demo.toml"
SMALL = (
    "train.epochs=2",
    "evaluate.bootstrap=20",
    "inputs.chart.encoder.width=8",
    'baselines.names=["logistic", { name = "boosting", rounds = 10, seeds = 1 }]',
)


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """The folder of a set of real data; skips, with the set's name, where SEQUELA_DATA does not hold it."""

    def find(name: str) -> Path:
        root = os.environ.get("SEQUELA_DATA", "")
        if not root or not (Path(root) / name).is_dir():
            pytest.skip(f"the real data set {name!r} is not under SEQUELA_DATA")
        return Path(root).resolve() / name

    return find


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache."""
    monkeypatch.setenv("SEQUELA_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The store of 150 simulated stays; no test may write beside it but the counter of looks."""
    from sequela import simulate
    from sequela.pipeline import import_data

    folder = tmp_path_factory.mktemp("ward")
    return import_data("physionet2012", simulate.write("ward", folder / "raw", 150), folder / "ward.store")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study file of the simulated ward, without what takes longest: explanations and robustness have tests of their own."""
    from msgspec.structs import replace

    from sequela import config

    path = tmp_path_factory.mktemp("studies") / DEMO.name
    path.write_text(config.dump(replace(config.load(DEMO), explain=None, robustness=None)), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small() -> tuple[str, ...]:
    """What is laid over the demo's study so that it runs in half a second."""
    return SMALL


@pytest.fixture(scope="session")
def ward_run(ward: Store, demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One finished run of the demo: model, two baselines, a score, an ensemble."""
    from sequela.pipeline import run

    return run(demo, data=ward, out=tmp_path_factory.mktemp("runs") / "ward", overrides=SMALL)


@pytest.fixture(autouse=True)
def _ordinary_numbers() -> None:
    """Each test starts with denormal numbers, as an interpreter does: a training in the same process flushes them to zero."""
    if torch := sys.modules.get("torch"):
        torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """30 noisy pictures of 40 to 48 points a side with one or two bright discs, masks and boxes; two pictures are of one child.

    The first has no disc, the second no mask and no boxes.
    """
    import numpy as np
    from PIL import Image

    from sequela.pipeline import import_data

    folder = tmp_path_factory.mktemp("discs")
    random = np.random.default_rng(3)
    for number in range(30):
        height, width = random.integers(40, 49, 2)
        down, across = np.mgrid[:height, :width]
        mask, boxes = np.zeros((height, width), np.uint8), []
        for _ in range(0 if number == 0 else 1 + number % 3 // 2):
            radius = random.uniform(4, 7)
            y, x = random.uniform(radius, height - radius), random.uniform(radius, width - radius)
            mask[(down - y) ** 2 + (across - x) ** 2 < radius**2] = 255
            boxes.append([x - radius, y - radius, x + radius, y + radius])
        picture = np.clip(random.normal(80, 12, mask.shape) + 70 * (mask > 0), 0, 255).astype(np.uint8)
        name = f"Child_{number // 2:02d}{'LR'[number % 2]}"
        Image.fromarray(picture).save(folder / f"{name}.png")
        if number != 1:
            Image.fromarray(mask).save(folder / f"{name}_mask.png")
            (folder / f"{name}.xml").write_text(_voc(boxes))
    options = {
        "masks": {"MASK": "{stem}_mask.png"},
        "boxes": "voc",
        "annotations": "{stem}.xml",
        "subject_pattern": r"Child_(?P<child>\d+)(?P<eye>[LR])",
    }
    return import_data("images", folder, folder.with_suffix(".store"), options=options)


def _voc(boxes: list[list[float]]) -> str:
    edges = ("xmin", "ymin", "xmax", "ymax")
    said = ["".join(f"<{edge}>{round(value)}</{edge}>" for edge, value in zip(edges, box, strict=True)) for box in boxes]
    things = "".join(f"<object><name>disc</name><bndbox>{one}</bndbox></object>" for one in said)
    return f"<annotation>{things}</annotation>"
