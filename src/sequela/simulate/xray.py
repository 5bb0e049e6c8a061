"""Small pictures that look like chest X-rays, some with an opacity in a lung field, in the layout of MedMNIST (28×28, grey).

The denser the opacity, the likelier the label; a faint one may be labelled either way, so no model can be perfect. Reader: npz.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from scipy.special import expit

from sequela import seed as streams
from sequela.contracts import Progress
from sequela.types import Array

SIZE = 28
SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}
AFFECTED = 0.6  # share of pictures with an opacity of any density


def write(folder: Path, subjects: int, seed: int, progress: Progress) -> None:
    """Writes xray.npz and truth.csv, whose rows are in the order of the archive's parts."""
    images, risks = np.zeros((subjects, SIZE, SIZE), np.uint8), np.zeros(subjects)
    labels = np.zeros((subjects, 1), np.uint8)
    for i in range(subjects):
        random = streams.generator(seed, "xray", i)
        images[i], density = drawn(random)
        risks[i] = true_risk(density)
        labels[i] = random.random() < risks[i]
        progress("images", i + 1, subjects)
    parts = _parts(subjects)
    arrays = {f"{part}_{what}": of[rows] for part, rows in parts.items() for what, of in (("images", images), ("labels", labels))}
    _save(folder / "xray.npz", arrays)
    truth = [f"{part},{k},{risks[i]:.6f},{labels[i, 0]}" for part, rows in parts.items() for k, i in enumerate(rows)]
    (folder / "truth.csv").write_text("\n".join(["part,index,risk,outcome", *truth]) + "\n", encoding="ascii")


def true_risk(density: float) -> float:
    """The planted cause: the chance that a picture is labelled as pneumonia.

    >>> true_risk(0.0).round(3), true_risk(1.0).round(3)
    (np.float64(0.047), np.float64(0.953))
    """
    return np.float64(expit(6 * density - 3))


def drawn(random: np.random.Generator) -> tuple[Array, float]:
    """One picture, uint8 "H W", and the density of its opacity in [0, 1]."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / (SIZE - 1)
    centre, tilt = 0.5 + 0.03 * random.normal(), 0.02 * random.normal()
    lungs = sum(_blob(y - 0.5, x - centre - side * 0.2 - tilt * (y - 0.5), 0.3, 0.11) for side in (-1, 1))
    density = random.random() if random.random() < AFFECTED else 0.0
    side, height = random.choice([-1, 1]), 0.4 + 0.25 * random.random()
    opacity = _blob(y - height, x - centre - side * 0.2, 0.09, 0.08)
    picture = 0.72 - 0.5 * np.clip(lungs, 0, 1) + 0.38 * density * opacity + 0.04 * random.normal(size=(SIZE, SIZE))
    return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8), float(density)


def _blob(y: Array, x: Array, height: float, width: float) -> Array:
    """A soft ellipse: 1 in the middle, near 0 outside."""
    return np.asarray(np.exp(-((y / height) ** 4) - (x / width) ** 4))


def _parts(subjects: int) -> dict[str, range]:
    ends = np.round(np.cumsum([0.0, *SHARES.values()]) * subjects).astype(int).tolist()
    return {part: range(ends[k], ends[k + 1]) for k, part in enumerate(SHARES)}


def _save(path: Path, arrays: dict[str, Array]) -> None:
    """As np.savez does, but with a fixed date, so that the same pictures are the same file."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
