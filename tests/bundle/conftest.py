"""A run on data that names its patients in every way it can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sequela import config
from sequela.pipeline import import_data, run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store

COUNT = 150


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Run]:
    """Subjects called Zanzibar-4000 and on; nine live in Samarkand, too few to be told; the study names some."""
    folder = tmp_path_factory.mktemp("named")
    random = np.random.default_rng(7)
    a, b, age = random.normal(size=COUNT), random.normal(size=COUNT), random.integers(10, 90, COUNT)
    frame = pl.DataFrame(
        {
            "id": [f"Zanzibar-{4000 + k}" for k in range(COUNT)],
            "a": a,
            "b": [None if gone else value for gone, value in zip(random.random(COUNT) < 0.2, b.tolist(), strict=True)],
            "age": age,
            "town": ["Samarkand" if k % 17 == 1 else ["Oslo", "Rome"][k % 2] for k in range(COUNT)],
            "ill": (a + random.normal(size=COUNT) > 0).astype(int),
        }
    )
    frame.write_csv(folder / "people.csv")
    options = {"subject": "id", "values": ["a", "b", "age"], "static": ["town"], "label": "ill"}
    store = import_data("csv", folder / "people.csv", folder / "people.store", options=options)
    return store, run(_study(folder, options), data=store, out=folder / "run")


def _study(folder: Path, options: dict[str, object]) -> config.Study:
    given = {
        "name": "named",
        "question": "Is this person ill?",
        "data": {"source": str(folder / "people.csv"), "reader": "csv", "options": options},
        "cohort": {
            "index": "SAMPLE",
            "exclude": [
                {"when": "age < 18", "reason": "a child"},
                {"subjects": ["Zanzibar-4003"], "reason": "withdrew consent"},
            ],
            "groups": [{"name": "town", "code": "town"}],
        },
        "outcome": {"column": "ill"},
        "inputs": {"person": {"modality": "static", "encoder": {"name": "mlp", "width": 8}}},
        "task": "binary",
        "train": {"epochs": 2, "batch": 32},
        "baselines": {"names": [{"name": "boosting", "rounds": 10, "seeds": 1}]},
        "ensemble": {"members": ["model", "baseline:boosting"]},
        "evaluate": {"bootstrap": 20, "without": [f"Zanzibar-{4000 + k}" for k in range(5, COUNT, 9)]},
    }
    return config.convert(given, config.Study)
