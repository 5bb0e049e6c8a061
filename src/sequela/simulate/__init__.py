"""Synthetic patients with a planted truth, in real file formats: what can be learnt is known, and no patient is needed.

`write("ward", "demo/ward")` writes a set; beside it `truth.csv` holds what is true of it (each subject's risk, the best
forecast of each reading), and `ceiling` says what AUROC a model that knew the risks would reach. The same name, number of
subjects and seed give the same files, byte for byte.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sequela.errors import ConfigError, DataError, UsageError

if TYPE_CHECKING:
    from sequela.contracts import Progress


def names() -> tuple[str, ...]:
    """What can be simulated."""
    import pkgutil

    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def write(name: str, dest: str | Path, subjects: int = 1000, seed: int = 0, progress: Progress | None = None) -> Path:
    """The folder, written anew with so many subjects and their truth.csv.

    Raises ConfigError for an unknown name, UsageError for fewer than one subject, DataError where the folder already holds files.
    """
    import importlib

    from sequela.registry import nearest

    if name not in names():
        raise ConfigError(f"nothing called {name!r} can be simulated", hint=nearest(name, names()))
    if subjects < 1:
        raise UsageError(f"{subjects} subjects cannot be simulated, at least 1 can")
    folder = Path(dest)
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} already holds files", hint="give a new folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    importlib.import_module(f"{__name__}.{name}").write(folder, subjects, seed, progress or _silent)
    return folder


def ceiling(dest: str | Path) -> float:
    """The AUROC of the true risks in a folder's truth.csv: what no model can beat but by luck.

    Raises DataError where there is no truth.csv with the columns risk and outcome.
    """
    import polars as pl

    from sequela.metrics.discrimination import auroc

    path = Path(dest) / "truth.csv"
    if not path.is_file():
        raise DataError(f"there is no truth.csv in {dest}")
    truth = pl.read_csv(path)
    if not {"risk", "outcome"} <= set(truth.columns):
        raise DataError(f"{path} has no columns risk and outcome: what is planted there is certain")
    return float(auroc(truth["risk"].to_numpy(), truth["outcome"].to_numpy() == 1))


def _silent(what: str, done: int, total: int) -> None:
    """Shows nothing."""
