"""One volume, whichever of 48 ways its file turns it: the same store, the same answer, and a mask that goes back to each file.

The files are turned by nibabel, not by our own code.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import sequela
from sequela import config, model
from sequela.export import nifti
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut
from sequela.types import Array, Cohort, Known, Payload

nibabel = pytest.importorskip("nibabel")

TURNS = [(order, flips) for order in permutations(range(3)) for flips in product([1, -1], repeat=3)]
AFFINE = np.array([[2.0, 0.1, 0, -13], [-0.1, 1.5, 0.2, 29], [0, -0.2, 3.0, 4], [0, 0, 0, 1]], np.float32).astype(float)


def turned(values: Array, turn: tuple[Any, Any]) -> Any:
    """The same points of the patient, numbered another way."""
    image = nibabel.Nifti1Image(values, AFFINE)
    found = image.as_reoriented(np.array([list(pair) for pair in zip(*turn, strict=True)]))
    found.header.set_xyzt_units("mm")
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one patient 48 times; each mask is turned otherwise than its image."""
    folder, random = tmp_path_factory.mktemp("turned") / "source", np.random.default_rng(7)
    image = random.integers(-900, 900, (9, 10, 8)).astype(np.int16)
    mask = (random.random(image.shape) > 0.8).astype(np.uint8) * random.integers(1, 3, image.shape).astype(np.uint8)
    for name, values, shift in (("images", image, 0), ("labels", mask, 17)):
        (folder / name).mkdir(parents=True)
        for number in range(len(TURNS)):
            turned(values, TURNS[(number + shift) % len(TURNS)]).to_filename(folder / name / f"{number:02d}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def store(source: Path) -> Store:
    return sequela.import_data("nifti", source, source.parent / "it.store", options={"volumes": True})


def payloads(store: Store, code: str) -> list[Payload]:
    events = store.events().filter(pl.col("code") == code).sort("subject_id")
    return [store.payloads.open(uri) for uri in events["payload"]]


@pytest.mark.parametrize("code", ["IMAGE", "MASK"])
def test_it_is_stored_alike(code: str, store: Store) -> None:
    first, *others = payloads(store, code)
    assert len(others) == 47 and len(np.unique(first.values)) > 2 and first.space is not None
    for one in others:
        np.testing.assert_array_equal(one.values, first.values)
        assert one.values.dtype == first.values.dtype and one.space is not None
        np.testing.assert_allclose(one.space.affine, first.space.affine, atol=1e-4)
    assert len({one.space.axes for one in (first, *others) if one.space}) == 48


def test_what_is_measured_of_it_is_alike(store: Store) -> None:
    volumes = store.events().filter(pl.col("code") == "LABEL//volume")["numeric_value"]
    assert len(volumes) == 48 and volumes.max() == pytest.approx(volumes.min(), rel=1e-5)


INPUTS: dict[str, dict[str, Any]] = {
    "slices": {
        "modality": {"name": "slices", "axis": "axial", "spacing": [3.0, 2.0, 2.0]},
        "encoder": {"name": "cnn_rnn", "step": {"name": "cnn", "channels": [4], "width": 6}, "width": 5},
    },
    "sagittal": {
        "modality": {"name": "slices", "axis": "sagittal", "slab": 3},
        "encoder": {"name": "resnet", "blocks": [1], "width": 4},
    },
    "volume": {
        "modality": {"name": "image", "size": [8, 8, 8], "window": "lung"},
        "encoder": {"name": "resnet", "blocks": [1, 1], "width": 4},
    },
}


def rows(store: Store, study: config.Study) -> tuple[Cohort, Known]:
    asked, _ = cohorts.build(store, study)
    return asked, cut.known(store, asked, None)


@pytest.mark.parametrize("name", INPUTS)
def test_a_model_answers_alike(name: str, store: Store) -> None:
    study = config.convert(
        {
            "name": "turned",
            "question": "?",
            "data": {"source": "."},
            "cohort": {"index": "SAMPLE"},
            "outcome": {"column": "volume", "cuts": [1.0]},
            "inputs": {name: INPUTS[name]},
            "task": "binary",
        },
        config.Study,
    )
    asked, known = rows(store, study)
    fitted = model.fit_inputs(study, cut.take(known, np.array([0])))
    inputs, specs = model.read_inputs(fitted, known)
    network, task = model.build(study, specs, asked.target.names)
    said = model.predict(network, task, inputs).values[:, 0]
    assert len(said) == 48
    np.testing.assert_allclose(said, said[0], rtol=0, atol=1e-6)
    backwards = {name: read_reversed(inputs[name])}
    assert abs(model.predict(network, task, backwards).values[0, 0] - said[0]) > 1e-5, "a model that does not see what way is up"


def read_reversed(ragged: Any) -> Any:
    """The same steps with their columns from left to right."""
    return replace(ragged, values=Reversed(ragged.values))


class Reversed:
    """Steps seen in a mirror (types.Steps)."""

    def __init__(self, steps: Any) -> None:
        self._steps = steps
        self.shape, self.dtype = steps.shape, steps.dtype

    def __getitem__(self, index: Array) -> Array:
        return np.ascontiguousarray(self._steps[index][..., ::-1])


def test_its_mask_goes_back_to_every_file(store: Store, source: Path, tmp_path: Path) -> None:
    for number, (image, mask) in enumerate(zip(payloads(store, "IMAGE"), payloads(store, "MASK"), strict=True)):
        assert image.space is not None
        back = nibabel.load(nifti.write(mask.values[0], image.space, tmp_path / "back.nii"))
        given = nibabel.load(source / "images" / f"{number:02d}.nii.gz")
        np.testing.assert_allclose(back.affine, given.affine, atol=1e-4)
        assert back.shape == given.shape
        np.testing.assert_array_equal(
            np.asarray(nibabel.as_closest_canonical(back).dataobj),
            np.asarray(nibabel.as_closest_canonical(nibabel.load(source / "labels" / f"{number:02d}.nii.gz")).dataobj),
        )
