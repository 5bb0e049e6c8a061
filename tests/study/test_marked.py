from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.store.store import Store
from sequela.study import cohort as cohorts
from sequela.study import marked
from sequela.study.records import Records
from sequela.types import Cohort


def asked(store: Store, task: str, **outcome: Any) -> Cohort:
    given = {
        "name": "discs",
        "question": "?",
        "data": {"source": "x"},
        "cohort": {"index": "SAMPLE"},
        "inputs": {"picture": {"modality": "image", "encoder": "unet"}},
        "task": task,
        "outcome": outcome,
    }
    study = config.convert(given, config.Study)
    return cohorts.build(store, study)[0]


def test_each_picture_has_its_own_mask(discs: Store) -> None:
    rows = asked(discs, "segment", mask="MASK", classes=["disc"])
    assert len(rows) == 29 and rows.target.names == ("disc",) and rows.target.known.all()
    empty = int(np.flatnonzero(rows.source_id == "Child_00L")[0])
    mask = rows.target.dense.whole(empty)
    assert mask.dtype == np.int32 and not mask.any()
    assert all(set(np.unique(rows.target.dense.whole(row))) == {0, 1} for row in range(29) if row != empty)


def test_rows_taken_keep_their_masks_and_boxes(discs: Store) -> None:
    rows, marked = asked(discs, "segment", mask="MASK", classes=["disc"]), asked(discs, "detect", boxes="BOX")
    some = np.array([7, 2])
    assert (rows.take(some).target.dense.whole(0) == rows.target.dense.whole(7)).all()
    assert (marked.take(some).target.dense.of(1)[0] == marked.target.dense.of(2)[0]).all()
    kept = np.isin(np.arange(len(marked)), some)
    assert (marked.take(kept).target.dense.of(1)[0] == marked.target.dense.of(7)[0]).all()


def test_boxes_are_edges_in_points_of_the_picture(discs: Store) -> None:
    boxes, masks = asked(discs, "detect", boxes="BOX"), asked(discs, "segment", mask="MASK", classes=["disc"])
    for row in range(len(boxes)):
        corners, label = boxes.target.dense.of(row)
        mask = masks.target.dense.whole(row)
        inside = np.zeros(mask.shape, bool)
        for top, left, bottom, right in corners.astype(int):
            inside[max(top - 1, 0) : bottom + 1, max(left - 1, 0) : right + 1] = True
        assert not mask[~inside].any() and (label == 0).all()


def test_a_picture_with_nothing_on_it_is_known_and_one_that_nobody_marked_is_not(discs: Store) -> None:
    rows = asked(discs, "detect", boxes="BOX")
    empty = int(np.flatnonzero(rows.source_id == "Child_00L")[0])
    assert len(rows.target.dense.of(empty)[0]) == 0 and "Child_00R" not in rows.source_id


def test_values_are_gathered_into_classes(discs: Store) -> None:
    rows = asked(discs, "segment", mask="MASK", classes={"nothing else": ["2"], "disc": ["1", "7"]})
    assert rows.target.names == ("nothing else", "disc")
    assert {value for row in range(5) for value in np.unique(rows.target.dense.whole(row))} == {0, 2}


def test_a_value_of_no_class_is_refused_with_the_mask_that_has_it(discs: Store) -> None:
    rows = asked(discs, "segment", mask="MASK", classes={"other": ["2"]})
    with pytest.raises(DataError, match=r"mask .*Child_\d\d[LR].* has the value 1, which no class gathers"):
        rows.target.dense.whole(3)


@pytest.mark.parametrize(
    ("task", "outcome", "told"),
    [
        ("segment", {"mask": "MASKS", "classes": ["disc"]}, "no mask 'MASKS'"),
        ("segment", {"mask": "MASK"}, "classes is missing"),
        ("segment", {"boxes": "BOX"}, "the outcome of segment is mask"),
        ("segment", {"mask": "MASK", "column": "x", "classes": ["disc"]}, "the outcome of segment is mask"),
        ("segment", {"mask": "MASK", "classes": ["a", "b"], "instances": True}, "of one kind"),
        ("segment", {"mask": "MASK", "classes": {"a": ["0"]}}, "whole numbers from 1"),
        ("detect", {"mask": "MASK", "classes": ["disc"]}, "the outcome of detect is boxes"),
        ("detect", {"boxes": "CELL"}, "no box of 'CELL' has a class"),
        ("binary", {"mask": "MASK", "classes": ["disc"]}, "is no mask and no boxes"),
    ],
)
def test_outcomes_that_are_no_marks_of_the_task_are_refused(discs: Store, task: str, outcome: dict[str, Any], told: str) -> None:
    with pytest.raises((ConfigError, DataError), match=told):
        asked(discs, task, **outcome)


def test_data_without_any_mark_says_where_to_look(discs: Store) -> None:
    bare = cast(Records, SimpleNamespace(kinds={"IMAGE": "payload"}))
    with pytest.raises(DataError) as told:
        marked.masks(bare, config.Outcome(mask="MASK", classes=["disc"]), asked(discs, "detect", boxes="BOX"), labelled=True)
    assert "no picture has a mark or label: sequela inspect" in told.value.hint
