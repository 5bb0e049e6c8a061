"""Small simulated stores that the rules over every registered name are run on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import sequela
from sequela import simulate
from sequela.store.store import Store

READERS = {
    "ward": ("physionet2012", 60),
    "ecg": ("wfdb", 4),
    "xray": ("npz", 60),
    "scans": ("nifti", 24),
}  # set -> its reader, and how many subjects


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Store]:
    """The store of a simulated set, made once."""

    @cache
    def made(name: str) -> Store:
        reader, subjects = READERS[name]
        folder: Path = tmp_path_factory.mktemp("simulated")
        if name == "scans":
            write_scans(folder / name, subjects)
        else:
            simulate.write(name, folder / name, subjects, seed=3)
        options = {"volumes": True} if name == "scans" else {}
        return sequela.import_data(reader, folder / name, folder / f"{name}.store", options=options)

    return made


def write_scans(folder: Path, subjects: int) -> None:
    """Small volumes as NIfTI, each with a bright ball, and its mask: the larger the ball, the larger LABEL//volume."""
    nibabel = pytest.importorskip("nibabel")
    random, affine = np.random.default_rng(3), np.diag([-2.0, 1.5, 3.0, 1.0])
    for i in range(subjects):
        shape = (10 + i % 3, 12, 8 + i % 2)
        points = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1) - np.array(shape) / 2
        ball = np.linalg.norm(points * affine.diagonal()[:3], axis=-1) < 4 + 4 * random.random()
        image = np.rint(40 + 10 * random.normal(size=shape) + 60 * ball).astype(np.int16)
        for name, values in (("images", image), ("labels", ball.astype(np.uint8))):
            (folder / name).mkdir(parents=True, exist_ok=True)
            made = nibabel.Nifti1Image(values, affine)
            made.header.set_xyzt_units("mm")
            made.to_filename(folder / name / f"{i:03d}.nii.gz")
