"""Small simulated stores that the rules over every registered name are run on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import sequela
from sequela import simulate
from sequela.store.store import Store

READERS = {"ward": ("physionet2012", 60), "ecg": ("wfdb", 4), "xray": ("npz", 60)}  # set -> its reader, and how many subjects


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Store]:
    """The store of a simulated set, made once."""

    @cache
    def made(name: str) -> Store:
        reader, subjects = READERS[name]
        folder: Path = tmp_path_factory.mktemp("simulated")
        simulate.write(name, folder / name, subjects, seed=3)
        return sequela.import_data(reader, folder / name, folder / f"{name}.store")

    return made
