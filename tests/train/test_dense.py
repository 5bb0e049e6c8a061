from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sequela import config
from sequela import model as models
from sequela.contracts import Evidence
from sequela.errors import ConfigError, DataError
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import cut
from sequela.train import dense
from sequela.train.dense import Marks, corner_of, cut_out
from sequela.types import Array


def pictures(store: Store, task: str = "segment", **modality: Any) -> Evidence:
    marks = {"mask": "MASK", "classes": ["disc"]} if task == "segment" else {"boxes": "BOX", "classes": ["disc"]}
    given = {
        "name": "discs",
        "question": "?",
        "data": {"source": "x"},
        "cohort": {"index": "SAMPLE"},
        "inputs": {"picture": {"modality": {"name": "image"} | modality, "encoder": "unet"}},
        "task": task,
        "outcome": marks,
    }
    study = config.convert(given, config.Study)
    rows, _ = cohorts.build(store, study)
    known = cut.known(store, rows, None)
    return models.evidence(study, models.fit_inputs(study, known), known, rows.target, (rows.subject_id, rows.row_id))


def test_a_patch_and_its_mask_are_of_one_place(discs: Store) -> None:
    rows = pictures(discs, patch=(16, 16), patches=2)
    made = dense.pictures(rows, 0).batch(np.arange(8), 0, 0, 0)
    assert made.target is not None
    values, mask = made.inputs["picture"].values[:, 0, 0], made.target.dense
    assert values.shape == mask.shape == (8, 16, 16) and mask.dtype == np.int64
    assert values[mask == 1].mean() > values[mask == 0].mean() + 1.5  # a disc is brighter by six spreads of the noise


def test_which_patches_are_drawn_depends_on_seed_and_place_alone(discs: Store) -> None:
    made = dense.pictures(pictures(discs, patch=(16, 16)), 0)

    def drawn(seed: int, *place: int) -> Array:
        found: Array = made.batch(np.arange(6), seed, *place).inputs["picture"].values
        return found

    assert (drawn(0, 1, 2) == drawn(0, 1, 2)).all()
    assert (drawn(0, 1, 2) != drawn(0, 1, 3)).any() and (drawn(0, 1, 2) != drawn(1, 1, 2)).any()


def test_patches_around_marked_points_hold_one(discs: Store) -> None:
    rows = pictures(discs, patch=(9, 9), foreground=1.0)
    marked = np.array([row for row in range(len(rows)) if rows.target.dense.whole(row).any()])
    made = dense.pictures(rows, 0).batch(marked, 0, 0)
    assert made.target is not None and (made.target.dense == 1).any((1, 2)).all()


def test_boxes_come_padded_in_points_of_the_model(discs: Store) -> None:
    rows = pictures(discs, "detect", size=(80, 96))
    made = dense.pictures(rows, 0).batch(np.arange(5), 0, 0)
    assert made.target is not None and made.target.dense.shape == (5, 2, 5)
    for row, boxes in enumerate(made.target.dense):
        corners, label = rows.target.dense.of(row)
        stored = rows.inputs["picture"].values.grid(row).stored  # type: ignore[attr-defined]
        scale = np.tile([80 / stored[0], 96 / stored[1]], 2)
        assert np.allclose(boxes[: len(label), 1:], corners * scale, atol=1e-4)
        assert (boxes[len(label) :, 0] == -1).all()


def test_boxes_are_not_asked_of_patches(discs: Store) -> None:
    with pytest.raises(ConfigError, match="whole pictures"):
        dense.pictures(pictures(discs, "detect", patch=(16, 16)), 0)


def test_a_mask_of_another_shape_than_its_picture_is_refused_by_row(discs: Store) -> None:
    rows = pictures(discs, patch=(16, 16))
    with pytest.raises(DataError, match=r"the mask of the row Child_0\dL is \d+ × \d+, its picture \d+ × \d+"):
        dense.pictures(replace(rows, target=rows.target.take(np.arange(len(rows))[::-1])), 0)


sizes = st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=1, max_size=3)


@given(sizes, st.integers(0, 1000), st.floats(0, 1))
def test_a_patch_lies_inside_a_picture_that_holds_it(axes: list[tuple[int, int]], seed: int, foreground: float) -> None:
    random = np.random.default_rng(seed)
    shape, size = zip(*axes, strict=True)
    mask = random.integers(0, 2, shape).astype(np.int8)
    points = (np.stack(np.nonzero(mask), 1),) if mask.any() else ()
    corner = corner_of(Marks(mask, points), size, foreground, random)
    for begin, whole, part in zip(corner, shape, size, strict=True):
        assert 0 <= begin <= whole - part if part <= whole else begin == (whole - part) // 2
    found = cut_out(mask, corner, size)
    assert found.shape == tuple(size)
    assert (found >= 0).sum() == np.prod([min(whole, part) for whole, part in axes])


def test_every_place_of_a_picture_is_drawn() -> None:
    random = np.random.default_rng(0)
    marks = Marks(np.zeros((6,), np.int8), ())
    assert {corner_of(marks, (4,), 0.5, random) for _ in range(100)} == {(0,), (1,), (2,)}
